"""Pillow's BILINEAR resize, which averages pixels where it shrinks an image, in Pillow's integers.

Along the rows first, as the benchmarks were published and as Pillow did up to version 12: Pillow 13 begins with the
columns of an image that loses over twice as many rows as columns, and its levels then differ by one here and there.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import kernel
from .types import Image
from .vectors import int32_to_uint8, lanes, minimum, store, uint8_to_32

PLACES, HALF = np.int32(22), np.int32(1 << 21)  # fractional bits of the weights
WHITE = np.int32(255)
ROWS = 8  # that are summed at once along the rows
ACROSS = 32  # values of a vector

_load, _ = lanes(ACROSS)
_, _broadcast = lanes(4 * ACROSS)


def resize_window(
    image: Image, height: int, width: int, top: int, left: int, rows: int, columns: int
) -> Image:
    """Resize an image and crop it to a window, outside which nothing is computed.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        C-contiguous. Not changed.
    height, width : int
        Size before the crop, in pixels.
    top, left, rows, columns : int
        The window, inside this size.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        Equal to ``resize`` to this size, with ``BILINEAR``, and ``crop`` of Pillow up to version 12.
    """
    return _resize(image, height, width, top, left, rows, columns)


@kernel
def _taps(size, target, first, count):
    """Return the first pixel that is summed for each of ``count`` pixels from ``first`` on, and the weights of all.

    All rows of weights have the same length and are padded with zeros.
    """
    scale = np.float64(np.float32(size)) / target  # Pillow stores the size as float32
    support = max(scale, 1.0)
    taps = min(math.ceil(2.0 * support), size)
    start = np.empty(count, np.int64)
    weights, line = np.zeros((count, taps), np.int32), np.empty(taps)
    for k in range(count):
        centre = (first + k + 0.5) * scale
        low = max(int(centre - support + 0.5), 0)
        high = min(
            int(centre + support + 0.5), low + taps, size
        )  # rounding may reach one pixel of weight 0 further
        total = 0.0
        for i in range(low, high):
            line[i - low] = max(1.0 - abs((i - centre + 0.5) * (1.0 / support)), 0.0)
            total += line[i - low]
        start[k] = min(low, size - taps)
        for i in range(low, high):
            weights[k, i - start[k]] = int(0.5 + line[i - low] / total * (1 << PLACES))
    return start, weights


@kernel
def _sum(values, at, step, weights, k):
    """Return a vector of weighted sums, rounded and clipped: of ``values[at]``, ``values[at + step]``, ..."""
    total = _broadcast(HALF)
    for t in range(weights.shape[1]):
        total = total + uint8_to_32(_load(values, at + t * step)) * _broadcast(weights[k, t])
    return int32_to_uint8(minimum(total >> _broadcast(PLACES), _broadcast(WHITE)))


@kernel
def _interleave(line, words, row):
    """Put the values of a row into one byte of each word."""
    shift = np.uint64(8 * row)
    for n in range(line.size):
        words[n] = (words[n] if row else np.uint64(0)) | np.uint64(line[n]) << shift


@kernel
def _separate(words, row, line):
    """Write the values of a row, one byte of each word."""
    shift = np.uint64(8 * row)
    for n in range(line.size):
        line[n] = words[n] >> shift


@kernel
def _resize(image, height, width, top, left, rows, columns):
    """Sum along the rows, eight at once, then down the columns; each sum is rounded."""
    above, row_weights = _taps(image.shape[0], height, top, rows)
    before, column_weights = _taps(image.shape[1], width, left, columns)
    begin, end = 3 * before[0], 3 * (before[-1] + column_weights.shape[1])
    number, size = above[-1] + row_weights.shape[1] - above[0], 3 * columns
    words, sum_words = np.empty(end - begin + 1, np.uint64), np.empty(size + 1, np.uint64)
    values, sums = words.view(np.uint8), sum_words.view(np.uint8)
    lines, out = np.empty(number * size + ACROSS, np.uint8), np.empty(rows * size + ACROSS, np.uint8)
    for i in range(0, number, ROWS):
        together = min(ROWS, number - i)
        for row in range(together):
            _interleave(image[above[0] + i + row].reshape(-1)[begin:end], words, row)
        for j in range(columns):
            # Three channels of eight rows are 24 values; the next pixel overwrites the eight beyond.
            store(sums, 24 * j, _sum(values, 24 * before[j] - 8 * begin, 24, column_weights, j))
        for row in range(together):
            _separate(sum_words, row, lines[(i + row) * size : (i + row + 1) * size])
    for i in range(rows):
        for n in range(0, size, ACROSS):
            store(out, i * size + n, _sum(lines, (above[i] - above[0]) * size + n, size, row_weights, i))
    return out[: rows * size].reshape(rows, columns, 3)
