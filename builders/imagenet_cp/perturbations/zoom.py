"""The zoom blur of ImageNet-P: a running mean of ever larger copies of the picture, in single precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import maps
from .registry import Frames
from .views import View


def running_mean(view: View, factors: Sequence[float]) -> Frames:
    """Average the window with that of the picture scaled by one more of ``factors`` in each frame.

    Parameters
    ----------
    view : View
        The picture and the window of each frame.
    factors : sequence of float
        At least 1 each.

    Returns
    -------
    ndarray of uint8, shape (1 + number of factors, height, width, 3)
        The first frame is the window itself. The copies are those of Pillow's bilinear ``Image.transform``; their
        sum runs on values from 0 to 1 in float32, is divided by their number, multiplied by 255 and truncated.
    """
    height, width = view.picture.shape[:2]
    rows, columns = [], []
    for factor in factors:
        # Nothing turns: the maps of rows and of columns are apart, and every place lies inside the picture.
        x_step, _, x_start, _, y_step, y_start = maps.affine(height, width, scale=factor)
        rows.append(y_step * (np.arange(view.top, view.top + view.height) + 0.5) + y_start - 0.5)
        columns.append(x_step * (np.arange(view.left, view.left + view.width) + 0.5) + x_start - 0.5)
    above, down = _split(rows)
    before, right = _split(columns)
    # The columns are counted in values from here on, three a pixel.
    before = (3 * before[..., np.newaxis] + np.arange(3)).reshape(len(factors), -1)
    right = np.repeat(right, 3, axis=1)
    padded = np.pad(view.picture, ((1, 1), (1, 1), (0, 0)), "edge").reshape(height + 2, -1)
    out = np.empty((1 + len(factors), view.height, 3 * view.width), np.uint8)
    out[0] = view.crop.reshape(view.height, -1)
    total = out[0].astype(np.float32) / np.float32(255.0)
    _add_copies(padded, above, down, before, right, total, out)
    return out.reshape(-1, view.height, view.width, 3)


def _split(places: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Split places on an axis into the pixel before each, counted in the padded picture, and what is left over."""
    stacked = np.array(places, dtype=np.float64)
    before = np.floor(stacked)
    return before.astype(np.int64) + 1, stacked - before


@njit(cache=True, nogil=True, error_model="numpy")
def _add_copies(padded, rows, down, columns, right, total, out):  # type: ignore[no-untyped-def]
    count, height = rows.shape
    size = columns.shape[1]
    starts, ends = np.empty(size, np.uint8), np.empty(size, np.uint8)
    lines = np.empty((2, size))
    for n in range(count):
        done = -1
        for i in range(height):
            above = rows[n, i]
            for row in range(max(done + 1, above), above + 2):
                _fetch(padded[row], columns[n], starts, ends)
                _across(starts, ends, right[n], lines[row % 2])
                done = row
            _down(
                lines[above % 2],
                lines[(above + 1) % 2],
                down[n, i],
                np.float32(n + 2),
                total[i],
                out[n + 1, i],
            )


@njit(cache=True, nogil=True, error_model="numpy")
def _fetch(line, places, starts, ends):  # type: ignore[no-untyped-def]
    for j in range(places.size):
        k = np.uint64(places[j])
        starts[j] = line[k]
        ends[j] = line[k + np.uint64(3)]


@njit(cache=True, nogil=True, error_model="numpy")
def _across(starts, ends, ratios, out):  # type: ignore[no-untyped-def]
    for j in range(out.size):
        start = np.float64(starts[j])
        out[j] = start + (np.float64(ends[j]) - start) * ratios[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _down(upper, lower, ratio, number, total, out):  # type: ignore[no-untyped-def]
    for j in range(out.size):
        value = np.int32(upper[j] + (lower[j] - upper[j]) * ratio)
        summed = total[j] + np.float32(value) / np.float32(255.0)
        total[j] = summed
        out[j] = np.uint8(np.int32(summed / number * np.float32(255.0)))
