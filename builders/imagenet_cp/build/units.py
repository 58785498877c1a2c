"""Units of a build: a slice of the images for a set of cells, built by one process."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..benchmarks.benchmark import Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.file_names import DATA_FILE, data_file
from ..benchmarks.recipe import Recipe
from ..errors import SourceError
from ..files import read_json, write_json
from ..jobs.job_folder import FILES, IDENTITY, STATE_DIR, differences
from ..jobs.locks import Claim
from ..sources import Item, Reader
from ..sources.source import digest
from .checksums import Checksums
from .parquet import FileInfo, Layout, ParquetFile

_RECORD = {"identity": IDENTITY, "files": FILES, "images": {str: [str, str]}, "skipped": {str: str}}


@dataclass(frozen=True)
class Unit:
    """A slice of the images and the cells to build from it; all that a worker on any machine needs.

    Attributes
    ----------
    out : Path
        Folder of the build.
    index, count : int
        Index of the slice and number of slices.
    cells : tuple of Cell
        Cells to build from every image, which is decoded once.
    items : tuple of Item
        The images.
    classes : tuple of str
        Names of the labels.
    reader : Reader
        Reader of the images' bytes.
    recipe : Recipe
        Recipe of the data set.
    identity : dict
        Identity of the build, which the unit's record holds too.
    on_error : {"raise", "skip"}
        Stop at an image that cannot be read, or record it and continue.
    columns : dict
        Features of the further columns of the images.
    known : dict
        Image id -> reason why the finished files of the slice lack it, or None if they have it.
    claim : Claim, optional
        Claim of the build to its folder; a unit cannot run without.
    """

    out: Path
    index: int
    count: int
    cells: tuple[Cell, ...]
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    reader: Reader
    recipe: Recipe
    identity: dict[str, Any]
    on_error: str = "raise"
    columns: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, str | None] = field(default_factory=dict)
    claim: Claim | None = None

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.items)

    def location(self, done: int) -> str:
        """Location of the image that is next after ``done`` images."""
        return self.items[done].location

    def file_of(self, cell: Cell) -> str:
        """Path of the file of a cell, relative to the folder of the build."""
        return data_file(cell.config, self.index, self.count)

    @property
    def record(self) -> Path:
        """Path of the unit's record, which is written when all its files are finished."""
        return self.out / STATE_DIR / "units" / f"{self.index:05d}-{digest([self.cells])[:12]}.json"


@dataclass(frozen=True)
class UnitResult:
    """Files of a finished unit and the images they were made from.

    Attributes
    ----------
    files : dict
        Path relative to the folder of the build -> its record.
    images : dict
        Image id -> its stamp and a digest of its bytes.
    skipped : dict
        Image id -> reason why it could not be read.
    """

    files: dict[str, FileInfo]
    images: dict[str, tuple[str, str]]
    skipped: dict[str, str]

    @classmethod
    def read(cls, record: Path, identity: Mapping[str, Any]) -> UnitResult:
        """Read the record of a unit.

        Raises
        ------
        OSError
            It cannot be read.
        ValueError
            It is damaged, of another build, or names files outside the data; the message says which.
        """
        stored = read_json(record, _RECORD)
        different = differences(stored["identity"], identity)
        if different:
            raise ValueError(f"of another build: {different}")
        if not all(map(DATA_FILE.fullmatch, stored["files"])):
            raise ValueError("names files that do not belong to a build")
        files = {path: FileInfo(**info) for path, info in stored["files"].items()}
        images = {image_id: (stamp, digest) for image_id, (stamp, digest) in stored["images"].items()}
        return cls(files, images, stored["skipped"])


def image_digest(data: bytes) -> str:
    """Compute the digest of a clean image's bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def run(unit: Unit, tick: Callable[[], Any] = lambda: None) -> UnitResult:
    """Build the files of a unit, each written whole or not at all, and then its record.

    Parameters
    ----------
    unit : Unit
        The unit.
    tick : callable
        Called after every image.

    Raises
    ------
    SourceError
        An image cannot be read, and ``unit.on_error`` is ``"raise"`` or finished files have the image.
    BuildError
        The folder was deleted, or is of another build by now.
    """
    claim = unit.claim
    if claim is None:
        raise ValueError("a unit runs within the build that it belongs to")
    with claim.check():
        pass
    earlier = _earlier_result(unit)
    if earlier is not None:
        return earlier
    benchmark = BENCHMARKS[unit.recipe.dataset]
    layout = Layout(benchmark.features(unit.classes, unit.recipe, unit.columns), unit.recipe.signature)
    images, skipped = {}, {}
    with ExitStack() as stack:
        stack.enter_context(_no_garbage_collection())
        files = {
            cell: stack.enter_context(ParquetFile(unit.out / unit.file_of(cell), layout, claim))
            for cell in unit.cells
        }
        for item in unit.items:
            if reason := unit.known.get(item.image_id):
                skipped[item.image_id] = reason
                tick()
                continue
            try:
                data, clean = benchmark.load(unit.reader, item, unit.recipe.size, unit.on_error)
            except SourceError as error:
                if unit.on_error == "raise":
                    raise
                if item.image_id in unit.known:
                    raise SourceError(
                        f"{error}; finished files have the image, so it cannot be skipped: repair it, or choose "
                        "another folder with --out"
                    ) from error
                skipped[item.image_id] = str(error)
            else:
                images[item.image_id] = (item.stamp, image_digest(data))
                for cell, file in files.items():
                    file.write(benchmark.row(unit.recipe, cell, clean, item))
            tick()
    result = UnitResult({unit.file_of(cell): file.info for cell, file in files.items()}, images, skipped)
    records = {path: info._asdict() for path, info in result.files.items()}
    record = {"identity": unit.identity, "files": records, "images": images, "skipped": skipped}
    with claim.check():
        Checksums(unit.out, result.files).remember()
        write_json(unit.record, record)
    return result


def _earlier_result(unit: Unit) -> UnitResult | None:
    """Result of an earlier run of the unit: Dask repeats units whose worker died after finishing them."""
    try:
        result = UnitResult.read(unit.record, unit.identity)
    except (OSError, ValueError):
        return None
    stamps = {item.image_id: item.stamp for item in unit.items}
    same = all(stamps.get(name) == stamp for name, (stamp, _) in result.images.items())
    whole = all((unit.out / unit.file_of(cell)).is_file() for cell in unit.cells)
    return result if same and whole and (unit.on_error == "skip" or not result.skipped) else None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector: rows have no cycles, and it would scan the objects of all libraries."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def warm_up(recipe: Recipe, cell: Cell) -> None:
    """Compile the kernels of a cell into numba's cache by generating a row from a synthetic image."""
    benchmark = BENCHMARKS[recipe.dataset]
    # A video takes seconds to encode, and compiles nothing.
    make = benchmark.generate if recipe.codec == "h264" else benchmark.content
    make(recipe, cell, benchmark.placeholder(), "")
