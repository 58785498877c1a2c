"""Sampling of noise: each value is replaced by a draw from the exact distribution of its outcomes.

Only the distribution of the outcome matters, so no noise is generated and added: the exact probabilities of the
outcomes are computed once, and each outcome is drawn from them with 32 random bits.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arithmetic import exp
from .compiled import kernel
from .draws import words
from .rng import Bits
from .types import Image

BLOCK = 1024  # values sampled at a time, so that they stay in the L1 cache
EIGHTEEN = np.uint32(18)  # low bits of a cell, its two outcomes

# The normal distribution is expanded at 0, 1/16, 2/16, ... 9.
GRID, END, DEGREE = 16, 9, 10


class AliasTable(NamedTuple):
    """Distributions of the outcome of each pixel value, as alias tables (Walker 1977).

    Either one row of cells for each of the 256 values, whose outcomes are values, or a single row, whose outcomes
    minus 255 are added to any value. A row has 2**m cells: the first m of 32 random bits select a cell, and comparing
    the remaining bits with its threshold selects one of its two outcomes.

    Attributes
    ----------
    m : int
        Base-2 logarithm of the number of cells in a row.
    cells : ndarray of uint32, shape (256 * 2**m,) or (2**m,)
        The upper 14 bits of the threshold, the outcome below it and the outcome at or above it (9 bits each).
    thresholds : ndarray of uint32, of the same shape
        The whole threshold, needed only for random bits whose upper 14 equal those of the threshold.
    """

    m: int
    cells: NDArray[np.uint32]
    thresholds: NDArray[np.uint32]


def sample(table: AliasTable, image: Image, bits: Bits, out: Image | None = None) -> Image:
    """Replace every value by a draw from its distribution.

    Parameters
    ----------
    table : AliasTable
        Table from ``gaussian_table``, ``shot_table`` or ``speckle_table``.
    image : ndarray of uint8, C-contiguous, any shape
        Not changed.
    bits : Bits
        Half a 64-bit word is drawn for each value.
    out : ndarray of uint8, C-contiguous, of the image's shape, optional
        Output array.

    Returns
    -------
    ndarray of uint8
        ``out``, or a new array.
    """
    random = words(bits, (image.size + 1) // 2)
    out = np.empty_like(image) if out is None else out
    # The copy is read sequentially and is then in the cache for the look-ups, which are in random order.
    cells = table.cells if image.size < table.cells.size else table.cells.copy()
    _sample(image, random, cells, table.thresholds, table.m, out)
    return out


@lru_cache(maxsize=64)
def gaussian_table(sigma: float) -> AliasTable:
    """Return the table of clip(p + floor(255 sigma z), 0, 255), z being standard normal."""
    return _table(_normal_below(np.arange(-254, 256)[None] / (255 * sigma)))


@lru_cache(maxsize=64)
def speckle_table(sigma: float) -> AliasTable:
    """Return the table of clip(p + floor(p sigma z), 0, 255), z being standard normal."""
    value, outcome = np.arange(256)[:, None], np.arange(1, 256)
    with np.errstate(divide="ignore"):  # 0 stays 0: every larger outcome is infinitely far away
        return _table(_normal_below((outcome - value) / (value * sigma)))


@lru_cache(maxsize=64)
def shot_table(photons: int) -> AliasTable:
    """Return the table of clip(k / photons, 0, 1) * 255 truncated, k being Poisson(p / 255 * photons).

    Raises
    ------
    ValueError
        Above 700 photons, where exp(-photons) is no longer a normal double.
    """
    if photons > 700:
        raise ValueError(f"photons must be at most 700, not {photons}")
    mean = np.arange(256) / 255 * photons  # this and the levels below as published, in float64
    term = np.array([exp(-m) for m in mean.tolist()])
    below = [np.zeros(256)]  # below[k]: the probability of fewer than k
    for k in range(photons):
        below.append(below[-1] + term)
        term = term * mean / (k + 1)
    level = np.floor(np.arange(photons + 1) / photons * 255)
    return _table(np.array(below)[np.searchsorted(level, np.arange(1, 256))].T)


@lru_cache(maxsize=1)
def _normal_expansions() -> NDArray[np.float64]:
    """Return the Taylor coefficients of the normal distribution, as (DEGREE + 1, points)."""
    points = []
    for x in (j / GRID for j in range(GRID * END + 1)):
        density = exp(-x * x / 2) / math.sqrt(2 * math.pi)
        # the distribution is 1/2 + density * (x + x**3/3 + x**5/(3*5) + ...)
        term = total = x
        n = 3
        while term > 2.0**-60 * total:
            term *= x * x / n
            total += term
            n += 2
        # the density's own coefficients: its derivative is -x times itself
        density_terms = [density, -x * density]
        for n in range(2, DEGREE):
            density_terms.append(-(x * density_terms[-1] + density_terms[-2]) / n)
        points.append([0.5 + density * total, *(d / (n + 1) for n, d in enumerate(density_terms))])
    return np.array(points).T


def _normal_below(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities that a standard normal is less than ``x``, within 2**-52."""
    near = np.minimum(np.abs(x), END)
    point = np.rint(near * GRID).astype(np.intp)
    step = near - point / GRID
    total = np.zeros_like(near)
    for coefficients in _normal_expansions()[::-1]:
        total = total * step + coefficients[point]
    return np.where(x < 0, 1 - total, total)


def _table(below: NDArray[np.float64]) -> AliasTable:
    """Return the table for the probabilities ``below`` (rows, outcomes - 1) of an outcome less than 1, 2, ..."""
    # Rounding the sums, not the probabilities, keeps each within 2**-32 and their total at 1.
    edges = np.maximum.accumulate(np.rint(below * 2**32).astype(np.int64), axis=1)
    rows, masses = len(edges), np.diff(edges, prepend=0, append=2**32)
    m = max(1, (int(np.count_nonzero(masses, axis=1).max()) - 1).bit_length())
    cells, thresholds = np.empty(rows << m, np.uint32), np.empty(rows << m, np.uint32)
    _alias(masses, m, cells, thresholds)
    return AliasTable(m, cells, thresholds)


@kernel
def _alias(masses, m, cells, thresholds):
    """Build the rows of a table from integer masses, 2**32 per row.

    Each cell holds 2**(32 - m). A cell whose outcome has less mass is filled up by an outcome that has more, until
    all cells are full; with integers no remainder is left.
    """
    size, room = 1 << m, 1 << (32 - m)
    outcome, mass = np.empty(size, np.int64), np.empty(size, np.int64)
    poor, rich = np.empty(size, np.int64), np.empty(size, np.int64)
    for row in range(masses.shape[0]):
        outcome[:] = 0
        mass[:] = 0
        used = poors = riches = 0
        for value in range(masses.shape[1]):
            if masses[row, value] > 0:
                outcome[used], mass[used] = value, masses[row, value]
                used += 1
        for i in range(size):
            if mass[i] < room:
                poor[poors] = i
                poors += 1
            else:
                rich[riches] = i
                riches += 1
        first = row << m
        for i in range(size):  # no value is below a threshold of 0; it remains where a cell is exactly full
            cells[first + i], thresholds[first + i] = outcome[i], 0
        while poors:
            poors -= 1
            i, j = poor[poors], rich[riches - 1]
            threshold = mass[i] << m
            thresholds[first + i] = threshold
            cells[first + i] = (threshold >> 18 << 18) | (outcome[i] << 9) | outcome[j]
            mass[j] -= room - mass[i]
            if mass[j] < room:
                riches -= 1
                poor[poors] = j
                poors += 1


@kernel
def _sample(image, words, cells, thresholds, m, out):
    """Draw an outcome for each value. The loops are separate so that all but the look-up are vectorized.

    Notes
    -----
    For one value and its 32 random bits, in 32-bit arithmetic::

        index = (0 if one_row else value << m) | bits >> (32 - m)
        rest = bits << m
        outcome = (cells[index] >> 9 if rest < thresholds[index] else cells[index]) & 511
        out = clip(value + outcome - 255, 0, 255) if one_row else outcome

    Comparing ``rest`` with the whole cell, whose upper 14 bits are those of the threshold, saves a look-up of the
    threshold. `_repair` reads the threshold only where these bits equal those of ``rest``.
    """
    values, random, outcomes = image.reshape(-1), words.view(np.uint32), out.reshape(-1)
    one_row = cells.size == 1 << m
    # numba widens the operands of a shift to 64 bits; masking the count to under 32 narrows them again: twice as fast
    m, unused = np.uint32(m & 31), np.uint32(32 - m & 31)
    index, cell = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    for start in range(0, values.size, BLOCK):
        value, outcome = values[start : start + BLOCK], outcomes[start : start + BLOCK]
        bits = random[start : start + BLOCK]
        for i in range(value.size):
            row = np.uint32(0) if one_row else np.uint32(value[i]) << m
            index[i] = row | (bits[i] >> unused)
        for i in range(value.size):
            cell[i] = cells[index[i]]
        closest = np.uint32(0xFFFFFFFF)
        if one_row:
            for i in range(value.size):
                rest = np.uint32(bits[i] << m)
                outcome[i] = _outcome(value[i], cell[i], rest < cell[i], True)
                closest = min(closest, np.uint32(rest ^ cell[i]))
        else:
            for i in range(value.size):
                rest = np.uint32(bits[i] << m)
                outcome[i] = _outcome(value[i], cell[i], rest < cell[i], False)
                closest = min(closest, np.uint32(rest ^ cell[i]))
        if closest >> EIGHTEEN == 0:
            _repair(value, bits, m, index, cell, thresholds, one_row, outcome)


@kernel
def _repair(value, bits, m, index, cell, thresholds, one_row, outcome):
    """Redraw where the upper 14 bits equal those of the threshold."""
    for i in range(value.size):
        rest = np.uint32(bits[i] << m)
        if np.uint32(rest ^ cell[i]) >> EIGHTEEN == 0:
            outcome[i] = _outcome(value[i], cell[i], rest < thresholds[index[i]], one_row)


@kernel
def _outcome(value, cell, below, one_row):
    """Return one of the two outcomes of a cell; if the table has one row, added to the value."""
    outcome = (cell >> np.uint32(9)) if below else cell
    total = np.int32(value) + np.int32(outcome & np.uint32(511)) - np.int32(255)
    return np.uint8(min(max(total, np.int32(0)), np.int32(255))) if one_row else np.uint8(outcome)


def impulse(image: Image, bits: Bits, amount: float) -> Image:
    """Replace a fraction ``amount`` of the values by 255 or 0 with equal probability.

    Parameters
    ----------
    image : ndarray of uint8, C-contiguous, any shape
        Not changed.
    bits : Bits
        Half a 64-bit word is drawn for each value.
    amount : float
        From 0 to 1.

    Returns
    -------
    ndarray of uint8
        A new array.
    """
    random = words(bits, (image.size + 1) // 2)
    out = np.empty_like(image)
    _impulse(image, random, round(amount * 2**31), round(amount * 2**32), out)
    return out


@kernel
def _impulse(image, words, white, both, out):
    values, random, outcomes = image.reshape(-1), words.view(np.uint32), out.reshape(-1)
    white, both = np.uint32(white), np.uint32(both)
    for i in range(values.size):
        value = values[i]
        value = np.uint8(0) if random[i] < both else value
        outcomes[i] = np.uint8(255) if random[i] < white else value
