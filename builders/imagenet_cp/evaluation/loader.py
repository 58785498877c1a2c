"""Decodes rows ahead of the model."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import SourceError
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
    rows: Iterable[Row], size: int, workers: int, treat: Treatment | None = None, side: int | None = None
) -> Iterator[Batch]:
    """Decode rows in threads while the caller is busy with the batch before.

    Parameters
    ----------
    rows : iterable of Row
        Read in a thread of their own.
    size : int
        Pictures in a batch, or a few less: rows are not divided, but each makes one batch at least.
    workers : int
        Threads that decode.
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
        yield from _ahead(_decoded(rows, size, pool, treat, side))


def _decoded(
    rows: Iterable[Row], size: int, pool: Executor, treat: Treatment | None, side: int | None
) -> Iterator[Batch]:
    waiting: list[Row] = []
    pictures = 0

    def load(row: Row) -> list[NDArray[np.uint8]]:
        try:
            frames = row.frames()
        except ValueError as error:
            raise SourceError(f"{row.image_id}: {error}") from error
        return [_sized(frame if treat is None else treat(frame), side) for frame in frames]

    def batch() -> Batch:
        made = list(pool.map(load, waiting))
        shapes = {frame.shape for frames in made for frame in frames}
        if len(shapes) > 1:
            raise SourceError(
                f"pictures of several sizes ({', '.join(sorted(map(str, shapes))[:3])}) do not make a batch; take a "
                "model with an input size of its own, or --batch-size 1"
            )
        return Batch(list(waiting), np.stack([frame for frames in made for frame in frames]), len(made[0]))

    for row in rows:
        waiting.append(row)
        pictures += max(1, len(row.pictures)) if row.video is None else 31
        if pictures + pictures // len(waiting) > size:
            yield batch()
            waiting.clear()
            pictures = 0
    if waiting:
        yield batch()


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
