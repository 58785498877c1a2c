"""The kernel gives Pillow's bytes for every size, and those of a window."""

import numpy as np
import pytest
from PIL import Image

from imagenet_cp.kernels.resize import _taps, resize_window

RNG = np.random.default_rng(0)


def pillow(image, height, width):
    """Along the rows, then down the columns, which Pillow from version 13 on does not do with every tall image."""
    rows = Image.fromarray(image).resize((width, image.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(rows.resize((width, height), Image.Resampling.BILINEAR))


def image(height, width):
    least = RNG.choice([0, 0, 250])  # sums near white round and clip
    return RNG.integers(least, 256, (height, width, 3), np.uint8)


SIZES = [(375, 500, 256, 341), (256, 341, 256, 341), (64, 64, 500, 3), (1, 1, 256, 256), (1, 999, 7, 1)]
SIZES += [(2848, 600, 299, 64), (20, 1500, 64, 4800), (999, 1, 1, 7), (8, 8, 16, 4), (300, 200, 299, 201)]


@pytest.mark.parametrize(("height", "width", "new_height", "new_width"), SIZES)
def test_known_sizes(height, width, new_height, new_width):
    source = image(height, width)
    found = resize_window(source, new_height, new_width, 0, 0, new_height, new_width)
    assert np.array_equal(found, pillow(source, new_height, new_width))
    assert found.flags.carray


def test_random_sizes_and_windows():
    for _ in range(300):
        sides = [int(RNG.integers(1, RNG.choice([8, 60, 300]))) for _ in range(4)]
        height, width, new_height, new_width = sides
        source = image(height, width)
        top, left = int(RNG.integers(new_height)), int(RNG.integers(new_width))
        rows, columns = int(RNG.integers(new_height - top)) + 1, int(RNG.integers(new_width - left)) + 1
        found = resize_window(source, new_height, new_width, top, left, rows, columns)
        expected = pillow(source, new_height, new_width)[top : top + rows, left : left + columns]
        assert np.array_equal(found, expected), (sides, top, left, rows, columns)


def test_an_image_shrunk_along_its_rows_as_much_is_that_of_a_single_call():
    source = image(375, 500)
    whole = Image.fromarray(source).resize((341, 256), Image.Resampling.BILINEAR)
    assert np.array_equal(resize_window(source, 256, 341, 16, 58, 224, 224), whole.crop((58, 16, 282, 240)))


def test_weights_whose_rounded_sum_exceeds_1_are_clipped():
    white = np.full((5_600_000, 1, 3), 255, np.uint8)
    assert resize_window(white, 1, 1, 0, 0, 1, 1).tolist() == [[[255, 255, 255]]]


def test_no_pixel_beyond_the_weights():
    # uncompiled, where an index out of bounds is an error; the last three round up to one pixel more
    for size, target in [(500, 341), (341, 500), (1, 7), (221, 299), (273, 299), (14, 306)]:
        start, weights = _taps.py_func(size, target, 0, target)
        assert start.min() >= 0 and start.max() + weights.shape[1] <= size
