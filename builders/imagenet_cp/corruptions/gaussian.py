"""The Gaussian filter of SciPy and scikit-image, bit for bit, from weights that are the same on every machine."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..arithmetic import exp
from .registry import Image

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
    taps = weights(sigma, truncate)
    height, width = field.shape[:2]
    rows, columns = _line(height, len(taps) // 2, mode), _line(width, len(taps) // 2, mode)
    planes = np.ascontiguousarray(field, dtype=np.float64).reshape(height, -1)
    out = _blur(planes, width, taps, rows, columns, field.dtype == np.float32)
    return out.astype(field.dtype, copy=False).reshape(field.shape)


def blur_uint8(image: Image, sigma: float, truncate: float = 4.0) -> Image:
    """Return ``uint8(clip(gaussian(image / 255), 0, 1) * 255)``, truncated, of a uint8 image (H, W, C).

    Most values are decided by a sum in float32, whose error is below ``doubt``; those that are nearer than
    that to a whole level are summed as SciPy does.
    """
    taps = weights(sigma, truncate)
    height, width = image.shape[:2]
    rows, columns = _line(height, len(taps) // 2), _line(width, len(taps) // 2)
    doubt = np.float32(2.0**-15 * (6.0 + sigma))
    return _blur_uint8(image, taps, taps.astype(np.float32), rows, columns, doubt)  # type: ignore[no-any-return]


def _line(length: int, radius: int, mode: str = "nearest") -> NDArray[np.int64]:
    """Return which pixel stands at each position -radius..length + radius - 1 of a line."""
    position = np.arange(-radius, length + radius)
    if mode == "nearest":
        return np.clip(position, 0, length - 1)
    if mode == "reflect":
        position %= 2 * length
        return np.minimum(position, 2 * length - 1 - position)
    raise ValueError(f"unknown mode {mode!r}; known: nearest, reflect")


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(planes, width, taps, rows, columns, single):  # type: ignore[no-untyped-def]
    size, channels = planes.shape[1], planes.shape[1] // width
    pad = taps.size // 2 * channels
    out = np.empty_like(planes)
    line = np.empty(size + 2 * pad)
    for row in range(planes.shape[0]):
        _down(planes, taps, rows, row, 0, size, line[pad:])
        if single:
            for j in range(pad, pad + size):
                line[j] = np.float32(line[j])
        _fill_ends(line, columns, taps.size // 2, channels)
        _across(line, taps, channels, out[row])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _blur_uint8(image, taps, quick_taps, rows, columns, doubt):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    size, pad = width * channels, taps.size // 2 * channels
    values = image.reshape(height, size)
    exact = np.empty((height, size))
    quick = np.empty((height, size), np.float32)
    for i in range(height):
        for j in range(size):
            exact[i, j] = values[i, j] / 255.0
            quick[i, j] = values[i, j]
    out = np.empty((height, size), np.uint8)
    line, across = np.empty(size + 2 * pad, np.float32), np.empty(size, np.float32)
    exact_line, exact_across = np.empty(size + 2 * pad), np.empty(size)
    unsure = np.empty(size, np.uint8)
    for row in range(height):
        _down(quick, quick_taps, rows, row, 0, size, line[pad:])
        _fill_ends(line, columns, taps.size // 2, channels)
        _across(line, quick_taps, channels, across)
        count = 0
        for j in range(size):
            low, high = np.int32(across[j] - doubt), np.int32(across[j] + doubt)
            out[row, j] = low
            unsure[j] = high - low
            count += high - low
        start = 0
        while count:
            # one span of unsure values, and those that follow so closely that they share most of their taps
            while not unsure[start]:
                start += 1
            stop = j = start
            while j < min(stop + pad + 1, size):
                if unsure[j]:
                    stop = j + 1
                    count -= 1
                j += 1
            left, right = max(start - pad, 0), min(stop + pad, size)
            _down(exact, taps, rows, row, left, right, exact_line[pad:])
            _fill_ends(exact_line, columns, taps.size // 2, channels)
            _across(exact_line[start : stop + 2 * pad], taps, channels, exact_across[start:stop])
            for j in range(start, stop):
                out[row, j] = np.int32(min(exact_across[j], 1.0) * 255.0)
            start = stop
    return out.reshape(height, width, channels)


@njit(cache=True, nogil=True, error_model="numpy")
def _down(planes, taps, rows, row, left, right, out):  # type: ignore[no-untyped-def]
    """Filter one row along the columns, from ``left`` to ``right``, summed as SciPy's correlate1d does.

    The centre comes first, then pairs of equal weight from far to near, here four of them at a time.
    """
    radius = taps.size // 2
    centre = planes[row]
    weight = taps[radius]
    for j in range(left, right):
        out[j] = centre[j] * weight
    t = 0
    for t in range(0, radius - 3, 4):
        a0, b0, w0 = planes[rows[row + t]], planes[rows[row + 2 * radius - t]], taps[t]
        a1, b1, w1 = planes[rows[row + t + 1]], planes[rows[row + 2 * radius - t - 1]], taps[t + 1]
        a2, b2, w2 = planes[rows[row + t + 2]], planes[rows[row + 2 * radius - t - 2]], taps[t + 2]
        a3, b3, w3 = planes[rows[row + t + 3]], planes[rows[row + 2 * radius - t - 3]], taps[t + 3]
        for j in range(left, right):
            total = out[j] + (a0[j] + b0[j]) * w0
            total += (a1[j] + b1[j]) * w1
            total += (a2[j] + b2[j]) * w2
            out[j] = total + (a3[j] + b3[j]) * w3
    for t in range(radius - radius % 4, radius):
        a0, b0, w0 = planes[rows[row + t]], planes[rows[row + 2 * radius - t]], taps[t]
        for j in range(left, right):
            out[j] += (a0[j] + b0[j]) * w0


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_ends(line, columns, radius, channels):  # type: ignore[no-untyped-def]
    """Fill both ends of a row, ``radius`` pixels each, with the pixels that ``columns`` names."""
    start, stop = radius * channels, line.size - radius * channels
    for j in range(radius):
        for c in range(channels):
            line[j * channels + c] = line[start + columns[j] * channels + c]
            line[stop + j * channels + c] = line[start + columns[columns.size - radius + j] * channels + c]


@njit(cache=True, nogil=True, error_model="numpy")
def _across(line, taps, channels, out):  # type: ignore[no-untyped-def]
    """Filter along a row that is wider than ``out`` by the radius on both sides, in the same order."""
    radius = taps.size // 2
    weight, right = taps[radius], line[radius * channels :]
    for j in range(out.size):
        out[j] = right[j] * weight
    for t in range(0, radius - 3, 4):
        a0, b0, w0 = line[t * channels :], line[(2 * radius - t) * channels :], taps[t]
        a1, b1, w1 = line[(t + 1) * channels :], line[(2 * radius - t - 1) * channels :], taps[t + 1]
        a2, b2, w2 = line[(t + 2) * channels :], line[(2 * radius - t - 2) * channels :], taps[t + 2]
        a3, b3, w3 = line[(t + 3) * channels :], line[(2 * radius - t - 3) * channels :], taps[t + 3]
        for j in range(out.size):
            total = out[j] + (a0[j] + b0[j]) * w0
            total += (a1[j] + b1[j]) * w1
            total += (a2[j] + b2[j]) * w2
            out[j] = total + (a3[j] + b3[j]) * w3
    for t in range(radius - radius % 4, radius):
        a0, b0, w0 = line[t * channels :], line[(2 * radius - t) * channels :], taps[t]
        for j in range(out.size):
            out[j] += (a0[j] + b0[j]) * w0
