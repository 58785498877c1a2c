"""PNG files hold the pixels, in exactly the bytes that libpng writes."""

import io
import zlib

import numpy as np
import pytest
from opencv_oracle import cv2
from PIL import Image
from skimage import data

from imagenet_cp.images.png_encoder import encode_png

SIZES = [
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 70),
    (70, 1),
    (2, 2),
    (9, 7),
    (32, 32),
    (37, 64),
    (64, 64),
    (75, 73),
    (224, 225),
]


def images(height, width):
    rng = np.random.default_rng(height)
    yield rng.integers(0, 256, (height, width, 3), np.uint8)
    yield rng.integers(100, 104, (height, width, 3), np.uint8)
    for axis in (0, 1):
        yield rng.integers(-3, 4, (height, width, 3)).cumsum(axis).astype(np.uint8)
    yield data.coffee()[:height, :width]


@pytest.mark.parametrize("size", SIZES)
def test_pixels_survive(size):
    for image in images(*size):
        assert (np.asarray(Image.open(io.BytesIO(encode_png(image)))) == image).all()


@pytest.mark.parametrize("size", SIZES)
def test_the_bytes_are_libpng_s(size):
    parameters = [
        cv2.IMWRITE_PNG_COMPRESSION,
        1,
        cv2.IMWRITE_PNG_STRATEGY,
        cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
    ]
    for image in images(*size):
        done, expected = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)
        assert done and encode_png(image) == expected.tobytes()


def test_the_bytes_are_the_same_on_every_machine():
    assert zlib.crc32(encode_png(data.chelsea())) == 3524016448


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 5, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="cannot be encoded"):
        encode_png(np.zeros(shape, np.uint8))
