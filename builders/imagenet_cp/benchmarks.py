"""The data sets this package can make: their configs, their columns and how one row comes about."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import datasets
import numpy as np
from numpy.typing import NDArray

from . import codecs, corruptions
from .errors import SourceError, nearest
from .preprocessing import decode, pixels
from .profiles import PROFILES
from .recipe import Recipe
from .sources import Item

CLEAN = "clean"


class Cell(NamedTuple):
    """One corruption at one severity: the smallest config, and a folder of a build."""

    corruption: str
    severity: int

    def __str__(self) -> str:
        return f"{self.corruption}_{self.severity}" if self.severity else self.corruption


@dataclass(frozen=True)
class Benchmark:
    """A data set in the manner of ImageNet-C (paper, section 4).

    Attributes
    ----------
    dataset : str
        Its name for ``load_dataset``.
    profile : str
        Its size and severity tables.
    title, description : str
        For cards and ``info``.
    """

    dataset: str
    profile: str
    title: str
    description: str

    @functools.cached_property
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Config name -> its cells, in the order of its rows."""
        every = {
            name: tuple(Cell(name, severity) for severity in corruptions.SEVERITIES)
            for name in corruptions.CORRUPTIONS
        }
        single = {str(cell): (cell,) for cells in every.values() for cell in cells}
        groups = {
            "test": tuple(cell for name in corruptions.TEST for cell in every[name]),
            "extra": tuple(cell for name in corruptions.EXTRA for cell in every[name]),
            CLEAN: (Cell(CLEAN, 0),),
        }
        return {**single, **every, **groups}

    def cells(self, names: Sequence[str]) -> tuple[Cell, ...]:
        """Return the cells of several configs, each once, in the published order.

        Raises
        ------
        ValueError
            A name is no config; the message gives the nearest ones.
        """
        for name in names:
            if name not in self.configs:
                raise ValueError(f"{self.dataset} has no config {name!r}{nearest(name, self.configs)}")
        wanted = {cell for name in names for cell in self.configs[name]}
        return tuple(
            cell for cells in self.configs.values() for cell in cells if cell in wanted and len(cells) == 1
        )

    def features(self, classes: Sequence[str]) -> datasets.Features:
        """Return the columns of every config."""
        return datasets.Features(
            {
                "image": datasets.Image(),
                "label": datasets.ClassLabel(names=list(classes)),
                "corruption": datasets.Value("string"),
                "severity": datasets.Value("int8"),
                "image_id": datasets.Value("string"),
            }
        )

    def recipe(self, seed: int) -> Recipe:
        """Return the recipe of this data set for a seed."""
        return Recipe(self.dataset, self.profile, seed)

    def prepare(self, photograph: bytes, name: str) -> NDArray[np.uint8]:
        """Decode one photograph and bring it to the profile's size.

        Parameters
        ----------
        photograph : bytes
            The encoded file.
        name : str
            What errors call it.

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
            return pixels(PROFILES[self.profile].prepare(image))
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from None

    def row(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], item: Item) -> dict[str, Any]:
        """Make one row; every road through this package comes by here, so its bytes are the same on all.

        Parameters
        ----------
        recipe : Recipe
            Decides the random stream.
        cell : Cell
            The corruption and severity; ``clean`` at severity 0 is stored losslessly.
        clean : ndarray of uint8, shape (H, W, 3)
            From `prepare`.
        item : Item
            The image's id and label.
        """
        if cell.corruption == CLEAN:
            image = {"bytes": codecs.encode_png(clean), "path": f"{item.image_id}.png"}
        else:
            bits = recipe.bits(*cell, item.image_id)
            corrupted = corruptions.apply(cell.corruption, clean, cell.severity, bits, self.profile)
            image = {"bytes": codecs.encode_jpeg(corrupted), "path": f"{item.image_id}.JPEG"}
        return {
            "image": image,
            "label": item.label,
            "corruption": cell.corruption,
            "severity": cell.severity,
            "image_id": item.image_id,
        }


BENCHMARKS = {
    benchmark.dataset: benchmark
    for benchmark in (
        Benchmark(
            "imagenet_c",
            "imagenet",
            "ImageNet-C",
            "ImageNet's validation images under 19 common corruptions at five severities each. The 15 corruptions of "
            "the config `test` are the benchmark that mCE is computed on; the four of `extra` are for validation.",
        ),
    )
}
