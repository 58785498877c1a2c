"""Gaussian filters as wide as the image, for elastic_transform, at a cost that does not depend on their width."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import gaussian
from .arithmetic import cos, sin
from .compiled import kernel

Field = NDArray[np.float64]

#: exp(-t**2 / 2) = sum of AMPLITUDES * cos(FREQUENCIES * t), within 1e-10 for abs(t) <= 3.06.
FREQUENCIES = (0.3939593534, 1.1882995775, 2.0032187403, 2.8578756328, 3.785312705, 4.8675292475)
AMPLITUDES = (0.582502680424, 0.315863460079, 0.089145363459, 0.011874745343, 0.000606736861, 7.013759e-06)
TERMS = len(FREQUENCIES)
WIDE = 8.0  # from this sigma on, the cosines need fewer operations than the taps
LANES = 32  # columns filtered at a time; they stay in the L1 cache
INPUT = 2 * TERMS * LANES  # follows the sums at i and at i - 1 of each cosine
RESULT = INPUT + 4 * LANES
STATE = RESULT + 2 * LANES


def smooth(field: Field, sigma: float) -> Field:
    """Filter with a Gaussian of mode reflect, truncated at three sigma.

    A narrow filter is summed as SciPy does. A wide one would need as many taps as the image has rows: it is
    approximated by a sum of six cosines, each of which is moved along the image by a recurrence, at a cost that does
    not depend on sigma. The approximation differs from the Gaussian by less than 1e-10 of its height.

    Parameters
    ----------
    field : ndarray of float64, shape (H, W)
        May be overwritten.
    sigma : float
        In pixels.

    Returns
    -------
    ndarray of float64, shape (H, W)
    """
    if sigma < WIDE:
        return gaussian.blur(field, sigma, 3.0, "reflect")
    height, width = field.shape
    between = np.empty((width, height))
    _slide(field, *_cosines(sigma, height), between)
    _slide(between, *_cosines(sigma, width), field)
    return field


@lru_cache(64)
def _cosines(sigma: float, length: int) -> tuple[Field, Field, NDArray[np.int64], int]:
    """Return the factors of each recurrence, the weights of its first sum, the mirrored line and the radius."""
    radius = int(3.0 * sigma + 0.5)
    tap = np.arange(-radius - 1, length + radius + 1) % (2 * length)
    line = np.minimum(tap, 2 * length - 1 - tap)
    recurrence = np.empty((TERMS, 3))
    first = np.zeros((length + -length % 4, TERMS))
    for k in range(TERMS):
        wave = AMPLITUDES[k] * _wave(FREQUENCIES[k] / sigma, radius + 1)
        recurrence[k] = 2.0 * cos(FREQUENCIES[k] / sigma), wave[radius], wave[radius + 1]
        both = np.concatenate([wave[radius:0:-1], wave[: radius + 1]])
        first[:length, k] = np.bincount(line[1 : both.size + 1], both, length)
    total = math.fsum(first.reshape(-1).tolist())
    recurrence[:, 1:] /= total
    return recurrence.reshape(-1), first / total, line, radius


def _wave(angle: float, last: int) -> Field:
    """Return cos(angle * t) for t = 0..last, by the angle addition formulas."""
    real, imaginary = np.ones(1), np.zeros(1)
    while real.size <= last:
        c, s = cos(angle * real.size), sin(angle * real.size)
        real, imaginary = (
            np.concatenate([real, real * c - imaginary * s]),
            np.concatenate([imaginary, imaginary * c + real * s]),
        )
    return real[: last + 1]


@kernel
def _slide(x, steps, first, line, radius, out):
    """Filter along the first axis of ``x`` into the second axis of ``out``.

    Notes
    -----
    The sum y[i] of x[i + t] * cos(w t) over t = -r..r follows from the two before it:
    y[i+1] + y[i-1] = 2 cos(w) y[i] + cos(w r) (x[i+r+1] + x[i-r-1]) - cos(w (r+1)) (x[i+r] + x[i-r]),
    and y[-1] = y[0], because the line is mirrored. For one column ``x`` and the padded line ``p[t] = x[line[t]]``,
    whose first tap is ``p[0] = x[-r-1]``, this is::

        now = before = first.T @ x                                  # (TERMS,): y[0] and y[-1] of each cosine
        out[0] = now.sum()
        for i in range(length - 1):
            entering, leaving = p[i + 2 * r + 2] + p[i], p[i + 2 * r + 1] + p[i + 1]
            now, before = steps[:, 0] * now - before + steps[:, 1] * entering - steps[:, 2] * leaving, now
            out[i + 1] = now.sum()

    Two steps of 32 columns are taken at a time, because the sums are then written to memory half as often.
    """
    length, width = x.shape
    block, result = np.zeros((length + 3, LANES)), np.empty((length + 2, LANES))
    state = np.empty(STATE)
    for left in range(0, width, LANES):
        lanes = min(LANES, width - left)
        for i in range(length):
            row = x[i, left : left + lanes]
            for j in range(lanes):
                block[i, j] = row[j]
        _start(state, first, block)
        for j in range(LANES):
            result[0, j] = state[RESULT + j]
        for i in range(0, length - 1, 2):
            back, a, b = line[i], line[i + 1], line[i + 2]
            c, d, ahead = line[i + 2 * radius + 1], line[i + 2 * radius + 2], line[i + 2 * radius + 3]
            for j in range(LANES):
                state[INPUT + j] = block[d, j] + block[back, j]
                state[INPUT + LANES + j] = block[c, j] + block[a, j]
                state[INPUT + 2 * LANES + j] = block[ahead, j] + block[a, j]
                state[INPUT + 3 * LANES + j] = block[d, j] + block[b, j]
            _two_steps(state, steps)
            for j in range(LANES):
                result[i + 1, j] = state[RESULT + j]
                result[i + 2, j] = state[RESULT + LANES + j]
        for i in range(0, length - 15, 16):  # whole cache lines: partial ones are slow in large images
            for j in range(lanes):
                for k in range(16):
                    out[left + j, i + k] = result[i + k, j]
        for i in range(length - length % 16, length):
            for j in range(lanes):
                out[left + j, i] = result[i, j]


@kernel
def _start(state, first, block):
    """Compute the first sum of each cosine and column, which is also the one before it."""
    state[:] = 0.0
    for i in range(0, first.shape[0], 4):
        for j in range(LANES):
            for k in range(TERMS):
                state[k * LANES + j] += (first[i, k] * block[i, j] + first[i + 1, k] * block[i + 1, j]) + (
                    first[i + 2, k] * block[i + 2, j] + first[i + 3, k] * block[i + 3, j]
                )
    for j in range(LANES):
        for k in range(TERMS):
            state[(TERMS + k) * LANES + j] = state[k * LANES + j]
            state[RESULT + j] += state[k * LANES + j]


@kernel
def _two_steps(state, steps):
    """Advance the recurrence of each cosine and column by two steps; ``now`` and ``before`` swap roles each time."""
    for j in range(LANES):
        in_0, gone_0 = state[INPUT + j], state[INPUT + LANES + j]
        in_1, gone_1 = state[INPUT + 2 * LANES + j], state[INPUT + 3 * LANES + j]
        total_0 = total_1 = 0.0
        for k in range(TERMS):
            now, before = state[k * LANES + j], state[(TERMS + k) * LANES + j]
            before = steps[3 * k] * now - before + (steps[3 * k + 1] * in_0 - steps[3 * k + 2] * gone_0)
            now = steps[3 * k] * before - now + (steps[3 * k + 1] * in_1 - steps[3 * k + 2] * gone_1)
            state[k * LANES + j], state[(TERMS + k) * LANES + j] = now, before
            total_0 += before
            total_1 += now
        state[RESULT + j], state[RESULT + LANES + j] = total_0, total_1
