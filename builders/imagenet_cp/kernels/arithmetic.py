"""Elementary functions that give the same bits on every machine.

They are correctly rounded: each returns the double nearest to the true value, whatever the machine's libm
does. The value is computed in integers, in units of a power of two and with a known error. Python's division
of integers rounds correctly, so if both ends of the interval round to the same double, that is the answer;
if not, the precision is doubled. Except at 0 no result is a double or halfway between two of them
(Lindemann-Weierstrass), so this ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

FIRST_PRECISION = 112  # in bits, 59 more than a double has


def exp(x: float) -> float:
    """Return e to the power of ``x``, correctly rounded.

    Raises
    ------
    OverflowError
        If the result is beyond the largest double.
    """
    x = float(x)
    if x == 0:
        return 1.0
    if not -746 < x < 710:
        if 710 <= x < math.inf:
            raise OverflowError(f"exp({x}) is too large for a double")
        return 0.0 if x < 0 else x
    return _rounded(_exp, x)


def sin(x: float) -> float:
    """Return the sine of ``x`` radians, correctly rounded.

    Raises
    ------
    ValueError
        If ``x`` is infinite.
    """
    x = float(x)
    if x == 0 or math.isnan(x):
        return x
    return _rounded(_sin, x)


def cos(x: float) -> float:
    """Return the cosine of ``x`` radians, correctly rounded.

    Raises
    ------
    ValueError
        If ``x`` is infinite.
    """
    x = float(x)
    if x == 0:
        return 1.0
    if math.isnan(x):
        return x
    return _rounded(_cos, x)


@lru_cache(maxsize=8192)
def _rounded(function: Callable[[int, int, int], tuple[int, int]], x: float) -> float:
    """Return the double nearest to ``function(x)``.

    ``function(n, s, bits)`` is given x as n / 2**s and returns (value, scale): its result is within ``bits``
    units of 2**-scale of ``value`` such units.
    """
    if math.isinf(x):
        raise ValueError("an infinite angle has no sine and no cosine")
    numerator, denominator = x.as_integer_ratio()
    shift = denominator.bit_length() - 1
    # the sine of a tiny argument is as tiny, and needs as many leading bits
    bits = FIRST_PRECISION + max(0, shift - numerator.bit_length())
    while True:
        value, scale = function(numerator, shift, bits)
        error = bits
        if scale < 0:
            value, error, scale = value << -scale, error << -scale, 0
        low, high = (value - error) / (1 << scale), (value + error) / (1 << scale)
        if low == high:
            return low
        bits *= 2


def _exp(numerator: int, shift: int, bits: int) -> tuple[int, int]:
    fine = bits + 12  # x holds fewer than 2**11 times log 2
    x = _fixed(numerator, shift, fine)
    power = x // _ln2(fine)
    rest = (x - power * _ln2(fine)) >> 12
    term = total = 1 << bits
    n = 1
    while term:
        term = (term * rest >> bits) // n
        total += term
        n += 1
    return total, bits - power


def _sin(numerator: int, shift: int, bits: int) -> tuple[int, int]:
    return _sine(numerator, shift, bits, 0)


def _cos(numerator: int, shift: int, bits: int) -> tuple[int, int]:
    return _sine(numerator, shift, bits, 1)


def _sine(numerator: int, shift: int, bits: int, quarters: int) -> tuple[int, int]:
    """Return the sine of x plus some quarters of a turn."""
    extra = 2 + max(0, numerator.bit_length() - shift)
    x = _fixed(numerator, shift, bits + extra)
    pi = _pi(bits + extra)
    nearest = (2 * x + (pi >> 1)) // pi
    rest = (x - (nearest * pi >> 1)) >> extra
    square = rest * rest >> bits
    # the sine's series rest - rest**3/3! + ..., or the cosine's 1 - rest**2/2! + ...
    quarters += nearest
    term, n = (1 << bits, 1) if quarters % 2 else (rest, 2)
    total = term
    while term not in (0, -1):
        term = -(term * square >> bits) // (n * (n + 1))
        total += term
        n += 2
    return (-total if quarters % 4 >= 2 else total), bits


def _fixed(numerator: int, shift: int, bits: int) -> int:
    """Return numerator / 2**shift in units of 2**-bits, rounded down."""
    return numerator << (bits - shift) if bits >= shift else numerator >> (shift - bits)


@lru_cache(maxsize=64)
def _pi(bits: int) -> int:
    """Return pi in units of 2**-bits, within a unit (Machin's formula)."""
    return (16 * _inverse(5, -1, bits + 16) - 4 * _inverse(239, -1, bits + 16)) >> 16


@lru_cache(maxsize=64)
def _ln2(bits: int) -> int:
    """Return the natural logarithm of 2 in units of 2**-bits, within a unit."""
    return 2 * _inverse(3, 1, bits + 16) >> 16


def _inverse(n: int, sign: int, bits: int) -> int:
    """Return artanh(1/n), or with sign -1 arctan(1/n), in units of 2**-bits, by its series."""
    power = total = (1 << bits) // n
    k = 3
    while power not in (0, -1):
        power = sign * power // (n * n)
        total += power // k
        k += 2
    return total
