"""scikit-image's Gaussian filter of one picture at many widths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import gaussian
from .compiled import kernel
from .types import Frames, Image


@lru_cache(maxsize=16)
def _halves(sigmas: Sequence[float], truncate: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return for each sigma the weights from the farthest tap to the centre, and how far that is."""
    kernels = [gaussian.weights(sigma, truncate) for sigma in sigmas]
    radii = np.array([len(taps) // 2 for taps in kernels])
    table = np.zeros((len(kernels), radii.max() + 1))
    for row, taps, radius in zip(table, kernels, radii, strict=True):
        row[: radius + 1] = taps[: radius + 1]
    return table, radii


def blur(picture: Image, sigmas: Sequence[float], truncate: float) -> Frames:
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
    return frames.reshape(len(sigmas), *picture.shape)


@kernel
def _blur(planes, channels, weights, radii):
    """Filter down the columns into a row that is wider by the border, then along it.

    The order of the sums is SciPy's: the centre, then symmetric pairs from far to near.
    """
    height, width = planes.shape
    out = np.empty((weights.shape[0], height, width), np.uint8)
    flat = planes.reshape(-1)
    border = channels * radii.max()
    padded = np.empty(width + 2 * border)
    middle = padded[border : border + width]
    total = np.empty(width)
    before, behind = np.empty(radii.max(), np.int64), np.empty(radii.max(), np.int64)
    for n in range(weights.shape[0]):
        radius, half = radii[n], weights[n]
        for i in range(height):
            for t in range(radius):
                before[t] = max(i - radius + t, 0) * width
                behind[t] = min(i + radius - t, height - 1) * width
            _sum(flat, i * width, before[:radius], behind[:radius], half, middle)
            for j in range(border):
                padded[j] = middle[j % channels]
                padded[border + width + j] = middle[width - channels + j % channels]
            for t in range(radius):
                before[t] = border - channels * (radius - t)
                behind[t] = border + channels * (radius - t)
            _sum(padded, border, before[:radius], behind[:radius], half, total)
            _truncate(total, out[n, i])
    return out


@kernel
def _sum(flat, centre, before, behind, half, total):
    radius = before.size
    _start(total, half[radius], flat[centre:])
    single = radius % 4
    for t in range(single):
        _add_pair(total, half[t], flat[before[t] :], flat[behind[t] :])
    for t in range(single, radius, 4):
        _add_four_pairs(total, half[t : t + 4], flat, before[t : t + 4], behind[t : t + 4])


@kernel
def _start(total, weight, line):
    for j in range(total.size):
        total[j] = line[j] * weight


@kernel
def _add_pair(total, weight, a, b):
    for j in range(total.size):
        total[j] += (a[j] + b[j]) * weight


@kernel
def _add_four_pairs(total, weights, flat, before, behind):
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    a0, a1, a2, a3 = flat[before[0] :], flat[before[1] :], flat[before[2] :], flat[before[3] :]
    b0, b1, b2, b3 = flat[behind[0] :], flat[behind[1] :], flat[behind[2] :], flat[behind[3] :]
    for j in range(total.size):
        summed = total[j] + (a0[j] + b0[j]) * w0
        summed += (a1[j] + b1[j]) * w1
        summed += (a2[j] + b2[j]) * w2
        total[j] = summed + (a3[j] + b3[j]) * w3


@kernel
def _truncate(total, out):
    for j in range(total.size):
        out[j] = np.uint8(np.int32(total[j] * 255.0))
