"""The distance to the nearest edge, as OpenCV's distanceTransform (L2, mask 5) on the machines of the benchmark.

There it was computed by IPP, in float32: steps of 1, 1.4 and 2.1969, each sum rounded. Without IPP OpenCV adds
in fixed point, which differs in the last bits and from there in whole levels of the picture.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

REACH = 20  # what is farther than this is not told apart
FAR = np.float32(1e9)
SIDE, DIAGONAL, KNIGHT = np.float32(1.0), np.float32(1.4), np.float32(2.1969)


def distance(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Measure how far each pixel is from an edge.

    Parameters
    ----------
    edges : ndarray of bool, shape (H, W)
        C-contiguous.

    Returns
    -------
    ndarray of float32, shape (H, W)
        In pixels, exact up to 20; where it would be over 20 it is some value over 20.
    """
    return _distance(edges)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _distance(edges):  # type: ignore[no-untyped-def]
    height, width = edges.shape
    quarter = (width + 3) // 4
    out = np.empty((height, width), np.float32)
    field = np.empty((height + 4, 4 * quarter + 2 * REACH), np.float32)
    for i in (0, 1, height + 2, height + 3):
        field[i] = FAR
    for i in range(height):
        row, edge = field[i + 2], edges[i]
        for j in range(REACH):
            row[j] = FAR
        inner = row[REACH : REACH + width]
        for j in range(inner.size):
            inner[j] = np.float32(0) if edge[j] else FAR
        for j in range(REACH + width, row.size):
            row[j] = FAR
        _step(field[i + 1, REACH - 2 :], field[i, REACH - 2 :], inner)
        _to_the_right(row, quarter)
        for j in range(REACH + width, row.size):
            row[j] = FAR
    for i in range(height - 1, -1, -1):
        row = field[i + 2]
        _step(field[i + 3, REACH - 2 :], field[i + 4, REACH - 2 :], row[REACH : REACH + width])
        _to_the_left(row, quarter, 2 * REACH + width - 1)
        target, inner = out[i], row[REACH : REACH + width]
        for j in range(target.size):
            target[j] = inner[j]
        for j in range(REACH - 4, REACH):
            row[j] = FAR
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _step(near, next_but_one, row):  # type: ignore[no-untyped-def]
    """Bring distances over from the two rows before, which begin two pixels to the left."""
    for j in range(row.size):
        best = min(min(next_but_one[j + 1], next_but_one[j + 3]), min(near[j], near[j + 4])) + KNIGHT
        best = min(best, min(near[j + 1], near[j + 3]) + DIAGONAL)
        best = min(best, near[j + 2] + SIDE)
        row[j] = min(best, row[j])


# Along a row each distance waits for its neighbour's. As nothing comes from farther than REACH, the row is cut
# into quarters, each of which starts REACH pixels early, and the four are worked on at the same time.


@njit(cache=True, nogil=True, error_model="numpy")
def _to_the_right(row, quarter):  # type: ignore[no-untyped-def]
    a = b = c = d = FAR
    for j in range(REACH):
        a, b = _next(a, row[j]), _next(b, row[j + quarter])
        c, d = _next(c, row[j + 2 * quarter]), _next(d, row[j + 3 * quarter])
    for j in range(REACH, REACH + quarter):
        a, b = _next(a, row[j]), _next(b, row[j + quarter])
        c, d = _next(c, row[j + 2 * quarter]), _next(d, row[j + 3 * quarter])
        row[j], row[j + quarter], row[j + 2 * quarter], row[j + 3 * quarter] = a, b, c, d


@njit(cache=True, nogil=True, error_model="numpy")
def _to_the_left(row, quarter, last):  # type: ignore[no-untyped-def]
    a = b = c = d = FAR
    for j in range(last, last - REACH, -1):
        a, b = _next(a, row[j]), _next(b, row[j - quarter])
        c, d = _next(c, row[j - 2 * quarter]), _next(d, row[j - 3 * quarter])
    for j in range(last - REACH, last - REACH - quarter, -1):
        a, b = _next(a, row[j]), _next(b, row[j - quarter])
        c, d = _next(c, row[j - 2 * quarter]), _next(d, row[j - 3 * quarter])
        row[j], row[j - quarter], row[j - 2 * quarter], row[j - 3 * quarter] = a, b, c, d


@njit(cache=True, nogil=True, error_model="numpy")
def _next(before, here):  # type: ignore[no-untyped-def]
    there = before + SIDE
    return there if there < here else here
