"""scikit-image's Gaussian filter of one picture at many widths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..corruptions import gaussian
from .registry import Frames
from .views import Picture


@lru_cache(maxsize=16)
def _halves(sigmas: Sequence[float], truncate: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return for each sigma the weights from the farthest tap to the centre, and how far that is."""
    kernels = [gaussian.weights(sigma, truncate) for sigma in sigmas]
    radii = np.array([len(kernel) // 2 for kernel in kernels])
    table = np.zeros((len(kernels), radii.max() + 1))
    for row, kernel, radius in zip(table, kernels, radii, strict=True):
        row[: radius + 1] = kernel[: radius + 1]
    return table, radii


def blur(picture: Picture, sigmas: Sequence[float], truncate: float) -> Frames:
    """Filter the picture with a Gaussian of each sigma in turn.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        It is not changed.
    sigmas : tuple of float
        In pixels.
    truncate : float
        The filter ends at this many standard deviations.

    Returns
    -------
    ndarray of uint8, shape (number of sigmas, H, W, 3)
        ``uint8(gaussian(picture / 255, sigma) * 255)``, truncated.
    """
    height, width, channels = picture.shape
    planes = (picture / 255.0).reshape(height, width * channels)
    frames = _blur(planes, channels, *_halves(sigmas, truncate))
    return frames.reshape(len(sigmas), *picture.shape)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(planes, channels, weights, radii):  # type: ignore[no-untyped-def]
    height, width = planes.shape
    out = np.empty((weights.shape[0], height, width), np.uint8)
    border = channels * radii.max()
    padded = np.empty(width + 2 * border)
    middle = padded[border : border + width]
    for n in range(weights.shape[0]):
        radius = radii[n]
        half = weights[n]
        for i in range(height):
            # The order of the sums is SciPy's: the centre, then symmetric pairs from far to near.
            _start(middle, half[radius], planes[i])
            for t in range(radius):
                above, below = max(i - radius + t, 0), min(i + radius - t, height - 1)
                _add_pair(middle, half[t], planes[above], planes[below])
            for j in range(border):
                padded[j] = middle[j % channels]
                padded[border + width + j] = middle[width - channels + j % channels]
            total = np.empty(width)
            _start(total, half[radius], middle)
            for t in range(radius):
                far = channels * (radius - t)
                left = padded[border - far : border - far + width]
                right = padded[border + far : border + far + width]
                _add_pair(total, half[t], left, right)
            _truncate(total, out[n, i])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _start(total, weight, line):  # type: ignore[no-untyped-def]
    for j in range(total.size):
        total[j] = line[j] * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _add_pair(total, weight, a, b):  # type: ignore[no-untyped-def]
    for j in range(total.size):
        total[j] += (a[j] + b[j]) * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _truncate(total, out):  # type: ignore[no-untyped-def]
    for j in range(total.size):
        out[j] = np.uint8(np.int32(total[j] * 255.0))
