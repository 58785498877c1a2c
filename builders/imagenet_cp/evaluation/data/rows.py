"""What a model is evaluated on: rows of a built folder or of the Hub, or made on the fly."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import fsspec
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...benchmarks.base import Benchmark, Cell
from ...benchmarks.catalog import get_benchmark, parse_signature
from ...benchmarks.layout import DATA_FILE, SPLIT
from ...build.parquet import ROWS_PER_GROUP, SIGNATURE_KEY
from ...errors import SourceError
from ...images import codecs
from ...images.video import decode_video
from ...sources import Item, open_source
from ...sources.base import digest

#: Files whose footers are read at the same time.
_AT_ONCE = 16


class Row(NamedTuple):
    """One row, its pictures still encoded.

    Attributes
    ----------
    image_id : str
        Which image.
    label : int
        Its class.
    pictures : list of bytes
        One file of ImageNet-C; the frames of ImageNet-P.
    video : bytes, optional
        In their place, where a sequence is stored as a video.
    """

    image_id: str
    label: int
    pictures: list[bytes]
    video: bytes | None = None

    def frames(self) -> list[NDArray[np.uint8]]:
        """Decode the pictures: each uint8 (H, W, 3), RGB."""
        if self.video is not None:
            return list(decode_video(self.video))
        return [codecs.decode(picture) for picture in self.pictures]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Row:
        """Take what is needed from a row of the data set."""
        if "video" in row:
            return cls(row["image_id"], row["label"], [], row["video"])
        pictures = row["sequence"] if "sequence" in row else [row["image"]]
        return cls(row["image_id"], row["label"], [picture["bytes"] for picture in pictures])


@dataclass(frozen=True)
class Rows:
    """The rows of a benchmark.

    Attributes
    ----------
    benchmark : Benchmark
        Which one.
    signature : str
        Of the recipe they were or are made by.
    classes : tuple of str
        Names of the labels.
    cells : tuple of Cell
        The configs to take: of ImageNet-C any, with ``clean``; of ImageNet-P those of difficulty 1.
    counts, stamps : dict
        Config -> number of rows, and a word that changes when they do.
    read : callable
        From a cell to functions that give its rows, in order: each reads or makes one, in whatever thread calls it.
    """

    benchmark: Benchmark
    signature: str
    classes: tuple[str, ...]
    cells: tuple[Cell, ...]
    counts: Mapping[str, int]
    stamps: Mapping[str, str]
    read: Callable[[Cell], Iterator[Callable[[], Row]]]

    @property
    def sequences(self) -> bool:
        """Whether a row is a sequence of frames, as in ImageNet-P."""
        return self.benchmark.kind == "perturbations"

    def only(self, configs: Sequence[str]) -> Rows:
        """Return the rows of some configs.

        Raises
        ------
        ValueError
            Unknown config, or one of a difficulty that models are not evaluated at.
        SourceError
            A config is not there.
        """
        cells = self.benchmark.cells(configs)
        for cell in cells:
            if self.sequences and cell.level > 1:
                raise ValueError(
                    f"{cell.config}: models are evaluated at difficulty 1, which mFR and mT5D are defined at; score "
                    "others with the metrics themselves"
                )
            if cell not in self.cells:
                raise SourceError(f"{self.benchmark.dataset}: the config {cell.config!r} is not there")
        return replace(self, cells=cells)


def built(place: str | os.PathLike[str]) -> Rows:
    """Open a built folder, or a data set on the Hub that was published from one.

    Parameters
    ----------
    place : path or str
        Such as ``./imagenet_c`` or ``user/imagenet_c``.

    Raises
    ------
    SourceError
        There is nothing of that kind.
    """
    folder = Path(place).expanduser()
    url = str(folder.resolve()) if folder.is_dir() else f"hf://datasets/{os.fspath(place)}"
    try:
        system, root = fsspec.core.url_to_fs(url)
        found = sorted(str(path) for path in system.glob(f"{root}/data/*/{SPLIT}-*.parquet"))
    except Exception as error:  # of many libraries' network layers
        raise SourceError(f"{place}: is no folder, and not to be had from the Hub ({error})") from error
    files: dict[str, list[str]] = {}
    for path in found:
        match = DATA_FILE.fullmatch(path[len(root) + 1 :])
        if match:
            files.setdefault(match[1], []).append(path)
    if not files:
        raise SourceError(
            f"{place}: holds no build, which `imagenet-cp build` makes; clean images to make the data of on the fly go "
            "by --source"
        )
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # on the Hub each is a request
        read_all = pool.map(partial(_footer, system), (path for paths in files.values() for path in paths))
        footers = {config: list(itertools.islice(read_all, len(paths))) for config, paths in files.items()}
    schema = next(iter(footers.values()))[0].schema.to_arrow_schema()
    signature = (schema.metadata or {}).get(SIGNATURE_KEY.encode(), b"").decode()
    try:
        benchmark, _ = parse_signature(signature)
    except ValueError:
        raise SourceError(f"{place}: its files do not say which recipe made them ({signature!r})") from None
    for config, parts in footers.items():
        for path, part in zip(files[config], parts, strict=True):
            other = (part.metadata or {}).get(SIGNATURE_KEY.encode(), b"").decode()
            if other != signature:
                raise SourceError(f"{path}: made by {other!r}, but others here by {signature!r}")
    counts = {config: sum(part.num_rows for part in parts) for config, parts in footers.items()}
    stamps = {
        config: digest((path[len(root) :], system.size(path)) for path in paths)
        for config, paths in files.items()
    }
    classes = datasets.Features.from_arrow_schema(schema)["label"].names
    wanted = ["image_id", "label", *({"image", "sequence", "video"} & set(schema.names))]

    def read(cell: Cell) -> Iterator[Callable[[], Row]]:
        for path in files[cell.config]:
            with system.open(path, "rb") as file:
                for batch in pq.ParquetFile(file).iter_batches(ROWS_PER_GROUP, columns=wanted):
                    yield from (partial(Row.of, row) for row in batch.to_pylist())

    return Rows(benchmark, signature, tuple(classes), _scored(benchmark, files), counts, stamps, read)


def _footer(system: Any, path: str) -> Any:
    with system.open(path, "rb") as file:
        try:
            return pq.read_metadata(file)
        except Exception as error:
            raise SourceError(f"{path}: damaged ({error}); `imagenet-cp verify` lists what is") from error


def on_the_fly(dataset: str, source: str | os.PathLike[str] | None = None, *, seed: int = 0) -> Rows:
    """Make the rows of a benchmark as they are needed: the same bytes as those of a build, and nothing is written.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    source : str or path, optional
        The clean images, as for `imagenet_cp.sources.open_source`.
    seed : int
        Of the random draws.

    Raises
    ------
    SourceError
        The source cannot be used.
    ValueError
        Unknown dataset.
    """
    benchmark = get_benchmark(dataset)
    images = open_source(source)
    recipe = benchmark.recipe(seed)

    def make(cell: Cell, item: Item) -> Row:
        clean = benchmark.prepare(images.reader.read(item), item.location, recipe.size)
        return Row.of(benchmark.row(recipe, cell, clean, item))

    def read(cell: Cell) -> Iterator[Callable[[], Row]]:
        return (partial(make, cell, item) for item in images.items)

    cells = _scored(benchmark, benchmark.cell_of)
    counts = {cell.config: len(images.items) for cell in cells}
    stamps = {cell.config: images.stamp for cell in cells}
    return Rows(benchmark, recipe.signature, images.classes, cells, counts, stamps, read)


def _scored(benchmark: Benchmark, there: Iterable[str]) -> tuple[Cell, ...]:
    """Return the cells that models are evaluated on, in the published order: not sequences of difficulty 2 and 3."""
    hardest = 5 if benchmark.kind == "corruptions" else 1
    return tuple(
        cell for cell in benchmark.cell_of.values() if cell.config in set(there) and cell.level <= hardest
    )
