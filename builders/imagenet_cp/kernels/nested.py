"""Draws of a second generator, an MT19937 that is seeded by a draw from the stream of the image.

The draws are the first ones of ``numpy.random.RandomState(seed)``, whose seeding takes longer than all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .draws import _polar, integers
from .rng import Bits

SIZE, MIDDLE = 624, 397  # words of the state, and the distance of the words that are mixed
UPPER, LOWER, MATRIX = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(0x9908B0DF)
ONE = np.uint32(1)


def seed(bits: Bits) -> int:
    """Draw the seed of a second generator, as ``RandomState(bits).randint(0, 2**32)``."""
    return int(integers(bits, 0, 2**32, 1)[0])


def permutation(bits: Bits, size: int) -> list[int]:
    """Draw as ``RandomState(bits).permutation(size)``."""
    order = list(range(size))
    for i in range(size - 1, 0, -1):
        j = int(integers(bits, 0, i + 1, 1)[0])
        order[i], order[j] = order[j], order[i]
    return order


def words(seed: int, size: int) -> NDArray[np.uint32]:
    """Draw 32 bits each, as ``RandomState(seed).randint(0, 2**32, size, dtype=np.uint32)``."""
    out = np.empty(size + -size % SIZE, np.uint32)
    _words(seed, out)
    return out[:size]


def uniform(seed: int, size: int) -> NDArray[np.float64]:
    """Draw as ``RandomState(seed).uniform(size=size)``."""
    halves = words(seed, 2 * size)
    out = np.empty(size)
    _uniform(halves, out)
    return out


def normals(seed: int, size: int) -> NDArray[np.float64]:
    """Draw as ``RandomState(seed).randn(size)``, within two units of the last place.

    The logarithm is that of `draws`, because NumPy's differs between machines.
    """
    count = size
    while True:
        x, y = np.empty(count), np.empty(count)
        found = _inside(words(seed, 4 * count), x, y)
        if 2 * found >= size:
            break
        count *= 2  # fewer than half of the points are inside the circle: for large sizes never
    out = np.empty(2 * found)
    _polar(x[:found], y[:found], 0.0, 1.0, out)
    return out[:size]


@kernel
def _words(seed, out):
    state = np.empty(SIZE, np.uint32)
    state[0] = seed
    for i in range(1, SIZE):
        word = state[i - 1] ^ (state[i - 1] >> np.uint32(30))
        state[i] = np.uint32(np.uint32(1812433253) * np.uint32(word)) + np.uint32(i)
    for start in range(0, out.size, SIZE):
        block = out[start : start + SIZE]
        for i in range(SIZE - MIDDLE):
            state[i] = _mixed(state[i], state[i + 1], state[i + MIDDLE])
        for i in range(SIZE - MIDDLE, SIZE - 1):
            state[i] = _mixed(state[i], state[i + 1], state[i + MIDDLE - SIZE])
        state[SIZE - 1] = _mixed(state[SIZE - 1], state[0], state[MIDDLE - 1])
        for i in range(SIZE):
            word = state[i]
            word ^= np.uint32(word >> np.uint32(11))
            word ^= np.uint32(word << np.uint32(7)) & np.uint32(0x9D2C5680)
            word ^= np.uint32(word << np.uint32(15)) & np.uint32(0xEFC60000)
            block[i] = word ^ np.uint32(word >> np.uint32(18))


@kernel
def _mixed(word, following, middle):
    word = np.uint32((word & UPPER) | (following & LOWER))
    return np.uint32(middle ^ np.uint32(word >> ONE) ^ (MATRIX if word & ONE else np.uint32(0)))


@kernel
def _inside(halves, x, y):
    """Draw the points of a square, four halves each; those in the unit circle are written to x and y and counted."""
    found = 0
    for i in range(x.size):
        across = 2.0 * _fraction(halves[4 * i], halves[4 * i + 1]) - 1.0
        down = 2.0 * _fraction(halves[4 * i + 2], halves[4 * i + 3]) - 1.0
        x[found], y[found] = across, down
        square = across * across + down * down
        found += (square < 1.0) & (square != 0.0)
    return found


@kernel
def _uniform(halves, out):
    for i in range(out.size):
        out[i] = _fraction(halves[2 * i], halves[2 * i + 1])


@kernel
def _fraction(upper, lower):
    a, b = np.int64(upper >> np.uint32(5)), np.int64(lower >> np.uint32(6))
    return (a * 67108864.0 + b) / 9007199254740992.0
