"""Decodes rows ahead of the model."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import SourceError
from .rows import Row

_AHEAD = 4  # batches

T = TypeVar("T")
Treatment = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


class Batch(NamedTuple):
    """Rows, and their pictures one after the other: uint8 (pictures, H, W, 3), ``frames`` of them a row."""

    rows: list[Row]
    pictures: NDArray[np.uint8]
    frames: int


def batches(
    rows: Iterator[Callable[[], Row]],
    count: int,
    workers: int,
    treat: Treatment | None = None,
    side: int | None = None,
) -> Iterator[Batch]:
    """Read or make rows and decode them in threads, while the caller is busy with the batch before.

    Parameters
    ----------
    rows : iterator of callable
        From `Rows.read`.
    count : int
        Rows in a batch.
    workers : int
        Threads.
    treat : callable, optional
        What is done to every picture first: uint8 (H, W, 3) in and out.
    side : int, optional
        Pictures of another size are then resized (Pillow, bilinear).

    Raises
    ------
    SourceError
        A row cannot be read or decoded, or the pictures of a batch are not of one size.
    """
    with ThreadPoolExecutor(workers) as pool:
        yield from _ahead(_decoded(rows, count, pool, treat, side))


def _decoded(
    rows: Iterator[Callable[[], Row]], count: int, pool: Executor, treat: Treatment | None, side: int | None
) -> Iterator[Batch]:
    def load(read: Callable[[], Row]) -> tuple[Row, list[NDArray[np.uint8]]]:
        row = read()
        try:
            frames = row.frames()
        except ValueError as error:
            raise SourceError(f"{row.image_id}: {error}") from error
        return row, [_sized(frame if treat is None else treat(frame), side) for frame in frames]

    while loaded := list(pool.map(load, itertools.islice(rows, count))):
        pictures = [frame for _, frames in loaded for frame in frames]
        shapes = {picture.shape for picture in pictures}
        if len(shapes) > 1:
            raise SourceError(
                f"pictures of several sizes ({', '.join(sorted(map(str, shapes))[:3])}) do not make a batch; take a "
                "model with an input size of its own, or --batch-size 1"
            )
        yield Batch([row for row, _ in loaded], np.stack(pictures), len(loaded[0][1]))


def _sized(picture: NDArray[np.uint8], side: int | None) -> NDArray[np.uint8]:
    if side is None or picture.shape[:2] == (side, side):
        return picture
    return np.array(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield what another iterator yields, which runs a few items ahead in a thread."""
    full: queue.Queue[Any] = queue.Queue(_AHEAD)
    stopped = threading.Event()
    end = object()

    def put(item: Any) -> None:
        while not stopped.is_set():
            try:
                full.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    return
        except BaseException as error:
            put((end, error))
        else:
            put((end, None))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            item, error = full.get()
            if error is not None:
                raise error
            if item is end:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
