"""Rows of a build, or of a data set on the Hub that was published from one."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...benchmarks.benchmark import Benchmark, Cell
from ...benchmarks.catalog import parse_signature
from ...benchmarks.file_names import DATA_FILE, SPLIT
from ...benchmarks.recipe import Recipe
from ...build.build_json import open_build
from ...build.checksums import Checksums
from ...build.parquet import ROWS_PER_GROUP, read_rows, signature_in
from ...errors import SourceError, UsageError
from ...images import codecs
from ...images.video import decode_video
from ...jobs.job_folder import RECORD_FILE
from ...sources.dataset_files import is_hub_name
from ...sources.source import digest
from .completeness import check_card, check_record
from .rows import Rows, Sample, Task, scored_cells

#: Files that are read at the same time: on the Hub each is a request.
_CONCURRENT_READS = 16
#: Sequences of every cell that are read at once, whose images are as many bytes as those of a row group.
_SEQUENCES = 10


def decode_row(config: str, row: Mapping[str, Any]) -> Sample:
    """Decode a row of the data set.

    Raises
    ------
    SourceError
        A value is null or empty, the label is -1, or an image cannot be decoded; the message names config, row and
        column.
    """
    place = f"{config}, row {row['image_id']}"
    if row["label"] == -1:
        raise SourceError(
            f"{place}: has no label (-1), so no model can be scored on it; build from images with labels"
        )
    for column in ("image_id", "label", "image", "sequence", "video"):
        value = row.get(column, "absent")
        for part in (value or [None]) if isinstance(value, list) else [value]:
            if (part["bytes"] if isinstance(part, dict) else part) in (None, b""):
                raise SourceError(f"{place}: its {column} is null or empty")
    try:
        if "video" in row:
            images = list(decode_video(row["video"]["bytes"]))
        else:
            files = row["sequence"] if "sequence" in row else [row["image"]]
            images = [_decode(file["bytes"]) for file in files]
    except ValueError as error:
        raise SourceError(f"{place}: {error}") from error
    return Sample(config, row["image_id"], row["label"], images)


def _decode(data: bytes) -> NDArray[np.uint8]:
    try:
        return codecs.decode(data)
    except Exception as error:  # OpenCV and Pillow have many
        raise ValueError(f"its image cannot be decoded ({str(error).removeprefix('an image: ')})") from None


@dataclass(frozen=True)
class FolderSlice:
    """Rows of a slice of the images in the files of a build.

    Attributes
    ----------
    filesystem : fsspec.AbstractFileSystem
        File system of the build.
    root : str
        Its folder there.
    files : dict
        Config -> path, number of the first row and number of rows, of the files that hold the slice.
    columns : list of str
        Columns to read.
    cells : tuple of Cell
        The cells.
    start, stop : int
        Numbers of the first image and of the one after the last.
    recorded : bool
        True if the build has a record with checksums.
    labels : dict, optional
        Image id -> label, of the images to read; by default all, with the labels of the build.
    """

    filesystem: Any
    root: str
    files: Mapping[str, list[tuple[str, int, int]]]
    columns: list[str]
    cells: tuple[Cell, ...]
    start: int
    stop: int
    recorded: bool
    labels: Mapping[str, int] | None = None

    def tasks(self) -> Iterator[Task]:
        """Iterate over the images in their order."""
        counts = dict.fromkeys((cell.config for cell in self.cells), 0)
        for chunk in self._chunks():
            for config, rows in chunk.items():
                counts[config] += len(rows)
            for number in range(max(map(len, chunk.values()))):
                yield partial(
                    _decode_rows,
                    {config: rows[number] for config, rows in chunk.items() if number < len(rows)},
                )
        for config, count in counts.items():
            if self.labels is not None and count != len(self.labels):
                raise SourceError(
                    f"{config}: has {count:,} of the {len(self.labels):,} images that are chosen; check the build with "
                    "`imagenet-cp verify`"
                )

    def encoded(self) -> Iterator[bytes]:
        """Iterate over the files of the first cell, which is of ImageNet-C."""
        for chunk in self._chunks():
            for row in chunk[self.cells[0].config]:
                yield row["image"]["bytes"]

    def location(self, share: float) -> str:
        """Location of the image that is next after a share of the rows, for errors."""
        return f"{self.root}, row {self.start + int(share * (self.stop - self.start))}"

    def _chunks(self) -> Iterator[dict[str, list[dict[str, Any]]]]:
        """Iterate over a few images at a time: config -> their encoded rows."""
        checksums = Checksums(Path(self.root), open_build(self.root).files) if self.recorded else None
        step = ROWS_PER_GROUP if "image" in self.columns else _SEQUENCES
        with ThreadPoolExecutor(_CONCURRENT_READS) as pool:
            for start in range(self.start, self.stop, step):
                stop = min(start + step, self.stop)
                read = partial(self._read, start=start, stop=stop, checksums=checksums)
                rows = pool.map(read, self.cells)
                yield {cell.config: found for cell, found in zip(self.cells, rows, strict=True)}

    def _read(self, cell: Cell, start: int, stop: int, checksums: Checksums | None) -> list[dict[str, Any]]:
        """Read some rows of a cell, with their images encoded."""
        found: list[dict[str, Any]] = []
        for path, first, count in self.files[cell.config]:
            begin, end = max(start - first, 0), min(stop - first, count)
            if begin >= end:
                continue
            if checksums:
                checksums.verify(path[len(self.root) + 1 :])
            with self.filesystem.open(path, "rb") as file, _name_corrupt(path):
                found += read_rows(pq.ParquetFile(file), begin, end, self.columns)
        if self.labels is None:
            return found
        return [
            {**row, "label": self.labels[row["image_id"]]} for row in found if row["image_id"] in self.labels
        ]


def _decode_rows(rows: Mapping[str, Mapping[str, Any]]) -> list[Sample]:
    return [decode_row(config, row) for config, row in rows.items()]


def from_folder(place: str | os.PathLike[str]) -> Rows:
    """Open a build, or a data set on the Hub that was published from one.

    Parameters
    ----------
    place : path or str
        Such as ``./imagenet_c`` or ``user/imagenet_c``.

    Raises
    ------
    UsageError
        There is no such folder, or it holds no build.
    SourceError
        The place holds a corrupt file, or files of several recipes.
    BuildError
        The build is not finished, or its record is damaged.
    """
    filesystem, root, files = _list_files(place)
    build = (
        open_build(root) if filesystem.protocol[0] == "file" and Path(root, RECORD_FILE).exists() else None
    )
    footers = _read_footers(filesystem, [path for paths in files.values() for path in paths])
    signature, benchmark, recipe = _check_signature(place, footers)
    columns, classes = _check_columns(benchmark, recipe, footers)
    num_rows = {config: sum(footers[path].num_rows for path in paths) for config, paths in files.items()}
    if build is not None:
        problems = check_record(
            build, {path[len(root) + 1 :]: footer.num_rows for path, footer in footers.items()}
        )
    else:
        problems = check_card(_read_card(filesystem, root), num_rows)
    placed: dict[str, list[tuple[str, int, int]]] = {}
    for config, paths in files.items():
        counts = [footers[path].num_rows for path in paths]
        firsts = itertools.accumulate(counts, initial=0)
        placed[config] = list(zip(paths, firsts, counts, strict=False))

    def slice_of(cells: tuple[Cell, ...], start: int, stop: int) -> FolderSlice:
        chosen = {
            cell.config: [
                (path, first, count)
                for path, first, count in placed[cell.config]
                if first < stop and start < first + count
            ]
            for cell in cells
        }
        return FolderSlice(filesystem, root, chosen, columns, cells, start, stop, build is not None)

    def labels(cell: Cell) -> dict[str, int]:
        found: dict[str, int] = {}
        for path in files[cell.config]:
            with filesystem.open(path, "rb") as file, _name_corrupt(path):
                table = pq.ParquetFile(file).read(columns=["image_id", "label"])
                found.update(zip(table["image_id"].to_pylist(), table["label"].to_pylist(), strict=True))
        return found

    return Rows(
        benchmark=benchmark,
        signature=signature,
        classes=classes,
        cells=scored_cells(benchmark, {**files, **problems}),
        num_rows=num_rows,
        stamps={
            config: digest((path[len(root) :], filesystem.size(path)) for path in paths)
            for config, paths in files.items()
        },
        slice=slice_of,
        problems=problems,
        labels=labels,
    )


def _read_card(filesystem: Any, root: str) -> str:
    """Text of the card; empty if there is none."""
    try:
        return str(filesystem.cat_file(f"{root}/README.md").decode("utf-8", "replace"))
    except FileNotFoundError:
        return ""


def _list_files(place: str | os.PathLike[str]) -> tuple[Any, str, dict[str, list[str]]]:
    """File system and root of a build, and its Parquet files by config."""
    folder = Path(place).expanduser()
    if not folder.is_dir() and not is_hub_name(os.fspath(place)):
        raise UsageError(f"{place}: no such folder")
    url = str(folder.resolve()) if folder.is_dir() else f"hf://datasets/{os.fspath(place)}"
    try:
        filesystem, root = fsspec.core.url_to_fs(url)
        paths = sorted(str(path) for path in filesystem.glob(f"{root}/data/*/{SPLIT}-*.parquet"))
    except Exception as error:  # of many libraries' network layers
        raise SourceError(f"{place}: neither a folder nor a data set on the Hub ({error})") from error
    files: dict[str, list[str]] = {}
    for path in paths:
        if match := DATA_FILE.fullmatch(path[len(root) + 1 :]):
            files.setdefault(match[1], []).append(path)
    if not files:
        raise UsageError(
            f"{place}: holds no build; make one with `imagenet-cp build`, or pass clean images with --source"
        )
    return filesystem, root, files


@contextlib.contextmanager
def _name_corrupt(path: str) -> Iterator[None]:
    """Convert errors of the content of a Parquet file."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: text that is no UTF-8
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise SourceError(f"{path}: corrupt ({error}); check the build with `imagenet-cp verify`") from error


def _read_footers(filesystem: Any, paths: list[str]) -> dict[str, Any]:
    """Parquet metadata of every file."""

    def read(path: str) -> Any:
        with filesystem.open(path, "rb") as file, _name_corrupt(path):
            return pq.read_metadata(file)

    with ThreadPoolExecutor(_CONCURRENT_READS) as pool:
        return dict(zip(paths, pool.map(read, paths), strict=True))


def _check_columns(
    benchmark: Benchmark, recipe: Recipe, footers: Mapping[str, Any]
) -> tuple[list[str], tuple[str, ...]]:
    """Names of the columns to read, which all files must have, and of the labels."""
    expected = benchmark.features(["any"], recipe).arrow_schema
    columns = [name for name in ("image_id", "label", "image", "sequence", "video") if name in expected.names]
    label: Any = None
    for path, footer in footers.items():
        try:
            schema = footer.schema.to_arrow_schema()
            features = datasets.Features.from_arrow_schema(schema)
        except Exception as error:  # datasets raises any error on malformed metadata
            raise SourceError(
                f"{path}: its columns cannot be understood ({error}); check the build with `imagenet-cp verify`"
            ) from error
        for name in columns:
            if name not in schema.names:
                raise SourceError(
                    f"{path}: has no column {name!r}; check the build with `imagenet-cp verify`"
                )
            if schema.field(name).type != expected.field(name).type:
                raise SourceError(
                    f"{path}: its column {name!r} is of type {schema.field(name).type}, not {expected.field(name).type}"
                )
        label = label or features["label"]
        if not isinstance(label, datasets.ClassLabel):
            raise SourceError(f"{path}: its column 'label' has no names of classes")
    return columns, tuple(label.names)


def _check_signature(
    place: str | os.PathLike[str], footers: Mapping[str, Any]
) -> tuple[str, Benchmark, Recipe]:
    """Signature of the recipe that all files are of."""
    signatures = {path: signature_in(footer.metadata) for path, footer in footers.items()}
    signature = next(iter(signatures.values()))
    for path, other in signatures.items():
        if other != signature:
            raise SourceError(f"{path}: made by {other!r}, but other files of {place} by {signature!r}")
    try:
        return signature, *parse_signature(signature)
    except (KeyError, ValueError, IndexError):
        raise SourceError(f"{place}: its files name no recipe that made them ({signature!r})") from None
