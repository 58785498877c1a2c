"""Snow: a layer of flakes, and a blend of the image with its grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import draws, zoom
from .channels import interleave, split
from .compiled import kernel
from .levels import unit
from .rng import Bits
from .types import Image

BLOCK = 1024  # pixels whitened at a time, so that they stay in the L1 cache
# Weights of OpenCV's RGB2GRAY.
RED, GREEN, BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def flakes(
    bits: Bits, height: int, width: int, loc: float, scale: float, factor: float, threshold: float
) -> Image:
    """Draw a layer of flakes, not yet blurred.

    Parameters
    ----------
    bits : Bits
        Advanced by the ``height * width`` normal draws of a whole field.
    height, width : int
        In pixels.
    loc, scale : float
        Mean and standard deviation of the field.
    factor : float
        Zoom factor of the centre of the field.
    threshold : float
        Smaller values become black.

    Returns
    -------
    ndarray of uint8, shape (height, width)
    """
    window = zoom.crop(height, width, factor)
    field = draws.normal_window(bits, loc, scale, (height, width), window)
    return _to_uint8(zoom.enlarge(field, factor, height, width), float(threshold))


def grey(image: Image) -> NDArray[np.float32]:
    """Return the grey (H, W) of a uint8 image (H, W, 3) over 255, rounded as OpenCV rounds it in float32."""
    height, width = image.shape[:2]
    return _grey(image.reshape(height, 3 * width))


def cover(image: Image, layer: Image, blend: float) -> Image:
    """Whiten the image and add the layer of flakes twice, as it is and rotated by 180 degrees.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. Not changed.
    layer : ndarray of uint8, shape (H, W)
        The blurred flakes.
    blend : float
        Weight of the image; the rest is the maximum of the image and ``1.5 * grey + 0.5``.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    return _cover(image, layer, np.float32(blend), np.float32(1 - blend))


@kernel
def _to_uint8(field, threshold):
    out = np.empty(field.shape, np.uint8)
    source, target = field.reshape(-1), out.reshape(-1)
    for i in range(target.size):
        y = source[i] if source[i] >= threshold else 0.0
        target[i] = np.uint8(np.int32(min(max(y, 0.0), 1.0) * 255.0))
    return out


@kernel
def _line_grey(red, green, blue, out):
    for j in range(out.size):
        # OpenCV adds each further product with a single rounding (fused); a float64 holds the product exactly.
        total = unit(red[j]) * RED
        total = np.float32(np.float64(total) + np.float64(unit(green[j])) * np.float64(GREEN))
        out[j] = np.float32(np.float64(total) + np.float64(unit(blue[j])) * np.float64(BLUE))


@kernel
def _grey(image):
    height, width = image.shape[0], image.shape[1] // 3
    out = np.empty((height, width), np.float32)
    red, green, blue = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    for i in range(height):
        split(image[i], red, green, blue)
        _line_grey(red, green, blue, out[i])
    return out


@kernel
def _line_cover(line, light, flakes, blend, rest):
    """Whiten a line of one colour and add the flakes.

    The sum is of levels, not of fractions: 255 times a float32 is never so near an integer other than 0 and 255 that
    the rounding of the published float64 sum would matter.
    """
    for j in range(line.size):
        x = unit(line[j])
        whitened = blend * x + max(rest * x, light[j])
        level = np.int32(np.float64(whitened) * 255.0)
        line[j] = np.uint8(min(level + np.int32(flakes[j]), np.int32(255)))


@kernel
def _cover(image, layer, blend, rest):
    values, flat, out = image.reshape(-1), layer.reshape(-1), np.empty(image.size, np.uint8)
    red, green, blue = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    light, flakes = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.uint16)
    for start in range(0, flat.size, BLOCK):
        stop = min(start + BLOCK, flat.size)
        r, g, b = red[: stop - start], green[: stop - start], blue[: stop - start]
        white, whole = light[: stop - start], flakes[: stop - start]
        here, turned = flat[start:stop], flat[flat.size - stop : flat.size - start]
        split(values[3 * start : 3 * stop], r, g, b)
        _line_grey(r, g, b, white)
        for j in range(white.size):
            white[j] = rest * (white[j] * np.float32(1.5) + np.float32(0.5))
        for j in range(turned.size - 1, -1, -1):  # downwards, because only then it is vectorized
            whole[turned.size - 1 - j] = np.uint16(turned[j])
        for j in range(here.size):
            whole[j] += np.uint16(here[j])
        _line_cover(r, white, whole, blend, rest)
        _line_cover(g, white, whole, blend, rest)
        _line_cover(b, white, whole, blend, rest)
        interleave(r, g, b, out[3 * start : 3 * stop])
    return out.reshape(image.shape)
