"""Batches of images, and their prefetching."""

import threading

import numpy as np
import pytest

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
