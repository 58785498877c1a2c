"""Snow: a layer of flakes, and the grey of the picture that it whitens."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.random import BitGenerator
from numpy.typing import NDArray

from .. import draws
from . import zoom
from .registry import Image

# OpenCV's weights of RGB2GRAY.
RED, GREEN, BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def flakes(
    bits: BitGenerator, height: int, width: int, loc: float, scale: float, factor: float, threshold: float
) -> Image:
    """Draw a layer of flakes, not yet blurred.

    Parameters
    ----------
    bits : numpy.random.BitGenerator
        It is advanced by the ``height * width`` normal draws of a whole field.
    height, width : int
        In pixels.
    loc, scale : float
        Mean and standard deviation of the field.
    factor : float
        By which the field's middle is zoomed.
    threshold : float
        What lies under it is left black.

    Returns
    -------
    ndarray of uint8, shape (height, width)
    """
    window = zoom.crop(height, width, factor)
    field = zoom.enlarge(
        draws.normal_window(bits, loc, scale, (height, width), window), factor, height, width
    )
    field[field < threshold] = 0.0
    return (np.clip(field, 0.0, 1.0) * 255.0).astype(np.uint8)


def grey(image: Image) -> NDArray[np.float32]:
    """Return the grey (H, W) of a uint8 image (H, W, 3) over 255, rounded as OpenCV rounds it in float32."""
    return _grey(image)  # type: ignore[no-any-return]


def cover(image: Image, layer: Image, blend: float) -> Image:
    """Whiten the picture and lay the flakes over it, once as they are and once turned by 180 degrees.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. It is not changed.
    layer : ndarray of uint8, shape (H, W)
        The blurred flakes.
    blend : float
        The picture's own share; the rest is at least as bright as ``1.5 * grey + 0.5``.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    return _cover(image, _grey(image), layer, np.float32(blend), np.float32(1 - blend))  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _grey(image):  # type: ignore[no-untyped-def]
    out = np.empty(image.shape[:2], np.float32)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            # OpenCV adds each further product with one rounding (fused); a float64 holds the product exactly.
            r = np.float32(image[i, j, 0]) / np.float32(255)
            g = np.float32(image[i, j, 1]) / np.float32(255)
            b = np.float32(image[i, j, 2]) / np.float32(255)
            total = r * RED
            total = np.float32(np.float64(total) + np.float64(g) * np.float64(GREEN))
            out[i, j] = np.float32(np.float64(total) + np.float64(b) * np.float64(BLUE))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(image, greys, layer, blend, rest):  # type: ignore[no-untyped-def]
    height, width = layer.shape
    out = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            light = greys[i, j] * np.float32(1.5) + np.float32(0.5)
            flake = layer[i, j] / 255.0
            turned = layer[height - 1 - i, width - 1 - j] / 255.0
            for c in range(3):
                x = np.float32(image[i, j, c]) / np.float32(255)
                base = blend * x + rest * max(x, light)
                y = np.float64(base) + flake + turned
                out[i, j, c] = np.uint8(np.int32(min(y, 1.0) * 255.0))
    return out
