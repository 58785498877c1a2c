"""The motion blur of ImageMagick 6 (MotionBlurImage, Q16), bit for bit."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..arithmetic import cos, exp, sin
from .registry import Image


def kernel(radius: float, sigma: float) -> NDArray[np.float64]:
    """Return the weights of the taps 0 to 2 * ceil(radius): half a Gaussian, normalised to sum 1."""
    width = 2 * math.ceil(radius) + 1
    norm = math.sqrt(2.0 * math.pi) * sigma
    half = [exp(-(i * i) / (2.0 * sigma * sigma)) / norm for i in range(width)]
    total = 0.0
    for value in half:
        total += value
    return np.array([value / total for value in half])


def offsets(width: int, angle: float) -> NDArray[np.int64]:
    """Return the (row, column) offsets of ``width`` taps along ``angle`` degrees, shape (width, 2)."""
    radians = math.pi * angle / 180.0
    x, y = width * sin(radians), width * cos(radians)
    with localcontext() as context:
        context.prec = 60
        length = float((Decimal(x) ** 2 + Decimal(y) ** 2).sqrt())
    return np.array([(math.ceil(i * x / length - 0.5), math.ceil(i * y / length - 0.5)) for i in range(width)])


def blur(image: Image, radius: float, sigma: float, angle: float) -> Image:
    """Blur along one direction as ImageMagick 6 does.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C) or (H, W)
        It is not changed.
    radius, sigma : float
        In pixels. The trail is 2 * ceil(radius) + 1 pixels long and fades as a Gaussian of this sigma.
    angle : float
        In degrees.

    Returns
    -------
    ndarray of uint8, of the image's shape
        A new array.
    """
    weights = kernel(radius, sigma)
    planes = np.ascontiguousarray(image).reshape(*image.shape[:2], -1)
    return _blur(planes, weights, offsets(len(weights), angle)).reshape(image.shape)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(image, weights, taps):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    out = np.empty_like(image)
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                total = 0.0
                for i in range(weights.size):
                    y = min(max(row + taps[i, 0], 0), height - 1)
                    x = min(max(column + taps[i, 1], 0), width - 1)
                    total += weights[i] * (257.0 * image[y, x, channel])
                out[row, column, channel] = np.int64(total + 0.5) // 257
    return out
