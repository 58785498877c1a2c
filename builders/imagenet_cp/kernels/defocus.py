"""Filter of defocus_blur: a disk with soft edges, as nested boxes over running sums of the columns."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arithmetic import exp
from .compiled import kernel
from .levels import truncate
from .types import Image


def disk_kernel(radius: float, alias_blur: float) -> NDArray[np.float32]:
    """Return the published kernel: a disk of sum 1, smoothed as OpenCV 3.4 does with fused multiply-adds.

    If the smoothed disk touches the border, its sum differs from 1 by up to 1.3 %: OpenCV mirrors the disk there, and
    weight that is smoothed beyond the border is lost.
    """
    reach, size = (8, 3) if radius <= 8 else (int(radius), 5)
    line = np.arange(-reach, reach + 1)
    disk = (line[:, None] ** 2 + line**2 <= radius**2).astype(np.float32)
    weights = [np.float32(exp(-0.5 / (alias_blur * alias_blur) * (i * i))) for i in range(size // 2 + 1)]
    total = 1.0 / float(sum(map(float, weights[:0:-1])) + sum(map(float, weights)))
    weights = [np.float32(float(w) * total) for w in weights]
    # along rows, a kernel of three taps fuses the product with the centre, not those with the neighbours
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


class Boxes(NamedTuple):
    """Disk filter as a sum of boxes one pixel wide and 2 * half + 1 high, each on both sides of the centre.

    ``quick`` holds the boxes that affect a sum in float32, padded to a multiple of four with boxes of weight 0;
    ``error_bound`` is the error bound of this sum, in levels.
    """

    halves: NDArray[np.int64]
    offsets: NDArray[np.int64]
    weights: NDArray[np.float64]
    quick: NDArray[np.int64]
    quick_weights: NDArray[np.float32]
    error_bound: np.float32


@lru_cache
def boxes(radius: float, alias_blur: float) -> Boxes:
    """Decompose the disk, which is symmetric and decreases from its centre, into boxes."""
    kernel = disk_kernel(radius, alias_blur).astype(np.float64)
    quarter = kernel[kernel.shape[0] // 2 :, kernel.shape[1] // 2 :]
    drop = quarter - np.pad(quarter[1:], ((0, 1), (0, 0)))
    drop[:, 0] /= 2.0  # the middle column is its own mirror image
    levels = np.abs(drop) * 510.0 * (2.0 * np.arange(len(drop))[:, None] + 1.0)  # the most that a box can add
    halves, offsets = np.nonzero(levels > 2.0**-50)  # smaller ones vanish in float64 too
    quick = np.argwhere(levels > 2.0**-24)
    quick = np.pad(quick, ((0, -len(quick) % 4), (0, 0)), mode="edge")
    quick_weights = drop[quick[:, 0], quick[:, 1]].astype(np.float32)
    quick_weights[np.count_nonzero(levels > 2.0**-24) :] = 0.0
    # an addition changes a sum below 256 by at most 2**-17; every other rounding error is small or part of it
    error_bound = np.float32(2.0**-17 * (len(quick) / 4 + 14.0))
    return Boxes(halves, offsets, drop[halves, offsets], quick, quick_weights, error_bound)


@lru_cache(64)
def _mirrored(length: int, reach: int) -> NDArray[np.int64]:
    return np.pad(np.arange(length), reach, mode="reflect")


def blur(image: Image, radius: float, alias_blur: float) -> Image:
    """Correlate each channel of an image (H, W, C) with the disk, the border mirrored (reflect-101).

    Notes
    -----
    With OpenCV: ``cv2.filter2D(image, -1, disk_kernel(radius, alias_blur))`` in float64, clipped and truncated.
    """
    parts = boxes(radius, alias_blur)
    reach = int(max(parts.halves.max(), parts.offsets.max()))
    rows, columns = _mirrored(image.shape[0], reach), _mirrored(image.shape[1], reach)
    return _blur(image, rows, columns, *parts)


@kernel
def _blur(image, rows, columns, halves, offsets, weights, quick, quick_weights, error_bound):
    height, width, channels = image.shape
    size, reach = width * channels, (rows.size - height) // 2
    pad = reach * channels
    sums = _running_sums(image, rows, columns)
    out = np.empty((height, size), np.uint8)
    level, ambiguous = np.empty(size, np.float32), np.empty(size, np.uint8)
    tall = np.empty((quick[:, 0].max() + 1, size + 2 * pad), np.float32)  # boxes of each height
    for i in range(height):
        for half in range(len(tall)):
            box, below, above = tall[half], sums[i + reach + half + 1], sums[i + reach - half]
            for j in range(box.size):
                box[j] = below[j] - above[j]
        level[:] = np.float32(0.0)
        for n in range(0, quick_weights.size, 4):
            left_a, right_a, weight_a = _sides(tall, quick[n], pad, channels, quick_weights[n])
            left_b, right_b, weight_b = _sides(tall, quick[n + 1], pad, channels, quick_weights[n + 1])
            left_c, right_c, weight_c = _sides(tall, quick[n + 2], pad, channels, quick_weights[n + 2])
            left_d, right_d, weight_d = _sides(tall, quick[n + 3], pad, channels, quick_weights[n + 3])
            for j in range(size):
                two = weight_a * (left_a[j] + right_a[j]) + weight_b * (left_b[j] + right_b[j])
                four = weight_c * (left_c[j] + right_c[j]) + weight_d * (left_d[j] + right_d[j])
                level[j] += two + four
        line = out[i]
        if truncate(level, -error_bound, error_bound, line, ambiguous):
            for j in range(size):
                if ambiguous[j]:
                    line[j] = _exact(sums, i + reach, pad + j, channels, halves, offsets, weights)
    return out.reshape(height, width, channels)


@kernel
def _sides(tall, box, pad, channels, weight):
    half, offset = box[0], box[1] * channels
    return tall[half, pad - offset :], tall[half, pad + offset :], weight


@kernel
def _running_sums(image, rows, columns):
    """Return the sums of each column above each row, of the image and its mirrored border.

    They are integers below 2**24, exact in float32.
    """
    height, width, channels = image.shape
    values, reach = image.reshape(height, width * channels), (columns.size - width) // 2
    sums = np.zeros((rows.size + 1, columns.size * channels), np.float32)
    for i in range(rows.size):
        value, line = values[rows[i]], sums[i + 1]
        before, middle = sums[i, reach * channels :], line[reach * channels :]
        for j in range(value.size):
            middle[j] = before[j] + np.float32(value[j])
        for k in range(reach):
            for column in (k, columns.size - 1 - k):
                for c in range(channels):
                    line[column * channels + c] = middle[columns[column] * channels + c]
    return sums


@kernel
def _exact(sums, i, j, channels, halves, offsets, weights):
    """Return one value of the correlation, summed in float64."""
    total = 0.0
    for n in range(weights.size):
        below, above, side = i + halves[n] + 1, i - halves[n], offsets[n] * channels
        left = np.float64(sums[below, j - side]) - np.float64(sums[above, j - side])
        right = np.float64(sums[below, j + side]) - np.float64(sums[above, j + side])
        total += weights[n] * (left + right)
    return np.int32(min(max(total, 0.0), 255.0))
