"""What every data set of this package has: configs, columns, and how one row comes about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import datasets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import SourceError, suggest
from ..images.preprocessing import decode, pixels
from ..images.profiles import keep_size
from ..sources import Item, Source
from ..sources.cifar import CIFAR10, CIFAR100
from .recipe import Recipe


class Cell(NamedTuple):
    """The smallest config, and a folder of a build: one corruption or perturbation at one level.

    Attributes
    ----------
    config : str
        Its name, such as ``"fog_3"``.
    name : str
        The corruption or perturbation.
    level : int
        The severity or difficulty.
    """

    config: str
    name: str
    level: int


@dataclass(frozen=True)
class Benchmark(ABC):
    """A data set that is made from clean images.

    Attributes
    ----------
    dataset : str
        Its name for ``load_dataset``.
    profile : str
        Its size and severity tables.
    title, description : str
        For cards and ``info``.
    example : str
        A config to show in messages and cards.
    images_per_file : int
        How many source images' rows one Parquet file holds if nothing else is said: files of 25 to 500 MB, few enough
        for the Hub and small enough to lose little when a build is stopped.
    """

    dataset: str
    profile: str
    title: str
    description: str

    example: ClassVar[str]
    #: Whether pictures of any size can be taken as they are.
    keeps_size: ClassVar[bool]
    images_per_file: ClassVar[int]

    @property
    @abstractmethod
    def codecs(self) -> Mapping[str, str]:
        """The ways to store a picture, the usual one first: a user's word for it -> what the recipe says."""

    @property
    @abstractmethod
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Config name -> its cells, in the order of its rows; the single cells first, in the published order."""

    @property
    @abstractmethod
    def default_configs(self) -> Sequence[str]:
        """What is built when nothing else is said."""

    @abstractmethod
    def features(self, classes: Sequence[str], recipe: Recipe) -> datasets.Features:
        """Return the columns of every config."""

    @abstractmethod
    def resize(self, image: Image.Image) -> Image.Image:
        """Bring an RGB photograph to the size that `row` takes."""

    @abstractmethod
    def row(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], item: Item) -> dict[str, Any]:
        """Make one row; every road through this package comes by here, so its bytes are the same on all.

        Parameters
        ----------
        recipe : Recipe
            Decides the random stream and the codec.
        cell : Cell
            What to make.
        clean : ndarray of uint8, shape (H, W, 3)
            From `prepare`.
        item : Item
            The image's id and label.
        """

    def cells(self, names: Sequence[str]) -> tuple[Cell, ...]:
        """Return the cells of several configs, each once, in the published order.

        Raises
        ------
        ValueError
            A name is no config; the message gives the nearest ones.
        """
        for name in names:
            if name not in self.configs:
                raise ValueError(f"{self.dataset} has no config {name!r}{self.suggest(name)}")
        wanted = {cell for name in names for cell in self.configs[name]}
        return tuple(
            dict.fromkeys(cell for cells in self.configs.values() for cell in cells if cell in wanted)
        )

    def suggest(self, name: str) -> str:
        """Return the end of an error message that names the nearest configs, or all levels of what is named."""
        base, _, level = name.rpartition("_")
        if name in self.configs or not level.isdecimal():
            return suggest(name, self.configs)
        levels = [
            config for config, cells in self.configs.items() if [(config, base)] == [c[:2] for c in cells]
        ]
        return f"; did you mean {' or '.join(levels)}?" if levels else suggest(name, self.configs)

    def recipe(self, seed: int = 0, codec: str | None = None, size: str | None = None) -> Recipe:
        """Return the recipe of this data set.

        Raises
        ------
        ValueError
            The codec is none of ``codecs``, or the size is not "keep" or cannot be kept.
        """
        if size not in (None, "keep"):
            raise ValueError(f'size must be "keep" or left out, not {size!r}')
        if size and not self.keeps_size:
            raise ValueError(f"{self.dataset} has no size='keep': its frames have the size of its profile")
        if codec is not None and codec not in self.codecs:
            raise ValueError(f"{self.dataset} has no codec {codec!r}{suggest(codec, self.codecs)}")
        stored = self.codecs[codec or next(iter(self.codecs))]
        return Recipe(self.dataset, self.profile, seed, stored, size=size or Recipe.size)

    def check(self, source: Source) -> None:
        """Refuse CIFAR-100 for CIFAR-10's benchmarks, and the other way round: they would take it without a word.

        Raises
        ------
        SourceError
            It is the other one.
        """
        # Not by all names: a data set on the Hub misspells one.
        found = {CIFAR10[:5]: "cifar10", CIFAR100[:5]: "cifar100"}.get(source.classes[:5])
        own, _, kind = self.dataset.partition("_")
        if found and own.startswith("cifar") and found != own:
            raise SourceError(
                f"{source.name}: holds the images of {found}, but {self.dataset} is made of those of {own}; give "
                f"those, or make {found}_{kind}"
            )

    def prepare(self, photograph: bytes, name: str, size: str = Recipe.size) -> NDArray[np.uint8]:
        """Decode one photograph and bring it to the size that `row` takes.

        Parameters
        ----------
        photograph : bytes
            The encoded file.
        name : str
            What errors call it.
        size : {"profile", "keep"}
            Of the recipe.

        Returns
        -------
        ndarray of uint8, shape (H, W, 3)

        Raises
        ------
        SourceError
            It cannot be decoded, or not be brought to that size.
        """
        image = decode(photograph, name)
        try:
            return pixels(keep_size(image) if size == "keep" else self.resize(image))
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from None
