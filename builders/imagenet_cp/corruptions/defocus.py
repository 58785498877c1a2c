"""The lens of defocus_blur: a disk with soft edges, as nested boxes over running sums."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..arithmetic import exp
from .registry import Image


def lens(radius: float, alias_blur: float) -> NDArray[np.float32]:
    """Return the published kernel: a disk of sum 1, smoothed as OpenCV 3.4 does with fused multiply-adds.

    Its sum is no longer 1 if the smoothed disk touches the border (by up to 1.3 %): OpenCV mirrors the disk
    there, and what is smoothed beyond it is lost.
    """
    reach, size = (8, 3) if radius <= 8 else (int(radius), 5)
    line = np.arange(-reach, reach + 1)
    disk = (line[:, None] ** 2 + line**2 <= radius**2).astype(np.float32)
    kernel = disk / np.float32(disk.sum())
    weights = [np.float32(exp(-0.5 / (alias_blur * alias_blur) * (i * i))) for i in range(size // 2 + 1)]
    total = 1.0 / float(sum(map(float, weights[:0:-1])) + sum(map(float, weights)))
    weights = [np.float32(float(w) * total) for w in weights]
    for _ in range(2):
        padded = np.pad(kernel, ((0, 0), (size // 2, size // 2)), mode="reflect")
        kernel = kernel * weights[0]
        for i in range(1, size // 2 + 1):
            pair = padded[:, size // 2 - i :][:, : line.size] + padded[:, size // 2 + i :][:, : line.size]
            kernel = (pair * np.float64(weights[i]) + kernel).astype(np.float32)
        kernel = kernel.T
    return kernel


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


def blur(image: Image, radius: float, alias_blur: float) -> Image:
    """Correlate each channel of an image (H, W, 3) with the lens, the border mirrored (reflect-101)."""
    places, weights = boxes(radius, alias_blur)
    reach = int(places.max()) + 1
    rows, columns = (np.pad(np.arange(n), reach, mode="reflect") for n in image.shape[:2])
    return _blur(image, rows, columns, reach, places, weights)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(image, rows, columns, reach, places, weights):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    sums = np.zeros((rows.size, (columns.size + 1) * channels), np.int32)
    for i in range(rows.size):
        for j in range(columns.size):
            for c in range(channels):
                k = j * channels + c
                sums[i, k + channels] = sums[i, k] + np.int32(image[rows[i], columns[j], c])
    out = np.empty((height, width * channels), np.uint8)
    y = np.empty(width * channels)
    pair = np.empty(sums.shape[1], np.int32)
    for i in range(height):
        y[:] = 0.0
        last = -1
        for n in range(weights.size):
            row, half, weight = places[n, 0], places[n, 1], weights[n]
            if row != last:
                above, below = sums[i + reach - row], sums[i + reach + row]
                for j in range(pair.size):
                    pair[j] = above[j] + below[j] if row else above[j]
                last = row
            right, left = pair[(reach + half + 1) * channels :], pair[(reach - half) * channels :]
            for j in range(y.size):
                y[j] += weight * np.float64(right[j] - left[j])
        for j in range(y.size):
            out[i, j] = np.int32(min(y[j] + 0.0, 255.0))
    return out.reshape(height, width, channels)
