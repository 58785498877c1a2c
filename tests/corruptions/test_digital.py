"""The digital corruptions and saturate equal plain ones, on further images and sizes.

The plain elastic_transform is in test_elastic.py.
"""

import io

import golden_images as golden
import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64, RandomState
from PIL import Image
from skimage.color import hsv2rgb, rgb2hsv

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply

NAMES = ["contrast", "pixelate", "jpeg_compression", "saturate"]
SIZES = [(224, 224), (32, 32), (32, 512), (300, 512), (225, 224)]
SMALL = [(8, 8), (8, 13), (16, 16), (20, 20), (31, 31)]


def photograph(height, width, name="astronaut"):
    return np.array(
        Image.fromarray(getattr(skimage.data, name)()).resize((width, height), Image.Resampling.BOX)
    )


def to_uint8(y):
    return (np.clip(y, 0, 1) * 255).astype(np.uint8)


def contrast(image, state, factor):
    mean = image.sum(axis=(0, 1)) / (255.0 * image.shape[0] * image.shape[1])
    return to_uint8((image / 255.0 - mean) * factor + mean)


def pixelate(image, state, factor):
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((int(width * factor), int(height * factor)), Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BOX))


def jpeg_compression(image, state, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file))


def saturate(image, state, factor, shift):
    hsv = rgb2hsv(image / 255.0)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + shift, 0, 1)
    return to_uint8(hsv2rgb(hsv))


def parameters(name, severity, profile="imagenet"):
    return CORRUPTIONS[name].tables[profile][severity - 1]


@pytest.mark.parametrize(("height", "width"), SIZES + SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_equals_a_plain_one(name, height, width):
    image = photograph(height, width)
    for severity in SEVERITIES:
        made = apply(name, image, severity, SFC64(severity))
        plain = globals()[name](image, RandomState(SFC64(severity)), *parameters(name, severity))
        golden.assert_near(made, plain, equal=0.9999)


@pytest.mark.parametrize("profile", ["imagenet_299", "tiny", "cifar"])
@pytest.mark.parametrize("name", NAMES)
def test_equals_a_plain_one_in_other_profiles(name, profile):
    image = photograph(96, 80, "coffee")
    for severity in SEVERITIES:
        made = apply(name, image, severity, SFC64(severity), profile=profile)
        plain = globals()[name](image, RandomState(SFC64(severity)), *parameters(name, severity, profile))
        golden.assert_near(made, plain, equal=0.9999)


@pytest.mark.parametrize("name", [*NAMES, "elastic_transform"])
def test_the_image_is_left_alone_and_the_bits_decide(name):
    image = photograph(50, 70)
    before = image.copy()
    made = [apply(name, image, 2, SFC64(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(image, before)
    assert made[0].shape == image.shape and made[0].dtype == np.uint8
    assert not np.shares_memory(made[0], image)
    np.testing.assert_array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2]) == (name != "elastic_transform")


@pytest.mark.parametrize("value", [0, 1, 77, 254, 255])
@pytest.mark.parametrize("name", ["contrast", "pixelate"])
def test_a_flat_image_stays_flat(name, value):
    image = np.full((33, 47, 3), value, np.uint8)
    for severity in SEVERITIES:
        made = apply(name, image, severity, SFC64(0))
        assert np.unique(made).size == 1
        assert abs(int(made[0, 0, 0]) - value) <= 1


@pytest.mark.parametrize("profile", ["imagenet", "cifar"])
@pytest.mark.parametrize("mean", [0, 1, 2, 48, 92, 255])
def test_contrast_at_ties(mean, profile):
    # (p - mean) * factor + mean is a whole number for many p, and its rounding falls both ways
    spread = np.minimum(np.arange(36), min(mean, 255 - mean))[None, :, None]
    image = np.repeat(mean + np.where(np.arange(32)[:, None, None] % 2, spread, -spread), 3, axis=2)
    image = image.astype(np.uint8)
    for severity in SEVERITIES:
        made = apply("contrast", image, severity, SFC64(0), profile=profile)
        np.testing.assert_array_equal(made, contrast(image, None, *parameters("contrast", severity, profile)))


@pytest.mark.parametrize("factor", [0.95, 0.9, 0.85, 0.6, 0.4, 0.3, 0.25, 0.2])
def test_pixelate_is_pillow_s_at_many_sizes(factor):
    for height, width in [(32, 33), (64, 97), (101, 150), (257, 224)]:
        noise = RandomState(height).randint(0, 256, (height, width, 3)).astype(np.uint8)
        made = CORRUPTIONS["pixelate"].kernel(noise, factor)
        np.testing.assert_array_equal(made, pixelate(noise, None, factor))
