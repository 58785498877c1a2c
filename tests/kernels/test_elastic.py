"""elastic_transform and its parts equal plain ones of NumPy, OpenCV and SciPy."""

import golden_images as golden
import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64, RandomState
from opencv_oracle import cv2
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply
from imagenet_cp.kernels import elastic

SIZES = [(224, 224), (32, 32), (32, 512), (300, 512), (225, 224), (67, 33)]
SMALL = [(8, 8), (8, 13), (16, 16), (20, 20), (31, 31)]


def photograph(height, width):
    return np.array(Image.fromarray(skimage.data.chelsea()).resize((width, height), Image.Resampling.BOX))


def plain_map(height, width, offsets):
    """Return OpenCV's affine matrix, not inverted."""
    centre, s = np.float32((height, width)) // 2, min(height, width) // 3
    points = np.float32([centre + s, [centre[0] + s, centre[1] - s], centre - s])
    return cv2.getAffineTransform(points, points + offsets.astype(np.float32))


def plain_warp(image, inverse):
    a, b, c, d, e, f = inverse
    height, width = image.shape[:2]
    y, x = np.arange(height)[:, None], np.arange(width)

    def fixed(v):
        return np.rint(1024 * v).astype(np.int64)

    x, y = (fixed(b * y + c) + 16 + fixed(a * x)) >> 5, (fixed(e * y + f) + 16 + fixed(d * x)) >> 5
    fx, fy = (np.float32(v % 32)[..., None] / np.float32(32) for v in (x, y))
    source = np.pad(image.astype(np.float32) / np.float32(255), ((600, 600), (600, 600), (0, 0)), "reflect")
    x, y = x // 32 + 600, y // 32 + 600
    total = source[y, x] * ((1 - fy) * (1 - fx)) + source[y, x + 1] * ((1 - fy) * fx)
    return total + source[y + 1, x] * (fy * (1 - fx)) + source[y + 1, x + 1] * (fy * fx)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_inverse_map_is_opencv_s(height, width):
    for seed in range(20):
        reach = min(height, width) * 0.1
        offsets = RandomState(seed).uniform(-reach, reach, (3, 2))
        inverse = np.array(elastic.inverse_affine(height, width, offsets)).reshape(2, 3)
        np.testing.assert_allclose(
            inverse, cv2.invertAffineTransform(plain_map(height, width, offsets)), atol=1e-9
        )


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_warp_rounds_as_opencv_3_4_does(height, width):
    image, reach = photograph(height, width), min(height, width) * 0.2
    for seed in range(4):
        inverse = elastic.inverse_affine(height, width, RandomState(seed).uniform(-reach, reach, (3, 2)))
        warped = elastic.warp(image, inverse)
        np.testing.assert_array_equal(warped[:-1].reshape(image.shape), plain_warp(image, inverse))


def test_warp_by_nothing_leaves_the_image():
    image = photograph(40, 50)
    warped = elastic.warp(image, elastic.inverse_affine(40, 50, np.zeros((3, 2))))
    np.testing.assert_array_equal(warped[:-1].reshape(image.shape), image / np.float32(255))


@pytest.mark.parametrize("nearly", [0.0, 1e-6])
def test_points_in_line_still_give_a_picture(nearly):
    s = 32 // 3
    offsets = np.array([[0.0, 0.0], [0.0, 2 * s + nearly], [2 * s, 2 * s]])
    warped = elastic.warp(photograph(32, 32), elastic.inverse_affine(32, 32, offsets))
    assert 0 <= warped[:-1].min() <= warped[:-1].max() <= 1


def plain_sample(picture, dx, dy):
    rows, columns, channels = np.indices(picture.shape)
    places = rows + dy.astype(np.float32)[..., None], columns + dx.astype(np.float32)[..., None], channels
    values = map_coordinates(picture, places, order=1, mode="reflect")
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("reach", [0.0, 0.5, 3.0, 1000.0])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_sample_is_scipy_s_interpolation(height, width, reach):
    state = RandomState(0)
    picture = photograph(height, width) / np.float32(255)
    dx, dy = state.uniform(-reach, reach, (2, height, width))
    # on the border, half a pixel and a whole one beyond it
    dx[:, 0] = state.choice([0.0, -0.5, -1.0, -1.5, -width, -2 * width, -1e-16], height)
    dy[-1] = state.choice([0.0, 0.5, 1.0, 1.5, height, 2 * height], width)
    made = elastic.sample(np.append(picture.reshape(-1), np.float32(0)), dx, dy, 1.0)
    np.testing.assert_array_equal(made, plain_sample(picture, dx, dy))


def plain_transform(image, severity, profile):
    base, side, alpha, sigma, affine = CORRUPTIONS["elastic_transform"].tables[profile][severity - 1]
    height, width = image.shape[:2]
    base = base * min(height, width) / side
    state = RandomState(SFC64(severity))
    affine = plain_map(height, width, state.uniform(-base * affine, base * affine, (3, 2)))
    picture = plain_warp(image, cv2.invertAffineTransform(affine).reshape(-1))
    dx, dy = (state.uniform(-1, 1, (height, width)) for _ in range(2))
    dx, dy = (gaussian_filter(d, base * sigma, mode="reflect", truncate=3) * (base * alpha) for d in (dx, dy))
    return plain_sample(picture, dx, dy)


@pytest.mark.parametrize("profile", ["imagenet", "imagenet_299", "tiny", "cifar"])
@pytest.mark.parametrize(("height", "width"), [*SIZES[:5], (512, 700), *SMALL])
def test_the_whole_equals_a_plain_one(height, width, profile):
    image = photograph(height, width)
    for severity in SEVERITIES if height < 512 else (1, 3):
        made = apply("elastic_transform", image, severity, SFC64(severity), profile=profile)
        golden.assert_near(made, plain_transform(image, severity, profile), equal=0.9999)


def test_the_published_base_of_224_is_244():
    bases = {p: rows[0][:2] for p, rows in CORRUPTIONS["elastic_transform"].tables.items()}
    assert bases == {"imagenet": (244, 224), "imagenet_299": (360, 299), "tiny": (64, 64), "cifar": (32, 32)}
