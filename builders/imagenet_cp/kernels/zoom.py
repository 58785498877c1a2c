"""Zoom into the centre for ImageNet-C: ``scipy.ndimage.zoom`` of order 1, bit for bit, then trimmed."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .levels import truncate, unit
from .types import Image
from .vectors import lanes, store

BAND = 8  # rows
SIXTEEN = 16  # float32 values interpolated at a time
load, _ = lanes(4 * SIXTEEN)


def crop(height: int, width: int, factor: float) -> tuple[slice, slice]:
    """Return the window about the centre that the zoom by ``factor`` enlarges."""
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def enlarge(window: NDArray[np.float64], factor: float, height: int, width: int) -> NDArray[np.float64]:
    """Zoom the window by ``factor`` and trim the result about its centre.

    Parameters
    ----------
    window : ndarray of float64, shape (h, w)
        What ``crop`` cuts from a field of ``height`` x ``width``; it is not changed.
    factor : float
        At least 1.
    height, width : int
        Size of the result, in pixels.

    Returns
    -------
    ndarray of float64, shape (height, width)
    """
    rows, columns = _taps(window.shape[0], factor, height), _taps(window.shape[1], factor, width)
    enlarged: NDArray[np.float64] = _enlarge(window, *rows, *columns)
    return enlarged


@lru_cache(256)
def _taps(length: int, factor: float, trimmed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return, for each position of the result, the first of the two pixels it lies between, and their weights.

    SciPy treats a position that rounding moves beyond the last pixel as outside the image, where the value is 0; at a
    few sizes, none of which the benchmark uses, the last row or column becomes black.
    """
    size = round(length * factor)
    step = (length - 1) / (size - 1)
    start = (size - trimmed) // 2
    position = np.arange(start, start + trimmed) * step
    first = np.floor(position)
    left = 1.0 - (position - first)
    pair = np.stack([left, 1.0 - left], axis=1)
    pair[position > length - 1] = 0.0
    return np.minimum(first.astype(np.int64), length - 1), pair


@kernel
def _enlarge(window, rows, row_weights, columns, column_weights):
    last_row, left = window.shape[0] - 1, columns.astype(np.uint64)
    right = np.minimum(columns + 1, window.shape[1] - 1).astype(np.uint64)
    out = np.empty((rows.size, columns.size))
    for i in range(rows.size):
        above, below, line = window[rows[i]], window[min(rows[i] + 1, last_row)], out[i]
        u, v = row_weights[i, 0], row_weights[i, 1]
        for j in range(line.size):
            s, t = column_weights[j, 0], column_weights[j, 1]
            total = above[left[j]] * u * s + above[right[j]] * u * t
            total += below[left[j]] * v * s
            line[j] = total + below[right[j]] * v * t
    return out


class _Zooms(NamedTuple):
    """Taps of the zooms of an image of one size; the first axis is that of the zoom factors.

    ``runs[bounds[z] : bounds[z + 1]]`` holds the pieces of a row along which zoom z reads consecutive pixels, split
    into pieces of sixteen values, the last one padded: the offsets of each in the zoomed row and in the row of the
    image, in values.
    """

    rows: NDArray[np.int64]
    row_weights: NDArray[np.float64]
    columns: NDArray[np.int64]
    column_weights: NDArray[np.float64]
    runs: NDArray[np.int64]
    bounds: NDArray[np.int64]


@lru_cache(64)
def _zooms(shape: tuple[int, int, int], factors: tuple[float, ...]) -> _Zooms:
    """Collect the taps of all factors, in rows and columns of the image; an index one past the end is black."""
    (height, width, channels), count = shape, len(factors)
    rows, row_weights = np.empty((count, height), np.int64), np.empty((count, height, 2))
    columns, column_weights = np.empty((count, width), np.int64), np.empty((count, width, 2))
    runs, bounds = [], [0]
    for z, factor in enumerate(factors):
        window = crop(height, width, factor)
        rows[z], row_weights[z] = _taps_in_image(window[0], factor, height)
        columns[z], column_weights[z] = _taps_in_image(window[1], factor, width)
        runs.append(_runs(columns[z], channels))
        bounds.append(bounds[-1] + len(runs[-1]))
    return _Zooms(rows, row_weights, columns, column_weights, np.concatenate(runs), np.array(bounds))


def _taps_in_image(
    window: slice, factor: float, length: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return `_taps` of a window, counted from the first pixel of the image; ``length`` where the zoom is black."""
    first, pair = _taps(window.stop - window.start, factor, length)
    return np.where(pair.any(axis=1), first + window.start, length), pair


def _runs(columns: NDArray[np.int64], channels: int) -> NDArray[np.int64]:
    """Split a row into runs of consecutive pixels, and those into pieces of sixteen values."""
    start = np.flatnonzero(np.diff(columns, prepend=-2) != 1)
    count = -(np.diff(start, append=columns.size) * -channels // SIXTEEN)
    nth = np.arange(count.sum()) - (count.cumsum() - count).repeat(count)
    run = np.stack([start, columns[start]], axis=1).repeat(count, axis=0)
    return run * channels + SIXTEEN * nth[:, None]


def blend(image: Image, factors: tuple[float, ...]) -> Image:
    """Return the mean of a uint8 image (H, W, C) and its zooms, computed in float32 and truncated.

    Notes
    -----
    The same with `enlarge`, which is SciPy's zoom, of each channel::

        x = (image / 255.0).astype(np.float32)
        total = np.zeros_like(x)
        for factor in factors:
            total += enlarge(x[crop(height, width, factor)], factor, height, width).astype(np.float32)
        return (np.clip((x + total) / (len(factors) + 1), 0, 1) * 255).astype(np.uint8)

    A zoomed row lies between two rows of the image. Each of them is resampled along the row once, and used by all
    zoomed rows between them.
    """
    zooms = _zooms(image.shape, factors)
    # In float32 and in a different order, each zoom adds at most 0.75 units of 2**-16 to the error.
    error_bound = np.float32(2.0**-16 * (11.0 + 0.75 * len(factors)))
    return _blend(image, *zooms, error_bound)


@kernel
def _blend(image, rows, row_weights, columns, column_weights, runs, bounds, error_bound):
    height, width, channels = image.shape
    size, count = width * channels, len(rows)
    values = image.reshape(height, size)
    # black rows below: two that a zoom may lie between, and one more for reads beyond the end of the last
    source = np.full((height + 3, size + 2 * channels), np.float32(-128.0))
    flat, step = source.reshape(-1), source.shape[1]
    for i in range(height):
        line, value = source[i], values[i]
        for j in range(size):
            line[j] = np.float32(value[j]) - np.float32(128.0)
    weights = np.zeros((count, size + SIXTEEN), np.float32)
    for z in range(count):
        for j in range(width):
            for c in range(channels):
                weights[z, j * channels + c] = column_weights[z, j, 1]
    # for each zoom the rows ``upper`` and ``upper + 1`` of the image, resampled along the row: row i at i % 2
    lines, upper = np.empty((count, 2, size + SIXTEEN), np.float32), np.full(count, -2)
    out = np.empty((height, size), np.uint8)
    totals, ambiguous = np.empty((BAND, size), np.float32), np.empty(size, np.uint8)
    lowest, highest = np.float32(128.0) - error_bound, np.float32(128.0) + error_bound
    share = np.float32(1 / (count + 1))
    for top in range(0, height, BAND):  # a band of the sums stays in the L1 cache
        band = range(min(BAND, height - top))
        for i in band:
            line, total = source[top + i], totals[i]
            for j in range(size):
                total[j] = line[j]
        for z in range(count):
            pieces = runs[bounds[z] : bounds[z + 1]]
            for i in band:
                total, row = totals[i], rows[z, top + i]
                if row != upper[z]:
                    if row != upper[z] + 1:
                        _resample(flat, row * step, pieces, channels, weights[z], lines[z, row % 2])
                    _resample(flat, (row + 1) * step, pieces, channels, weights[z], lines[z, (row + 1) % 2])
                    upper[z] = row
                above, below = lines[z, row % 2], lines[z, (row + 1) % 2]
                weight = np.float32(row_weights[z, top + i, 1])
                for j in range(size):
                    total[j] += above[j] + weight * (below[j] - above[j])
        for i in band:
            total, line = totals[i], out[top + i]
            for j in range(size):
                total[j] *= share
            if truncate(total, lowest, highest, line, ambiguous):
                for j in range(size):
                    if ambiguous[j]:
                        pixel = (top + i, j // channels, j % channels)
                        line[j] = _published(image, rows, row_weights, columns, column_weights, pixel)
    return out.reshape(height, width, channels)


@kernel
def _resample(source, begin, pieces, channels, weights, out):
    """Interpolate along the row at ``begin``; the next piece overwrites values that a piece writes beyond its end.

    Pieces are so short that a loop over their exact number of values would be slower.
    """
    for n in range(len(pieces)):
        at, place = pieces[n, 0], begin + pieces[n, 1]
        left, right = load(source, place), load(source, place + channels)
        store(out, at, left + load(weights, at) * (right - left))


@kernel
def _published(image, rows, row_weights, columns, column_weights, pixel):
    """Return one value of the blend, summed as published."""
    i, j, c = pixel
    last_row, last_column = image.shape[0] - 1, image.shape[1] - 1
    total = np.float32(0.0)
    for z in range(len(rows)):
        above, left = min(rows[z, i], last_row), min(columns[z, j], last_column)
        below, right = min(above + 1, last_row), min(left + 1, last_column)
        u, v = row_weights[z, i, 0], row_weights[z, i, 1]
        s, t = column_weights[z, j, 0], column_weights[z, j, 1]
        value = unit(image[above, left, c]) * u * s + unit(image[above, right, c]) * u * t
        value += unit(image[below, left, c]) * v * s
        total += np.float32(value + unit(image[below, right, c]) * v * t)
    y = (unit(image[i, j, c]) + total) / np.float32(len(rows) + 1)
    return np.int32(min(y, np.float32(1.0)) * np.float32(255.0))
