"""Random fields with a given spectrum."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .channels import interleave, split
from .compiled import kernel
from .fourier import LANES, broadcast, inverse, load, plan, turns
from .nested import words
from .types import Image
from .vectors import aligned, store, transposed, wide
from .waves import S, level

Field = NDArray[np.float64]
ROWS = 2 * LANES  # rows of a field computed at a time
# Chebyshev approximation of cos(x) in x ** 2, for x from -pi to pi.
C = (
    1.0,
    -0.49999999999999917,
    0.04166666666666336,
    -0.0013888888888836561,
    2.4801587297341153e-05,
    -2.7557319022888683e-07,
    2.0876751046526834e-09,
    -1.1470632747281114e-11,
    4.7780977857966175e-14,
    -1.5514092587012583e-16,
    3.6534238759350463e-19,
)


def hide(image: Image, seed: int, threshold: float) -> Image:
    """Keep the pixels where blue noise exceeds a threshold, and set the others to black.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed. S is even.
    seed : int
        Seed of the noise, whose standard deviation is 1 and whose amplitudes are proportional to the frequency.
    threshold : float

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    side, out = len(image), np.empty_like(image)
    _hide(image, words(seed, side * side), blue(side), plan(side), threshold, out)
    return out


@kernel
def _hide(image, halves, amplitudes, plan, threshold, out):
    side = len(image)
    wave, buffers, noise = _workspace(side)
    shown = np.empty(3 * side, np.uint8)
    half, deviation = _transformed(halves, amplitudes, plan, wave, buffers)
    for top in range(0, side, ROWS):
        _rows(half, top, plan, wave, buffers, noise)
        for i in range(top, min(top + ROWS, side)):
            line, values, result = noise[i - top], image[i].reshape(-1), out[i].reshape(-1)
            for j in range(side):
                shown[3 * j] = shown[3 * j + 1] = shown[3 * j + 2] = np.uint8(line[j] > threshold * deviation)
            for j in range(3 * side):
                result[j] = values[j] * shown[j]


def tint(image: Image, seed: int, amplitude: float) -> Image:
    """Add brown noise, independent for each channel.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed. S is even.
    seed : int
        Seed of the noise, whose power falls with the square of the frequency.
    amplitude : float
        Standard deviation of the noise, in levels.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    side, out = len(image), np.empty_like(image)
    halves = words(seed, 3 * side * side).reshape(3, -1)
    _tint(image, halves, brown(side), plan(side), amplitude, out)
    return out


@kernel
def _tint(image, halves, amplitudes, plan, amplitude, out):
    wide()
    side = len(image)
    wave, buffers, noise = _workspace(side)
    planes = np.empty((3, side * side), np.uint8)
    split(image.reshape(-1), planes[0], planes[1], planes[2])
    for k in range(3):
        half, deviation = _transformed(halves[k], amplitudes, plan, wave, buffers)
        scale = amplitude / deviation
        for top in range(0, side, ROWS):
            _rows(half, top, plan, wave, buffers, noise)
            for i in range(top, min(top + ROWS, side)):
                line, values = noise[i - top], planes[k, i * side : (i + 1) * side]
                for j in range(side):
                    values[j] = level(values[j] + scale * line[j])
    interleave(planes[0], planes[1], planes[2], out.reshape(-1))


@kernel
def _workspace(side):
    """Return the turns of a field, buffers for its transforms and one for ROWS of its rows.

    The buffers have one vector more than their transforms: `_rows` mirrors the first column, too.
    """
    buffers = aligned(4 * (side + 1) * LANES).reshape(4, -1)
    return turns(side), buffers, aligned(ROWS * side).reshape(ROWS, side)


@kernel
def _block(side):
    """Return the distance of two blocks of columns.

    Their rows, rounded up to a multiple of ROWS, and a vector of padding: without it, the same row of all blocks would
    compete for two sets of the cache at 224 x 224 pixels.
    """
    return LANES * (-(-side // ROWS) * ROWS + 1)


@lru_cache(8)
def blue(side: int) -> Field:
    """Amplitudes of blue noise: the distance of the frequency to 0."""
    amplitudes: Field = np.sqrt(_square(side))
    return amplitudes


@lru_cache(8)
def brown(side: int) -> Field:
    """Amplitudes of brown noise: 1 over the square of the frequency plus 1."""
    amplitudes: Field = 1.0 / (_square(side) + 1.0)
    return amplitudes


def _square(side: int) -> Field:
    axis = np.arange(side) - side / 2
    return axis[:, None] * axis[:, None] + axis * axis


@kernel
def _transformed(halves, amplitudes, plan, wave, buffers):
    """Return a random field whose columns are transformed, and the standard deviation of the field.

    Parameters
    ----------
    halves : ndarray of uint32, shape (S * S,)
        Draws, two for each phase.
    amplitudes : ndarray of float64, shape (S, S)
        Amplitude of each frequency; 0 is at (S / 2, S / 2).
    plan, wave
        Of S, as for `fourier.inverse`.
    buffers : ndarray of float64, shape (4, S * LANES)

    Returns
    -------
    half : ndarray of float64, shape (2, blocks * _block(S))
        Real and imaginary parts of the left half, S / 2 + 1 columns or more, in blocks of LANES columns: all rows of a
        block follow each other. The blocks are `_block` apart.
    deviation : float

    Notes
    -----
    A field is, with NumPy::

        half = 2 * pi * draws.reshape(side, side // 2)
        phases = hstack([half, half[::-1, ::-1]])
        noise = fft.ifft2(fft.ifftshift(amplitudes * exp(1j * phases))).real
        noise /= noise.std()

    The real part is the transform of the Hermitian part of the spectrum, half of which is enough. Without the shift the
    sign of every other pixel changes.
    """
    side = len(amplitudes)
    block = _block(side)
    half = aligned(2 * (side // 2 // LANES + 1) * block).reshape(2, -1)
    half[:, side // 2 // LANES * block :] = 0.0
    deviation = _hermitian(halves, amplitudes, block, half[0], half[1])
    for start in range(0, half.shape[1], block):
        inverse(half[0], half[1], start, LANES, buffers, half[0], half[1], start, LANES, plan, wave)
    return half, deviation


@kernel
def _hermitian(halves, amplitudes, block, re, im):
    """Compute the left half of the Hermitian part of the spectrum, times -2; return the deviation of its field.

    The phase at (i, j) in the left half is also that at (S - 1 - i, S - 1 - j) in the right half. The Hermitian part at
    (i, j) is made of the spectrum there and at (S - i, S - j): that is, of the phases at (i, j) and (i - 1, j - 1).
    """
    wide()
    side, middle = len(amplitudes), len(amplitudes) // 2
    padded = -(-middle // LANES) * LANES
    # The sines and cosines of two rows, each with the one before its first.
    s, c = np.zeros((2, LANES + padded)), np.zeros((2, LANES + padded))
    phase, squares = np.zeros(padded), np.zeros(padded)
    first, last = np.empty((2, side)), np.empty((2, side))
    for turn in range(side + 1):
        i, now, before = (turn - 1) % side, turn % 2, 1 - turn % 2
        row = halves[i * side : (i + 1) * side]
        for j in range(middle):
            a, b = np.int32(row[2 * j] >> np.uint32(5)), np.int32(row[2 * j + 1] >> np.uint32(6))
            phase[j] = 2.0 * math.pi * ((a * 67108864.0 + b) / 9007199254740992.0 - 0.5)
        _sincos(phase, s[now, LANES:], c[now, LANES:])
        if turn == 0:  # the row before the first is the last
            continue
        first[0, i], first[1, i] = c[now, LANES], s[now, LANES]
        last[0, i], last[1, i] = c[now, LANES + middle - 1], s[now, LANES + middle - 1]
        _combine(amplitudes[i], s[now], c[now], s[before], c[before], re, im, LANES * i, block, squares)
    square = 2.0 * squares[1:middle].sum()
    for i in range(side):
        opposite, at = (side - i) % side, LANES * i
        re[at] = amplitudes[i, 0] * (first[0, i] + first[0, opposite])
        im[at] = amplitudes[i, 0] * (first[1, i] - first[1, opposite])
        square += re[at] * re[at] + im[at] * im[at]
        opposite, before = side - 1 - i, (i - 1) % side
        at += middle // LANES * block + middle % LANES
        re[at] = amplitudes[i, middle] * (last[0, opposite] + last[0, before])
        im[at] = amplitudes[i, middle] * (last[1, opposite] - last[1, before])
        if i != middle:  # the mean of the field
            square += re[at] * re[at] + im[at] * im[at]
    return math.sqrt(square)


@kernel
def _combine(amplitudes, s, c, s_before, c_before, re, im, at, block, squares):
    """Compute a row of the Hermitian part, except for the first column and the middle, and add its squares."""
    for j in range(0, squares.size, LANES):
        amplitude, here, there = load(amplitudes, j), LANES + j, LANES + j - 1
        real = amplitude * (load(c, here) + load(c_before, there))
        imaginary = amplitude * (load(s, here) - load(s_before, there))
        store(re, at, real)
        store(im, at, imaginary)
        store(squares, j, load(squares, j) + (real * real + imaginary * imaginary))
        at += block


@kernel
def _sincos(angles, sines, cosines):
    """Compute sines and cosines of angles from -pi to pi."""
    for j in range(0, angles.size, LANES):
        x = load(angles, j)
        z = x * x
        s, c = broadcast(S[9]), broadcast(C[10])
        for k in range(9):
            s = broadcast(S[8 - k]) + z * s
        for k in range(10):
            c = broadcast(C[9 - k]) + z * c
        store(sines, j, x * s)
        store(cosines, j, c)


@kernel
def _rows(half, top, plan, wave, buffers, noise):
    """Transform ROWS rows of a field from ``top``; those beyond the last are not meant.

    The transforms of two rows are real: as real and imaginary part of one they take half the time.
    """
    side, middle = wave.shape[1], wave.shape[1] // 2
    re, im, next_re, next_im = buffers[0], buffers[1], buffers[2], buffers[3]
    real, imaginary, block = half[0], half[1], _block(side)
    signs = np.ones(LANES + 1)
    signs[1::2] = -1.0
    for v in range(0, middle + 1, LANES):
        at = v // LANES * block + top * LANES
        odd, column = at + LANES, LANES * v
        _store(_differences(real, at, imaginary, odd), re, column, LANES, LANES)
        _store(_sums(imaginary, at, real, odd), im, column, LANES, LANES)
    for v in range(0, middle, LANES):
        at = v // LANES * block + top * LANES
        odd, column, count = at + LANES, LANES * (side - v), min(LANES, middle - v)
        _store(_sums(real, at, imaginary, odd), re, column, -LANES, count)
        _store(_differences(real, odd, imaginary, at), im, column, -LANES, count)
    inverse(re, im, 0, LANES, buffers, next_re, next_im, 0, LANES, plan, wave)
    for v in range(0, side, LANES):
        at = min(v, side - LANES)
        _alternate(next_re, LANES * at, signs, 1, noise.reshape(-1), at, 2 * side)
        _alternate(next_im, LANES * at, signs, 0, noise.reshape(-1), side + at, 2 * side)


@kernel
def _sums(x, i, y, j):
    """Return the columns of the sums of LANES rows of x and of y, every second one from i and j."""
    step = 2 * LANES
    return transposed(
        load(x, i) + load(y, j),
        load(x, i + step) + load(y, j + step),
        load(x, i + 2 * step) + load(y, j + 2 * step),
        load(x, i + 3 * step) + load(y, j + 3 * step),
        load(x, i + 4 * step) + load(y, j + 4 * step),
        load(x, i + 5 * step) + load(y, j + 5 * step),
        load(x, i + 6 * step) + load(y, j + 6 * step),
        load(x, i + 7 * step) + load(y, j + 7 * step),
    )


@kernel
def _differences(x, i, y, j):
    step = 2 * LANES
    return transposed(
        load(x, i) - load(y, j),
        load(x, i + step) - load(y, j + step),
        load(x, i + 2 * step) - load(y, j + 2 * step),
        load(x, i + 3 * step) - load(y, j + 3 * step),
        load(x, i + 4 * step) - load(y, j + 4 * step),
        load(x, i + 5 * step) - load(y, j + 5 * step),
        load(x, i + 6 * step) - load(y, j + 6 * step),
        load(x, i + 7 * step) - load(y, j + 7 * step),
    )


@kernel
def _store(columns, out, at, step, count):
    """Store the first of LANES vectors, with a distance of ``step``."""
    for k, column in enumerate(columns):
        if k < count:
            store(out, at + k * step, column)


@kernel
def _alternate(values, at, signs, first, out, to, pitch):
    """Store LANES frequencies of LANES transforms as rows, with alternating signs."""
    rows = transposed(
        load(values, at),
        load(values, at + LANES),
        load(values, at + 2 * LANES),
        load(values, at + 3 * LANES),
        load(values, at + 4 * LANES),
        load(values, at + 5 * LANES),
        load(values, at + 6 * LANES),
        load(values, at + 7 * LANES),
    )
    for row in rows:
        store(out, to, row * load(signs, first))
        to += pitch
