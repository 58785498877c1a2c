"""Rows of a benchmark for an evaluation, and slices of them, which any process can read or generate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.benchmark import Cell, ConfigSet
from ...benchmarks.catalog import parse_signature, part_of
from ...errors import SourceError, UsageError
from ...images.profiles import PROFILES
from ...perturbations import PERTURBATIONS


class Sample(NamedTuple):
    """One row with decoded images.

    Attributes
    ----------
    config : str
        Its config.
    image_id : str
        Id of the source image.
    label : int
        Its class.
    images : list of ndarray of uint8, shape (H, W, 3)
        The image of ImageNet-C; the frames of ImageNet-P.
    """

    config: str
    image_id: str
    label: int
    images: list[NDArray[np.uint8]]


#: Reads or generates the samples of one source image, in the thread that calls it.
Task = Callable[[], list[Sample]]


class Slice(Protocol):
    """Rows of consecutive source images for some cells; can be pickled."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, in the order of their samples."""

    def tasks(self) -> Iterator[Task]:
        """Iterate over the images in their order."""

    def encoded(self) -> Iterator[bytes]:
        """Iterate over the files of the first cell, which is of ImageNet-C."""

    def location(self, share: float) -> str:
        """Location of the image that is next after a share of the rows, from 0 to less than 1, for errors."""


@dataclass(frozen=True)
class Rows:
    """Rows of a benchmark, or of a data set in a layout of its own.

    Attributes
    ----------
    benchmark : ConfigSet
        The benchmark.
    signature : str
        Signature of the recipe, or of the layout and the images.
    classes : tuple of str
        Names of the labels.
    cells : tuple of Cell
        Configs to evaluate on: of ImageNet-C all, with ``clean``; of ImageNet-P those of difficulty 1.
    num_rows, stamps : dict
        Config -> number of rows, and a string that changes with the rows.
    problems : dict
        Config -> reason why it cannot be evaluated.
    slice : callable
        From cells and the numbers of the first image and of the one after the last to a `Slice`.
    labels : callable
        From a cell to the label of every image by its id, without the images.
    """

    benchmark: ConfigSet
    signature: str
    classes: tuple[str, ...]
    cells: tuple[Cell, ...]
    num_rows: Mapping[str, int]
    stamps: Mapping[str, str]
    slice: Callable[[tuple[Cell, ...], int, int], Slice]
    problems: Mapping[str, str] = field(default_factory=dict)
    labels: Callable[[Cell], dict[str, int]] = lambda cell: {}

    @property
    def part(self) -> str | None:
        """Number of images and of those of the whole benchmark, such as ``"100/50000"``, if it is a part of it."""
        return part_of(self.benchmark.profile, (self.num_rows[cell.config] for cell in self.cells))

    @property
    def side(self) -> int | None:
        """Side of the square images, or of those of the profile; None for data in a layout of their own."""
        if not self.benchmark.profile:
            return None
        side = parse_signature(self.signature.partition("|limit:")[0])[1].side
        return side or PROFILES[self.benchmark.profile].size

    @property
    def sequences(self) -> bool:
        """True for rows that are sequences of frames, as in ImageNet-P."""
        return self.benchmark.kind == "perturbations"

    def count_images(self, cells: Iterable[Cell], start: int, stop: int) -> int:
        """Count the images, or frames, of a slice."""
        profile = self.benchmark.profile
        return sum(
            max(0, min(stop, self.num_rows[cell.config]) - start)
            * (PERTURBATIONS[cell.name].frames(profile) if self.sequences else 1)
            for cell in cells
        )

    def select(self, configs: Sequence[str]) -> Rows:
        """Restrict the rows to some configs.

        Raises
        ------
        UsageError
            Unknown config, or one of a difficulty that models are not evaluated at.
        SourceError
            A config is missing.
        """
        cells = self.benchmark.cells(configs)
        for cell in cells:
            if self.sequences and cell.level > 1:
                raise UsageError(
                    f"{cell.config}: mFR and mT5D are defined at difficulty 1; score other difficulties with "
                    "evaluate.load"
                )
            if cell not in self.cells:
                raise SourceError(
                    f"{self.benchmark.dataset}: the config {cell.config!r} is missing; build it first"
                )
        if self.benchmark.profile or cells == self.cells:
            return replace(self, cells=cells)
        # Without a list of corruptions of its own, a part of such data is another set.
        return replace(self, cells=cells, signature=f"{self.signature}|configs:{','.join(sorted(configs))}")

    def check(self) -> None:
        """Raise SourceError if a config is incomplete, or has more than its record names."""
        for cell in self.cells:
            if cell.config in self.problems:
                raise SourceError(
                    f"{self.benchmark.dataset}: {self.problems[cell.config]}. Run the same build command again, which "
                    "completes it, or evaluate on other configs with --configs"
                )

    def limit(self, images: int) -> Rows:
        """Restrict every config to its first images, and the signature to ``limit:images``."""
        if max(self.num_rows.values()) <= images:
            return self
        num_rows = {config: min(count, images) for config, count in self.num_rows.items()}
        return replace(self, signature=f"{self.signature}|limit:{images}", num_rows=num_rows)


def scored_cells(benchmark: ConfigSet, configs: Iterable[str]) -> tuple[Cell, ...]:
    """Cells that models are evaluated on, in the published order: no sequences of difficulty 2 and 3."""
    highest = 5 if benchmark.kind == "corruptions" else 1
    available = set(configs)
    return tuple(
        cell for cell in benchmark.cell_of.values() if cell.config in available and cell.level <= highest
    )
