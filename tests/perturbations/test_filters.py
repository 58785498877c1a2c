"""The parts that sequences are made of, each against the library or the formula it stands for."""

import numpy as np
import pytest
from numpy.random import RandomState
from perturbations import plain_sequences
from PIL import Image
from scipy.ndimage import correlate1d

from imagenet_cp.kernels import gaussian_frames as gaussian
from imagenet_cp.kernels import motion as one_motion
from imagenet_cp.kernels import motion_frames as motion
from imagenet_cp.kernels import projection as maps
from imagenet_cp.kernels import sampling
from imagenet_cp.kernels import weather_frames as layers
from imagenet_cp.kernels.gaussian import weights
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
    # The third row of the published projection is (0, 0, 1) where (0, 0, 0) would leave the picture alone.
    m = np.array(maps.camera(256, 383, 0))
    diagonal = np.hypot(256, 383)
    assert np.allclose(m[0, 0] / m[2, 2], diagonal / (diagonal + 1))


@pytest.mark.parametrize(
    "image", [NOISY, FLAT, STEEP, NOISY[..., 0].copy()], ids=["noisy", "flat", "steep", "grey"]
)
@pytest.mark.parametrize("radius, sigma", [(10, 3), (14, 4), (6, 1.8), (13, 3), (1, 0.5)])
def test_motion_blur_equals_that_of_one_picture(image, radius, sigma):
    angles = tuple(range(-180, 181, 15))
    made = motion.blur(image, radius, sigma, angles)
    for frame, angle in zip(made, angles, strict=True):
        assert (frame == one_motion.blur(image, radius, sigma, angle)).all()


@pytest.mark.parametrize("image", [NOISY, FLAT, STEEP], ids=["noisy", "flat", "steep"])
@pytest.mark.parametrize("truncate", [4.0, 6.0, 7.0])
def test_gaussian_blur_adds_up_as_scipy_does(image, truncate):
    # In flat areas the last bit of a sum decides whether a level is kept or lost.
    sigmas = (0.05, 0.25, 0.3, 0.8, 1.3, 2.6, 9.0)
    for frame, sigma in zip(gaussian.blur(image, sigmas, truncate), sigmas, strict=True):
        y = image / 255.0
        for axis in (0, 1):
            y = correlate1d(y, weights(sigma, truncate), axis, mode="nearest")
        assert (frame == (255 * y).astype(np.uint8)).all()


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
