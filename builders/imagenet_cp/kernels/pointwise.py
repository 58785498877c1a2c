"""Pointwise corruptions: contrast, and the blend with a texture."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .types import Image


def contrast(image: Image, factor: float) -> Image:
    """Move every value towards the mean of its channel.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        C-contiguous. Not changed.
    factor : float
        Factor of the distance from the mean.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip((x - mean) * factor + mean, 0, 1) * 255)``, truncated, ``x`` being ``image / 255``.
    """
    return _contrast(image, float(factor))


def blend(
    image: Image, texture: Image, top: int, left: int, image_weight: float, texture_weight: float
) -> Image:
    """Add an image and a crop of a texture, each with a weight.

    Parameters
    ----------
    image, texture : ndarray of uint8, shape (H, W, 3) and (h, w, 3)
        C-contiguous. Not changed.
    top, left : int
        Position of the crop, which has the size of the image.
    image_weight, texture_weight : float

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip(image_weight * image + texture_weight * texture, 0, 255))``, truncated.
    """
    return _blend(image, texture, top, left, float(image_weight), float(texture_weight))


@kernel
def _contrast(image, factor):
    height, width, channels = image.shape
    rows = image.reshape(height, width * channels)
    sums = np.zeros(rows.shape[1], np.uint32)
    for i in range(height):
        for j in range(rows.shape[1]):
            sums[j] += rows[i, j]
    table = np.empty((3, 256), np.uint8)
    # A table is looked up one value at a time. If a straight line, (p * slope + offset) >> 22, equals all 256
    # entries, it computes many values at once; there is no such line only if ties are rounded both ways.
    slope = np.int32(factor * (1 << 22) + 0.5)
    offsets = np.empty(rows.shape[1], np.int32)
    straight = True
    for c in range(3):
        mean = sums[c::3].sum() / (height * width * 255.0)
        lowest, highest = -(1 << 30), 1 << 30
        for p in range(256):
            y = (p / 255.0 - mean) * factor + mean
            table[c, p] = np.int32(min(max(y, 0.0), 1.0) * 255.0)
            start = (int(table[c, p]) << 22) - p * int(slope)
            lowest, highest = max(lowest, start), min(highest, start + (1 << 22) - 1)
        straight &= lowest <= highest
        offsets[c::3] = lowest
    out = np.empty(rows.shape, np.uint8)
    for i in range(height):
        if straight:
            for j in range(rows.shape[1]):
                out[i, j] = (np.int32(rows[i, j]) * slope + offsets[j]) >> np.int32(22)
        else:
            for j in range(rows.shape[1]):
                out[i, j] = table[j % 3, rows[i, j]]
    return out.reshape(image.shape)


@kernel
def _blend(image, texture, top, left, image_weight, texture_weight):
    height, width = image.shape[:2]
    out = np.empty((height, 3 * width), np.uint8)
    rows, lines = image.reshape(height, 3 * width), texture.reshape(len(texture), 3 * texture.shape[1])
    for i in range(height):
        values, line, target = rows[i], lines[top + i, 3 * left : 3 * (left + width)], out[i]
        for j in range(target.size):
            y = image_weight * np.float64(values[j]) + texture_weight * np.float64(line[j])
            target[j] = np.uint8(min(np.int32(y), np.int32(255)))
    return out.reshape(image.shape)
