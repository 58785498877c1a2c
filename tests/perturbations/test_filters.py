"""The parts that sequences are made of, each against the library or the formula it stands for."""

import numpy as np
import pytest
from numpy.random import RandomState
from perturbations import plain_sequences
from PIL import Image

from imagenet_cp.kernels import projection as maps
from imagenet_cp.kernels import sampling
from imagenet_cp.kernels import weather_frames as layers
from imagenet_cp.kernels.types import View

NOISY = RandomState(0).randint(0, 256, (61, 83, 3), dtype=np.uint8)
FLAT = np.full((40, 50, 3), 77, np.uint8)
STEEP = np.kron(RandomState(1).randint(0, 2, (8, 9, 3), dtype=np.uint8) * 255, np.ones((7, 7, 1), np.uint8))


@pytest.mark.parametrize("image", [NOISY, FLAT, STEEP], ids=["noisy", "flat", "steep"])
@pytest.mark.parametrize(
    "settings",
    [
        {"angle": 0},
        {"angle": 90},
        {"angle": -137.5},
        {"scale": 0.11},
        {"scale": 9.5},
        {"shear": 60, "angle": 20},
        {"right": 1000},
        {"right": 7.25},
    ],
    ids=str,
)
def test_affine_equals_pillow(image, settings):
    height, width = image.shape[:2]
    m = maps.affine(height, width, **settings)
    made = sampling.affine(View(image, 5, 3, height - 9, width - 5), [m])[0]
    whole = Image.fromarray(image).transform(
        (width, height), Image.Transform.AFFINE, m, Image.Resampling.BILINEAR
    )
    assert (made == np.asarray(whole)[5 : height - 4, 3 : width - 2]).all()


@pytest.mark.parametrize("degrees", [-40, -15, -0.75, 0, 3, 15, 40])
def test_perspective_equals_its_formula(degrees):
    height, width = NOISY.shape[:2]
    m = maps.inverse(maps.camera(height, width, degrees))
    made = sampling.perspective(View(NOISY, 0, 0, height, width), [m])[0]
    assert (made == plain_sequences.seen_by_camera(NOISY, degrees)).all()


def test_perspective_where_the_depth_is_zero_shows_the_corner():
    m = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, -3.0]]
    made = sampling.perspective(View(NOISY, 0, 0, 4, 8), [m])[0]
    assert (made[:, 3] == NOISY[0, 0]).all()


def test_inverse_is_the_inverse():
    m = maps.camera(256, 383, 11)
    assert np.allclose(np.array(m) @ maps.inverse(m), np.eye(3), atol=1e-12)


def test_tilt_by_nothing_still_shrinks_the_picture():
    # The third row of the published projection is (0, 0, 1) where (0, 0, 0) would not change the image.
    m = np.array(maps.camera(256, 383, 0))
    diagonal = np.hypot(256, 383)
    assert np.allclose(m[0, 0] / m[2, 2], diagonal / (diagonal + 1))


@pytest.mark.parametrize("kernel", [(0.05, 0.1, 0.15, 0.7), (0.2, 0.8), (0.1, 0.5, 0.4), (1.0,)])
def test_drip_convolves_the_columns(kernel):
    layer = RandomState(2).uniform(size=(40, 33))
    expected = np.apply_along_axis(np.convolve, 0, layer, kernel, "same")
    made = layers.drip(layer, kernel)
    assert (made[3:-3] == expected[3:-3]).all()
    # NumPy hands the borders to BLAS, whose order of sums depends on the machine.
    np.testing.assert_array_almost_equal_nulp(made, expected, 2)


def test_water_runs_down():
    layer = np.zeros((20, 5))
    layer[10] = 1.0
    rows = layers.drip(layer, (0.05, 0.1, 0.15, 0.7)).sum(axis=1)
    assert rows[12] == 0.7 * 5
    assert rows[9] == 0.05 * 5


@pytest.mark.parametrize("degrees", [1, 15, -7])
def test_the_centre_is_half_a_pixel_off(degrees):
    # torchvision 0.2 turns about (w / 2 + 1 / 2, h / 2 + 1 / 2): only that point stays where it is.
    a, b, c, d, e, f = maps.affine(100, 140, angle=degrees)
    x, y = 70.5, 50.5
    assert np.allclose((a * x + b * y + c, d * x + e * y + f), (x, y))
