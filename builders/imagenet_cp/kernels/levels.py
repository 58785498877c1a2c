"""Levels from 0 to 255: as fractions, and from sums that are truncated to integers."""

from __future__ import annotations

import numpy as np

from .compiled import kernel

# The first product with HIGH is exact for the 256 levels.
HIGH = np.float32(257 * 2.0**-16)
LOW = np.float32(1 / 255 - 257 * 2.0**-16)


@kernel
def unit(level):
    """Return ``np.float32(level) / np.float32(255)`` of a uint8, to the last bit, without a division."""
    return np.float32(level) * HIGH + np.float32(level) * LOW


@kernel
def truncate(values, lowest, highest, out, ambiguous):
    """Truncate values to integers, and mark those whose level may be wrong because of the error of the values.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
    lowest, highest : float32
        Added to a value, they give the lower and the upper bound of the true value.
    out : ndarray of uint8, shape (n,)
        The integer part of the lower bound, at most 255.
    ambiguous : ndarray of uint8, shape (n,)
        1 where the upper bound has a different integer part.

    Returns
    -------
    uint8
        1 if any value is ambiguous.
    """
    top, any_ambiguous = np.float32(255), np.uint8(0)
    for j in range(out.size):
        low, high = np.int32(min(values[j] + lowest, top)), np.int32(min(values[j] + highest, top))
        out[j] = low
        ambiguous[j] = np.uint8(high - low)
        any_ambiguous = np.uint8(any_ambiguous | ambiguous[j])
    return any_ambiguous
