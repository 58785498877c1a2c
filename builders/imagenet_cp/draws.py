"""Random draws, equal to those of ``numpy.random.RandomState(bits)``."""

from __future__ import annotations

import numpy as np
from numpy.random import BitGenerator, RandomState
from numpy.typing import NDArray


def uniform(bits: BitGenerator, low: float, high: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).uniform(low, high, size)``."""
    return RandomState(bits).uniform(low, high, size)


def normal(bits: BitGenerator, loc: float, scale: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).normal(loc, scale, size)``."""
    return RandomState(bits).normal(loc, scale, size)


def normal_window(
    bits: BitGenerator, loc: float, scale: float, size: tuple[int, int], window: tuple[slice, slice]
) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).normal(loc, scale, size)[window]``."""
    return RandomState(bits).normal(loc, scale, size)[window]


def integers(bits: BitGenerator, low: int, high: int, size: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Draw as ``RandomState(bits).randint(low, high, size)``."""
    return RandomState(bits).randint(low, high, size)


def words(bits: BitGenerator, size: int) -> NDArray[np.uint64]:
    """Draw ``size`` raw 64-bit words."""
    return RandomState(bits).randint(0, 2**64, size, dtype=np.uint64)
