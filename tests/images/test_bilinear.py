"""Bilinear interpolation equals OpenCV's, byte for byte."""

import numpy as np
import pytest
from opencv_oracle import cv2

from imagenet_cp.images.bilinear import resize


def noise(rows, columns):
    return np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (31, 45), (120, 77)])
@pytest.mark.parametrize("new", [(1, 3), (13, 11), (45, 91), (121, 78), (250, 400)])
def test_resizing_to_a_size(size, new):
    image = noise(*size)
    steps = (1 / (made / given) for made, given in zip(new, size, strict=True))
    assert (resize(image, *new, *steps) == cv2.resize(image, new[::-1])).all()


@pytest.mark.parametrize("factor", [0.1, 0.2, 0.3, 0.7, 1.3])
def test_resizing_by_a_factor(factor):
    image = noise(63, 91)
    expected = cv2.resize(image, (0, 0), fx=factor, fy=factor)
    assert (resize(image, *expected.shape[:2], 1 / factor, 1 / factor) == expected).all()


def test_the_same_size_is_the_same_image():
    assert (resize(noise(9, 12), 9, 12, 1.0, 1.0) == noise(9, 12)).all()
