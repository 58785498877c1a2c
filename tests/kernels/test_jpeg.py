"""The round trip through JPEG is that of the file which Pillow writes and reads."""

import io

import numpy as np
import pytest
import skimage.data
from numpy.random import default_rng
from PIL import Image

from imagenet_cp.kernels import jpeg

COLUMN, ROW = np.arange(96)[None, :, None], np.arange(90)[:, None, None]
PICTURES = {
    "photograph": np.ascontiguousarray(skimage.data.coffee()[100:190, 250:346]),
    "noise": default_rng(1).integers(0, 256, (90, 96, 3), dtype=np.uint8),
    "black and white": default_rng(2).integers(0, 2, (90, 96, 3), dtype=np.uint8) * np.uint8(255),
    "patches": default_rng(3)
    .integers(0, 256, (13, 20, 3), dtype=np.uint8)
    .repeat(7, axis=0)
    .repeat(5, axis=1)[:90, :96],
    "stripes": np.broadcast_to(np.where(COLUMN // 4 % 2, 255, 0), (90, 96, 3)).astype(np.uint8),
    "chequers": np.where((COLUMN + ROW) % 2, [[[255, 0, 128]]], [[[0, 255, 1]]]).astype(np.uint8),
    "white": np.full((90, 96, 3), 255, np.uint8),
}


def through_a_file(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("name", PICTURES)
def test_every_quality(name):
    image = np.ascontiguousarray(PICTURES[name])
    for quality in range(1, 101):
        made = jpeg.round_trip(image, quality)
        assert made.dtype == np.uint8 and np.array_equal(made, through_a_file(image, quality)), quality


@pytest.mark.parametrize("name", ["photograph", "noise"])
def test_every_size(name):
    sizes = [(height, width) for height in range(32, 50) for width in range(32, 50)]
    for number, size in enumerate([*sizes, (5, 5), (90, 6), (7, 96)]):
        image = np.ascontiguousarray(PICTURES[name][: size[0], : size[1]])
        quality = (5, 30, 50, 75, 95)[number % 5]
        assert np.array_equal(jpeg.round_trip(image, quality), through_a_file(image, quality)), size


def test_the_image_is_left_alone():
    image = PICTURES["photograph"].copy()
    image.flags.writeable = False
    jpeg.round_trip(image, 10)
    assert np.array_equal(image, PICTURES["photograph"])
