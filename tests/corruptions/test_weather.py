"""The weather corruptions equal plain ones, written from the specification, on further images and sizes."""

import math
from fractions import Fraction

import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64, RandomState
from opencv_oracle import cv2
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom
from skimage.color import hsv2rgb, rgb2hsv

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply, textures
from imagenet_cp.kernels import snowfall

NAMES = ["snow", "frost", "fog", "brightness", "spatter"]
SIZES = [(224, 224), (32, 32), (32, 512), (300, 512), (225, 224)]
SMALL = [(8, 8), (8, 13), (16, 16), (20, 20), (31, 31)]


def to_uint8(y):
    return (np.clip(y, 0, 1) * 255).astype(np.uint8)


def clipped_zoom(field, factor):
    height, width = field.shape
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    large = zoom(field[top : top + rows, left : left + columns], (factor, factor), order=1)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width]


def motion_blur(layer, radius, sigma, angle):
    width = 2 * math.ceil(radius) + 1
    kernel = np.exp(-(np.arange(width) ** 2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
    x, y = width * math.sin(math.radians(angle)), width * math.cos(math.radians(angle))
    rows, columns = np.indices(layer.shape)
    total = np.zeros(layer.shape)
    for i, weight in enumerate(kernel / kernel.sum()):
        down = math.ceil(i * x / math.hypot(x, y) - 0.5)
        right = math.ceil(i * y / math.hypot(x, y) - 0.5)
        row = np.clip(rows + down, 0, layer.shape[0] - 1)
        column = np.clip(columns + right, 0, layer.shape[1] - 1)
        total += weight * 257.0 * layer[row, column]
    return (np.floor(total + 0.5) // 257).astype(np.uint8)


def grey(x):
    """OpenCV's RGB2GRAY with fused multiply-adds; its other code paths differ from it in the last bit."""
    total = x[..., 0] * np.float32(0.299)
    for channel, weight in ((1, 0.587), (2, 0.114)):
        product = x[..., channel].astype(np.float64) * np.float64(np.float32(weight))
        total = (total + product).astype(np.float32)
    return total


def snow(image, state, loc, scale, factor, threshold, radius, sigma, blend, blur=motion_blur):
    x = image.astype(np.float32) / np.float32(255)
    layer = clipped_zoom(state.normal(loc, scale, image.shape[:2]), factor)
    layer = to_uint8(np.where(layer < threshold, 0, layer))
    layer = blur(layer, radius, sigma, state.uniform(-135, -45))[..., None] / 255.0
    light = grey(x)[..., None] * 1.5 + 0.5
    base = blend * x + (1 - blend) * np.maximum(x, light)
    return to_uint8(base + layer + np.rot90(layer, 2))


def frost(image, state, image_weight, frost_weight, scale):
    height, width = image.shape[:2]
    ice = textures.texture(state.randint(5), scale, height, width)
    top, left = state.randint(0, ice.shape[0] - height), state.randint(0, ice.shape[1] - width)
    ice = ice[top : top + height, left : left + width]
    return np.clip(image_weight * image + frost_weight * ice, 0, 255).astype(np.uint8)


def plasma(state, size, decay):
    heights = np.zeros((size, size))
    step, wibble = size, 100.0

    def drawn(total):
        return total / 4 + wibble * state.uniform(-wibble, wibble, total.shape)

    while step >= 2:
        half = step // 2
        corner, centre = heights[::step, ::step], heights[half::step, half::step]
        square = corner + np.roll(corner, -1, 0)
        centre[:] = drawn(square + np.roll(square, -1, 1))
        beside, under = corner + np.roll(corner, -1, 1), corner + np.roll(corner, -1, 0)
        heights[::step, half::step] = drawn(centre + np.roll(centre, 1, 0) + beside)
        heights[half::step, ::step] = drawn(centre + np.roll(centre, 1, 1) + under)
        step, wibble = half, wibble / decay
    heights -= heights.min()
    return heights / heights.max()


def fog(image, state, strength, decay):
    height, width = image.shape[:2]
    x = image / 255.0
    size = 2 ** math.ceil(math.log2(max(height, width)))
    y = x + strength * plasma(state, size, decay)[:height, :width, None]
    return to_uint8(y * x.max() / (x.max() + strength))


def brightness(image, state, shift):
    x = rgb2hsv(image / 255.0)
    x[..., 2] = np.clip(x[..., 2] + shift, 0, 1)
    return to_uint8(hsv2rgb(x))


def spatter(image, state, loc, scale, sigma, threshold, amount, muddy):
    x = image.astype(np.float32) / np.float32(255)
    layer = gaussian_filter(state.normal(loc, scale, image.shape[:2]), sigma, mode="nearest")
    layer[layer < threshold] = 0
    if muddy:
        m = gaussian_filter((layer > threshold).astype(np.float32), amount, mode="nearest")[..., None]
        m[m < 0.8] = 0
        return to_uint8(x * (1 - m) + m * (np.array([63, 42, 20]) / 255).astype(np.float32))
    layer = (layer * 255).astype(np.int32).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(layer, 50, 150), cv2.DIST_L2, 5)
    distance = cv2.equalizeHist(cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8))
    distance = cv2.filter2D(distance, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    m = layer * cv2.blur(distance, (3, 3)).astype(np.float32)
    if not m.any():
        return image.copy()
    m = m / m.max() * np.float32(amount)
    return to_uint8(x + m[..., None] * (np.array([175, 238, 238]) / 255).astype(np.float32))


PLAIN = {"snow": snow, "frost": frost, "fog": fog, "brightness": brightness, "spatter": spatter}


def photograph(name, height, width):
    picture = getattr(skimage.data, name)()
    picture = np.array(Image.fromarray(picture).resize((max(width, 451), max(height, 300))))
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def needs_ipp(name, severity):
    if name == "spatter" and severity < 4 and not cv2.ipp.useIPP():
        pytest.skip("this OpenCV has no IPP, whose distances the published pictures show")


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", NAMES)
def test_equals_the_plain_one(name, severity):
    needs_ipp(name, severity)
    for seed, (height, width) in enumerate(SIZES + SMALL):
        image = photograph(("chelsea", "astronaut")[seed % 2], height, width)
        row = CORRUPTIONS[name].tables["imagenet"][severity - 1]
        expected = PLAIN[name](image, RandomState(SFC64(seed)), *row)
        made = apply(name, image, severity, SFC64(seed))
        assert made.dtype == np.uint8 and made.shape == image.shape
        assert (made == expected).all(), (height, width, (made != expected).sum())


@pytest.mark.parametrize("profile", ["imagenet_299", "tiny", "cifar"])
@pytest.mark.parametrize("name", NAMES)
def test_equals_the_plain_one_in_other_profiles(name, profile):
    side = {"imagenet_299": 299, "tiny": 64, "cifar": 32}[profile]
    image = photograph("coffee", side, side)
    for severity in SEVERITIES:
        needs_ipp(name, severity)
        row = CORRUPTIONS[name].tables[profile][severity - 1]
        expected = PLAIN[name](image, RandomState(SFC64(severity)), *row)
        assert (apply(name, image, severity, SFC64(severity), profile=profile) == expected).all(), severity


@pytest.mark.parametrize("profile", ["imagenet", "tiny", "cifar"])
def test_snow_equals_image_magick(profile):
    wand = pytest.importorskip("wand.image", exc_type=ImportError)

    def magick(layer, radius, sigma, angle):
        with wand.Image.from_array(layer, channel_map="I") as picture:
            picture.motion_blur(radius, sigma, angle)
            blurred = picture.export_pixels(channel_map="I", storage="short")
        return (np.array(blurred).reshape(layer.shape) // 257).astype(np.uint8)

    side = {"imagenet": 224, "tiny": 64, "cifar": 32}[profile]
    image = photograph("chelsea", side, side)
    for severity in SEVERITIES:
        row = CORRUPTIONS["snow"].tables[profile][severity - 1]
        expected = snow(image, RandomState(SFC64(severity)), *row, blur=magick)
        assert (apply("snow", image, severity, SFC64(severity), profile=profile) == expected).all()


@pytest.mark.parametrize("severity", [1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_is_a_function_of_image_and_bits(name, severity):
    image = photograph("chelsea", 60, 70)
    before = image.copy()
    made = apply(name, image, severity, SFC64(3))
    assert (image == before).all() and not np.shares_memory(made, image)
    assert (made == apply(name, image, severity, SFC64(3))).all()
    if name != "brightness":
        assert (made != apply(name, image, severity, SFC64(4))).any()


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_one_colour(name, value):
    image = np.full((40, 50, 3), value, np.uint8)
    for severity in SEVERITIES:
        needs_ipp(name, severity)
        row = CORRUPTIONS[name].tables["imagenet"][severity - 1]
        with np.errstate(invalid="ignore"):
            expected = PLAIN[name](image, RandomState(SFC64(9)), *row)
        assert (apply(name, image, severity, SFC64(9)) == expected).all(), severity


def test_grey_is_that_of_opencv_rounded_once_a_product():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    x = image.astype(np.float32) / np.float32(255)
    made = snowfall.grey(image)
    assert made.dtype == np.float32
    assert np.abs(made - cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)).max() <= 2**-23
    weights = [Fraction(float(np.float32(weight))) for weight in (0.299, 0.587, 0.114)]
    for pixel, value in zip(x.reshape(-1, 3), made.reshape(-1), strict=True):
        total = Fraction(0)
        for channel, weight in zip(pixel, weights, strict=True):
            total = Fraction(float(nearest_float32(total + Fraction(float(channel)) * weight)))
        assert total == Fraction(float(value))


def nearest_float32(exact):
    near = np.float32(float(exact))
    candidates = [np.nextafter(near, np.float32(-1)), near, np.nextafter(near, np.float32(2))]
    return min(candidates, key=lambda value: abs(Fraction(float(value)) - exact))


def test_frost_never_uses_more_than_three_draws():
    image = photograph("chelsea", 64, 64)
    bits, state = SFC64(0), SFC64(0)
    apply("frost", image, 3, bits)
    draw = RandomState(state).randint
    ice = textures.texture(draw(5), 1, 64, 64)
    draw(0, ice.shape[0] - 64)
    draw(0, ice.shape[1] - 64)
    assert RandomState(bits).randint(0, 2**32) == RandomState(state).randint(0, 2**32)


def test_flakes_at_the_threshold_stay():
    field = np.array([[0.5, np.nextafter(0.5, 0), 0.75, 2.0]])
    assert snowfall._to_uint8(field, 0.5).tolist() == [[127, 0, 191, 255]]
