"""Rows generated on the fly from clean images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ...benchmarks.benchmark import Cell
from ...benchmarks.catalog import BENCHMARKS, get_benchmark
from ...benchmarks.recipe import Recipe
from ...sources import Item, Reader, open_source
from ...sources.subsets import Ids
from .rows import Rows, Sample, Task, scored_cells


@dataclass(frozen=True)
class SourceSlice:
    """Rows that are generated from a slice of the clean images, each of which is decoded and resized once.

    Attributes
    ----------
    recipe : Recipe
        Recipe of the data set.
    reader : Reader
        Reader of the images' bytes.
    cells : tuple of Cell
        Corruptions or perturbations.
    items : tuple of Item
        The images.
    """

    recipe: Recipe
    reader: Reader
    cells: tuple[Cell, ...]
    items: tuple[Item, ...]

    def tasks(self) -> Iterator[Task]:
        """Iterate over the images in their order."""
        return (partial(self._generate, item) for item in self.items)

    def _generate(self, item: Item) -> list[Sample]:
        benchmark = BENCHMARKS[self.recipe.dataset]
        _, clean = benchmark.load(self.reader, item, self.recipe.size)
        images = ((cell, benchmark.stored_pixels(self.recipe, cell, clean, item)) for cell in self.cells)
        return [Sample(cell.config, item.image_id, item.label, frames) for cell, frames in images]

    def encoded(self) -> Iterator[bytes]:
        """Iterate over the files of the first cell, which is of ImageNet-C."""
        benchmark = BENCHMARKS[self.recipe.dataset]
        for item in self.items:
            _, clean = benchmark.load(self.reader, item, self.recipe.size)
            yield benchmark.row(self.recipe, self.cells[0], clean, item)["image"]["bytes"]

    def location(self, share: float) -> str:
        """Location of the image that is next after a share of the rows, for errors."""
        return self.items[int(share * len(self.items))].location


def from_source(
    dataset: str,
    source: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
    size: str | None = None,
) -> Rows:
    """Generate the rows of a benchmark on the fly: the images are those of a build, and nothing is written.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    source : str or path, optional
        The clean images, as for `imagenet_cp.sources.open_source`, as are ids and classes.
    seed : int
        Seed of the random draws.
    size : str, optional
        Size of the recipe, such as ``"native-384"``.

    Raises
    ------
    SourceError
        The source cannot be used, or its images have no labels.
    ValueError
        Unknown dataset, or one without images of this size.
    """
    benchmark = get_benchmark(dataset)
    images = open_source(source, ids=ids, classes=classes)
    benchmark.check(images)
    images.check_labels()
    recipe = benchmark.recipe(seed, size=size, source=images)

    def slice_of(cells: tuple[Cell, ...], start: int, stop: int) -> SourceSlice:
        return SourceSlice(recipe, images.reader, cells, images.items[start:stop])

    cells = scored_cells(benchmark, benchmark.cell_of)
    num_rows = {cell.config: len(images.items) for cell in cells}
    stamps = {cell.config: images.stamp for cell in cells}
    return Rows(benchmark, recipe.signature, images.classes, cells, num_rows, stamps, slice_of)
