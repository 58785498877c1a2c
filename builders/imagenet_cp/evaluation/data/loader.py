"""Batches of images, loaded ahead of the models."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import BuildError, SourceError
from .rows import Sample, Task

_PREFETCH = 4  # batches

T = TypeVar("T")
#: From an image, uint8 (H, W, 3), to another.
Preprocessor = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


class Resizing(NamedTuple):
    """Resizing of images to the input of a model.

    Attributes
    ----------
    side : int or None
        Side of the square input; None for images as they are.
    interpolation : str
        As Pillow names it.
    """

    side: int | None = None
    interpolation: str = "bilinear"


class Batch(NamedTuple):
    """Samples and their images, resized to the inputs of the models.

    Attributes
    ----------
    samples : list of Sample
        The samples, without their images.
    frames : list of int
        Number of images of every sample.
    images : dict
        Resizing -> their images in this order, uint8 (images, H, W, 3).
    """

    samples: list[Sample]
    frames: list[int]
    images: dict[Resizing, NDArray[np.uint8]]

    def copy(self, resizing: Resizing) -> Batch:
        """Copy the images of one model, which may write to its input; the samples are shared."""
        return self._replace(images={resizing: self.images[resizing].copy()})


#: Images of a sample by their resizing.
_Resized = dict[Resizing, list[NDArray[np.uint8]]]


def batches(
    tasks: Iterable[Task],
    size: int,
    workers: int,
    preprocess: Preprocessor | None = None,
    resizings: Sequence[Resizing] = (Resizing(),),
) -> Generator[Batch, None, None]:
    """Read or generate samples in threads, ahead of the caller, and batch them across configs.

    Parameters
    ----------
    tasks : iterable of callable
        From `imagenet_cp.evaluation.data.rows.Slice.tasks`.
    size : int
        Largest number of images of a batch, which holds at least one sample.
    workers : int
        Number of threads.
    preprocess : callable, optional
        Applied to every image: uint8 (H, W, 3) in and out.
    resizings : sequence of Resizing
        Inputs of the models.

    Raises
    ------
    SourceError
        A row cannot be read, decoded or preprocessed, or the images of a batch differ in size; the message names the
        config and the row.
    """

    def load(task: Task) -> list[tuple[Sample, _Resized]]:
        return [_load(sample, preprocess, resizings) for sample in task()]

    with ThreadPoolExecutor(workers) as pool:
        yield from prefetch(_batch(_map_ahead(pool, load, tasks, workers + 1), size, resizings))


def _load(
    sample: Sample, preprocess: Preprocessor | None, resizings: Sequence[Resizing]
) -> tuple[Sample, _Resized]:
    images = sample.images
    if preprocess is not None:
        try:
            images = [_preprocess(preprocess, image) for image in images]
        except ValueError as error:
            raise SourceError(f"{sample.config}, row {sample.image_id}: {error}") from error
    return sample._replace(images=[]), {
        resizing: [_resize(image, *resizing) for image in images] for resizing in resizings
    }


def _map_ahead(
    pool: Executor, load: Callable[[Task], list[T]], tasks: Iterable[Task], number: int
) -> Iterator[T]:
    """Chain the results of tasks in their order, a few tasks ahead of the caller."""
    pending: deque[Future[list[T]]] = deque()
    try:
        for task in tasks:
            pending.append(pool.submit(load, task))
            if len(pending) > number:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _batch(
    loaded: Iterable[tuple[Sample, _Resized]], size: int, resizings: Sequence[Resizing]
) -> Iterator[Batch]:
    group: list[tuple[Sample, _Resized]] = []
    count = 0
    for sample, sized in loaded:
        frames = len(sized[resizings[0]])
        if group and count + frames > size:
            yield _stack(group, resizings)
            group, count = [], 0
        group.append((sample, sized))
        count += frames
    if group:
        yield _stack(group, resizings)


def _stack(group: Sequence[tuple[Sample, _Resized]], resizings: Sequence[Resizing]) -> Batch:
    stacked: dict[Resizing, NDArray[np.uint8]] = {}
    for resizing in resizings:
        images = [image for _, sized in group for image in sized[resizing]]
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            raise SourceError(
                f"{group[0][0].config}: images of several sizes ({', '.join(sorted(map(str, shapes))[:3])}) cannot be "
                "batched; use a model with an input size, or --batch-size 1"
            )
        stacked[resizing] = np.stack(images)
    return Batch([sample for sample, _ in group], [len(sized[resizings[0]]) for _, sized in group], stacked)


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
        if hasattr(items, "close"):  # a generator, whose class is gone when Python ends
            items.close()
