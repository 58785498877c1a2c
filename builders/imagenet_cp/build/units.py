"""The units of a build: a slice of the images for a set of cells, made in one go by one process."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..benchmarks.base import Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.layout import DATA_FILE, data_file
from ..benchmarks.recipe import Recipe
from ..errors import SKIP_HINT, SourceError
from ..files import write_json
from ..images.preprocessing import pixels
from ..images.profiles import PROFILES
from ..jobs.folder import STATE_DIR
from ..sources import Item, Reader
from ..sources.base import digest
from .parquet import FileInfo, Layout, ParquetFile


@dataclass(frozen=True)
class Unit:
    """A slice of the images, and the cells to make of it; all that a worker on any machine needs.

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

    def file_of(self, cell: Cell) -> str:
        """Return the file a cell's rows go to, relative to the build's folder."""
        return data_file(cell.config, self.index, self.count)

    @property
    def record(self) -> Path:
        """The small file that says this unit is finished, and what it made."""
        return self.out / STATE_DIR / "units" / f"{self.index:05d}-{digest([self.cells])[:12]}.json"


@dataclass(frozen=True)
class UnitResult:
    """What a unit made: paths and digests, never the pictures.

    Attributes
    ----------
    files : dict
        Path relative to the build's folder -> what is in it.
    images : dict
        Image id -> its stamp and a digest of its bytes at the time.
    skipped : dict
        Image id -> why it could not be read.
    """

    files: dict[str, FileInfo]
    images: dict[str, tuple[str, str]]
    skipped: dict[str, str]

    @classmethod
    def read(cls, record: Path) -> UnitResult:
        """Read back the record of a unit; one that names other files than a build's is a ValueError."""
        stored = json.loads(record.read_text(encoding="utf-8"))
        if not all(map(DATA_FILE.fullmatch, stored["files"])):
            raise ValueError(record)
        files = {path: FileInfo(**written) for path, written in stored["files"].items()}
        return cls(
            files,
            {name: (stamp, bytes_) for name, (stamp, bytes_) in stored["images"].items()},
            stored["skipped"],
        )


def digest_of_bytes(data: bytes) -> str:
    """Return a digest by which a clean image is known again."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def run(unit: Unit, tick: Callable[[], Any] = lambda: None) -> UnitResult:
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
    made_meanwhile = _made_meanwhile(unit)
    if made_meanwhile is not None:
        return made_meanwhile
    benchmark = BENCHMARKS[unit.recipe.dataset]
    layout = Layout(benchmark.features(unit.classes, unit.recipe), unit.recipe.signature)
    images, skipped = {}, {}
    with ExitStack() as stack:
        stack.enter_context(_no_garbage())
        files = {
            cell: stack.enter_context(ParquetFile(unit.out / unit.file_of(cell), layout))
            for cell in unit.cells
        }
        for item in unit.items:
            try:
                data = unit.reader.read(item)
                clean = benchmark.prepare(data, item.location, unit.recipe.size)
            except SourceError as error:
                if unit.on_error == "raise":
                    raise SourceError(f"{error}; {SKIP_HINT}") from error
                skipped[item.image_id] = str(error)
            else:
                images[item.image_id] = (item.stamp, digest_of_bytes(data))
                for cell, file in files.items():
                    file.write(benchmark.row(unit.recipe, cell, clean, item))
            tick()
    finished = UnitResult({unit.file_of(cell): file.result for cell, file in files.items()}, images, skipped)
    unit.record.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        unit.record, {**asdict(finished), "files": {path: w._asdict() for path, w in finished.files.items()}}
    )
    return finished


def _made_meanwhile(unit: Unit) -> UnitResult | None:
    """Return what the unit made already: Dask runs again what was finished by a worker that has died since."""
    try:
        finished = UnitResult.read(unit.record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    stamps = {item.image_id: item.stamp for item in unit.items}
    same = all(stamps.get(name) == stamp for name, (stamp, _) in finished.images.items())
    whole = all((unit.out / unit.file_of(cell)).is_file() for cell in unit.cells)
    return finished if same and whole and (unit.on_error == "skip" or not finished.skipped) else None


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Leave the garbage collector out: rows make no cycles, and it would look through all libraries again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def warm_up(recipe: Recipe, cell: Cell) -> None:
    """Make one row of an imagined photograph, so that the kernels are compiled and in numba's cache."""
    benchmark = BENCHMARKS[recipe.dataset]
    side = PROFILES[recipe.profile].size
    photograph = Image.fromarray((np.indices((side, side, 3)).sum(axis=0) % 256).astype(np.uint8))
    # As PNG: encoding needs no warming up, and a video takes seconds.
    benchmark.row(replace(recipe, codec="png"), cell, pixels(benchmark.resize(photograph)), Item("", 0, ""))
