"""Cells of a turned checkerboard that hide parts of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import sincos
from .types import Image

GREY = 128


def cut_out(image: Image, angle: float, scale: float, hidden: NDArray[np.bool_]) -> Image:
    """Fill some of the cells of one colour of a turned checkerboard with grey.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    angle : float
        In radians, around the upper left corner.
    scale : float
        Side of a cell, in pixels.
    hidden : ndarray of bool, shape (N, N)
        Cells to fill. As published, the cells 0 and -1 of an axis share an entry, and other negative ones count from
        the end.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    out = np.empty_like(image)
    _cut_out(image, angle, scale, np.append(hidden, False), len(hidden), out)
    return out


@kernel
def _cut_out(image, angle, scale, hidden, count, out):
    """``hidden`` has the cells in one dimension, and after them a False for the cells of the other colour."""
    height, width, _ = image.shape
    sine, cosine = sincos(angle)
    cells, triple = np.empty(width, np.int32), np.empty(3 * width, np.uint8)
    for i in range(height):
        for j in range(width):
            a, b = (cosine * i + sine * j) / scale, (-sine * i + cosine * j) / scale
            difference = 0.5 * (np.floor(a) - np.floor(b))
            row, column = np.int32(a), np.int32(b)
            row, column = row + count if row < 0 else row, column + count if column < 0 else column
            cells[j] = row * count + column if difference == np.floor(difference) else count * count
        for j in range(width):
            triple[3 * j] = triple[3 * j + 1] = triple[3 * j + 2] = hidden[np.uint32(cells[j])]
        values, result = image[i].reshape(-1), out[i].reshape(-1)
        for j in range(3 * width):
            result[j] = GREY if triple[j] else values[j]
