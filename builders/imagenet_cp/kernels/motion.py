"""Motion blur of ImageMagick 6 (MotionBlurImage, Q16), bit for bit."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .arithmetic import cos, exp, sin
from .compiled import kernel
from .levels import truncate
from .types import Image
from .vectors import lanes, store

BAND = 16  # rows
BLOCK = 256  # bytes
LANES = BLOCK // 4  # values in float32
load, broadcast = lanes(BLOCK)

ERROR_BOUND = 2.0**-30  # of an offset, in pixels: far above the error of the sums from which it is computed


@lru_cache(64)
def weights(radius: float, sigma: float) -> NDArray[np.float64]:
    """Return the weights of the taps 0 to 2 * ceil(radius): half a Gaussian, normalized to sum 1."""
    width = 2 * math.ceil(radius) + 1
    norm = math.sqrt(2.0 * math.pi) * sigma
    half = [exp(-(i * i) / (2.0 * sigma * sigma)) / norm for i in range(width)]
    total = 0.0
    for value in half:
        total += value
    return np.array([value / total for value in half])


def offsets(width: int, angle: float) -> NDArray[np.int64]:
    """Return the (row, column) offsets of ``width`` taps along ``angle`` degrees, shape (width, 2).

    At multiples of 30 and 90 degrees the rounding depends on the last bit of each of ImageMagick's operations; at
    nearly all other angles it does not.
    """
    radians = math.pi * angle / 180.0
    quick = np.empty((width, 2), np.int64)
    if _decided(radians, quick):
        return quick
    ahead = np.array([width * sin(radians), width * cos(radians)])
    with localcontext() as context:
        context.prec = 60  # digits, so that the hypotenuse is rounded correctly
        length = float(sum((Decimal(x) ** 2 for x in ahead.tolist()), Decimal(0)).sqrt())
    steps: NDArray[np.float64] = np.arange(width)[:, None] * ahead / length
    return np.ceil(steps - 0.5).astype(np.int64)


@kernel
def _decided(radians, out):
    """Fill in the offsets from the series of sine and cosine; return True if rounding cannot change them."""
    sine, cosine, term = 0.0, 0.0, 1.0
    for k in range(0, 32, 2):
        cosine += term
        term *= radians / (k + 1)
        sine += term
        term *= -radians / (k + 2)
    decided = abs(radians) < 4.0  # where the error of the series is below 2**-46
    for i in range(len(out)):
        for axis, step in enumerate((i * sine, i * cosine)):
            low, high = np.ceil(step - (0.5 + ERROR_BOUND)), np.ceil(step - (0.5 - ERROR_BOUND))
            out[i, axis] = low
            decided &= low == high
    return decided


def blur(image: Image, radius: float, sigma: float, angle: float) -> Image:
    """Blur along one direction as ImageMagick 6 does.

    A pixel is the weighted sum of those on a line that starts at it, in units of 1/257 level, rounded, then truncated
    to an integer level.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C) or (H, W)
        Not changed.
    radius, sigma : float
        In pixels. The line is 2 * ceil(radius) + 1 pixels long, with the weights of half a Gaussian of this sigma.
    angle : float
        In degrees; 0 points to the right, 90 down.

    Returns
    -------
    ndarray of uint8, of the image's shape
        A new array.
    """
    taps = weights(radius, sigma)
    # Half a unit in the last place of 128, 2**-18, for each addition to the sum; the other rounding errors are
    # relative to its terms, and together less than twelve such units.
    error_bound = 2.0**-18 * (12 + len(taps) / 4)
    return _blur(np.ascontiguousarray(image), taps, offsets(len(taps), angle), error_bound)


@kernel
def _blur(image, taps, places, error_bound):
    height, width = image.shape[:2]
    size = image.size // height
    channels = size // width
    planes, error_bound = image.reshape(height, width, channels), np.float32(error_bound)
    starts, quick_taps, quick = _spread_out(image.reshape(height, size), taps, places, channels)
    out = np.empty((height, size), np.uint8)
    levels, ambiguous = np.empty((BAND, size + LANES), np.float32), np.empty(size, np.uint8)
    lowest, highest = (
        np.float32(128.0 + 0.5 / 257.0) - error_bound,
        np.float32(128.0 + 0.5 / 257.0) + error_bound,
    )
    for row in range(height):
        if row % BAND == 0:
            _weigh(quick, starts[row : row + BAND], quick_taps, levels)
        line = out[row]
        if truncate(levels[row % BAND], lowest, highest, line, ambiguous):
            for j in range(size):
                if ambiguous[j]:
                    line[j] = _exact(planes, taps, places, row, j // channels, j % channels)
    return out.reshape(image.shape)


@kernel
def _spread_out(values, taps, places, channels):
    """Prepare the approximate sums.

    Returns
    -------
    starts : ndarray of int64, shape (H, T)
        Offset in ``quick`` of each row for each tap; T is the number of taps, padded with taps of weight 0 to a
        multiple of four.
    quick_taps : ndarray of float32, shape (T,)
    quick : ndarray of float32, one axis
        The values minus 128, each row padded with the border pixel as far as the taps reach.
    """
    height, size = values.shape
    pad, behind = max(-places[:, 1].min(), 0) * channels, max(places[:, 1].max(), 0) * channels
    step = pad + size + behind
    quick = np.empty(height * step + LANES, np.float32)
    for i in range(height):
        row = quick[i * step : (i + 1) * step]
        line = row[pad:]
        for j in range(size):
            line[j] = np.float32(values[i, j]) - np.float32(128.0)
        for c in range(channels):
            first, last = line[c], line[size - channels + c]
            for j in range(c, pad, channels):
                row[j] = first
            for j in range(size + c, line.size, channels):
                line[j] = last
    quick[height * step :] = np.float32(0.0)
    quick_taps = np.zeros((taps.size + 3) // 4 * 4, np.float32)
    starts = np.zeros((height, quick_taps.size), np.int64)
    for t in range(taps.size):
        quick_taps[t] = np.float32(taps[t])
        for i in range(height):
            starts[i, t] = min(max(i + places[t, 0], 0), height - 1) * step + pad + places[t, 1] * channels
    return starts, quick_taps, quick


@kernel
def _weigh(quick, starts, taps, levels):
    """Sum the taps for a band of rows, block by block, because nearby rows share values."""
    for at in range(0, levels.shape[1] - LANES, LANES):
        for k in range(len(starts)):
            start, total = starts[k], broadcast(np.float32(0.0))
            for t in range(0, taps.size, 4):
                a = load(quick, start[t] + at) * broadcast(taps[t])
                b = load(quick, start[t + 1] + at) * broadcast(taps[t + 1])
                c = load(quick, start[t + 2] + at) * broadcast(taps[t + 2])
                d = load(quick, start[t + 3] + at) * broadcast(taps[t + 3])
                total = total + ((a + b) + (c + d))
            store(levels[k], at, total)


@kernel
def _exact(image, taps, places, row, column, channel):
    height, width = image.shape[:2]
    total = 0.0
    for t in range(taps.size):
        i, j = min(max(row + places[t, 0], 0), height - 1), min(max(column + places[t, 1], 0), width - 1)
        total += taps[t] * (257.0 * np.float64(image[i, j, channel]))
    return np.int64(total + 0.5) // 257
