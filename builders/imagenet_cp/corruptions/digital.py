"""The digital corruptions, and saturate (Hendrycks & Dietterich, ICLR 2019, section 4.1 and appendix B)."""

from __future__ import annotations

import numpy as np
from numpy.random import BitGenerator

from ..kernels import cosines, draws, elastic, hsv, jpeg
from ..kernels.compiled import kernel
from ..kernels.types import Image
from .registry import corruption

#: alpha, sigma and affine of elastic_transform.
ELASTIC = ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))


@corruption(
    "digital",
    imagenet=[0.4, 0.3, 0.2, 0.1, 0.05],
    imagenet_299=[0.4, 0.3, 0.2, 0.1, 0.05],
    tiny=[0.4, 0.3, 0.2, 0.1, 0.05],
    cifar=[0.75, 0.5, 0.4, 0.3, 0.15],
)
def contrast(image: Image, factor: float) -> Image:
    """Low contrast: every value drawn towards its channel's mean, y = (x - mean) * factor + mean."""
    return _contrast(image, float(factor))


@kernel
def _contrast(image, factor):
    height, width, channels = image.shape
    rows = image.reshape(height, width * channels)
    sums = np.zeros(rows.shape[1], np.uint32)
    for i in range(height):
        for j in range(rows.shape[1]):
            sums[j] += rows[i, j]
    table = np.empty((3, 256), np.uint8)
    # A table is looked up one value at a time. If a straight line, (p * slope + offset) >> 22, meets all 256
    # entries, it does the same for many at once; only rounding that falls both ways at ties leaves none.
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


@corruption(
    "digital",
    # The published base is 244, not 224.
    imagenet=[(244, 224, *row) for row in ELASTIC],
    imagenet_299=[(360, 299, *row) for row in ELASTIC],
    tiny=[
        (64, 64, 0, 0, 0.08),
        (64, 64, 0.05, 0.3, 0.06),
        (64, 64, 0.1, 0.08, 0.06),
        (64, 64, 0.1, 0.03, 0.03),
        (64, 64, 0.16, 0.03, 0.02),
    ],
    cifar=[
        (32, 32, 0, 0, 0.08),
        (32, 32, 0.05, 0.2, 0.07),
        (32, 32, 0.08, 0.06, 0.06),
        (32, 32, 0.1, 0.04, 0.05),
        (32, 32, 0.1, 0.03, 0.03),
    ],
)
def elastic_transform(
    image: Image, bits: BitGenerator, base: int, side: int, alpha: float, sigma: float, affine: float
) -> Image:
    """Small regions stretched or moved: a random affine map, then smooth random displacements.

    ``alpha`` (how strong), ``sigma`` (how smooth) and ``affine`` are in units of ``base`` pixels of an image
    with ``side`` pixels on its shorter side.
    """
    height, width = image.shape[:2]
    unit = base * min(height, width) / side
    offsets = draws.uniform(bits, -unit * affine, unit * affine, (3, 2))
    warped = elastic.warp(image, elastic.inverse_affine(height, width, offsets))
    noise = draws.uniform(bits, -1.0, 1.0, (2, height, width))
    dx, dy = (cosines.smooth(field, unit * sigma) for field in noise)
    return elastic.sample(warped, dx, dy, float(unit * alpha))


@corruption(
    "digital",
    imagenet=[0.6, 0.5, 0.4, 0.3, 0.25],
    imagenet_299=[0.5, 0.4, 0.3, 0.25, 0.2],
    tiny=[0.9, 0.8, 0.7, 0.6, 0.5],
    cifar=[0.95, 0.9, 0.85, 0.75, 0.65],
)
def pixelate(image: Image, factor: float) -> Image:
    """Large pixels: Pillow's BOX resize to ``int(side * factor)`` and back."""
    height, width = image.shape[:2]
    return _pixelate(image, int(height * factor), int(width * factor))


@kernel
def _box(size, target):
    """Return which run of pixels Pillow's BOX filter averages for each of ``target`` pixels: first, count."""
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
    """Return 1 / count with 22 binary places: Pillow's mean is (sum * weight + half) >> 22."""
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
    made = -1
    for i in range(height):
        k = row_source[i]
        if k == made:
            for j in range(flat_out.shape[1]):
                flat_out[i, j] = flat_out[i - 1, j]
            continue
        made = k
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


@corruption(
    "digital",
    imagenet=[25, 18, 15, 10, 7],
    imagenet_299=[23, 16, 13, 8, 5],
    tiny=[65, 58, 50, 40, 25],
    cifar=[80, 65, 58, 50, 40],
)
def jpeg_compression(image: Image, quality: int) -> Image:
    """JPEG artefacts: one round trip at Pillow's ``quality``, its other options left alone."""
    return jpeg.round_trip(image, quality)


@corruption(
    "digital",
    extra=True,
    imagenet=[(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
    imagenet_299=[(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
    tiny=[(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)],
    cifar=[(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)],
)
def saturate(image: Image, factor: float, shift: float) -> Image:
    """Colours too pale or too strong: the saturation S of HSV is scaled and shifted."""
    return hsv.saturate(image, factor, shift)
