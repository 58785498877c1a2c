"""Elementary functions that give the same bits on every machine.

They are correctly rounded: each returns the double nearest to the true value, whatever the machine's libm does. mpmath
computes the value in integers to so many bits that a double's 53 are sure.
"""

from __future__ import annotations

from functools import lru_cache

from mpmath import MPContext

_context = MPContext()
_context.prec = 150


@lru_cache(maxsize=8192)
def exp(x: float) -> float:
    """Return e to the power of ``x``, correctly rounded."""
    return float(_context.exp(x))


@lru_cache(maxsize=8192)
def sin(x: float) -> float:
    """Return the sine of ``x`` radians, correctly rounded."""
    return float(_context.sin(x))


@lru_cache(maxsize=8192)
def cos(x: float) -> float:
    """Return the cosine of ``x`` radians, correctly rounded."""
    return float(_context.cos(x))
