"""ImageMagick's motion blur of one picture at many angles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import motion
from .compiled import kernel
from .types import Frames

CHUNK = 96  # values that are searched for doubtful ones at a time


@lru_cache(maxsize=64)
def _taps(
    radius: float, sigma: float, angles: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the weights of the taps, and for each angle their rows and columns relative to the pixel."""
    weights = motion.weights(radius, sigma)
    return weights, np.stack([motion.offsets(len(weights), angle) for angle in angles])


def blur(planes: NDArray[np.uint8], radius: float, sigma: float, angles: Sequence[float]) -> Frames:
    """Blur along each of several directions as ImageMagick 6 does.

    Parameters
    ----------
    planes : ndarray of uint8, shape (H, W, C) or (H, W)
        It is not changed.
    radius, sigma : float
        In pixels, as for ``imagenet_cp.kernels.motion.blur``, whose results these are.
    angles : tuple of float
        In degrees.

    Returns
    -------
    ndarray of uint8, shape (number of angles, H, W, C) or (number of angles, H, W)
    """
    weights, places = _taps(radius, sigma, angles)
    height, width = planes.shape[:2]
    channels = planes.size // (height * width)
    reach = int(np.abs(places).max())
    border = ((reach, reach), (reach, reach), (0, 0))
    padded = np.pad(planes.reshape(height, width, channels), border, "edge").reshape(height + 2 * reach, -1)
    frames = _blur(padded, reach, channels, weights, places)
    return frames.reshape(len(angles), *planes.shape)


@kernel
def _blur(padded, reach, channels, weights, places):
    """Decide most values by a sum in float32; those it leaves in doubt are summed as ImageMagick does."""
    frames, taps, _ = places.shape
    height, stride = padded.shape[0] - 2 * reach, padded.shape[1]
    width = stride - 2 * reach * channels
    out = np.empty((frames, height, width), np.uint8)
    flat = np.empty(padded.size, np.float32)
    _widen(padded.reshape(-1), flat)
    quick = weights.astype(np.float32)
    # Each of the weights, products and sums is off by at most 2**-24 of a total of at most 255.
    doubt = np.float32(255 * (taps + 4) * 2.0**-24)
    total = np.empty(width, np.float32)
    unsure = np.empty(width, np.uint8)
    first = np.empty(taps, np.int64)
    for n in range(frames):
        for i in range(height):
            for t in range(taps):
                row, column = places[n, t]
                first[t] = (reach + i + row) * stride + (reach + column) * channels
            total[:] = np.float32(0)
            for t in range(taps % 7):
                _add_one(flat[first[t] :], quick[t], total)
            for t in range(taps % 7, taps, 7):  # 21 taps is the most usual number
                _add_seven(flat, first[t : t + 7], quick[t : t + 7], total)
            line = out[n, i]
            for left in range(0, width, CHUNK):
                right = min(left + CHUNK, width)
                if _decide(total[left:right], doubt, line[left:right], unsure[left:right]):
                    for j in range(left, right):
                        if unsure[j]:
                            centre = reach * channels + j
                            line[j] = _exact(padded, weights, places[n], reach + i, centre, channels)
    return out


@kernel
def _widen(values, out):
    for j in range(out.size):
        out[j] = np.float32(values[j])


@kernel
def _add_one(line, weight, total):
    for j in range(total.size):
        total[j] += weight * line[j]


@kernel
def _add_seven(flat, first, w, total):
    w0, w1, w2, w3, w4, w5, w6 = w[0], w[1], w[2], w[3], w[4], w[5], w[6]
    a, b, c, d = flat[first[0] :], flat[first[1] :], flat[first[2] :], flat[first[3] :]
    e, f, g = flat[first[4] :], flat[first[5] :], flat[first[6] :]
    for j in range(total.size):
        some = (w0 * a[j] + w1 * b[j]) + (w2 * c[j] + w3 * d[j])
        total[j] += some + ((w4 * e[j] + w5 * f[j]) + w6 * g[j])


@kernel
def _decide(total, doubt, out, unsure):
    """Write the levels and say which, and how many, may be off by one."""
    count = np.int32(0)
    for j in range(total.size):
        level = total[j] + np.float32(0.5 / 257)
        low, high = np.int32(level - doubt), np.int32(level + doubt)
        out[j] = np.uint8(low)
        unsure[j] = np.uint8(high - low)
        count += high - low
    return count


@kernel
def _exact(padded, weights, places, i, j, channels):
    total = 0.0
    for t in range(weights.size):
        total += weights[t] * (257.0 * padded[i + places[t, 0], j + places[t, 1] * channels])
    return np.uint8(np.int64(total + 0.5) // 257)
