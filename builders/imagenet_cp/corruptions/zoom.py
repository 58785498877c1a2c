"""The zoom into the centre of ImageNet-C: ``scipy.ndimage.zoom`` of order 1, bit for bit, then trimmed."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Field = TypeVar("Field", NDArray[np.float32], NDArray[np.float64])


def crop(height: int, width: int, factor: float) -> tuple[slice, slice]:
    """Return the window around the centre that the zoom by ``factor`` enlarges."""
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def enlarge(window: Field, factor: float, height: int, width: int) -> Field:
    """Zoom the window by ``factor`` and trim the result about its centre.

    Parameters
    ----------
    window : ndarray of float32 or float64, shape (h, w) or (h, w, C)
        What ``crop`` cuts from a field of ``height`` x ``width``; it is not changed.
    factor : float
        At least 1.
    height, width : int
        Of the result, in pixels.

    Returns
    -------
    ndarray of the window's dtype, shape (height, width) or (height, width, C)
    """
    planes = np.ascontiguousarray(window).reshape(*window.shape[:2], -1)
    out = _enlarge(planes, *_taps(planes.shape[0], factor, height), *_taps(planes.shape[1], factor, width))
    return out.reshape(height, width, *window.shape[2:])  # type: ignore[no-any-return]


def clipped_zoom(field: Field, factor: float) -> Field:
    """Zoom into the centre of a field (H, W) or (H, W, C); the result has the field's shape and dtype."""
    height, width = field.shape[:2]
    return enlarge(field[crop(height, width, factor)], factor, height, width)


def _taps(length: int, factor: float, trimmed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each output position the nearer pixel of the two that it lies between, and their weights.

    SciPy puts a position that rounding carries beyond the last pixel outside the image, where all is 0.
    """
    size = round(length * factor)
    step = (length - 1) / (size - 1)
    start = (size - trimmed) // 2
    position = np.arange(start, start + trimmed) * step
    first = np.floor(position).astype(np.int64)
    left = 1.0 - (position - first)
    pair = np.stack([left, 1.0 - left], axis=1)
    pair[position > length - 1] = 0.0
    return np.minimum(first, length - 1), pair


@njit(cache=True, nogil=True, error_model="numpy")
def _enlarge(window, rows, row_weights, columns, column_weights):  # type: ignore[no-untyped-def]
    channels = window.shape[2]
    out = np.empty((rows.size, columns.size, channels), window.dtype)
    last_row, last_column = window.shape[0] - 1, window.shape[1] - 1
    for i in range(rows.size):
        above, below = rows[i], min(rows[i] + 1, last_row)
        u, v = row_weights[i]
        for j in range(columns.size):
            left, right = columns[j], min(columns[j] + 1, last_column)
            s, t = column_weights[j]
            for c in range(channels):
                total = np.float64(window[above, left, c]) * u * s
                total += np.float64(window[above, right, c]) * u * t
                total += np.float64(window[below, left, c]) * v * s
                total += np.float64(window[below, right, c]) * v * t
                out[i, j, c] = total
    return out
