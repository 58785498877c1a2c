"""Gaussian filter of SciPy and scikit-image, bit for bit, with weights that are the same on every machine."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .arithmetic import exp
from .compiled import kernel
from .levels import truncate
from .types import Image
from .vectors import lanes, store

BAND = 8  # rows
DOWN, ACROSS = 128, 256  # bytes of a row filtered at a time
load_down, broadcast_down = lanes(DOWN)
load_across, broadcast_across = lanes(ACROSS)

UNIT = 2**44 // 255 / 2**44  # 1 / 255, with so few bits that its product with a uint8 is exact
UNIT_REST = 2**44 % 255 / 255 / 2**44

Field = TypeVar("Field", NDArray[np.float32], NDArray[np.float64])
Planes = TypeVar("Planes", NDArray[np.uint8], NDArray[np.float64])


def weights(sigma: float, truncate: float = 4.0) -> NDArray[np.float64]:
    """Return the weights of the taps -r..r, r = int(truncate * sigma + 0.5), normalized to sum 1."""
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    factor = -0.5 / (sigma * sigma)
    half = [_exp(factor * (i * i)) for i in range(radius + 1)]
    taps = half[:0:-1] + half
    return np.array(taps) / _sum(taps)


def _exp(x: float) -> float:
    # With AVX-512, exp(-2) of NumPy up to 1.26 is one unit in the last place too small; the published images show it.
    return math.nextafter(exp(-2.0), 0.0) if x == -2.0 else exp(x)


def _sum(values: list[float]) -> float:
    """Add in the order of np.sum: pairwise, with eight running sums in a block of at most 128."""
    n = len(values)
    if n > 128:
        middle = n // 2 - n // 2 % 8
        return _sum(values[:middle]) + _sum(values[middle:])
    whole = n - n % 8
    total = 0.0
    if whole:
        r = values[:8]
        for i in range(8, whole):
            r[i % 8] += values[i]
        total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
    for value in values[whole:]:
        total += value
    return total


def blur(field: Field, sigma: float, truncate: float = 4.0, mode: str = "nearest") -> Field:
    """Filter each channel as ``scipy.ndimage.gaussian_filter`` does.

    Parameters
    ----------
    field : ndarray of float32 or float64, shape (H, W) or (H, W, C)
        Not changed.
    sigma : float
        Standard deviation in pixels; below 0.5 / truncate the field is copied unchanged.
    truncate : float
        Truncate the filter at this many standard deviations.
    mode : str
        ``"nearest"`` repeats the border pixel, ``"reflect"`` mirrors at the outer edge of the border pixel.

    Returns
    -------
    ndarray of the field's dtype and shape
        A new array. A float32 field is rounded to float32 between the two axes, as SciPy does.
    """
    height, width = field.shape[:2]
    planes = _enlarge(np.ascontiguousarray(field, dtype=np.float64).reshape(height, width, -1), 8, mode)
    taps, rows, ends = _plan(planes.shape, sigma, truncate, mode)
    out = _blur(planes, taps, rows, ends, field.dtype == np.float32).reshape(planes.shape)
    blurred: Field = out[:height, :width].astype(field.dtype, order="C", copy=False).reshape(field.shape)
    return blurred


def blur_uint8(image: Image, sigma: float, truncate: float = 4.0) -> Image:
    """Return ``uint8(clip(gaussian(image / 255), 0, 1) * 255)``, truncated, for a uint8 image (H, W, C).

    Notes
    -----
    With SciPy::

        y = image / 255.0
        for axis in (0, 1):
            y = scipy.ndimage.correlate1d(y, weights(sigma, truncate), axis, mode="nearest")
        return (np.clip(y, 0, 1) * 255).astype(np.uint8)

    Eight rows at a time are filtered down the columns from a ring buffer of float32 rows, then along each row.
    """
    height, width = image.shape[:2]
    image = _enlarge(image, 4, "nearest")
    taps, rows, ends = _plan(image.shape, sigma, truncate, "nearest")
    # In float32 every value is within 2**-17 * (5 + 2 s) of the true one, s being the sum of all partial sums of the
    # weights, less than 2.8 + 0.8 sigma for truncate up to 7; one more unit covers the comparison itself.
    error_bound = np.float32(2.0**-16 * (7.0 + sigma))
    out: Image = _blur_uint8(image, taps, taps.astype(np.float32), rows, ends, error_bound)
    return np.ascontiguousarray(out[:height, :width])


def _enlarge(image: Planes, itemsize: int, mode: str) -> Planes:
    """Extend an image below and to the right as its border is, to a band of rows and a vector of values.

    The filtered values of the image stay the same: it is extended by multiples of its size, so that a mirrored border
    of the extended image goes on as that of the image does.
    """
    height, width, channels = image.shape
    down, right = math.ceil(BAND / height), math.ceil(ACROSS / itemsize / (width * channels))
    if down == right == 1:
        return image
    padding = (0, (down - 1) * height), (0, (right - 1) * width), (0, 0)
    return np.pad(image, padding, "edge" if mode == "nearest" else "symmetric")


@lru_cache(256)
def _plan(
    shape: tuple[int, int, int], sigma: float, truncate: float, mode: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint64]]:
    """Return the weights, the indices of the rows, and the ends of a row.

    A row is padded by the radius on both sides. The ends are the indices, in the padded row, of the values that fill
    the padding.
    """
    height, width, channels = shape
    taps = weights(sigma, truncate)
    radius = len(taps) // 2
    columns = np.delete(_line(width, radius, mode), slice(radius, radius + width))
    ends = (radius + columns)[:, None] * channels + np.arange(channels)
    return taps, _line(height, radius, mode), ends.reshape(-1).astype(np.uint64)


def _line(length: int, radius: int, mode: str) -> NDArray[np.int64]:
    """Return the index of the pixel at each position -radius..length + radius - 1 of a line."""
    position = np.arange(-radius, length + radius)
    if mode == "nearest":
        return np.clip(position, 0, length - 1)
    if mode == "reflect":
        position %= 2 * length
        return np.minimum(position, 2 * length - 1 - position)
    raise ValueError(f"unknown mode {mode!r}; known: nearest, reflect")


@kernel
def _blur(image, taps, rows, ends, single):
    height, width, channels = image.shape
    size, pad = width * channels, taps.size // 2 * channels
    values, out = image.reshape(height, size), np.empty((height, size))
    ring, ready = _ring(taps.size, size, values.dtype), 0
    starts, along = ring.shape[1] * (rows % len(ring)), channels * np.arange(taps.size)
    lines = np.empty((BAND, size + 2 * pad))
    for band in range(0, height, BAND):
        top = min(band, height - BAND)
        for i in range(ready, min(top + BAND + taps.size // 2, height)):
            line = ring[i % len(ring)]
            for j in range(size):
                line[j] = values[i, j]
            ready = i + 1
        _filter_down(ring.reshape(-1), starts[top:], taps, lines, pad)
        for k in range(BAND):
            line = lines[k]
            if single:
                for j in range(pad, pad + size):
                    line[j] = np.float32(line[j])
            _fill_ends(line, ends)
            _filter_across(line, along, taps, out[top + k])
    return out


@kernel
def _blur_uint8(image, taps, quick_taps, rows, ends, error_bound):
    height, width, channels = image.shape
    size, pad = width * channels, taps.size // 2 * channels
    values = image.reshape(height, size)
    out = np.empty((height, size), np.uint8)
    ring, ready = _ring(taps.size, size, quick_taps.dtype), 0
    starts, along = ring.shape[1] * (rows % len(ring)), channels * np.arange(taps.size)
    lines, across = np.empty((BAND, size + 2 * pad), np.float32), np.empty(size, np.float32)
    exact_line, exact_across = np.empty(size + 2 * pad), np.empty(size)
    ambiguous = np.empty(size, np.uint8)
    lowest, highest = np.float32(128.0) - error_bound, np.float32(128.0) + error_bound
    for band in range(0, height, BAND):
        top = min(band, height - BAND)
        for i in range(ready, min(top + BAND + taps.size // 2, height)):
            line = ring[i % len(ring)]
            for j in range(size):
                line[j] = np.float32(values[i, j]) - np.float32(128.0)
            ready = i + 1
        _filter_down(ring.reshape(-1), starts[top:], quick_taps, lines, pad)
        for k in range(BAND):
            row, line = top + k, lines[k]
            _fill_ends(line, ends)
            _filter_across(line, along, quick_taps, across)
            if truncate(across, lowest, highest, out[row], ambiguous):
                _repair(
                    values, taps, rows, row, ends, channels, ambiguous, exact_line, exact_across, out[row]
                )
    return out.reshape(height, width, channels)


@kernel
def _repair(values, taps, rows, row, ends, channels, ambiguous, line, across, out):
    """Filter ambiguous values of a row as SciPy does; those within a radius share most of their taps."""
    size, pad, start = out.size, taps.size // 2 * channels, 0
    while start < size:
        if not ambiguous[start]:
            start += 1
            continue
        stop = j = start
        while j < min(stop + pad + 1, size):
            if ambiguous[j]:
                stop = j + 1
            j += 1
        left, right = max(start - pad, 0), min(stop + pad, size)
        _down(values, taps, rows, row, left, line[pad + left : pad + right])
        _fill_ends(line, ends)
        _across(line[start : stop + 2 * pad], taps, channels, across[start:stop])
        for j in range(start, stop):
            out[j] = np.int32(min(across[j], 1.0) * 255.0)
        start = stop


@kernel
def _ring(count, size, dtype):
    """Ring buffer of the rows that a band needs; row i is at ``i % len(ring)``.

    All rows of a large image would not fit in the cache, and rows that start a power of two apart would compete for
    the same cache sets: sixteen values of padding prevent that.
    """
    return np.empty((count + BAND, size + 16), dtype)


@kernel
def _filter_down(source, starts, taps, lines, pad):
    """Filter the rows of a band, two at a time, along the columns, summed as SciPy's correlate1d does.

    The centre comes first, then pairs of equal weight from far to near. ``starts`` are the offsets of the rows in
    ``source``, beginning at the first tap of the first row.
    """
    radius, size, step = taps.size // 2, lines.shape[1] - 2 * pad, DOWN // lines.itemsize
    for block in range(0, size, step):
        at = min(block, size - step)
        for k in range(0, len(lines), 2):
            weight = broadcast_down(taps[radius])
            total = load_down(source, starts[k + radius] + at) * weight
            next_total = load_down(source, starts[k + radius + 1] + at) * weight
            above = load_down(source, starts[k] + at)
            below = load_down(source, starts[k + 2 * radius + 1] + at)
            for t in range(radius):
                weight = broadcast_down(taps[t])
                next_above = load_down(source, starts[k + t + 1] + at)
                next_below = load_down(source, starts[k + 2 * radius - t] + at)
                total = total + (above + next_below) * weight
                next_total = next_total + (next_above + below) * weight
                above, below = next_above, next_below
            store(lines[k], pad + at, total)
            store(lines[k + 1], pad + at, next_total)


@kernel
def _filter_across(line, along, taps, out):
    """Filter along a row that is wider than ``out`` by the radius on both sides, in the same order."""
    radius, step = taps.size // 2, ACROSS // out.itemsize
    for block in range(0, out.size, step):
        at = min(block, out.size - step)
        total = load_across(line, along[radius] + at) * broadcast_across(taps[radius])
        for t in range(radius):
            pair = load_across(line, along[t] + at) + load_across(line, along[2 * radius - t] + at)
            total = total + pair * broadcast_across(taps[t])
        store(out, at, total)


@kernel
def _down(values, taps, rows, row, left, out):
    """Filter one row of values / 255, starting at ``left``, along the columns, in the same order."""
    radius = taps.size // 2
    centre, weight = values[row][left:], taps[radius]
    for j in range(out.size):
        out[j] = _unit(centre[j]) * weight
    for t in range(radius):
        a, b = values[rows[row + t]][left:], values[rows[row + 2 * radius - t]][left:]
        weight = taps[t]
        for j in range(out.size):
            out[j] += (_unit(a[j]) + _unit(b[j])) * weight


@kernel
def _unit(value):
    """Return value / 255.0 of a uint8, to the last bit, without a division."""
    whole = np.float64(np.int32(value))
    return whole * UNIT + whole * UNIT_REST


@kernel
def _fill_ends(line, ends):
    """Fill the padding before and after the values of a row."""
    pad = np.uint64(ends.size // 2)
    behind = np.uint64(line.size) - pad
    for j in range(pad):
        line[j], line[behind + j] = line[ends[j]], line[ends[pad + j]]


@kernel
def _across(line, taps, channels, out):
    """Filter a few values along a row that is wider than ``out`` by the radius on both sides, in the same order."""
    radius = taps.size // 2
    for j in range(out.size):
        out[j] = line[radius * channels + j] * taps[radius]
    for t in range(radius):
        left, right = line[t * channels :], line[(2 * radius - t) * channels :]
        for j in range(out.size):
            out[j] += (left[j] + right[j]) * taps[t]
