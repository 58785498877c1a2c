"""Base class of the benchmarks: configs, features and row generation."""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import datasets
import numpy as np
from numpy.typing import NDArray

from ..arguments import name_list
from ..errors import SKIP_HINT, SourceError, UsageError, suggest
from ..images.profiles import PROFILES, keep_size, native_square
from ..images.round_trip import round_trip
from ..images.source_images import decode
from ..sources import Item, Reader, Source
from ..sources.cifar import CIFAR10, CIFAR100
from .names import DATASETS
from .recipe import NATIVE, Recipe


class Cell(NamedTuple):
    """The smallest config, and a folder of a build: one corruption or perturbation at one level.

    Attributes
    ----------
    config : str
        Name of the config, such as ``"fog_3"``.
    name : str
        Name of the corruption or perturbation.
    level : int
        Severity or difficulty; 0 for clean images.
    """

    config: str
    name: str
    level: int


class Images(NamedTuple):
    """Generated images, uint8 (frames, H, W, 3), and the codec in which they are stored."""

    frames: NDArray[np.uint8]
    codec: str


@dataclass(frozen=True)
class ConfigSet(ABC):
    """Configs of a data set, each of one cell or several.

    Attributes
    ----------
    dataset : str
        Name of the data set; that of a `Benchmark` is the one for ``load_dataset``.
    profile : str
        Size and parameters, a key of ``PROFILES``; empty for images of any size.
    kind : {"corruptions", "perturbations"}
        Kind of its cells.
    """

    dataset: str
    profile: str

    kind: ClassVar[str]

    @property
    @abstractmethod
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Config name -> its cells in the order of its rows; single cells first, in the published order."""

    @functools.cached_property
    def cell_of(self) -> Mapping[str, Cell]:
        """Name of a config of one cell, which is also the folder of its files -> the cell."""
        return {cell.config: cell for cells in self.configs.values() for cell in cells}

    def cells(self, names: str | Sequence[str]) -> tuple[Cell, ...]:
        """List the cells of one config or of several, each once, in the published order.

        Raises
        ------
        ValueError
            A config is unknown; the message suggests similar ones.
        """
        names = name_list("config", names)
        for name in names:
            if name not in self.configs:
                raise UsageError(f"{self.dataset} has no config {name!r}{self.suggest(name)}")
        wanted = {cell for name in names for cell in self.configs[name]}
        return tuple(cell for cell in self.cell_of.values() if cell in wanted)

    def suggest(self, name: str) -> str:
        """End of an error message that suggests similar configs, or all levels of the same name."""
        base = name.rpartition("_")[0]
        if name in self.configs:
            return suggest(name, self.configs)
        levels = [
            config for config, cells in self.configs.items() if [(config, base)] == [c[:2] for c in cells]
        ]
        return f"; did you mean {' or '.join(levels)}?" if levels else suggest(name, self.configs)


@dataclass(frozen=True)
class Benchmark(ConfigSet):
    """Data set generated from clean images.

    Attributes
    ----------
    title, description : str
        For cards and ``info``.
    level_name : {"severity", "difficulty"}
        Column of the cell's level.
    example : str
        Config to show in messages and cards.
    keeps_size : bool
        True if images of any size can be used at their own size.
    images_per_file : int
        Default number of source images per Parquet file, for files of 25 to 500 MB: few enough for the Hub, and small
        enough that little work is lost when a build is stopped.
    card : str
        Template of its card in the top-level folder ``cards``, and key of its citation.
    """

    title: str
    description: str

    level_name: ClassVar[str]
    example: ClassVar[str]
    keeps_size: ClassVar[bool]
    images_per_file: ClassVar[int]
    card: ClassVar[str]

    @property
    @abstractmethod
    def codecs(self) -> Mapping[str, str]:
        """Formats to store images in, the default first: name of the option -> codec of the recipe."""

    @property
    @abstractmethod
    def default_configs(self) -> Sequence[str]:
        """Configs built by default."""

    def features(
        self, classes: Sequence[str], recipe: Recipe, extra: Mapping[str, Any] | None = None
    ) -> datasets.Features:
        """Columns of every config: the image or the frames, label, corruption or perturbation, level and image_id.

        Parameters
        ----------
        classes : sequence of str
            Names of the labels.
        recipe : Recipe
            Codec and size of the images.
        extra : dict, optional
            Features of the further columns of the source.
        """
        return datasets.Features(
            {
                **self.content_features(recipe),
                "label": datasets.ClassLabel(names=list(classes)),
                self.kind.removesuffix("s"): datasets.Value("string"),
                self.level_name: datasets.Value("int8"),
                "image_id": datasets.Value("string"),
                **(extra or {}),
            }
        )

    @abstractmethod
    def content_features(self, recipe: Recipe) -> dict[str, Any]:
        """Columns of the images."""

    @abstractmethod
    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize an RGB image to the size that `row` takes."""

    @abstractmethod
    def generate(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], image_id: str) -> Images:
        """Generate the images of one row, uint8 (frames, H, W, 3), and their codec."""

    @abstractmethod
    def content(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], image_id: str) -> dict[str, Any]:
        """Generate and encode the columns of the images."""

    def stored_pixels(
        self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], item: Item
    ) -> list[NDArray[np.uint8]]:
        """Images of a row as decoding its files gives them, without the files; parameters as for `row`."""
        images, codec = self.generate(recipe, cell, clean, item.image_id)
        return [round_trip(image, codec) for image in images]

    def row(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], item: Item) -> dict[str, Any]:
        """Generate one row: the single entry point, so that the bytes are the same on every path.

        Parameters
        ----------
        recipe : Recipe
            Source of the random stream and the codec.
        cell : Cell
            Corruption or perturbation, and its level.
        clean : ndarray of uint8, shape (H, W, 3)
            Source image from `prepare`.
        item : Item
            Id and label of the image.
        """
        return {
            **self.content(recipe, cell, clean, item.image_id),
            "label": item.label,
            self.kind.removesuffix("s"): cell.name,
            self.level_name: cell.level,
            "image_id": item.image_id,
            **(item.extra or {}),
        }

    def recipe(
        self, seed: int = 0, codec: str | None = None, size: str | None = None, source: Source | None = None
    ) -> Recipe:
        """Recipe of this data set, with what its source is restricted to.

        Raises
        ------
        ValueError
            The data set does not have this codec or size.
        """
        native = re.fullmatch(rf"{NATIVE}[1-9]\d{{1,3}}", str(size))
        if size not in (None, "keep") and not native:
            raise UsageError(f'size must be "keep" or left out, not {size!r}')
        if native and self.dataset != "imagenet_c":
            raise UsageError(f"{self.dataset} is not made at the size of a model's input; only imagenet_c is")
        if size and not self.keeps_size:
            raise UsageError(f"{self.dataset} has no size='keep': its images have the size of its profile")
        if codec is not None and codec not in self.codecs:
            raise UsageError(f"{self.dataset} has no codec {codec!r}{suggest(codec, self.codecs)}")
        codec = self.codecs[codec or next(iter(self.codecs))]
        recipe = Recipe(self.dataset, self.profile, seed, codec, size=size or Recipe.size)
        if source is None:
            return recipe
        return replace(recipe, ids=source.ids, classes=source.class_list, order=source.order)

    def check(self, source: Source) -> None:
        """Reject CIFAR-100 as the source of CIFAR-10's benchmarks, and CIFAR-10 as that of CIFAR-100's.

        Raises
        ------
        SourceError
            The source holds the images of the wrong data set.
        """
        # Compares the first class names only: a data set on the Hub misspells a later one.
        found = {CIFAR10[:5]: "cifar10", CIFAR100[:5]: "cifar100"}.get(source.classes[:5])
        own, _, kind = self.dataset.partition("_")
        if found and own.startswith("cifar") and found != own:
            same = f", or make {found}_{kind}" if f"{found}_{kind}" in DATASETS else ""
            raise SourceError(
                f"{source.name}: holds the images of {found}, but {self.dataset} is made of those of {own}; name a "
                f"source of {own}{same}"
            )

    def _sized(self, image: NDArray[np.uint8], size: str) -> NDArray[np.uint8]:
        if size == "keep":
            return keep_size(image)
        if size.startswith(NATIVE):
            return native_square(image, int(size.removeprefix(NATIVE)))
        return self.resize(image)

    def prepare(self, data: bytes, name: str, size: str = Recipe.size) -> NDArray[np.uint8]:
        """Decode a source image and resize it to the size that `row` takes.

        Parameters
        ----------
        data : bytes
            The encoded file.
        name : str
            Name of the image in errors.
        size : str
            Size of the recipe.

        Returns
        -------
        ndarray of uint8, shape (H, W, 3)

        Raises
        ------
        SourceError
            The image cannot be decoded, or is too small, too large or of the wrong shape.
        """
        image = decode(data, name)
        try:
            return self._sized(image, size)
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from None

    def load(
        self, reader: Reader, item: Item, size: str = Recipe.size, on_error: str = ""
    ) -> tuple[bytes, NDArray[np.uint8]]:
        """Read a source image and prepare it.

        Parameters
        ----------
        reader : Reader
            Reader of the source.
        item : Item
            The image.
        size : str
            Size of the recipe.
        on_error : str
            With ``"raise"`` errors name the option that skips such images.

        Returns
        -------
        data : bytes
            The encoded file.
        clean : ndarray of uint8, shape (H, W, 3)
            Its pixels, as `row` takes them.

        Raises
        ------
        SourceError
            As for `prepare`, or the image cannot be read.
        """
        try:
            data = reader.read(item)
            return data, self.prepare(data, item.location, size)
        except SourceError as error:
            if on_error == "raise":
                raise SourceError(f"{error}; {SKIP_HINT}") from error
            raise

    def placeholder(self) -> NDArray[np.uint8]:
        """Clean image that needs no source, to compile kernels with: uint8, shape (H, W, 3)."""
        side = PROFILES[self.profile].size
        return self.resize(np.indices((side, side, 3)).sum(axis=0).astype(np.uint8))
