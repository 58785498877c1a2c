"""Lines with smooth edges, drawn across an image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import sincos
from .types import Image

GREY = 128.0


def draw(image: Image, points: NDArray[np.float64], angle: float, variation: float) -> Image:
    """Draw grey lines of twice the length of the image's side.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    points : ndarray of float64, shape (N, 3)
        For each line the row and the column of its middle and its direction, from 0 to 1.
    angle : float
        Mean direction, in radians.
    variation : float
        From 0 for parallel lines to 1 for lines of any direction.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    out = image.copy()
    for point in points:
        _draw(out, point, angle, variation)
    return out


@kernel
def _draw(image, point, angle, variation):
    side = len(image)
    row, column = side * point[0], side * point[1]
    s, c = sincos(angle + 2.0 * math.pi * variation * (point[2] - 0.5))
    s, c = side * s, side * c
    before = image.copy()
    _line(image, before, np.int64(row - c), np.int64(column - s), np.int64(row + c), np.int64(column + s))


@kernel
def _line(image, before, row, column, last_row, last_column):
    """Draw a line of one pixel's width by Bresenham's algorithm with Zingl's smooth edges."""
    rows, columns = abs(row - last_row), abs(column - last_column)
    down, right = 1 if row < last_row else -1, 1 if column < last_column else -1
    error, length = columns - rows, max(math.sqrt(rows * rows + columns * columns), 1.0)
    while True:
        _cover(image, before, row, column, abs(error - columns + rows) / length)
        now, here = error, column
        if 2 * now >= -columns:
            if column == last_column:
                return
            if now + rows < length:
                _cover(image, before, row + down, column, abs(now + rows) / length)
            error -= rows
            column += right
        if 2 * now <= rows:
            if row == last_row:
                return
            if columns - now < length:
                _cover(image, before, row, here + right, abs(columns - now) / length)
            error += columns
            row += down


@kernel
def _cover(image, before, row, column, distance):
    """Blend a pixel with grey, the less the farther it is from the line; pixels outside are skipped."""
    if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
        cover = 1.0 - distance
        for k in range(3):
            image[row, column, k] = np.uint8(np.int32((1.0 - cover) * before[row, column, k] + GREY * cover))
