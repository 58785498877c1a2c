"""Bilinear interpolation of uint8 images, bit for bit that of ``cv2.resize``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ONE = np.float32(2048)


def resize(
    image: NDArray[np.uint8], rows: int, columns: int, row_step: float, column_step: float
) -> NDArray[np.uint8]:
    """Resize an image by bilinear interpolation without antialiasing.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
    rows, columns : int
        Size of the result.
    row_step, column_step : float
        Distance between samples, in pixels of ``image``: ``1 / (rows / H)`` and ``1 / (columns / W)``, or the
        inverse of the factor from which the size was rounded.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, C)

    Notes
    -----
    Equal to ``cv2.resize`` with ``INTER_LINEAR``, whose weights are fixed-point numbers of 11 bits, except at
    steps of exactly 2, where OpenCV averages four pixels.
    """
    left, right, left_weight, right_weight = _taps(columns, column_step)
    upper, lower, upper_weight, lower_weight = _taps(rows, row_step)
    left, right = (np.clip(taps, 0, image.shape[1] - 1) for taps in (left, right))
    upper, lower = (np.clip(taps, 0, image.shape[0] - 1) for taps in (upper, lower))
    values = image.astype(np.int32)
    blended = (values[:, left] * left_weight[:, None] + values[:, right] * right_weight[:, None]) >> 4
    above = (blended[upper] * upper_weight[:, None, None]) >> 16
    below = (blended[lower] * lower_weight[:, None, None]) >> 16
    return ((above + below + 2) >> 2).astype(np.uint8)


def _taps(samples: int, step: float) -> tuple[NDArray[np.int32], ...]:
    """Return both neighbours of every sample, which may lie outside, and their weights."""
    position = ((np.arange(samples) + 0.5) * step - 0.5).astype(np.float32)
    low = np.floor(position).astype(np.int32)
    fraction = position - low.astype(np.float32)
    weights = (np.rint(weight * _ONE).astype(np.int32) for weight in (1 - fraction, fraction))
    return low, low + 1, *weights
