"""The lens of defocus_blur: a disk with soft edges, as nested boxes over running sums."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..arithmetic import exp
from .registry import Image

#: Rounding a sum of boxes in float32 moves it by less than this many levels; see `_blur`.
DOUBT = np.float32(2.0**-9)
TOP = np.float32(255.0)


def lens(radius: float, alias_blur: float) -> NDArray[np.float32]:
    """Return the published kernel: a disk of sum 1, smoothed as OpenCV 3.4 does with fused multiply-adds.

    Its sum is no longer 1 if the smoothed disk touches the border (by up to 1.3 %): OpenCV mirrors the disk
    there, and what is smoothed beyond it is lost.
    """
    reach, size = (8, 3) if radius <= 8 else (int(radius), 5)
    line = np.arange(-reach, reach + 1)
    disk = (line[:, None] ** 2 + line**2 <= radius**2).astype(np.float32)
    weights = [np.float32(exp(-0.5 / (alias_blur * alias_blur) * (i * i))) for i in range(size // 2 + 1)]
    total = 1.0 / float(sum(map(float, weights[:0:-1])) + sum(map(float, weights)))
    weights = [np.float32(float(w) * total) for w in weights]
    # along rows, a kernel of three fuses the product with the centre, not those with the neighbours
    smoothed = _smooth(disk / np.float32(disk.sum()), weights, centre_last=size == 3)
    return _smooth(smoothed.T, weights, centre_last=False).T


def _smooth(kernel: NDArray[np.float32], weights: list[np.float32], centre_last: bool) -> NDArray[np.float32]:
    reach, width = len(weights) - 1, kernel.shape[1]
    padded = np.pad(kernel, ((0, 0), (reach, reach)), mode="reflect")
    pairs = [
        padded[:, reach - i :][:, :width] + padded[:, reach + i :][:, :width] for i in range(1, reach + 1)
    ]
    terms = [(kernel, weights[0]), *zip(pairs, weights[1:], strict=True)]
    if centre_last:
        terms.reverse()
    total = terms[0][0] * terms[0][1]
    for values, weight in terms[1:]:
        # the product of two float32 is exact in float64
        total = (values.astype(np.float64) * np.float64(weight) + total).astype(np.float32)
    return total


@lru_cache
def boxes(radius: float, alias_blur: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the boxes (row offset, half width) whose weighted sum the lens is, and their weights.

    The lens is symmetric, so a box stands for the rows above and below the centre.
    """
    kernel = lens(radius, alias_blur).astype(np.float64)
    quarter = kernel[kernel.shape[0] // 2 :, kernel.shape[1] // 2 :]
    drop = quarter - np.pad(quarter[:, 1:], ((0, 0), (0, 1)))
    places = np.argwhere(drop)
    return places, drop[drop != 0]


@lru_cache(64)
def _mirrored(length: int, reach: int) -> NDArray[np.int64]:
    return np.pad(np.arange(length), reach, mode="reflect")


def blur(image: Image, radius: float, alias_blur: float) -> Image:
    """Correlate each channel of an image (H, W, 3) with the lens, the border mirrored (reflect-101)."""
    places, weights = boxes(radius, alias_blur)
    reach = int(places.max()) + 1
    rows, columns = _mirrored(image.shape[0], reach), _mirrored(image.shape[1], reach)
    return _blur(image, rows, columns, reach, places, weights)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(image, rows, columns, reach, places, weights):  # type: ignore[no-untyped-def]
    """Sum boxes in float32, and once more in float64 where that comes too near to a whole level."""
    height, width, channels = image.shape  # three channels
    # whole numbers below 2^24, exact in float32
    sums = np.zeros((rows.size, (columns.size + 1) * channels), np.float32)
    for i in range(rows.size):
        source, line = image[rows[i]], sums[i]
        red = green = blue = np.int32(0)
        for j in range(columns.size):
            column, place = columns[j], (j + 1) * 3
            red += np.int32(source[column, 0])
            green += np.int32(source[column, 1])
            blue += np.int32(source[column, 2])
            line[place], line[place + 1], line[place + 2] = red, green, blue
    out = np.empty((height, width * channels), np.uint8)
    y, unsure = np.empty(width * channels, np.float32), np.empty(width * channels, np.uint8)
    pair = np.empty(sums.shape[1], np.float32)
    for i in range(height):
        y[:] = np.float32(0.0)
        n = 0
        while n < weights.size:
            row = places[n, 0]
            above, below = sums[i + reach - row], sums[i + reach + row]
            share = np.float32(1.0 if row else 0.0)
            for j in range(pair.size):
                pair[j] = above[j] + share * below[j]
            while n < weights.size and places[n, 0] == row:
                # two boxes of a row at a time; without a second, the first once more at no weight
                m = n + 1 if n + 1 < weights.size and places[n + 1, 0] == row else n
                a, v = places[n, 1], np.float32(weights[n])
                b, w = places[m, 1], np.float32(weights[m] if m > n else 0.0)
                right_a, left_a = pair[(reach + a + 1) * channels :], pair[(reach - a) * channels :]
                right_b, left_b = pair[(reach + b + 1) * channels :], pair[(reach - b) * channels :]
                for j in range(y.size):
                    y[j] += v * (right_a[j] - left_a[j]) + w * (right_b[j] - left_b[j])
                n = m + 1
        line, any_unsure = out[i], np.uint8(0)
        for j in range(y.size):
            low, high = np.int32(min(y[j] - DOUBT, TOP)), np.int32(min(y[j] + DOUBT, TOP))
            line[j] = high
            unsure[j] = np.uint8(high - low)
            any_unsure = np.uint8(any_unsure | unsure[j])
        if any_unsure:
            for j in range(y.size):
                if unsure[j]:
                    line[j] = _exact(sums, i + reach, reach * channels + j, channels, places, weights)
    return out.reshape(height, width, channels)


@njit(cache=True, nogil=True, error_model="numpy")
def _exact(sums, i, j, channels, places, weights):  # type: ignore[no-untyped-def]
    """Return one value of the correlation, summed in float64."""
    total = 0.0
    for n in range(weights.size):
        row, right, left = places[n, 0], j + (places[n, 1] + 1) * channels, j - places[n, 1] * channels
        box = np.float64(sums[i - row, right]) - np.float64(sums[i - row, left])
        if row:
            box += np.float64(sums[i + row, right]) - np.float64(sums[i + row, left])
        total += weights[n] * box
    return np.int32(min(max(total, 0.0), 255.0))
