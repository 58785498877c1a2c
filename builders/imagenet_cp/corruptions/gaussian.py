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
    """Return the weights of taps -r..r, r = int(truncate * sigma + 0.5), summed as NumPy sums them."""
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    factor = -0.5 / (sigma * sigma)
    half = [exp(factor * (i * i)) for i in range(radius + 1)]
    phi = np.array(half[:0:-1] + half)
    return phi / _pairwise_sum(phi.tolist())


def _pairwise_sum(values: list[float]) -> float:
    """Sum in the order of np.sum: eight running sums a block of at most 128."""
    n = len(values)
    if n < 8:
        return sum(values, -0.0)
    if n > 128:
        middle = n // 2 - n // 2 % 8
        return _pairwise_sum(values[:middle]) + _pairwise_sum(values[middle:])
    r = values[:8]
    whole = n - n % 8
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
        Standard deviation in pixels; 0 leaves the field as it is.
    truncate : float
        The filter ends at this many standard deviations.
    mode : str
        ``"nearest"`` repeats the border pixel, ``"reflect"`` mirrors at the border's outer edge.

    Returns
    -------
    ndarray of the field's dtype and shape
        A new array. A float32 field is rounded to float32 between the two axes, as SciPy does.
    """
    kernel = weights(sigma, truncate)
    wide = field.astype(np.float64).reshape(*field.shape[:2], -1)
    height, width, channels = wide.shape
    radius = len(kernel) // 2
    rows = _taps(height, radius, mode)
    columns = _taps(width, radius, mode)
    down = _filter(wide.reshape(1, height, width * channels), kernel, rows).astype(field.dtype)
    across = _filter(down.astype(np.float64).reshape(height, width, channels), kernel, columns)
    return across.astype(field.dtype).reshape(field.shape)


def blur_uint8(image: Image, sigma: float, truncate: float = 4.0) -> Image:
    """Return ``uint8(clip(gaussian(image / 255), 0, 1) * 255)``, truncated, of a uint8 image (H, W, C)."""
    y = blur(image / 255.0, sigma, truncate)
    return (np.clip(y, 0.0, 1.0) * 255.0).astype(np.uint8)


def _taps(length: int, radius: int, mode: str) -> NDArray[np.int64]:
    """Return which pixel stands at each position -radius..length + radius - 1 of a line."""
    position = np.arange(-radius, length + radius)
    if mode == "nearest":
        return np.clip(position, 0, length - 1)
    if mode == "reflect":
        position %= 2 * length
        return np.where(position < length, position, 2 * length - 1 - position)
    raise ValueError(f"unknown mode {mode!r}; known: nearest, reflect")


@njit(cache=True, nogil=True, error_model="numpy")
def _filter(planes, kernel, taps):  # type: ignore[no-untyped-def]
    """Filter the middle axis: the centre, then from far to near in symmetric pairs, as SciPy's correlate1d."""
    count, length, width = planes.shape
    radius = kernel.size // 2
    out = np.empty_like(planes)
    for n in range(count):
        for i in range(length):
            for j in range(width):
                total = planes[n, i, j] * kernel[radius]
                for t in range(radius):
                    pair = planes[n, taps[i + t], j] + planes[n, taps[i + 2 * radius - t], j]
                    total += pair * kernel[t]
                out[n, i, j] = total
    return out
