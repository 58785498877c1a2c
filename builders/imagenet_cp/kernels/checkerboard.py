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
    out = image.copy()
    _cut_out(out, angle, scale, hidden)
    return out


@kernel
def _cut_out(image, angle, scale, hidden):
    height, width, _ = image.shape
    sine, cosine = sincos(angle)
    for i in range(height):
        for j in range(width):
            a = (cosine * i + sine * j) / scale
            b = (-sine * i + cosine * j) / scale
            if (np.int64(np.floor(a)) - np.int64(np.floor(b))) % 2 == 0 and hidden[np.int64(a), np.int64(b)]:
                for k in range(3):
                    image[i, j, k] = GREY
