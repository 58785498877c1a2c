"""Blurs that sample an image with cubic splines, as SciPy does: rotations, and channels of different sizes."""

from __future__ import annotations

import math

import numpy as np

from .arithmetic import exp
from .compiled import kernel
from .elementary import sincos
from .types import Image
from .waves import level

ROTATIONS = 21
POLE = math.sqrt(3.0) - 2.0  # of the recursive filter that gives the coefficients of a cubic spline


def spin(image: Image, angle: float) -> Image:
    """Blur an image along circles around its centre: the weighted mean of rotated images.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    angle : float
        Angle of the first and the last rotation, in degrees.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)

    Notes
    -----
    With SciPy, in float32::

        for u in linspace(-1, 1, 21):
            total += exp(-2 * u * u) * scipy.ndimage.rotate(image / 255, u * angle, reshape=False)
    """
    places = [2 * i / (ROTATIONS - 1) - 1 for i in range(ROTATIONS)]
    weights = [exp(-2.0 * u * u) for u in places]
    total = 0.0
    for weight in weights:
        total += weight
    radians = np.array([u * angle * (math.pi / 180.0) for u in places])
    out = np.empty_like(image)
    values = (image / 255.0).astype(np.float32).astype(np.float64)
    _spin(values, radians, np.array(weights, np.float32), np.float32(total), out)
    return out


@kernel
def _spin(values, radians, weights, total, out):
    height, width, _ = values.shape
    for j in range(width):
        _coefficients(values[:, j])
    for i in range(height):
        _coefficients(values[i])
    sums = np.zeros(values.shape, np.float32)
    rows, columns = np.empty(4, np.int64), np.empty(4, np.int64)
    down, across = np.empty(4), np.empty(4)
    for n in range(radians.size):
        s, c = sincos(radians[n])
        top = (height - 1) / 2.0 - (c * ((height - 1) / 2.0) + s * ((width - 1) / 2.0))
        left = (width - 1) / 2.0 - (-s * ((height - 1) / 2.0) + c * ((width - 1) / 2.0))
        for i in range(height):
            for j in range(width):
                row, column = top + c * i + s * j, left + -s * i + c * j
                if 0.0 <= row <= height - 1.0 and 0.0 <= column <= width - 1.0:
                    _taps(row, height, rows, down)
                    _taps(column, width, columns, across)
                    for k in range(3):
                        value = np.float32(_spline(values, rows, columns, down, across, k))
                        sums[i, j, k] = np.float32(sums[i, j, k] + np.float32(weights[n] * value))
    for i in range(height):
        for j in range(width):
            for k in range(3):
                out[i, j, k] = level(np.float32(np.float32(sums[i, j, k] / total) * np.float32(255.0)))


@kernel
def _coefficients(line):
    """Replace the values of each channel along a line, mirrored at its ends, by their spline coefficients."""
    size = len(line)
    for k in range(line.shape[1]):
        for i in range(size):
            line[i, k] *= 6.0
        power, first = POLE, line[0, k]
        for i in range(1, size):
            first += power * line[i, k]
            power *= POLE
        line[0, k] = first
        for i in range(1, size):
            line[i, k] += POLE * line[i - 1, k]
        line[size - 1, k] = POLE / (POLE * POLE - 1.0) * (line[size - 1, k] + POLE * line[size - 2, k])
        for i in range(size - 2, -1, -1):
            line[i, k] = POLE * (line[i + 1, k] - line[i, k])


@kernel
def _taps(place, size, indices, weights):
    """Fill in the pixels that a cubic spline needs at a place on a mirrored line, and their weights."""
    start = np.int64(np.floor(place))
    t = place - start
    z = 1.0 - t
    weights[0] = z * z * z / 6.0
    weights[1] = (t * t * (t - 2.0) * 3.0 + 4.0) / 6.0
    weights[2] = (z * z * (z - 2.0) * 3.0 + 4.0) / 6.0
    weights[3] = 1.0 - weights[0] - weights[1] - weights[2]
    for n in range(4):
        index = abs(start - 1 + n)
        indices[n] = index if index < size else 2 * (size - 1) - index


@kernel
def _spline(values, rows, columns, down, across, channel):
    """Sum the weighted pixels in SciPy's order."""
    total = 0.0
    for a in range(4):
        for b in range(4):
            total += values[rows[a], columns[b], channel] * down[a] * across[b]
    return total


def aberrate(image: Image, factors: tuple[float, float, float]) -> Image:
    """Enlarge each channel around the centre, without the filter that would make the spline pass through the pixels.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    factors : tuple of float
        Factors of red, green and blue, 1 or more. A factor of 1 blurs too.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
        Rounded, not truncated.
    """
    out = np.empty_like(image)
    for channel, factor in enumerate(factors):
        _aberrate(image, round(len(image) * factor), channel, out)
    return out


@kernel
def _aberrate(image, size, channel, out):
    side = len(image)
    step, start = (side - 1) / (size - 1), (size - side) // 2
    indices, weights = np.empty((side, 4), np.int64), np.empty((side, 4))
    for i in range(side):
        _taps((start + i) * step, side, indices[i], weights[i])
    for i in range(side):
        for j in range(side):
            value = _spline(image, indices[i], indices[j], weights[i], weights[j], channel)
            out[i, j, channel] = level(np.floor(value + 0.5))
