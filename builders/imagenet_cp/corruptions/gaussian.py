"""The Gaussian filter of SciPy and scikit-image, bit for bit, from weights that are the same on every machine."""

from __future__ import annotations

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
    half = [exp(factor * (i * i)) for i in range(radius + 1)]
    taps = half[:0:-1] + half
    return np.array(taps) / _sum(taps)


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
    """Return ``uint8(clip(gaussian(image / 255), 0, 1) * 255)``, truncated, of a uint8 image (H, W, C)."""
    taps = weights(sigma, truncate)
    height, width = image.shape[:2]
    rows, columns = _line(height, len(taps) // 2), _line(width, len(taps) // 2)
    return _blur_uint8(image, taps, rows, columns)  # type: ignore[no-any-return]


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
    out = np.empty_like(planes)
    channels = planes.shape[1] // width
    line = np.empty(columns.size * channels)
    for row in range(planes.shape[0]):
        _down(planes, taps, rows, row, line)
        if single:
            for j in range(planes.shape[1]):
                line[(taps.size // 2) * channels + j] = np.float32(line[(taps.size // 2) * channels + j])
        _across(line, taps, columns, out[row])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _blur_uint8(image, taps, rows, columns):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    flat = image.reshape(height, width * channels)
    planes = np.empty((height, width * channels))
    for i in range(height):
        for j in range(width * channels):
            planes[i, j] = flat[i, j] / 255.0
    out = np.empty((height, width * channels), np.uint8)
    line = np.empty(columns.size * channels)
    across = np.empty(width * channels)
    for row in range(height):
        _down(planes, taps, rows, row, line)
        _across(line, taps, columns, across)
        for j in range(width * channels):
            out[row, j] = np.int32(min(max(across[j], 0.0), 1.0) * 255.0)
    return out.reshape(height, width, channels)


@njit(cache=True, nogil=True, error_model="numpy")
def _down(planes, taps, rows, row, line):  # type: ignore[no-untyped-def]
    """Filter one row along the columns into the middle of ``line``, summed as SciPy's correlate1d does.

    The centre comes first, then pairs of equal weight from far to near, here four of them at a time.
    """
    radius, size = taps.size // 2, planes.shape[1]
    out = line[(line.size - size) // 2 :][:size]
    centre = planes[row]
    weight = taps[radius]
    for j in range(size):
        out[j] = centre[j] * weight
    first = 0
    while first < radius:
        a0, b0, w0 = planes[rows[row + first]], planes[rows[row + 2 * radius - first]], taps[first]
        if first + 4 <= radius:
            t = first + 1
            a1, b1, w1 = planes[rows[row + t]], planes[rows[row + 2 * radius - t]], taps[t]
            t += 1
            a2, b2, w2 = planes[rows[row + t]], planes[rows[row + 2 * radius - t]], taps[t]
            t += 1
            a3, b3, w3 = planes[rows[row + t]], planes[rows[row + 2 * radius - t]], taps[t]
            for j in range(size):
                total = out[j] + (a0[j] + b0[j]) * w0
                total += (a1[j] + b1[j]) * w1
                total += (a2[j] + b2[j]) * w2
                out[j] = total + (a3[j] + b3[j]) * w3
            first += 4
        else:
            for j in range(size):
                out[j] += (a0[j] + b0[j]) * w0
            first += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _across(line, taps, columns, out):  # type: ignore[no-untyped-def]
    """Fill the two ends of ``line`` and filter it, in the same order."""
    radius, size = taps.size // 2, out.size
    channels = line.size // columns.size
    start = radius * channels
    for j in range(radius):
        for c in range(channels):
            line[j * channels + c] = line[start + columns[j] * channels + c]
            line[start + size + j * channels + c] = line[start + columns[columns.size - radius + j] * channels + c]
    weight = taps[radius]
    for j in range(size):
        out[j] = line[start + j] * weight
    first = 0
    while first < radius:
        left, right = first * channels, (2 * radius - first) * channels
        w0 = taps[first]
        if first + 4 <= radius:
            a0, a1, a2, a3 = line[left:], line[left + channels :], line[left + 2 * channels :], line[left + 3 * channels :]
            b0, b1, b2, b3 = line[right:], line[right - channels :], line[right - 2 * channels :], line[right - 3 * channels :]
            w1, w2, w3 = taps[first + 1], taps[first + 2], taps[first + 3]
            for j in range(size):
                total = out[j] + (a0[j] + b0[j]) * w0
                total += (a1[j] + b1[j]) * w1
                total += (a2[j] + b2[j]) * w2
                out[j] = total + (a3[j] + b3[j]) * w3
            first += 4
        else:
            for j in range(size):
                out[j] += (line[left + j] + line[right + j]) * w0
            first += 1
