"""The parts of spatter equal those of OpenCV, and what OpenCV leaves to the machine is fixed."""

import numpy as np
import pytest
from opencv_oracle import cv2
from scipy.ndimage import gaussian_filter

from imagenet_cp.kernels import canny, chamfer, liquid

SHAPES = [(32, 32), (33, 129), (224, 224), (90, 61)]


@pytest.fixture
def with_ipp():
    # Without IPP, the last bits of OpenCV's distances differ from the published images.
    if not cv2.ipp.useIPP():
        pytest.skip("this OpenCV has no IPP, or has it switched off")


def wet(shape, sigma, threshold, seed=0):
    """Drops as spatter draws them."""
    field = gaussian_filter(np.random.default_rng(seed).normal(0.65, 0.3, shape), sigma, mode="nearest")
    return np.where(field < threshold, 0, field)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [0, 0.7, 1, 1.3, 2, 4])
def test_edges_equal_opencv(shape, sigma):
    noise = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    smooth = gaussian_filter(noise, sigma) if sigma else noise
    drops = (wet(shape, max(sigma, 0.5), 0.68) * 255).astype(np.uint8)
    steps = (drops // 40 * 40).astype(np.uint8)
    for picture in (noise, smooth, drops, steps, np.ascontiguousarray(steps.T)):
        expected = cv2.Canny(picture, 50, 150) > 0
        assert (canny.edges(picture, 50, 150) == expected).all()


def test_weak_edges_are_followed_as_far_as_they_go():
    ramp = np.zeros((64, 200), np.uint8)
    ramp[:, 100:] = np.linspace(5, 255, 64).astype(np.uint8)[:, None]
    found = canny.edges(ramp, 50, 150)
    assert (found == (cv2.Canny(ramp, 50, 150) > 0)).all()
    assert 40 < found.any(axis=1).sum() < 64


def plain_distance(edges):
    """Two passes over the image, every sum in float32."""
    height, width = edges.shape
    far = np.float32(1e9)
    d = np.full((height + 4, width + 4), far, np.float32)
    inside = d[2:-2, 2:-2]
    inside[edges] = 0
    steps = [(0, -1, 1.0), (-1, 0, 1.0), (-1, -1, 1.4), (-1, 1, 1.4)]
    steps += [(-1, -2, 2.1969), (-1, 2, 2.1969), (-2, -1, 2.1969), (-2, 1, 2.1969)]
    for sign in (1, -1):
        for i in range(height)[::sign]:
            for j in range(width)[::sign]:
                for di, dj, weight in steps:
                    there = d[i + 2 + sign * di, j + 2 + sign * dj] + np.float32(weight)
                    d[i + 2, j + 2] = min(d[i + 2, j + 2], there)
    return inside


@pytest.mark.parametrize("shape", [(32, 32), (33, 39), (35, 77), (90, 46), (40, 33)])
@pytest.mark.parametrize("share", [0, 0.001, 0.004, 0.02, 0.2])
def test_distance_is_a_sum_in_float32(shape, share):
    edges = np.random.default_rng(5).random(shape) < share
    assert (chamfer.distance(edges) == plain_distance(edges)).all()


@pytest.mark.usefixtures("with_ipp")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [1, 2, 3, 4])
def test_distance_equals_opencv_with_ipp(shape, sigma):
    edges = cv2.Canny((wet(shape, sigma, 0.68) * 255).astype(np.uint8), 50, 150)
    expected = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5)
    assert (np.minimum(chamfer.distance(edges > 0), 20) == np.minimum(expected, 20)).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0, 0.0005, 0.005, 0.1, 1])
def test_relief_equals_opencv(shape, share):
    distance = chamfer.distance(np.random.default_rng(7).random(shape) < share)
    mean = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    embossed = cv2.filter2D(cv2.equalizeHist(mean), cv2.CV_8U, kernel)
    assert (liquid._relief(distance) == cv2.blur(embossed, (3, 3))).all()


def test_no_liquid_leaves_the_picture_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (48, 40, 3)).astype(np.uint8)
    dry = np.zeros((48, 40))
    for made in (liquid.water(image, dry, 0.6), liquid.mud(image, dry, 0.65, 1.5)):
        assert (made == image).all() and not np.shares_memory(made, image)


def test_mud_hides_what_it_covers():
    image = np.random.default_rng(0).integers(0, 256, (48, 40, 3)).astype(np.uint8)
    layer = np.zeros((48, 40))
    layer[10:40] = 0.7
    made = liquid.mud(image, layer, 0.65, 1.0)
    assert (made[20:30] == [63, 42, 20]).all()
    assert (made[:8] == image[:8]).all()


def test_water_over_one_begins_again_at_zero():
    image = np.full((40, 40, 3), 100, np.uint8)
    layer = wet((40, 40), 2, 0.6)
    thick = layer + 256 / 255 * (layer > 0)
    assert (liquid.water(image, thick, 0.6) == liquid.water(image, layer, 0.6)).mean() > 0.99


def test_drops_are_dry_below_the_threshold():
    layer = liquid.drops(np.random.SFC64(0), 64, 96, 0.65, 0.3, 2.0, 0.68)
    assert layer.shape == (64, 96)
    assert ((layer == 0) | (layer >= 0.68)).all() and 0.1 < (layer > 0).mean() < 0.5
