"""Random fields with a given spectrum."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import sincos
from .fourier import LANES, factors, inverse, load, turns
from .nested import words
from .types import Image
from .vectors import store
from .waves import level

Field = NDArray[np.float64]
ROWS = 2 * LANES  # rows of a field computed at a time


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
    _hide(image, words(seed, side * side), blue(side), factors(side), threshold, out)
    return out


@kernel
def _hide(image, halves, amplitudes, factors, threshold, out):
    side = len(image)
    wave, buffers, noise = turns(side), np.empty((4, side * LANES)), np.empty((ROWS, side))
    half, deviation = _transformed(halves, amplitudes, factors, wave, buffers)
    for top in range(0, side, ROWS):
        _rows(half, top, factors, wave, buffers, noise)
        for i in range(top, min(top + ROWS, side)):
            for j in range(side):
                shown = np.uint8(noise[i - top, j] > threshold * deviation)
                for k in range(3):
                    out[i, j, k] = image[i, j, k] * shown


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
    _tint(image, halves, brown(side), factors(side), amplitude, out)
    return out


@kernel
def _tint(image, halves, amplitudes, factors, amplitude, out):
    side = len(image)
    wave, buffers, noise = turns(side), np.empty((4, side * LANES)), np.empty((ROWS, side))
    for k in range(3):
        half, deviation = _transformed(halves[k], amplitudes, factors, wave, buffers)
        scale = amplitude / deviation
        for top in range(0, side, ROWS):
            _rows(half, top, factors, wave, buffers, noise)
            for i in range(top, min(top + ROWS, side)):
                for j in range(side):
                    out[i, j, k] = level(image[i, j, k] + scale * noise[i - top, j])


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
def _transformed(halves, amplitudes, factors, wave, buffers):
    """Return a random field whose columns are transformed, and the standard deviation of the field.

    Parameters
    ----------
    halves : ndarray of uint32, shape (S * S,)
        Draws, two for each phase.
    amplitudes : ndarray of float64, shape (S, S)
        Amplitude of each frequency; 0 is at (S / 2, S / 2).
    factors, wave : ndarray
        Of S, as for `fourier.inverse`.
    buffers : ndarray of float64, shape (4, S * LANES)

    Returns
    -------
    half : ndarray of float64, shape (2, S, S / 2 + 1 or more)
        Real and imaginary parts of the left half.
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
    half = np.zeros((2, side, (side // 2 + LANES) // LANES * LANES))
    deviation = _hermitian(halves, amplitudes, half)
    re, im, width = half[0].reshape(-1), half[1].reshape(-1), half.shape[2]
    a_re, a_im, b_re, b_im = buffers[0], buffers[1], buffers[2], buffers[3]
    for left in range(0, width, LANES):
        for i in range(side):
            store(a_re, i * LANES, load(re, i * width + left))
            store(a_im, i * LANES, load(im, i * width + left))
        all_re, all_im = inverse(a_re, a_im, b_re, b_im, factors, wave)
        for i in range(side):
            store(re, i * width + left, load(all_re, i * LANES))
            store(im, i * width + left, load(all_im, i * LANES))
    return half, deviation


@kernel
def _hermitian(halves, amplitudes, half):
    """Compute the left half of the Hermitian part of the spectrum, times two; return the deviation of its field.

    The phase at (i, j) in the left half is also that at (S - 1 - i, S - 1 - j) in the right half. The Hermitian part at
    (i, j) is made of the spectrum there and at (S - i, S - j): that is, of the phases at (i, j) and (i - 1, j - 1).
    """
    side, middle = len(amplitudes), len(amplitudes) // 2
    re, im = half[0], half[1]
    c, s, phase = np.empty((2, middle)), np.empty((2, middle)), np.empty(middle)
    first, last, square = np.empty((2, side)), np.empty((2, side)), 0.0
    for turn in range(side + 1):
        i, now, before = (turn - 1) % side, turn % 2, 1 - turn % 2
        row = halves[i * side : (i + 1) * side]
        for j in range(middle):
            a, b = np.int32(row[2 * j] >> np.uint32(5)), np.int32(row[2 * j + 1] >> np.uint32(6))
            phase[j] = 2.0 * math.pi * ((a * 67108864.0 + b) / 9007199254740992.0)
        for j in range(middle):
            s[now, j], c[now, j] = sincos(phase[j])
        if turn == 0:  # the row before the first is the last
            continue
        first[0, i], first[1, i], last[0, i], last[1, i] = c[now, 0], s[now, 0], c[now, -1], s[now, -1]
        for j in range(1, middle):
            re[i, j] = amplitudes[i, j] * (c[now, j] + c[before, j - 1])
            im[i, j] = amplitudes[i, j] * (s[now, j] - s[before, j - 1])
        total = 0.0
        for j in range(1, middle):
            total += re[i, j] * re[i, j] + im[i, j] * im[i, j]
        square += 2.0 * total
    for i in range(side):
        opposite = (side - i) % side
        re[i, 0] = amplitudes[i, 0] * (first[0, i] + first[0, opposite])
        im[i, 0] = amplitudes[i, 0] * (first[1, i] - first[1, opposite])
        opposite, before = side - 1 - i, (i - 1) % side
        re[i, middle] = amplitudes[i, middle] * (last[0, opposite] + last[0, before])
        im[i, middle] = amplitudes[i, middle] * (last[1, opposite] - last[1, before])
        square += re[i, 0] * re[i, 0] + im[i, 0] * im[i, 0]
        if i != middle:  # the mean of the field
            square += re[i, middle] * re[i, middle] + im[i, middle] * im[i, middle]
    return math.sqrt(square)


@kernel
def _rows(half, top, factors, wave, buffers, noise):
    """Transform ROWS rows of a field from ``top``; those beyond the last are not meant.

    The transforms of two rows are real: as real and imaginary part of one they take half the time.
    """
    side, middle = wave.shape[1], wave.shape[1] // 2
    a_re, a_im, b_re, b_im = buffers[0], buffers[1], buffers[2], buffers[3]
    for t in range(LANES):
        row = min(top + 2 * t, side - 2)
        re, im, next_re, next_im = half[0, row], half[1, row], half[0, row + 1], half[1, row + 1]
        for v in range(middle + 1):
            a_re[v * LANES + t], a_im[v * LANES + t] = re[v] - next_im[v], im[v] + next_re[v]
        for v in range(1, middle):
            a_re[(side - v) * LANES + t], a_im[(side - v) * LANES + t] = (
                re[v] + next_im[v],
                next_re[v] - im[v],
            )
    all_re, all_im = inverse(a_re, a_im, b_re, b_im, factors, wave)
    for t in range(LANES):
        for v in range(0, side, 2):
            noise[2 * t, v], noise[2 * t, v + 1] = all_re[v * LANES + t], -all_re[(v + 1) * LANES + t]
            noise[2 * t + 1, v], noise[2 * t + 1, v + 1] = -all_im[v * LANES + t], all_im[(v + 1) * LANES + t]
