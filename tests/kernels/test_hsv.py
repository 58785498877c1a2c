"""Brightness and saturation equal scikit-image's HSV on every kind of colour."""

import numpy as np
import pytest
from skimage.color import hsv2rgb, rgb2hsv

from imagenet_cp.kernels import hsv

BRIGHTER = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.0, -0.02, -0.3, 1.0, -1.0]
STRONGER = [
    (0.3, 0),
    (0.1, 0),
    (1, 0),
    (1.5, 0),
    (2, 0),
    (2, 0.1),
    (2.5, 0.2),
    (5, 0.1),
    (20, 0.2),
    (30, 0.2),
]


def shifted(image, factor, shift, lift):
    x = rgb2hsv(image / 255.0)
    x[..., 1] = np.clip(x[..., 1] * factor + shift, 0, 1)
    x[..., 2] = np.clip(x[..., 2] + lift, 0, 1)
    return (np.clip(hsv2rgb(x), 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def colours():
    """Image of random colours, near greys, dark colours, and all combinations of some levels."""
    rng = np.random.default_rng(0)
    anything = rng.integers(0, 256, (150_000, 3))
    near_grey = rng.integers(0, 256, (60_000, 1)) + rng.integers(-4, 5, (60_000, 3))
    dark = rng.integers(0, 12, (40_000, 3))
    some = [0, 1, 2, 50, 51, 85, 102, 127, 128, 153, 170, 204, 253, 254, 255]
    mixtures = np.stack(np.meshgrid(some, some, some), axis=-1).reshape(-1, 3)
    greys = np.repeat(np.arange(256)[:, None], 3, axis=1)
    table = np.clip(np.concatenate([anything, near_grey, dark, mixtures, greys]), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(table[: len(table) // 7 * 7].reshape(-1, 7, 3))


@pytest.mark.parametrize("shift", BRIGHTER)
def test_brighten_equals_scikit_image(colours, shift):
    assert (hsv.brighten(colours, shift) == shifted(colours, 1, 0, shift)).all()


@pytest.mark.parametrize(("factor", "shift"), STRONGER)
def test_saturate_equals_scikit_image(colours, factor, shift):
    assert (hsv.saturate(colours, factor, shift) == shifted(colours, factor, shift, 0)).all()


def test_grey_is_tinted_red_by_a_shift_of_saturation():
    grey = np.full((32, 32, 3), 200, np.uint8)
    assert (hsv.saturate(grey, 5, 0.1) == [200, 180, 180]).all()


def test_black_and_white():
    image = np.zeros((32, 32, 3), np.uint8)
    image[16:] = 255
    assert (hsv.brighten(image, 0.4)[:16] == 102).all() and (hsv.brighten(image, 0.4)[16:] == 255).all()
    assert (hsv.saturate(image, 0.3, 0) == image).all()


def test_leaves_its_input_alone(colours):
    before = colours.copy()
    made = hsv.saturate(colours, 2, 0.1)
    assert (colours == before).all()
    assert made.shape == colours.shape and made.dtype == np.uint8 and not np.shares_memory(made, colours)
