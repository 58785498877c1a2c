"""Cells of a turned checkerboard that hide parts of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .channels import interleave
from .compiled import kernel
from .elementary import sincos
from .types import Image
from .vectors import wide

GREY = 128
EDGE = 2.0**-40  # farther than this from a whole number, product and quotient have the same whole part


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
    wide()
    height, width, _ = image.shape
    sine, cosine = sincos(angle)
    cells, grey, triple = np.empty(width, np.int32), np.empty(width, np.bool_), np.empty(3 * width, np.bool_)
    inverse = 1.0 / scale
    for i in range(height):
        at_edge = False
        for j in range(width):
            a, b = (cosine * i + sine * j) * inverse, (-sine * i + cosine * j) * inverse
            cells[j] = _cell(a, b, count)
            at_edge |= (abs(a - np.rint(a)) < EDGE) | (abs(b - np.rint(b)) < EDGE)
        if at_edge:
            for j in range(width):
                a, b = (cosine * i + sine * j) / scale, (-sine * i + cosine * j) / scale
                cells[j] = _cell(a, b, count)
        for j in range(width):
            grey[j] = hidden[np.uint32(cells[j])]
        interleave(grey, grey, grey, triple)
        values, result = image[i].reshape(-1), out[i].reshape(-1)
        for j in range(3 * width):
            result[j] = GREY if triple[j] else values[j]


@kernel
def _cell(a, b, count):
    """Return the index of the cell at a place, in cells; that after the last if it has the other colour."""
    row, column = np.int32(a), np.int32(b)
    row, column = row + count if row < 0 else row, column + count if column < 0 else column
    other = (np.int32(np.floor(a)) ^ np.int32(np.floor(b))) & np.int32(1)
    return count * count if other else row * count + column
