"""Streams of corrupted images in a fixed order, for models that adapt while they are tested."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arguments import name_list, optional_number, whole_number
from ..benchmarks.benchmark import Cell
from ..benchmarks.catalog import get_benchmark
from ..benchmarks.recipe import Recipe
from ..benchmarks.signature import Signature
from ..errors import suggest
from ..jobs.cores import available_cores
from ..sources import Item, Reader, open_source
from .data.generated_rows import SourceSlice
from .data.loader import Resizing, batches
from .data.rows import Sample, Task

#: Severities of each corruption in the order ``gradual``.
_GRADUAL = (1, 2, 3, 4, 5, 4, 3, 2, 1)
ORDERS = ("continual", "gradual", "mixed", "label-shift")


class StreamBatch(NamedTuple):
    """A batch of a stream.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB.
    labels : ndarray of int64, shape (N,)
        Their classes.
    ids : list of str
        Ids of the source images.
    corruption : list of str
        Corruption of every image.
    severity : ndarray of int64, shape (N,)
        Its severity.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    ids: list[str]
    corruption: list[str]
    severity: NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """Images in the order of a protocol of test-time adaptation; each iteration is the same.

    Attributes
    ----------
    signature : str
        Data, order, batch size and reset, all of which must agree for a comparison.
    parts : tuple
        Parts of the stream, which no batch crosses: corruption before which the model is reset, and the cell and the
        item of every image.
    recipe, reader
        Recipe of the images, and reader of their sources.
    batch_size, threads : int
        Images of a batch, and threads that make them ahead.
    reset : callable, optional
        Called before the first image of every corruption.
    """

    signature: str
    parts: tuple[tuple[str, tuple[tuple[Cell, Item], ...]], ...]
    recipe: Recipe
    reader: Reader
    batch_size: int
    threads: int
    reset: Callable[[], Any] | None = None

    def __len__(self) -> int:
        """Number of batches."""
        return sum(-(-len(pairs) // self.batch_size) for _, pairs in self.parts)

    def __iter__(self) -> Iterator[StreamBatch]:
        before = None
        for corruption, pairs in self.parts:
            if self.reset is not None and corruption != before:
                self.reset()
            before = corruption
            done = 0
            for batch in batches(map(self._task, pairs), self.batch_size, self.threads):
                cells = [cell for cell, _ in pairs[done : done + len(batch.samples)]]
                done += len(batch.samples)
                yield StreamBatch(
                    batch.images[Resizing()],
                    np.array([sample.label for sample in batch.samples]),
                    [sample.image_id for sample in batch.samples],
                    [cell.name for cell in cells],
                    np.array([cell.level for cell in cells]),
                )

    def _task(self, pair: tuple[Cell, Item]) -> Task:
        cell, item = pair
        return partial(_first, SourceSlice(self.recipe, self.reader, (cell,), (item,)))


def _first(rows: SourceSlice) -> list[Sample]:
    return next(rows.tasks())()


def stream(
    order: str,
    source: str | os.PathLike[str] | None = None,
    *,
    benchmark: str = "imagenet_c",
    corruptions: Sequence[str] = (),
    severity: int = 5,
    batch_size: int = 64,
    reset: Callable[[], Any] | None = None,
    seed: int = 0,
    limit: int | None = None,
    threads: int | None = None,
) -> Stream:
    """Stream corrupted images in the order of a protocol of test-time adaptation.

    Parameters
    ----------
    order : {"continual", "gradual", "mixed", "label-shift"}
        ``continual``: one corruption after the other. ``gradual``: each corruption at the severities 1-2-3-4-5-4-3-2-1.
        ``mixed``: all corruptions shuffled. ``label-shift``: one corruption after the other, each sorted by class. The
        images of a part are shuffled by the seed, those of a class in ``label-shift``.
    source : str or path, optional
        Clean images, as for `imagenet_cp.sources.open_source`.
    benchmark : str
        Such as ``"imagenet_c"`` or ``"cifar10_c"``.
    corruptions : sequence of str
        Corruptions in their order, or in the published one if it is a set; by default the 15 of the paper.
    severity : int
        Severity of all orders but ``gradual``.
    batch_size : int
        Images of a batch; no batch holds images of two parts.
    reset : callable, optional
        Called without arguments before the first image of every corruption, to reset the model; in ``mixed`` once, at
        the beginning. By default the model adapts throughout.
    seed : int
        Seed of the random draws and of the shuffling.
    limit : int, optional
        Use only the first images of the source.
    threads : int, optional
        Threads that make images ahead; by default one per core.

    Returns
    -------
    Stream
        Iterates over `StreamBatch` (images, labels, ids, corruption, severity), the same at every iteration. Its
        ``signature`` names the data and the order.

    Raises
    ------
    ValueError
        Unknown order, benchmark or corruption, or a number that is out of its range.
    SourceError
        The source cannot be used; while iterating, an image cannot be read.

    Examples
    --------
    >>> for images, labels, *_ in stream("continual", "path/to/val", reset=model.reset):  # doctest: +SKIP
    ...     correct += (model(images).argmax(1) == labels).sum()
    """
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}{suggest(order, ORDERS)}")
    known = get_benchmark(benchmark)
    if known.kind != "corruptions":
        raise ValueError(
            f"{known.dataset} has sequences, not single images; stream a benchmark such as imagenet_c"
        )
    if reset is not None and not callable(reset):
        raise ValueError(f"reset must be a function without arguments, not {reset!r}")
    severity, batch_size = whole_number("severity", severity, 1, 5), whole_number("batch_size", batch_size, 1)
    threads = optional_number("threads", threads) or available_cores()
    limit = optional_number("limit", limit)
    images = open_source(source)
    known.check(images)
    recipe = known.recipe(seed, source=images)
    corruptions = name_list("corruptions", corruptions, list(known.configs))
    names = corruptions or list(dict.fromkeys(cell.name for cell in known.configs["test"]))
    severities = _GRADUAL if order == "gradual" else (severity,)
    # Through the configs, whose error suggests similar names.
    steps = [known.cells([f"{name}_{level}"])[0] for name in names for level in severities]
    items = images.items[:limit]
    parts = []
    for number, cell in enumerate(steps):
        shuffled = sorted(items, key=partial(_shuffling, recipe.seed, number))
        if order == "label-shift":
            shuffled.sort(key=lambda item: item.label)
        parts.append((cell.name, tuple((cell, item) for item in shuffled)))
    if order == "mixed":
        pairs = [pair for _, part in parts for pair in part]
        pairs.sort(key=lambda pair: _shuffling(recipe.seed, pair[0].name, pair[1]))
        parts = [("mixed", tuple(pairs))]
    signature = Signature.of(
        recipe.signature,
        ("limit", limit),
        ("stream", order),
        ("corruptions", ",".join(corruptions) or None),
        ("severity", None if order == "gradual" else severity),
        ("batch", batch_size),
        ("reset", None if reset is None else "corruption"),
    )
    return Stream(str(signature), tuple(parts), recipe, images.reader, batch_size, threads, reset)


def _shuffling(seed: int, part: object, item: Item) -> bytes:
    """Key that sorts the images of a part in a random order, the same on every machine."""
    return hashlib.blake2b(f"{seed}|{part}|{item.image_id}".encode("utf-8", "surrogateescape")).digest()
