"""Pillow's BOX resize to fewer pixels and back, in Pillow's integers."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .types import Image


def pixelate(image: Image, small_height: int, small_width: int) -> Image:
    """Shrink an image and enlarge it again.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        C-contiguous. Not changed.
    small_height, small_width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        Equal to Pillow's ``resize`` with ``BOX`` to the small size and back.
    """
    return _pixelate(image, small_height, small_width)


@kernel
def _box(size, target):
    """Return the first pixel, and the number, that Pillow's BOX filter averages for each of ``target`` pixels."""
    first = np.empty(target, np.int64)
    count = np.zeros(target, np.int64)
    scale = size / target
    width = max(scale, 1.0)
    for k in range(target):
        centre = (k + 0.5) * scale
        for i in range(max(int(centre - 0.5 * width + 0.5), 0), min(int(centre + 0.5 * width + 0.5), size)):
            if -0.5 < (i - centre + 0.5) * (1.0 / width) <= 0.5:
                if count[k] == 0:
                    first[k] = i
                count[k] += 1
    return first, count


@kernel
def _weights(count):
    """Return 1 / count with 22 fractional bits: Pillow's mean is (sum * weight + half) >> 22."""
    return (0.5 + (1 << 22) / count).astype(np.uint32)


@kernel
def _pixelate(image, small_height, small_width):
    """Average whole pixels along the rows, then down the columns, each rounded; repeat the means."""
    height, width, channels = image.shape
    top, rows = _box(height, small_height)
    left, columns = _box(width, small_width)
    row_source = _box(small_height, height)[0]
    column_source = _box(small_width, width)[0]
    row_weights = _weights(rows)
    column_weights = np.repeat(_weights(columns), channels)
    half, places = np.uint32(1 << 21), np.uint32(22)
    runs = np.empty((small_width, 3), np.uint32)
    flat_runs = runs.reshape(-1)
    sums = np.empty(flat_runs.size, np.uint32)
    means = np.empty((small_width, 3), np.uint8)
    flat_means = means.reshape(-1)
    out = np.empty(image.shape, np.uint8)
    flat_out = out.reshape(height, width * channels)
    last = -1
    for i in range(height):
        k = row_source[i]
        if k == last:
            for j in range(flat_out.shape[1]):
                flat_out[i, j] = flat_out[i - 1, j]
            continue
        last = k
        sums[:] = 0
        for y in range(top[k], top[k] + rows[k]):
            for j in range(small_width):
                red = green = blue = np.uint32(0)
                for x in range(left[j], left[j] + columns[j]):
                    red += np.uint32(image[y, x, 0])
                    green += np.uint32(image[y, x, 1])
                    blue += np.uint32(image[y, x, 2])
                runs[j, 0] = red
                runs[j, 1] = green
                runs[j, 2] = blue
            for j in range(sums.size):
                sums[j] += (flat_runs[j] * column_weights[j] + half) >> places
        for j in range(sums.size):
            flat_means[j] = (sums[j] * row_weights[k] + half) >> places
        for j in range(width):
            for c in range(3):
                out[i, j, c] = means[column_source[j], c]
    return out
