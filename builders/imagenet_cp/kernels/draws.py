"""Random draws, equal to those of ``numpy.random.RandomState(bits)``, whose methods are frozen (NEP 19).

For an SFC64 generator they are computed in compiled loops that step it themselves, in the memory where NumPy keeps
its state, several times faster; any other generator goes to RandomState. Either way ``bits`` is left in the same
state.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.random import SFC64, BitGenerator, RandomState
from numpy.typing import NDArray

from .compiled import kernel
from .rng import address_of, state_at, step

U = np.uint64
BLOCK = 1024  # values made at a time, so that they stay in the nearest cache

LOG2_HIGH = 0x2C5C85FDF47 * 2.0**-42  # times a whole number below 2**11 this is exact
LOG2_LOW = 5.497923018708371e-14
SQRT_HALF = U(0x3FE6A09E667F3BCD)  # as the bits of a double


def uniform(bits: BitGenerator, low: float, high: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).uniform(low, high, size)``."""
    if type(bits) is not SFC64:
        return RandomState(bits).uniform(low, high, size)
    out = np.empty(size)
    with bits.lock:
        _uniform(address_of(bits), out.reshape(-1), float(low), float(high) - float(low))
    return out


def normal(bits: BitGenerator, loc: float, scale: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Draw as ``RandomState(bits).normal(loc, scale, size)``, within two units of the last place.

    The logarithm inside is computed here, because that of the machine's libm is another on every machine; for
    the same reason generators other than SFC64 are not guaranteed to give the same last bits everywhere.
    """
    if type(bits) is not SFC64:
        return RandomState(bits).normal(loc, scale, size)
    out = np.empty(size)
    with bits.lock:
        _normal(address_of(bits), out.reshape(-1), np.empty((3, BLOCK)), float(loc), float(scale))
    return out


def normal_window(
    bits: BitGenerator, loc: float, scale: float, size: tuple[int, int], window: tuple[slice, slice]
) -> NDArray[np.float64]:
    """Draw as ``normal(bits, loc, scale, size)[window]``, leaving out what only the others need.

    ``window`` is a pair of slices without a step.
    """
    if type(bits) is not SFC64:
        return RandomState(bits).normal(loc, scale, size)[window]
    (top, bottom, _), (left, right, _) = (part.indices(side) for part, side in zip(window, size, strict=True))
    out = np.empty((max(bottom - top, 0), max(right - left, 0)))
    with bits.lock:
        _normal_window(address_of(bits), out, *size, top, left, float(loc), float(scale))
    return out


def integers(bits: BitGenerator, low: int, high: int, size: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Draw as ``RandomState(bits).randint(low, high, size)``."""
    span = high - 1 - low
    if type(bits) is not SFC64 or not 0 < span < 2**32:
        return RandomState(bits).randint(low, high, size, dtype=np.int64)
    out = np.empty(size, np.int64)
    mask = (1 << span.bit_length()) - 1
    with bits.lock:
        _integers(address_of(bits), out.reshape(-1), low, span, mask)
    return out


def integer(bits: BitGenerator, high: int) -> int:
    """Draw a single one as ``RandomState(bits).randint(high)``."""
    span = high - 1
    if type(bits) is not SFC64 or not 0 < span < 2**32:
        return int(RandomState(bits).randint(high, dtype=np.int64))
    with bits.lock:
        return int(_integer(address_of(bits), span, (1 << span.bit_length()) - 1))


def words(bits: BitGenerator, size: int) -> NDArray[np.uint64]:
    """Draw ``size`` words of 64 bits, as ``RandomState(bits).randint(0, 2**64, size, dtype=np.uint64)``."""
    if type(bits) is not SFC64:
        return RandomState(bits).randint(0, 2**64, size, dtype=np.uint64)
    out = np.empty(size, U)
    with bits.lock:
        _words(address_of(bits), out)
    return out


@kernel
def _words(address, out):
    state = state_at(address)
    a, b, c, counter = state[0], state[1], state[2], state[3]
    i = 0
    while True:  # written as "while i < out.size" it is unrolled and spills its registers: half the speed
        if i >= out.size:
            break
        a, b, c, counter, out[i] = step(a, b, c, counter)
        i += 1
    state[0], state[1], state[2], state[3] = a, b, c, counter


@kernel
def _uniform(address, out, low, width):
    block = np.empty(BLOCK, U)
    for start in range(0, out.size, BLOCK):
        part = out[start : start + BLOCK]
        _words(address, block[: part.size])
        for i in range(part.size):
            part[i] = low + width * (np.int64(block[i] >> U(11)) * 2.0**-53)


@kernel
def _integers(address, out, low, span, mask):
    """Fill ``out`` from the halves of words, the low half first: masked, and rejected if over ``span``."""
    state = state_at(address)
    word, has_half = state[4], int(state[4] & U(1))
    k, size = U(0), U(out.size)
    if has_half and size:
        value = np.int64(word >> U(32)) & mask
        out[0] = low + value
        k += U(value <= span)
        has_half = 0
    if mask == span:  # nothing is rejected
        block = np.empty(BLOCK, U)
        while k + U(1) < size:
            part = out[np.int64(k) : np.int64(k) + 2 * BLOCK]
            count = part.size // 2
            _words(address, block[:count])
            for i in range(count):
                part[2 * i] = low + (np.int64(block[i]) & mask)
                part[2 * i + 1] = low + (np.int64(block[i] >> U(32)) & mask)
            word = block[count - 1]
            k += U(2 * count)
    a, b, c, counter = state[0], state[1], state[2], state[3]
    # Each value is written before it is known to be good, and overwritten by the next if it is not: that needs
    # no branch. The index is unsigned because numba would ask whether it is negative.
    last = max(size, U(1)) - U(1)
    while k < last:
        a, b, c, counter, word = step(a, b, c, counter)
        value = np.int64(word) & mask
        out[k] = low + value
        k += U(value <= span)
        value = np.int64(word >> U(32)) & mask
        out[k] = low + value
        k += U(value <= span)
    while k < size:
        a, b, c, counter, word = step(a, b, c, counter)
        value = np.int64(word) & mask
        has_half = int(value <= span)
        if not has_half:
            value = np.int64(word >> U(32)) & mask
        out[k] = low + value
        k += U(value <= span)
    state[0], state[1], state[2], state[3] = a, b, c, counter
    state[4] = (word >> U(32)) << U(32) | U(has_half)


@kernel
def _integer(address, span, mask):
    out = np.empty(1, np.int64)
    _integers(address, out, 0, span, mask)
    return out[0]


def _bitcast(source: Any, target: Any) -> Any:
    def bitcast(typing_context, x):
        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), generate

    return intrinsic(bitcast)


_as_bits: Any = _bitcast(types.float64, types.uint64)
_as_double: Any = _bitcast(types.uint64, types.float64)


@kernel
def _log(x):
    """Return the logarithm of a normal double, within a unit of the last place, by IEEE operations alone.

    x = 2**e * (1 + f) with 1 + f between the roots of 1/2 and 2; with s = f / (2 + f), log(1 + f) is
    2 artanh(s) = 2s + s*r, r being the rest of the series, and 2s = f - f*s = f - f*f/2 + s*f*f/2.
    """
    bits = _as_bits(x)
    e = ((bits - SQRT_HALF + (U(1024) << U(52))) >> U(52)) - U(1024)
    f = _as_double(bits - (e << U(52))) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 2 / 15 + z * (2 / 17 + z * (2 / 19 + z * (2 / 21)))
    r = z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9 + z * (2 / 11 + z * (2 / 13 + z * r))))))
    exponent = np.float64(np.int32(e))
    half = 0.5 * f * f
    return exponent * LOG2_HIGH - ((half - (s * (half + r) + exponent * LOG2_LOW)) - f)


@kernel
def _pairs(address, x1, x2, r2, count, keep):
    """Draw ``count`` points (x1, x2) in the unit circle, r2 = x1**2 + x2**2; with ``keep`` 0 only skip them."""
    state = state_at(address)
    a, b, c, counter = state[0], state[1], state[2], state[3]
    k, keep = U(0), U(keep)
    while k < U(count):
        a, b, c, counter, word = step(a, b, c, counter)
        x = np.int64(word >> U(11)) * 2.0**-52 - 1.0
        a, b, c, counter, word = step(a, b, c, counter)
        y = np.int64(word >> U(11)) * 2.0**-52 - 1.0
        square = x * x + y * y
        i = k * keep
        x1[i], x2[i], r2[i] = x, y, square  # overwritten by the next if outside
        k += U((square < 1.0) & (square != 0.0))
    state[0], state[1], state[2], state[3] = a, b, c, counter


@kernel
def _factors(r2):
    """Replace the squared distances of points by what makes normals of their coordinates."""
    for i in range(r2.size):
        r2[i] = math.sqrt(-2.0 * _log(r2[i]) / r2[i])


@kernel
def _normal(address, out, block, loc, scale):
    """Fill ``out`` by the polar method, which gives two normals at a time, the second coordinate's first."""
    x1, x2, factor = block[0], block[1], block[2]
    for start in range(0, out.size, 2 * BLOCK):
        count = min(BLOCK, (out.size - start + 1) // 2)
        _pairs(address, x1, x2, factor, count, 1)
        _factors(factor[:count])
        whole = min(count, (out.size - start) // 2)
        for i in range(whole):
            out[start + 2 * i] = loc + scale * (factor[i] * x2[i])
            out[start + 2 * i + 1] = loc + scale * (factor[i] * x1[i])
        if whole < count:
            out[start + 2 * whole] = loc + scale * (factor[whole] * x2[whole])


@kernel
def _normal_window(address, out, height, width, top, left, loc, scale):
    rows, columns = out.shape
    if columns == width:  # then a pair may lie in two rows
        rows, columns = 1, rows * width
    flat = out.reshape(rows, columns)
    most = columns // 2 + 1  # pairs that a row is made of
    band = max(BLOCK // most, 1)  # rows made at a time
    block, row, nowhere = np.empty((3, band * most)), np.empty(2 * most), np.empty(1)
    x1, x2, factor = block[0], block[1], block[2]
    drawn = 0
    for start in range(0, rows, band):
        stop, count = min(start + band, rows), 0
        for i in range(start, stop):
            first = (top + i) * width + left
            _pairs(address, nowhere, nowhere, nowhere, first // 2 - drawn, 0)
            drawn = (first + columns + 1) // 2
            _pairs(address, x1[count:], x2[count:], factor[count:], drawn - first // 2, 1)
            count += drawn - first // 2
        _factors(factor[:count])
        count = 0
        for i in range(start, stop):
            first = (top + i) * width + left
            pairs = (first + columns + 1) // 2 - first // 2
            for k in range(pairs):
                row[2 * k] = loc + scale * (factor[count + k] * x2[count + k])
                row[2 * k + 1] = loc + scale * (factor[count + k] * x1[count + k])
            flat[i] = row[first % 2 : first % 2 + columns]
            count += pairs
    _pairs(address, nowhere, nowhere, nowhere, (height * width + 1) // 2 - drawn, 0)
