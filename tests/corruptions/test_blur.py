"""The blurs equal plain ones, written from the specification, on further images and sizes."""

import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64, RandomState
from scipy import ndimage
from skimage.filters import gaussian

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply
from imagenet_cp.kernels import defocus, motion, zoom

SIZES = [(224, 224), (32, 32), (32, 300), (225, 224), (300, 512)]
SMALL = [(8, 8), (8, 13), (16, 16), (20, 20), (31, 31)]


def to_uint8(y):
    return (np.clip(y, 0, 1) * 255).astype(np.uint8)


def gaussian_blur(image, state, sigma):
    return to_uint8(gaussian(image / 255.0, sigma=sigma, channel_axis=-1))


def defocus_blur(image, state, radius, alias_blur):
    kernel = defocus.disk_kernel(radius, alias_blur).astype(np.float64)
    channels = [
        ndimage.correlate(channel / 255.0, kernel, mode="mirror") for channel in np.moveaxis(image, -1, 0)
    ]
    return to_uint8(np.stack(channels, axis=-1))


def glass_blur(image, state, sigma, max_delta, iterations):
    height, width = image.shape[:2]
    g = gaussian_blur(image, state, sigma)
    for _ in range(iterations):
        for h in range(height - max_delta, max_delta, -1):
            for w in range(width - max_delta, max_delta, -1):
                dx, dy = state.randint(-max_delta, max_delta, size=2)
                g[h, w] = g[h + dy, w + dx]
    return gaussian_blur(g, state, sigma)


def motion_blur(image, state, radius, sigma):
    return line_blur(image, radius, sigma, state.uniform(-45, 45))


def line_blur(image, radius, sigma, angle):
    """The formula of ImageMagick's MotionBlurImage, tap after tap."""
    width = 2 * int(np.ceil(radius)) + 1
    weights = np.exp(-(np.arange(width) ** 2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    weights /= weights.sum()
    down, right = width * np.sin(np.deg2rad(angle)), width * np.cos(np.deg2rad(angle))
    length = np.hypot(down, right)
    rows, columns = np.indices(image.shape[:2])
    total = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        row = np.clip(rows + int(np.ceil(i * down / length - 0.5)), 0, image.shape[0] - 1)
        column = np.clip(columns + int(np.ceil(i * right / length - 0.5)), 0, image.shape[1] - 1)
        total += weight * (257.0 * image[row, column])
    return (np.floor(total + 0.5) // 257).astype(np.uint8)


def zoom_blur(image, state, start, stop, step):
    x = (image / 255.0).astype(np.float32)
    factors = np.arange(start, stop, step)
    total = np.zeros_like(x)
    for factor in factors:
        total += zoomed(x, factor)
    return (np.clip((x + total) / (len(factors) + 1), 0, 1) * 255).astype(np.uint8)


def zoomed(x, factor):
    height, width = x.shape[:2]
    rows, columns = int(np.ceil(height / factor)), int(np.ceil(width / factor))
    top, left = (height - rows) // 2, (width - columns) // 2
    z = ndimage.zoom(x[top : top + rows, left : left + columns], (factor, factor, 1)[: x.ndim], order=1)
    top, left = (z.shape[0] - height) // 2, (z.shape[1] - width) // 2
    return z[top : top + height, left : left + width]


PLAIN = {
    "gaussian_blur": gaussian_blur,
    "defocus_blur": defocus_blur,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
}
NAMES = list(PLAIN)


def photograph(name, height, width):
    picture = getattr(skimage.data, name)()[..., :3]
    return np.ascontiguousarray(picture[:height, -width:] if width <= picture.shape[1] else picture[:height])


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", NAMES)
def test_equals_the_plain_one(name, severity):
    row = CORRUPTIONS[name].tables["imagenet"][severity - 1]
    for seed, (height, width) in enumerate((SIZES[1:3] if name == "glass_blur" else SIZES) + SMALL):
        image = photograph(("astronaut", "coffee")[seed % 2], height, width)
        expected = PLAIN[name](image, RandomState(SFC64(seed)), *row)
        made = apply(name, image, severity, SFC64(seed))
        assert made.dtype == np.uint8 and made.shape == image.shape
        # a sum in another order may fall on the other side of a whole level once in a while
        assert np.abs(made.astype(int) - expected).max() <= 1
        assert (made != expected).mean() <= 2e-5, (height, width, (made != expected).sum())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", [1, 5])
def test_is_a_function_of_image_and_bits(name, severity):
    image = photograph("astronaut", 60, 70)
    before = image.copy()
    made = apply(name, image, severity, SFC64(3))
    assert (image == before).all() and not np.shares_memory(made, image)
    assert (made == apply(name, image, severity, SFC64(3))).all()
    if name in ("glass_blur", "motion_blur"):
        assert (made != apply(name, image, severity, SFC64(4))).any()


@pytest.mark.parametrize("value", [0, 1, 77, 254])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "defocus_blur"])
def test_a_picture_of_one_colour_loses_a_level_at_most_each_time_it_is_rounded(name, value):
    image = np.full((64, 80, 3), value, np.uint8)
    for severity in SEVERITIES:
        made = apply(name, image, severity, SFC64(0)).astype(int)
        assert 0 <= value - made.min() <= (2 if name == "glass_blur" else 1) and made.max() <= value


ANGLES = sorted(
    {(i - 30) * 4 for i in range(31)} | {4 * i - 150 for i in range(31)} | {-44.9, -13.37, 0.25, 31.4, 45}
)


@pytest.mark.parametrize(("radius", "sigma"), [(10, 3), (15, 12), (20, 15), (14, 4), (12, 8), (6, 1)])
def test_motion_blur_is_image_magicks_to_the_bit(radius, sigma):
    wand = pytest.importorskip("wand.image", exc_type=ImportError)
    image = photograph("coffee", 90, 110)
    for angle in ANGLES:
        with wand.Image.from_array(image) as picture:
            picture.motion_blur(radius, sigma, angle)
            expected = (
                np.array(picture.export_pixels(channel_map="RGB", storage="short")).reshape(image.shape)
                // 257
            )
        assert (motion.blur(image, radius, sigma, angle) == expected).all(), angle


def test_motion_blur_of_grey_is_that_of_each_colour():
    image = photograph("astronaut", 64, 64)
    grey = motion.blur(np.ascontiguousarray(image[..., 1]), 10, 3, 30.0)
    assert (motion.blur(image, 10, 3, 30.0)[..., 1] == grey).all()


@pytest.mark.parametrize("factor", [1.0, 1.01, 1.11, 1.3, 2.0, 4.5])
def test_zoom_is_scipys(factor):
    field = RandomState(0).normal(size=(75, 90))
    window = field[zoom.crop(75, 90, factor)]
    assert np.array_equal(zoom.enlarge(window, factor, 75, 90), zoomed(field, factor))


def test_the_lens_has_the_sum_the_border_leaves_it():
    sums = [
        float(defocus.disk_kernel(*row).astype(float).sum())
        for row in CORRUPTIONS["defocus_blur"].tables["imagenet"]
    ]
    assert sums == pytest.approx([1, 1, 1, 1.012975, 1.010786], abs=1e-6)
