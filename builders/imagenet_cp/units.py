"""The units of a build: a slice of the images for a set of cells, made in one go by one process."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .benchmarks import BENCHMARKS, Cell
from .errors import SourceError
from .parquet import ParquetFile, Written, write_json
from .recipe import Recipe
from .sources import Item, Reader, Source
from .sources.base import digest

#: Inside a build's folder: the records of its finished units and its locks.
PRIVATE = ".imagenet_cp"


@dataclass(frozen=True)
class Unit:
    """A slice of the images, and the cells to make of it; everything a worker on any machine needs.

    Attributes
    ----------
    out : Path
        The build's folder.
    index, count : int
        Which slice, and of how many.
    cells : tuple of Cell
        What to make of every image; each image is decoded once.
    items : tuple of Item
        The images.
    classes : tuple of str
        Names of the labels.
    reader : Reader
        Fetches the images' bytes.
    recipe : Recipe
        Decides the bytes.
    on_error : {"raise", "skip"}
        What to do about an image that cannot be read.
    """

    out: Path
    index: int
    count: int
    cells: tuple[Cell, ...]
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    reader: Reader
    recipe: Recipe
    on_error: str = "raise"

    @property
    def files(self) -> dict[Cell, Path]:
        """Where each cell's rows go."""
        return {cell: self.out / file_of(cell, self.index, self.count) for cell in self.cells}

    @property
    def record(self) -> Path:
        """The small file that says this unit is finished, and what it made."""
        return self.out / PRIVATE / "units" / f"{self.index:05d}-{digest(self.cells)[:12]}.json"


def file_of(cell: Cell, index: int, count: int) -> str:
    """Return the path of one file of a build, relative to its folder."""
    return f"data/{cell}/validation-{index:05d}-of-{count:05d}.parquet"


@dataclass(frozen=True)
class Finished:
    """What a unit made: paths and digests, never the pictures."""

    files: dict[str, Written]
    skipped: dict[str, str]

    @classmethod
    def read(cls, record: Path) -> Finished:
        """Read back the record of a unit."""
        stored = json.loads(record.read_text(encoding="utf-8"))
        return cls({path: Written(*written) for path, written in stored["files"].items()}, stored["skipped"])


def run(unit: Unit, tick: Callable[[], Any] = lambda: None) -> Finished:
    """Make a unit: every file whole or not at all, its record last.

    Parameters
    ----------
    unit : Unit
        What to make.
    tick : callable
        Called after every image.

    Raises
    ------
    SourceError
        An image cannot be read and ``unit.on_error`` is ``"raise"``.
    """
    benchmark = BENCHMARKS[unit.recipe.dataset]
    source = Source("", unit.classes, unit.items, unit.reader, "")
    features = benchmark.features(unit.classes)
    skipped = {}
    with ExitStack() as stack:
        files = {
            cell: stack.enter_context(ParquetFile(path, features, unit.recipe.signature))
            for cell, path in unit.files.items()
        }
        for item in unit.items:
            try:
                clean = benchmark.prepare(source, item)
            except SourceError as error:
                if unit.on_error == "raise":
                    raise
                skipped[item.image_id] = str(error)
            else:
                for cell, file in files.items():
                    file.write(benchmark.row(unit.recipe, cell, clean, item))
            tick()
    made = {path.relative_to(unit.out).as_posix(): files[cell].written for cell, path in unit.files.items()}
    unit.record.parent.mkdir(parents=True, exist_ok=True)
    write_json(unit.record, {"files": made, "skipped": skipped})
    return Finished({path: written for path, written in made.items() if written}, skipped)
