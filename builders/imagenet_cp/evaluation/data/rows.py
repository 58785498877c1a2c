"""Rows of a benchmark: read from a build or from the Hub, or generated on the fly."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ...benchmarks.base import Benchmark, Cell
from ...benchmarks.catalog import get_benchmark, parse_signature
from ...benchmarks.layout import DATA_FILE, SPLIT
from ...benchmarks.recipe import Recipe
from ...build.finished import open_build
from ...build.parquet import ROWS_PER_GROUP, SIGNATURE_KEY
from ...errors import SourceError
from ...images import codecs
from ...images.preprocessing import MAX_PIXELS
from ...images.video import decode_video
from ...jobs.folder import RECORD_FILE
from ...sources import Item, open_source
from ...sources.base import digest
from ...sources.dataset_files import is_hub_name
from .completeness import Checksums, check_card, check_record

#: Footers that are read at the same time: on the Hub each is a request.
_CONCURRENT_READS = 16
#: Profile -> number of images of its benchmarks.
_IMAGES = {"imagenet": 50_000, "imagenet_299": 50_000, "tiny": 10_000, "cifar": 10_000}


class Row(NamedTuple):
    """One row with encoded images.

    Attributes
    ----------
    image_id : str
        Id of the source image.
    label : int
        Its class.
    images : list of bytes
        One file of ImageNet-C; the frames of ImageNet-P.
    video : bytes, optional
        The frames of a sequence that is stored as a video.
    """

    image_id: str
    label: int
    images: list[bytes]
    video: bytes | None = None

    def decode(self) -> list[NDArray[np.uint8]]:
        """Decode the images: each uint8 (H, W, 3), RGB.

        Raises
        ------
        ValueError
            One cannot be decoded.
        """
        return list(decode_video(self.video)) if self.video is not None else list(map(_decode, self.images))

    @classmethod
    def from_columns(cls, row: Mapping[str, Any]) -> Row:
        """Convert a row of the data set.

        Raises
        ------
        SourceError
            A value is null or empty, or the label -1; the message names the row and column.
        """
        if row["label"] == -1:
            raise SourceError(
                f"row {row['image_id']}: has no label (-1), so no model can be scored on it; name images with labels"
            )
        for column in ("image_id", "label", "image", "sequence", "video"):
            value = row.get(column, "absent")
            for part in (value or [None]) if isinstance(value, list) else [value]:
                if (part["bytes"] if isinstance(part, dict) else part) in (None, b""):
                    raise SourceError(f"row {row['image_id']}: its {column} is null or empty")
        images = row["sequence"] if "sequence" in row else [row["image"]] if "image" in row else []
        video = row["video"]["bytes"] if "video" in row else None
        return cls(row["image_id"], row["label"], [image["bytes"] for image in images], video)


def _decode(data: bytes) -> NDArray[np.uint8]:
    """Decode an image whose header names a format and a size that builds have."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as header:
            width, height = header.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"{width} x {height} pixels are more than the limit of {MAX_PIXELS}")
        return codecs.decode(data)
    except UnidentifiedImageError:
        raise ValueError("its image is neither a JPEG nor a PNG file") from None
    except Exception as error:  # OpenCV and Pillow have many
        raise ValueError(f"its image cannot be decoded ({error})") from None


@dataclass(frozen=True)
class Rows:
    """Rows of a benchmark.

    Attributes
    ----------
    benchmark : Benchmark
        The benchmark.
    signature : str
        Signature of the recipe.
    classes : tuple of str
        Names of the labels.
    cells : tuple of Cell
        Configs to evaluate on: of ImageNet-C all, with ``clean``; of ImageNet-P those of difficulty 1.
    num_rows, stamps : dict
        Config -> number of rows, and a string that changes with the rows.
    problems : dict
        Config -> problem for which it cannot be evaluated on.
    read : callable
        From a cell to an iterator of functions in the order of the rows: each reads or generates one row, in the
        thread that calls it.
    labels : callable
        From a cell to the label of every image by its id, without the images.
    """

    benchmark: Benchmark
    signature: str
    classes: tuple[str, ...]
    cells: tuple[Cell, ...]
    num_rows: Mapping[str, int]
    stamps: Mapping[str, str]
    read: Callable[[Cell], Iterator[Callable[[], Row]]]
    problems: Mapping[str, str] = field(default_factory=dict)
    labels: Callable[[Cell], dict[str, int]] = lambda cell: {}

    @property
    def part(self) -> str | None:
        """Number of images and of those of the whole benchmark, such as ``"100/50000"``, if it is a part of it."""
        images = min(self.num_rows[cell.config] for cell in self.cells)
        whole = _IMAGES[self.benchmark.profile]
        return f"{images}/{whole}" if images < whole else None

    @property
    def sequences(self) -> bool:
        """True for rows that are sequences of frames, as in ImageNet-P."""
        return self.benchmark.kind == "perturbations"

    def select(self, configs: Sequence[str]) -> Rows:
        """Restrict the rows to some configs.

        Raises
        ------
        ValueError
            Unknown config, or one of a difficulty that models are not evaluated at.
        SourceError
            A config is missing.
        """
        cells = self.benchmark.cells(configs)
        for cell in cells:
            if self.sequences and cell.level > 1:
                raise ValueError(
                    f"{cell.config}: mFR and mT5D are defined at difficulty 1; score other difficulties with "
                    "evaluate.load"
                )
            if cell not in self.cells:
                raise SourceError(
                    f"{self.benchmark.dataset}: the config {cell.config!r} is missing; build it first"
                )
        return replace(self, cells=cells)

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

        def read(cell: Cell) -> Iterator[Callable[[], Row]]:
            return itertools.islice(self.read(cell), images)

        num_rows = {config: min(count, images) for config, count in self.num_rows.items()}
        return replace(self, signature=f"{self.signature}|limit:{images}", num_rows=num_rows, read=read)


def from_folder(place: str | os.PathLike[str]) -> Rows:
    """Open a build, or a data set on the Hub that was published from one.

    Parameters
    ----------
    place : path or str
        Such as ``./imagenet_c`` or ``user/imagenet_c``.

    Raises
    ------
    SourceError
        The place holds no build, a corrupt file, or files of several recipes.
    BuildError
        The build is not finished, or its record is damaged.
    """
    filesystem, root, files = _list_files(place)
    build = (
        open_build(root) if filesystem.protocol[0] == "file" and Path(root, RECORD_FILE).exists() else None
    )
    footers = _read_footers(filesystem, [path for paths in files.values() for path in paths])
    signature = _check_signature(place, footers)
    benchmark, recipe = parse_signature(signature)
    columns, classes = _check_columns(benchmark, recipe, footers)
    num_rows = {config: sum(footers[path].num_rows for path in paths) for config, paths in files.items()}
    if build is not None:
        problems = check_record(
            build, {path[len(root) + 1 :]: footer.num_rows for path, footer in footers.items()}
        )
    else:
        problems = check_card(_read_card(filesystem, root), num_rows)
    checksums = build and Checksums(build)

    def read(cell: Cell) -> Iterator[Callable[[], Row]]:
        try:
            for path in files[cell.config]:
                if checksums:
                    checksums.verify(path[len(root) + 1 :])
                with filesystem.open(path, "rb") as file, _name_corrupt(path):
                    for batch in pq.ParquetFile(file).iter_batches(ROWS_PER_GROUP, columns=columns):
                        yield from (partial(Row.from_columns, row) for row in batch.to_pylist())
        finally:
            if checksums:
                checksums.save()

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
        cells=_scored_cells(benchmark, {**files, **problems}),
        num_rows=num_rows,
        stamps={
            config: digest((path[len(root) :], filesystem.size(path)) for path in paths)
            for config, paths in files.items()
        },
        read=read,
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
        raise SourceError(f"{place}: no such folder")
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
        raise SourceError(
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
        with filesystem.open(path, "rb") as file:
            try:
                return pq.read_metadata(file)
            except Exception as error:
                raise SourceError(
                    f"{path}: corrupt ({error}); check the build with `imagenet-cp verify`"
                ) from error

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


def _check_signature(place: str | os.PathLike[str], footers: Mapping[str, Any]) -> str:
    """Signature of the recipe that all files are of."""
    signatures: dict[str, str] = {
        path: (footer.metadata or {}).get(SIGNATURE_KEY.encode(), b"").decode("utf-8", "replace")
        for path, footer in footers.items()
    }
    signature = next(iter(signatures.values()))
    for path, other in signatures.items():
        if other != signature:
            raise SourceError(f"{path}: made by {other!r}, but other files of {place} by {signature!r}")
    try:
        parse_signature(signature)
    except (KeyError, ValueError, IndexError):
        raise SourceError(f"{place}: its files name no recipe that made them ({signature!r})") from None
    return signature


def from_source(
    dataset: str,
    source: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    ids: str | os.PathLike[str] | None = None,
    classes: str | os.PathLike[str] | None = None,
) -> Rows:
    """Generate the rows of a benchmark on the fly: the bytes are those of a build, and nothing is written.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    source : str or path, optional
        The clean images, as for `imagenet_cp.sources.open_source`, as are ids and classes.
    seed : int
        Seed of the random draws.

    Raises
    ------
    SourceError
        The source cannot be used.
    ValueError
        Unknown dataset.
    """
    benchmark = get_benchmark(dataset)
    images = open_source(source, ids=ids, classes=classes)
    benchmark.check(images)
    recipe = benchmark.recipe(seed, source=images)

    def generate(cell: Cell, item: Item) -> Row:
        clean = benchmark.prepare(images.reader.read(item), item.location, recipe.size)
        return Row.from_columns(benchmark.row(recipe, cell, clean, item))

    def read(cell: Cell) -> Iterator[Callable[[], Row]]:
        return (partial(generate, cell, item) for item in images.items)

    cells = _scored_cells(benchmark, benchmark.cell_of)
    num_rows = {cell.config: len(images.items) for cell in cells}
    stamps = {cell.config: images.stamp for cell in cells}
    return Rows(benchmark, recipe.signature, images.classes, cells, num_rows, stamps, read)


def _scored_cells(benchmark: Benchmark, configs: Iterable[str]) -> tuple[Cell, ...]:
    """Cells that models are evaluated on, in the published order: no sequences of difficulty 2 and 3."""
    highest = 5 if benchmark.kind == "corruptions" else 1
    available = set(configs)
    return tuple(
        cell for cell in benchmark.cell_of.values() if cell.config in available and cell.level <= highest
    )
