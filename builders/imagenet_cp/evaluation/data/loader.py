"""Batches of decoded images, loaded ahead of the model."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import BuildError, SourceError
from .rows import Row

_PREFETCH = 4  # batches

T = TypeVar("T")
#: From an image, uint8 (H, W, 3), to another.
Preprocessor = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


class Batch(NamedTuple):
    """Rows and their images.

    Attributes
    ----------
    rows : list of Row
        The rows.
    images : ndarray of uint8, shape (rows * frames, H, W, 3)
        Their decoded images in the order of the rows.
    frames : int
        Images per row.
    """

    rows: list[Row]
    images: NDArray[np.uint8]
    frames: int


def batches(
    config: str,
    rows: Iterator[Callable[[], Row]],
    size: int,
    workers: int,
    preprocess: Preprocessor | None = None,
    side: int | None = None,
    interpolation: str = "bilinear",
) -> Iterator[Batch]:
    """Read or generate rows and decode them in threads, ahead of the caller.

    Parameters
    ----------
    config : str
        Name of the config in errors.
    rows : iterator of callable
        From `Rows.read`.
    size : int
        Rows of a batch.
    workers : int
        Number of threads.
    preprocess : callable, optional
        Applied to every image: uint8 (H, W, 3) in and out.
    side : int, optional
        Size of the model's input; images of another size are resized by Pillow.
    interpolation : str
        Interpolation of that resizing, as Pillow names it.

    Raises
    ------
    SourceError
        A row cannot be read, decoded or preprocessed, or the images of a batch differ in size; the message names the
        config and the row.
    """
    with ThreadPoolExecutor(workers) as pool:
        yield from prefetch(_load(config, rows, size, pool, preprocess, side, interpolation))


def _load(
    config: str,
    rows: Iterator[Callable[[], Row]],
    size: int,
    pool: Executor,
    preprocess: Preprocessor | None,
    side: int | None,
    interpolation: str,
) -> Iterator[Batch]:
    def load(read: Callable[[], Row]) -> tuple[Row, list[NDArray[np.uint8]]]:
        try:
            row = read()
        except SourceError as error:
            raise SourceError(f"{config}, {error}") from error
        try:
            images = row.decode()
            if preprocess is not None:
                images = [_preprocess(preprocess, image) for image in images]
        except ValueError as error:
            raise SourceError(f"{config}, row {row.image_id}: {error}") from error
        return row, [_resize(image, side, interpolation) for image in images]

    while loaded := list(pool.map(load, itertools.islice(rows, size))):
        images = [image for _, images in loaded for image in images]
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            raise SourceError(
                f"{config}: images of several sizes ({', '.join(sorted(map(str, shapes))[:3])}) cannot be batched; "
                "use a model with an input size, or --batch-size 1"
            )
        yield Batch([row for row, _ in loaded], np.stack(images), len(loaded[0][1]))


def _preprocess(preprocess: Preprocessor, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    try:
        result = preprocess(image)
    except (BuildError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"the preprocessor fails ({type(error).__name__}: {error})") from error
    array = isinstance(result, np.ndarray)
    if not array or result.dtype != np.uint8 or result.ndim != 3 or result.shape[2] != 3 or not result.size:
        given = f"{result.dtype} of shape {result.shape}" if array else repr(result)[:80]
        raise ValueError(f"the preprocessor gives {given}, not an array of uint8 of shape (H, W, 3)")
    return result


def _resize(image: NDArray[np.uint8], side: int | None, interpolation: str) -> NDArray[np.uint8]:
    if side is None or image.shape[:2] == (side, side):
        return image
    return np.array(Image.fromarray(image).resize((side, side), Image.Resampling[interpolation.upper()]))


def prefetch(items: Iterator[T], number: int = _PREFETCH) -> Iterator[T]:
    """Run an iterator in a thread, a few items ahead of the caller."""
    end = object()
    thread = ThreadPoolExecutor(1)
    try:
        pending = deque(thread.submit(next, items, end) for _ in range(number))
        while (item := pending.popleft().result()) is not end:
            pending.append(thread.submit(next, items, end))
            yield item  # type: ignore[misc]  # not the end
    finally:
        thread.shutdown(cancel_futures=True)
