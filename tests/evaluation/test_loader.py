"""Batches of images, and their prefetching."""

import threading

import numpy as np
import pytest

from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.evaluation.data import loader
from imagenet_cp.evaluation.data.loader import Resizing, batches, prefetch
from imagenet_cp.evaluation.data.rows import Sample


def test_images_of_another_size_are_resized_bilinearly():
    """Half of the size is the mean of four values with their neighbours, weighted 1 3 3 1 along each side."""
    image = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.uint8)
    (batch,) = batches([lambda: [Sample("fog_3", "one", 0, [image])]], 1, 1, resizings=(Resizing(8),))
    near = image.astype(float)
    inner = sum(
        (1, 3, 3, 1)[i] * (1, 3, 3, 1)[j] * near[1 + i : 13 + i : 2, 1 + j : 13 + j : 2] / 64
        for i in range(4)
        for j in range(4)
    )
    assert batch.images[Resizing(8)].shape == (1, 8, 8, 3)
    assert np.abs(batch.images[Resizing(8)][0, 1:7, 1:7] - inner).max() <= 1  # Pillow rounds after each side


def test_items_keep_their_order_and_are_made_in_one_other_thread():
    threads = set()

    def items():
        for number in range(20):
            threads.add(threading.current_thread())
            yield number

    assert list(prefetch(items(), 3)) == list(range(20))
    assert len(threads) == 1 and threading.current_thread() not in threads


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("broken")

    loaded = prefetch(items())
    assert next(loaded) == 1
    with pytest.raises(ValueError, match="broken"):
        next(loaded)


def test_at_most_a_few_items_are_made_ahead_and_none_after_the_caller_stops():
    made = []
    loaded = prefetch(iter(lambda: made.append(None) or len(made), 1000), 2)
    assert next(loaded) == 1
    loaded.close()
    assert len(made) <= 4


def test_a_generator_is_closed_when_the_caller_stops():
    closed = []

    def items():
        try:
            yield from range(9)
        finally:
            closed.append(True)

    source = items()
    loaded = prefetch(source)
    assert next(loaded) == 0 and not closed
    loaded.close()
    assert closed and source.gi_frame is None


def sample(name, *sides):
    return Sample("fog_3", name, 0, [np.full((side, side, 3), side, np.uint8) for side in sides])


def test_batches_hold_whole_samples_and_at_most_their_size():
    tasks = [
        lambda: [sample("a", 4, 4), sample("b", 4, 4)],
        lambda: [sample("c", 4)],
        lambda: [sample("d", *[4] * 9)],
    ]
    found = list(batches(tasks, 4, 2))
    assert [[one.image_id for one in batch.samples] for batch in found] == [["a", "b"], ["c"], ["d"]]
    assert [batch.frames for batch in found] == [[2, 2], [1], [9]]
    assert all(one.images == [] for batch in found for one in batch.samples)
    assert [len(batch.images[Resizing()]) for batch in found] == [4, 1, 9]
    assert [batch.frames for batch in batches(tasks[::-1], 4, 1)] == [[9], [1, 2], [2]]
    five = batches([lambda: [sample(name, 4) for name in "abcde"]], 2, 1)
    assert [len(batch.samples) for batch in five] == [2, 2, 1]
    several = Resizing(8), Resizing(), Resizing(2, "nearest")
    (batch,) = batches(tasks[:2], 99, 1, lambda image: image + 1, several)
    assert [batch.images[one].shape[1] for one in several] == [8, 4, 2] and (
        batch.images[Resizing()] == 5
    ).all()
    assert batch.frames == [2, 2, 1] and list(batches([], 4, 1)) == []


def test_images_of_several_sizes_are_no_batch():
    tasks = [lambda: [sample("a", 5), sample("b", 4), sample("c", 7, 6)]]
    with pytest.raises(
        SourceError, match=r"^fog_3: images of several sizes \(\(4, 4, 3\), \(5, 5, 3\), \(6, 6, 3\)\)"
    ):
        list(batches(tasks, 9, 1))
    assert len(list(batches(tasks, 9, 1, resizings=[Resizing(3)]))) == 1
    two = [lambda: [sample("a", 5), sample("b", 4)._replace(config="fog_2")]]
    with pytest.raises(SourceError, match=r"^fog_3: images of several sizes \(\(4, 4, 3\), \(5, 5, 3\)\)"):
        list(batches(two, 9, 1))


@pytest.mark.parametrize("error", [BuildError("without OpenCV"), MemoryError("full")])
def test_errors_that_are_not_the_preprocessors(error):
    def fail(image):
        raise error

    with pytest.raises(type(error), match=str(error)):
        list(batches([lambda: [sample("a", 4)]], 9, 1, fail))


@pytest.mark.parametrize(
    ("preprocess", "given"),
    [
        (lambda image: "x" * 100, "'" + "x" * 79),
        (lambda image: image[..., :2], r"uint8 of shape \(4, 4, 2\)"),
        (lambda image: image.astype(np.int8), r"int8 of shape \(4, 4, 3\)"),
        (lambda image: image[None], r"uint8 of shape \(1, 4, 4, 3\)"),
        (lambda image: image[:, :0], r"uint8 of shape \(4, 0, 3\)"),
    ],
)
def test_what_a_preprocessor_may_not_give(preprocess, given):
    with pytest.raises(
        SourceError, match=rf"^fog_3, row a: the preprocessor gives {given}, not an array of uint8"
    ):
        list(batches([lambda: [sample("a", 4)]], 9, 1, preprocess))


def test_images_of_the_size_of_the_model_are_not_resized():
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    assert loader._resize(image, None, "bilinear") is image
    square = np.ascontiguousarray(image[:, :4])
    assert loader._resize(square, 4, "bilinear") is square
    assert loader._resize(image, 4, "nearest").shape == (4, 4, 3)
    assert np.array_equal(loader._resize(square, 2, "nearest"), square[1::2, 1::2])


def test_tasks_are_loaded_a_few_ahead():
    class Pool:
        def submit(self, load, task):
            events.append(f"load {task}")
            return Future(task)

    class Future:
        def __init__(self, task):
            self.task = task

        def result(self):
            return [self.task, self.task]

        def cancel(self):
            events.append(f"cancel {self.task}")

    events = []
    found = loader._map_ahead(Pool(), None, range(6), 2)
    assert [next(found), next(found)] == [0, 0] and events == ["load 0", "load 1", "load 2"]
    assert next(found) == 1 and events[3:] == ["load 3"]
    found.close()
    assert events[4:] == ["cancel 2", "cancel 3"]
    assert list(loader._map_ahead(Pool(), None, range(3), 5)) == [0, 0, 1, 1, 2, 2]
