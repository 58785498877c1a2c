"""JPEG files are byte for byte those that Pillow writes.

The everyday run compares about 2,900 files in a few seconds. ``IMAGENET_CP_EXHAUSTIVE=1 pytest tests/kernels`` compares
about 27,000: every small size with every subsampling, and every corruption at every severity.
"""

import io
import itertools
import os

import golden_images as golden
import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64, default_rng
from PIL import Image, ImageFile

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply
from imagenet_cp.kernels import jpeg_file

EXHAUSTIVE = bool(os.environ.get("IMAGENET_CP_EXHAUSTIVE"))
SUBSAMPLINGS = tuple(jpeg_file.SUBSAMPLINGS)
COLUMN, ROW = np.arange(96)[None, :, None], np.arange(90)[:, None, None]
IMAGES = {
    "photograph": skimage.data.coffee()[100:190, 250:346],
    "dark photograph": skimage.data.rocket()[60:150, 200:296] // 4,
    "noise": default_rng(1).integers(0, 256, (90, 96, 3)),
    "black and white": default_rng(2).integers(0, 2, (90, 96, 3)) * 255,
    "rare dots": (default_rng(3).random((90, 96, 3)) < 0.01) * 255,
    "stripes": np.broadcast_to(COLUMN // 4 % 2 * 255, (90, 96, 3)),
    "chequers": np.where((COLUMN + ROW) % 2, [[[255, 0, 128]]], [[[0, 255, 1]]]),
    "ramp": COLUMN + ROW + np.arange(3),
    "white": np.full((90, 96, 3), 255),
    "black": np.zeros((90, 96, 3)),
}
IMAGES = {name: np.ascontiguousarray(image, np.uint8) for name, image in IMAGES.items()}


@pytest.fixture(autouse=True)
def room_in_pillow(monkeypatch):
    """Give Pillow's encoder the room it lacks for noise of high quality."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 24)


def pillow(image, quality, subsampling):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, optimize=True, subsampling=subsampling)
    return file.getvalue()


def assert_equal(image, quality, subsampling="4:2:0"):
    made = jpeg_file.encode(image, quality, subsampling)
    assert made == pillow(image, quality, subsampling), (image.shape, quality, subsampling)


@pytest.mark.parametrize("name", IMAGES)
def test_every_quality(name):
    for quality in range(1, 101):
        for subsampling in SUBSAMPLINGS if EXHAUSTIVE or name == "noise" else SUBSAMPLINGS[quality % 2 :]:
            assert_equal(IMAGES[name], quality, subsampling)


@pytest.mark.parametrize("name", ["photograph", "noise", "rare dots"] if EXHAUSTIVE else ["photograph"])
def test_every_size(name):
    for number, (height, width) in enumerate(itertools.product(range(1, 41), range(1, 41))):
        image = np.ascontiguousarray(IMAGES[name][:height, :width])
        for k in range(len(SUBSAMPLINGS)) if EXHAUSTIVE else [number]:
            assert_equal(image, (5, 30, 75, 85, 95, 100, 50)[number % 7], SUBSAMPLINGS[k % 2])


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (257, 15), (224, 224), (225, 223), (512, 512)])
def test_larger_images(shape):
    image = np.ascontiguousarray(skimage.data.astronaut()[: shape[0], : shape[1]])
    for subsampling in SUBSAMPLINGS:
        assert_equal(image, 85, subsampling)


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("imagenet_c/*.png")), ids=lambda path: path.stem)
def test_corrupted_images(path):
    image = golden.read(str(path))
    assert_equal(image, 85)
    assert_equal(image, 99, "4:4:4")


@pytest.mark.skipif(not EXHAUSTIVE, reason="IMAGENET_CP_EXHAUSTIVE is not set")
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption(name):
    sources = [skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee(), skimage.data.retina()]
    for image, severity in itertools.product(sources, SEVERITIES):
        corrupted = apply(name, np.ascontiguousarray(image[10:234, 20:244]), severity, SFC64(severity))
        for quality, subsampling in itertools.product((50, 85, 99), SUBSAMPLINGS):
            assert_equal(corrupted, quality, subsampling)


def test_the_image_may_be_read_only_or_a_view():
    image = IMAGES["photograph"].copy()
    expected = pillow(image[::2, ::-1], 85, "4:2:0")
    image.flags.writeable = False
    assert jpeg_file.encode(image[::2, ::-1], 85) == expected
    assert np.array_equal(image, IMAGES["photograph"])


@pytest.mark.parametrize(
    "shape", [(0, 5, 3), (5, 0, 3), (5, 5, 4), (5, 5, 1), (5, 5), (65501, 1, 3), (5, 5, 3, 1), (5,)]
)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="cannot be encoded as JPEG"):
        jpeg_file.encode(np.zeros(shape, np.uint8), 85)


def test_other_settings_are_refused():
    for quality in (0, 101, -1):
        with pytest.raises(ValueError, match="quality must be a number from 1 to 100"):
            jpeg_file.encode(IMAGES["white"], quality)
    with pytest.raises(ValueError, match="unknown subsampling '4:1:1'; use one of 4:2:0, 4:4:4"):
        jpeg_file.encode(IMAGES["white"], 85, "4:1:1")
    with pytest.raises(TypeError, match="float64"):
        jpeg_file.encode(IMAGES["white"] / 255, 85)
