"""The Gaussian filter of SciPy and scikit-image, bit for bit, from weights that are the same on every machine."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..arithmetic import exp
from .registry import Image

UNIT = 2**44 // 255 / 2**44  # 1 / 255, cut so short that its product with a uint8 is exact
UNIT_REST = 2**44 % 255 / 255 / 2**44

Field = TypeVar("Field", NDArray[np.float32], NDArray[np.float64])


def weights(sigma: float, truncate: float = 4.0) -> NDArray[np.float64]:
    """Return the weights of the taps -r..r, r = int(truncate * sigma + 0.5), normalised to sum 1."""
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    factor = -0.5 / (sigma * sigma)
    half = [_exp(factor * (i * i)) for i in range(radius + 1)]
    taps = half[:0:-1] + half
    return np.array(taps) / _sum(taps)


def _exp(x: float) -> float:
    # NumPy's exp on AVX-512, until 1.26, gives exp(-2) one unit too small; the published pictures show it.
    return math.nextafter(exp(-2.0), 0.0) if x == -2.0 else exp(x)


def _sum(values: list[float]) -> float:
    """Add in the order of np.sum: pairwise, and eight running sums in a block of at most 128."""
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
        It is not changed.
    sigma : float
        Standard deviation in pixels; below 0.5 / truncate the field stays as it is.
    truncate : float
        The filter ends at this many standard deviations.
    mode : str
        ``"nearest"`` repeats the border pixel, ``"reflect"`` mirrors at the border's outer edge.

    Returns
    -------
    ndarray of the field's dtype and shape
        A new array. A float32 field is rounded to float32 between the two axes, as SciPy does.
    """
    planes = np.ascontiguousarray(field, dtype=np.float64).reshape(*field.shape[:2], -1)
    taps, rows, ends = _plan(planes.shape, sigma, truncate, mode)
    out = _blur(planes, taps, rows, ends, field.dtype == np.float32)
    blurred: Field = out.astype(field.dtype, copy=False).reshape(field.shape)
    return blurred


def blur_uint8(image: Image, sigma: float, truncate: float = 4.0) -> Image:
    """Return ``uint8(clip(gaussian(image / 255), 0, 1) * 255)``, truncated, of a uint8 image (H, W, C).

    Sums in float32 decide nearly all values. The few that come nearer to a whole level than the error of
    these sums are added up again as SciPy does.
    """
    taps, rows, ends = _plan(image.shape, sigma, truncate, "nearest")
    # In float32 every value is within 2**-17 * (5 + 2 s) of the true one, s the sum of all partial sums of
    # the weights, less than 2.8 + 0.8 sigma for truncate up to 7; one more unit for the comparison itself.
    doubt = np.float32(2.0**-16 * (7.0 + sigma))
    return _blur_uint8(image, taps, taps.astype(np.float32), rows, ends, doubt)  # type: ignore[no-any-return]


@lru_cache(256)
def _plan(
    shape: tuple[int, int, int], sigma: float, truncate: float, mode: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint64]]:
    """Return the weights, widened by zeros to a radius divisible by four, the line of rows, and the ends of a row.

    Before and after the values of a row there is room for the radius. The ends say, for all values of this room,
    which ones of the row stand there.
    """
    height, width, channels = shape
    taps = weights(sigma, truncate)
    taps = np.pad(taps, -(len(taps) // 2) % 4 if len(taps) > 1 else 4)
    radius = len(taps) // 2
    columns = np.delete(_line(width, radius, mode), slice(radius, radius + width))
    ends = (radius + columns)[:, None] * channels + np.arange(channels)
    return taps, _line(height, radius, mode), ends.reshape(-1).astype(np.uint64)


def _line(length: int, radius: int, mode: str) -> NDArray[np.int64]:
    """Return which pixel stands at each position -radius..length + radius - 1 of a line."""
    position = np.arange(-radius, length + radius)
    if mode == "nearest":
        return np.clip(position, 0, length - 1)
    if mode == "reflect":
        position %= 2 * length
        return np.minimum(position, 2 * length - 1 - position)
    raise ValueError(f"unknown mode {mode!r}; known: nearest, reflect")


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(image, taps, rows, ends, single):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    size, pad = width * channels, taps.size // 2 * channels
    planes = image.reshape(height, size)
    out = np.empty_like(planes)
    lines = np.empty((2, size + 2 * pad))
    for pair in range(0, height, 2):
        row = min(pair, height - 2)
        _down_two(planes, taps, rows, row, lines[0, pad:], lines[1, pad:])
        for k in range(2):
            line = lines[k]
            if single:
                for j in range(pad, pad + size):
                    line[j] = np.float32(line[j])
            _fill_ends(line, ends)
            _across(line, taps, channels, out[row + k])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _blur_uint8(image, taps, quick_taps, rows, ends, doubt):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    size, pad = width * channels, taps.size // 2 * channels
    values = image.reshape(height, size)
    # the rows about a pair, each at its number modulo theirs: of a large image all would be too many for a cache
    quick = np.empty((taps.size + 1, size), np.float32)
    quick_rows, ready = rows % len(quick), 0
    out = np.empty((height, size), np.uint8)
    lines, across = np.empty((2, size + 2 * pad), np.float32), np.empty(size, np.float32)
    exact_line, exact_across = np.empty(size + 2 * pad), np.empty(size)
    unsure = np.empty(size, np.uint8)
    lowest, highest = np.float32(128.0) - doubt, np.float32(128.0) + doubt
    for pair in range(0, height, 2):
        row = min(pair, height - 2)
        for i in range(ready, min(row + taps.size // 2 + 2, height)):
            line = quick[i % len(quick)]
            for j in range(size):
                line[j] = np.float32(values[i, j]) - np.float32(128.0)
            ready = i + 1
        _down_two(quick, quick_taps, quick_rows, row, lines[0, pad:], lines[1, pad:])
        for k in range(2):
            row = min(pair, height - 2) + k
            _fill_ends(lines[k], ends)
            _across(lines[k], quick_taps, channels, across)
            level, any_unsure = out[row], np.uint8(0)
            for j in range(size):
                low, high = np.int32(across[j] + lowest), np.int32(across[j] + highest)
                level[j] = low
                unsure[j] = np.uint8(high - low)
                any_unsure = np.uint8(any_unsure | unsure[j])
            start = 0 if any_unsure else size
            while start < size:
                if not unsure[start]:
                    start += 1
                    continue
                stop = j = start
                while j < min(stop + pad + 1, size):  # values so near together share most of their taps
                    if unsure[j]:
                        stop = j + 1
                    j += 1
                left, right = max(start - pad, 0), min(stop + pad, size)
                _down(values, taps, rows, row, left, exact_line[pad + left : pad + right])
                _fill_ends(exact_line, ends)
                _across(exact_line[start : stop + 2 * pad], taps, channels, exact_across[start:stop])
                for j in range(start, stop):
                    level[j] = np.int32(min(exact_across[j], 1.0) * 255.0)
                start = stop
    return out.reshape(height, width, channels)


@njit(cache=True, nogil=True, error_model="numpy")
def _down(values, taps, rows, row, left, out):  # type: ignore[no-untyped-def]
    """Filter one row of values / 255 from ``left`` on along the columns, summed as SciPy's correlate1d does.

    The centre comes first, then pairs of equal weight from far to near.
    """
    radius = taps.size // 2
    centre, weight = values[row][left:], taps[radius]
    for j in range(out.size):
        out[j] = _unit(centre[j]) * weight
    for t in range(radius):
        a, b = values[rows[row + t]][left:], values[rows[row + 2 * radius - t]][left:]
        weight = taps[t]
        for j in range(out.size):
            out[j] += (_unit(a[j]) + _unit(b[j])) * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _unit(value):  # type: ignore[no-untyped-def]
    """Return value / 255.0 for a uint8, to the last bit, without a division."""
    whole = np.float64(np.int32(value))
    return whole * UNIT + whole * UNIT_REST


@njit(cache=True, nogil=True, error_model="numpy")
def _down_two(planes, taps, rows, row, out, next_out):  # type: ignore[no-untyped-def]
    """Filter a row and the next one along the columns, in the same order, four pairs at a time."""
    radius = taps.size // 2
    centre, next_centre = planes[rows[row + radius]], planes[rows[row + radius + 1]]
    weight = taps[radius]
    for j in range(planes.shape[1]):
        out[j] = centre[j] * weight
        next_out[j] = next_centre[j] * weight
    for t in range(0, radius, 4):
        up, low = row + t, row + 2 * radius - t
        a0, a1, a2 = planes[rows[up]], planes[rows[up + 1]], planes[rows[up + 2]]
        a3, a4 = planes[rows[up + 3]], planes[rows[up + 4]]
        b0, b1, b2 = planes[rows[low + 1]], planes[rows[low]], planes[rows[low - 1]]
        b3, b4 = planes[rows[low - 2]], planes[rows[low - 3]]
        w0, w1, w2, w3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        for j in range(planes.shape[1]):
            total = out[j] + (a0[j] + b1[j]) * w0
            total += (a1[j] + b2[j]) * w1
            total += (a2[j] + b3[j]) * w2
            next_total = next_out[j] + (a1[j] + b0[j]) * w0
            next_total += (a2[j] + b1[j]) * w1
            next_total += (a3[j] + b2[j]) * w2
            out[j] = total + (a3[j] + b4[j]) * w3
            next_out[j] = next_total + (a4[j] + b3[j]) * w3


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_ends(line, ends):  # type: ignore[no-untyped-def]
    """Fill the room before and after the values of a row."""
    pad = np.uint64(ends.size // 2)
    behind = np.uint64(line.size) - pad
    for j in range(pad):
        line[j], line[behind + j] = line[ends[j]], line[ends[pad + j]]


@njit(cache=True, nogil=True, error_model="numpy")
def _across(line, taps, channels, out):  # type: ignore[no-untyped-def]
    """Filter along a row that is wider than ``out`` by the radius on both sides, in the same order."""
    radius = taps.size // 2
    centre, weight = line[radius * channels :], taps[radius]
    for j in range(out.size):
        out[j] = centre[j] * weight
    for t in range(0, radius, 4):
        left, right = t * channels, (2 * radius - t) * channels
        a0, a1, a2, a3 = (
            line[left:],
            line[left + channels :],
            line[left + 2 * channels :],
            line[left + 3 * channels :],
        )
        b0, b1 = line[right:], line[right - channels :]
        b2, b3 = line[right - 2 * channels :], line[right - 3 * channels :]
        w0, w1, w2, w3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        for j in range(out.size):
            total = out[j] + (a0[j] + b0[j]) * w0
            total += (a1[j] + b1[j]) * w1
            total += (a2[j] + b2[j]) * w2
            out[j] = total + (a3[j] + b3[j]) * w3
