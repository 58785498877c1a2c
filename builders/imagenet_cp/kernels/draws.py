"""Random draws, equal to those of ``numpy.random.RandomState(bits)``, whose methods are frozen (NEP 19).

A `Stream` is stepped in compiled loops, several times faster than RandomState; any NumPy bit generator is passed to
RandomState. In both cases ``bits`` is advanced by the same number of steps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import BitGenerator, RandomState
from numpy.typing import NDArray

from .compiled import kernel
from .rng import Bits, step

BLOCK = 1024  # values computed at a time, so that they stay in the L1 cache

LOG2_HIGH = 0x2C5C85FDF47 * 2.0**-42  # its product with an integer below 2**11 is exact
LOG2_LOW = 5.497923018708371e-14
SQRT_HALF = np.uint64(0x3FE6A09E667F3BCD)  # as the bits of a double


def uniform(bits: Bits, low: float, high: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).uniform(low, high, size)``."""
    if isinstance(bits, BitGenerator):
        return RandomState(bits).uniform(low, high, size)
    out = np.empty(size)
    _uniform(bits.state, out.reshape(-1), float(low), float(high) - float(low))
    return out


def normal(bits: Bits, loc: float, scale: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).normal(loc, scale, size)``, within two units of the last place.

    The logarithm is computed here, because that of libm differs between machines; for the same reason the last bits
    of draws from NumPy's generators may differ between machines.
    """
    if isinstance(bits, BitGenerator):
        return RandomState(bits).normal(loc, scale, size)
    out = np.empty(size)
    _normal(bits.state, out.reshape(-1), float(loc), float(scale))
    return out


def normal_window(
    bits: Bits, loc: float, scale: float, size: tuple[int, int], window: tuple[slice, slice]
) -> NDArray[np.float64]:
    """Draw as ``normal(bits, loc, scale, size)[window]``, but compute only the values in the window.

    ``window`` is a pair of slices without a step.
    """
    if isinstance(bits, BitGenerator):
        return RandomState(bits).normal(loc, scale, size)[window]
    (top, bottom, _), (left, right, _) = (part.indices(side) for part, side in zip(window, size, strict=True))
    out = np.empty((max(bottom - top, 0), max(right - left, 0)))
    _normal_window(bits.state, out, *size, top, left, float(loc), float(scale))
    return out


def integers(bits: Bits, low: int, high: int, size: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Draw as ``RandomState(bits).randint(low, high, size)``.

    Raises
    ------
    ValueError
        If ``low >= high``; for a `Stream` also if ``high - low`` is more than 2**32.
    """
    if isinstance(bits, BitGenerator):
        return RandomState(bits).randint(low, high, size, dtype=np.int64)
    span = high - 1 - low
    if not 0 <= span < 2**32:
        raise ValueError(f"low >= high, or more than 2**32 numbers: {low}, {high}")
    if span == 0:  # nothing is drawn
        return np.full(size, low, np.int64)
    out = np.empty(size, np.int64)
    _integers(bits.state, out.reshape(-1), low, span, (1 << span.bit_length()) - 1)
    return out


def integer(bits: Bits, high: int) -> int:
    """Draw a single integer as ``RandomState(bits).randint(high)``."""
    return int(integers(bits, 0, high, 1)[0])


def words(bits: Bits, size: int) -> NDArray[np.uint64]:
    """Draw ``size`` words of 64 bits, as ``RandomState(bits).randint(0, 2**64, size, dtype=np.uint64)``."""
    if isinstance(bits, BitGenerator):
        return RandomState(bits).randint(0, 2**64, size, dtype=np.uint64)
    out = np.empty(size, np.uint64)
    _words(bits.state, out)
    return out


@kernel
def _words(state, out):
    a, b, c, counter = state[0], state[1], state[2], state[3]
    i = 0
    while True:  # as "while i < out.size" the loop is unrolled and spills its registers: half the speed
        if i >= out.size:
            break
        a, b, c, counter, out[i] = step(a, b, c, counter)
        i += 1
    state[0], state[1], state[2], state[3] = a, b, c, counter


@kernel
def _uniform(state, out, low, width):
    block = np.empty(BLOCK, np.uint64)
    for start in range(0, out.size, BLOCK):
        part = out[start : start + BLOCK]
        _words(state, block[: part.size])
        for i in range(part.size):
            part[i] = low + width * (np.int64(block[i] >> np.uint64(11)) * 2.0**-53)


@kernel
def _next_half(state):
    """Draw 32 bits: the buffered half of a word, or the lower half of a new one, whose upper half is buffered."""
    if state[4] & np.uint64(1):
        state[4] ^= np.uint64(1)
        return state[4] >> np.uint64(32)
    state[0], state[1], state[2], state[3], word = step(state[0], state[1], state[2], state[3])
    state[4] = word | np.uint64(0xFFFFFFFF)
    state[4] ^= np.uint64(0xFFFFFFFE)
    return word & np.uint64(0xFFFFFFFF)


@kernel
def _integers(state, out, low, span, mask):
    """Fill ``out`` with masked halves of words plus ``low``; a half above ``span`` is rejected.

    Notes
    -----
    With ``next_half`` for the next 32 bits of the stream, this is::

        for i in range(out.size):
            value = next_half() & mask
            while value > span:
                value = next_half() & mask
            out[i] = low + value

    A branch on every value would be mispredicted. Each value is therefore written before it is known to be accepted,
    and overwritten by the next if it is rejected: only the index depends on the comparison. Indices are unsigned
    because numba adds a test for negative ones.
    """
    k, size = np.uint64(0), np.uint64(out.size)
    last = max(size, np.uint64(1)) - np.uint64(1)
    if state[4] & np.uint64(1) and size:
        k += _put(_next_half(state), out, k, low, span, mask)
    if k < last:
        k = _put_words(state, out, k, last, low, span, mask)
    while k < size:
        k += _put(_next_half(state), out, k, low, span, mask)


@kernel
def _put(half, out, k, low, span, mask):
    """Write ``low`` plus the masked bits to ``out[k]``; return 1 if they are accepted, 0 if above ``span``."""
    value = np.int64(half) & mask
    out[k] = low + value
    return np.uint64(value <= span)


@kernel
def _put_words(state, out, k, last, low, span, mask):
    a, b, c, counter, word = state[0], state[1], state[2], state[3], np.uint64(0)
    while k < last:
        a, b, c, counter, word = step(a, b, c, counter)
        k += _put(word, out, k, low, span, mask)
        k += _put(word >> np.uint64(32), out, k, low, span, mask)
    state[0], state[1], state[2], state[3] = a, b, c, counter
    state[4] = word >> np.uint64(32) << np.uint64(32)
    return k


@kernel
def _log(x):
    """Return the logarithm of a normal double, within a unit of the last place, by IEEE operations only.

    x = 2**e * (1 + f) with 1 + f between the square roots of 1/2 and 2; with s = f / (2 + f), log(1 + f) is
    2 artanh(s) = 2s + s*r, r being the remainder of the series, and 2s = f - f*s = f - f*f/2 + s*f*f/2.
    """
    bits, places = np.float64(x).view(np.uint64), np.uint64(52)
    e = ((bits - SQRT_HALF + (np.uint64(1024) << places)) >> places) - np.uint64(1024)
    f = np.uint64(bits - (e << places)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 2 / 15 + z * (2 / 17 + z * (2 / 19 + z * (2 / 21)))
    r = z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9 + z * (2 / 11 + z * (2 / 13 + z * r))))))
    exponent = np.float64(np.int32(e))
    half = 0.5 * f * f
    return exponent * LOG2_HIGH - ((half - (s * (half + r) + exponent * LOG2_LOW)) - f)


@kernel
def _points(state, x, y, count):
    """Draw ``count`` points (x, y) of a square, rejecting those outside the unit circle and at its centre.

    A point is written before it is known to be inside, and overwritten by the next if it is not, as in `_integers`.
    """
    a, b, c, counter = state[0], state[1], state[2], state[3]
    k = np.uint64(0)
    while k < np.uint64(count):
        a, b, c, counter, word = step(a, b, c, counter)
        across = np.int64(word >> np.uint64(11)) * 2.0**-52 - 1.0
        a, b, c, counter, word = step(a, b, c, counter)
        down = np.int64(word >> np.uint64(11)) * 2.0**-52 - 1.0
        square = across * across + down * down
        x[k], y[k] = across, down
        k += np.uint64((square < 1.0) & (square != 0.0))
    state[0], state[1], state[2], state[3] = a, b, c, counter


@kernel
def _polar(x, y, loc, scale, out):
    """Convert each point in the unit circle to two normals, that of y first (Marsaglia's polar method)."""
    for i in range(x.size):
        square = x[i] * x[i] + y[i] * y[i]
        factor = math.sqrt(-2.0 * _log(square) / square)
        out[2 * i], out[2 * i + 1] = loc + scale * (factor * y[i]), loc + scale * (factor * x[i])


@kernel
def _normal(state, out, loc, scale):
    x, y, pairs = np.empty(BLOCK), np.empty(BLOCK), np.empty(2 * BLOCK)
    for start in range(0, out.size, 2 * BLOCK):
        part = out[start : start + 2 * BLOCK]
        count = (part.size + 1) // 2
        _points(state, x, y, count)
        _polar(x[:count], y[:count], loc, scale, pairs)
        part[:] = pairs[: part.size]


@kernel
def _normal_window(state, out, height, width, top, left, loc, scale):
    """Draw the points of the whole field, and convert to normals those with a value in the window."""
    rows, columns = out.shape
    count = (height * width + 1) // 2
    x, y, pairs = np.empty(count), np.empty(count), np.empty(columns + 2)
    _points(state, x, y, count)
    for i in range(rows):
        first = (top + i) * width + left
        near, far = first // 2, (first + columns + 1) // 2
        _polar(x[near:far], y[near:far], loc, scale, pairs)
        out[i] = pairs[first % 2 : first % 2 + columns]
