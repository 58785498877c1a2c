"""Spatter: drops of water or mud on the lens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import canny, chamfer, draws, gaussian
from .channels import interleave, split
from .compiled import kernel
from .levels import unit
from .rng import Bits
from .types import Image

LOW_GRADIENT, HIGH_GRADIENT = 50, 150
WATER = (np.float32(175 / 255), np.float32(238 / 255), np.float32(238 / 255))
MUD = (np.float32(63 / 255), np.float32(42 / 255), np.float32(20 / 255))
THINNEST_MUD = np.float32(0.8)
CAP = 20  # upper limit of distances


def drops(
    bits: Bits, height: int, width: int, loc: float, scale: float, sigma: float, threshold: float
) -> NDArray[np.float64]:
    """Draw the thickness of the liquid.

    Parameters
    ----------
    bits : Bits
        Advanced by ``height * width`` normal draws.
    height, width : int
        In pixels.
    loc, scale : float
        Mean and standard deviation of the field.
    sigma : float
        Standard deviation of the Gaussian blur that forms drops, in pixels.
    threshold : float
        Smaller values are set to 0, which is dry.

    Returns
    -------
    ndarray of float64, shape (height, width)
    """
    field = gaussian.blur(draws.normal(bits, loc, scale, (height, width)), sigma)
    _dry(field, float(threshold))
    return field


def water(image: Image, layer: NDArray[np.float64], amount: float) -> Image:
    """Add water drops, pale turquoise and lit from one side.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. Not changed.
    layer : ndarray of float64, shape (H, W)
        Thickness of the water.
    amount : float
        Largest opacity.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        A copy if there is no water, where the published function divides by zero.
    """
    depth = _to_uint8(layer)
    relief = _relief(chamfer.distance(canny.edges(depth, LOW_GRADIENT, HIGH_GRADIENT)))
    opacity = _opacity(depth, relief, np.float32(amount))
    return _mix(image, opacity, np.float32(0), *WATER)


def mud(image: Image, layer: NDArray[np.float64], threshold: float, sigma: float) -> Image:
    """Add drops of brown mud.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. Not changed.
    layer : ndarray of float64, shape (H, W)
        Thickness of the mud.
    threshold : float
        There is mud where the layer is thicker than this.
    sigma : float
        Standard deviation of the Gaussian blur of its outline, in pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    opacity = gaussian.blur((layer > threshold).astype(np.float32), sigma)
    _dry(opacity, THINNEST_MUD)
    return _mix(image, opacity, np.float32(1), *MUD)


@kernel
def _dry(field, threshold):
    flat = field.reshape(-1)
    for i in range(flat.size):
        flat[i] = flat[i] if flat[i] >= threshold else 0.0


@kernel
def _to_uint8(layer):
    out = np.empty(layer.shape, np.uint8)
    source, target = layer.reshape(-1), out.reshape(-1)
    for i in range(target.size):
        # A thickness above 1, which is rare, wraps around to 0: a published quirk.
        target[i] = np.uint8(np.int32(source[i] * 255.0))
    return out


@kernel
def _mirror(padded):
    """Fill the border of one pixel by mirroring, without repeating the outermost pixel."""
    last, end = padded.shape[0] - 1, padded.shape[1] - 1
    for i in range(1, last):
        padded[i, 0], padded[i, end] = padded[i, 2], padded[i, end - 2]
    for j in range(end + 1):
        padded[0, j], padded[last, j] = padded[2, j], padded[last - 2, j]


@kernel
def _relief(distance):
    """Return the light and shadow of drops: OpenCV's blur, equalizeHist, filter2D and blur, in integers."""
    height, width = distance.shape
    level, other = np.empty((height + 2, width + 2), np.uint8), np.empty((height + 2, width + 2), np.uint8)
    counts, equal = np.zeros((4, CAP + 1), np.int64), np.empty(CAP + 1, np.uint8)
    _smooth_distance(distance, level, counts)
    for value in range(CAP + 1):
        counts[0, value] += counts[1, value] + counts[2, value] + counts[3, value]
    _equalise(counts[0], height * width, equal)
    for i in range(1, height + 1):
        source, target = level[i], other[i]
        for j in range(1, width + 1):
            target[j] = equal[source[j]]
    _mirror(other)
    _emboss(other, level)
    _mirror(level)
    out, total = np.empty((height, width), np.uint8), np.empty(width + 2, np.uint16)
    for i in range(height):
        above, here, below, target = level[i], level[i + 1], level[i + 2], out[i]
        for j in range(total.size):
            total[j] = np.uint16(above[j]) + np.uint16(here[j]) + np.uint16(below[j])
        for j in range(target.size):
            nine = np.uint16(total[j] + total[j + 1] + total[j + 2] + np.uint16(4))
            target[j] = np.uint8(nine // np.uint16(9))
    return out


@kernel
def _smooth_distance(distance, level, counts):
    """Write the truncated mean of 3x3 distances inside the border of ``level``, and count the values.

    The sums of nine are exact in float64; the mean is rounded to float32 before it is truncated.
    """
    height, width = distance.shape
    column = np.empty(width + 2)
    cap = np.float32(CAP)
    for i in range(height):
        above = distance[i - 1 if i > 0 else 1]
        here = distance[i]
        below = distance[i + 1 if i < height - 1 else height - 2]
        target = level[i + 1, 1 : width + 1]
        for j in range(target.size):
            total = np.float64(min(above[j], cap)) + np.float64(min(here[j], cap))
            column[j + 1] = total + np.float64(min(below[j], cap))
        column[0], column[width + 1] = column[2], column[width - 1]
        for j in range(target.size):
            mean = (column[j] + column[j + 1] + column[j + 2]) * (1 / 9)
            target[j] = np.uint8(np.int32(np.float32(mean)))
        for j in range(target.size):
            counts[j % 4, target[j]] += 1


@kernel
def _equalise(counts, total, out):
    """Write the new level of each level: equalizeHist with its float32 scale, halves rounded to even."""
    first = 0
    while counts[first] == 0:
        first += 1
    rest = total - counts[first]
    scale = np.float32(255) / np.float32(max(rest, 1))
    below = 0
    for i in range(counts.size):
        if i > first:
            below += counts[i]
        out[i] = np.uint8(np.rint(np.float32(below) * scale))
    if rest == 0:
        out[first] = first  # a single level is unchanged


@kernel
def _emboss(padded, out):
    """Light from the lower right: correlate with (-2 -1 0; -1 1 1; 0 1 2), clipped to 0..255."""
    for i in range(1, padded.shape[0] - 1):
        above, here, below, target = padded[i - 1], padded[i], padded[i + 1], out[i, 1:-1]
        for j in range(target.size):
            total = np.int16(here[j + 1]) + np.int16(here[j + 2]) - np.int16(here[j])
            total += np.int16(below[j + 1]) + np.int16(2) * np.int16(below[j + 2])
            total -= np.int16(2) * np.int16(above[j]) + np.int16(above[j + 1])
            target[j] = np.uint8(min(max(np.int16(total), np.int16(0)), np.int16(255)))


@kernel
def _opacity(depth, relief, amount):
    out = np.zeros(depth.shape, np.float32)
    thickness, light, target = depth.reshape(-1), relief.reshape(-1), out.reshape(-1)
    most = np.int32(0)
    for i in range(target.size):
        most = max(most, np.int32(thickness[i]) * np.int32(light[i]))
    if most > 0:
        for i in range(target.size):
            product = np.int32(thickness[i]) * np.int32(light[i])
            target[i] = np.float32(product) / np.float32(most) * amount
    return out


@kernel
def _mix(image, opacity, cover, red, green, blue):
    """Add the colour times its opacity to the image dimmed by ``cover`` times the opacity, all in float32."""
    height, width = opacity.shape
    rows, out = image.reshape(height, 3 * width), np.empty((height, 3 * width), np.uint8)
    r, g, b = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    for i in range(height):
        liquid = opacity[i]
        split(rows[i], r, g, b)
        for j in range(liquid.size):
            keep = np.float32(1) - cover * liquid[j]
            r[j] = _mixed(r[j], keep, liquid[j] * red)
            g[j] = _mixed(g[j], keep, liquid[j] * green)
            b[j] = _mixed(b[j], keep, liquid[j] * blue)
        interleave(r, g, b, out[i])
    return out.reshape(image.shape)


@kernel
def _mixed(level, keep, colour):
    y = min(unit(level) * keep + colour, np.float32(1))
    return np.uint8(np.int32(y * np.float32(255)))
