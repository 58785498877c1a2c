"""ImageMagick's motion blur of one picture at many angles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..corruptions import motion
from .registry import Frames


@lru_cache(maxsize=16)
def _taps(radius: float, sigma: float, angles: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    weights = motion.kernel(radius, sigma)
    return weights, np.stack([motion.offsets(len(weights), angle) for angle in angles])


def blur(planes: NDArray[np.uint8], radius: float, sigma: float, angles: Sequence[float]) -> Frames:
    """Blur along each of several directions as ImageMagick 6 does.

    Parameters
    ----------
    planes : ndarray of uint8, shape (H, W, C) or (H, W)
        It is not changed.
    radius, sigma : float
        In pixels, as for ``imagenet_cp.corruptions.motion.blur``, whose results these are.
    angles : tuple of float
        In degrees.

    Returns
    -------
    ndarray of uint8, shape (number of angles, H, W, C) or (number of angles, H, W)
    """
    weights, offsets = _taps(radius, sigma, angles)
    height, width = planes.shape[:2]
    channels = planes.size // (height * width)
    reach = int(np.abs(offsets).max())
    border = ((reach, reach), (reach, reach), (0, 0))
    padded = np.pad(planes.reshape(height, width, channels), border, "edge").reshape(height + 2 * reach, -1)
    starts = (offsets + reach) * (1, channels)
    frames = _blur(padded, weights, starts, height, width * channels)
    return frames.reshape(len(angles), *planes.shape)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(padded, weights, starts, height, width):  # type: ignore[no-untyped-def]
    out = np.empty((starts.shape[0], height, width), np.uint8)
    # The quantum of 16 bits is 257 times the byte.
    source = np.empty(padded.shape)
    for i in range(padded.shape[0]):
        source[i] = 257.0 * padded[i]
    total = np.empty(width)
    ungrouped = weights.size % 4
    for n in range(starts.shape[0]):
        for i in range(height):
            total[:] = 0.0
            for t in range(ungrouped):
                row, column = starts[n, t]
                _add_one(total, weights[t], source[i + row, column : column + width])
            for t in range(ungrouped, weights.size, 4):
                (r0, c0), (r1, c1) = starts[n, t], starts[n, t + 1]
                (r2, c2), (r3, c3) = starts[n, t + 2], starts[n, t + 3]
                _add_four(
                    total,
                    weights[t : t + 4],
                    source[i + r0, c0 : c0 + width],
                    source[i + r1, c1 : c1 + width],
                    source[i + r2, c2 : c2 + width],
                    source[i + r3, c3 : c3 + width],
                )
            _quantise(total, out[n, i])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _add_one(total, weight, line):  # type: ignore[no-untyped-def]
    for j in range(total.size):
        total[j] += weight * line[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_four(total, weights, a, b, c, d):  # type: ignore[no-untyped-def]
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for j in range(total.size):
        total[j] = total[j] + w0 * a[j] + w1 * b[j] + w2 * c[j] + w3 * d[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _quantise(total, out):  # type: ignore[no-untyped-def]
    for j in range(total.size):
        quantum = np.int32(total[j] + 0.5)
        out[j] = np.uint8((quantum - (quantum >> np.int32(8))) >> np.int32(8))  # quantum // 257
