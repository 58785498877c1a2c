"""Random fields with a given spectrum, by an inverse Fourier transform that gives the same bits on every machine."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import sincos
from .nested import uniform
from .types import Image
from .waves import level

Field = NDArray[np.float64]
LANES = 16  # transforms computed at a time


def hide(image: Image, seed: int, threshold: float) -> Image:
    """Keep the pixels where blue noise exceeds a threshold, and set the others to black.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    seed : int
        Seed of the noise, whose standard deviation is 1 and whose amplitudes are proportional to the frequency.
    threshold : float

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    side, out = len(image), np.empty_like(image)
    _hide(image, field(uniform(seed, side * side // 2), blue(side)), threshold, out)
    return out


@kernel
def _hide(image, noise, threshold, out):
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            shown = np.uint8(noise[i, j] > threshold)
            for k in range(3):
                out[i, j, k] = image[i, j, k] * shown


def tint(image: Image, seed: int, amplitude: float) -> Image:
    """Add brown noise, independent for each channel.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    seed : int
        Seed of the noise, whose power falls with the square of the frequency.
    amplitude : float
        Standard deviation of the noise, in levels.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    side = len(image)
    draws = uniform(seed, 3 * side * side // 2).reshape(3, -1)
    noise = np.stack([field(part, brown(side)) for part in draws], axis=2)
    out = np.empty_like(image)
    _add(image.reshape(-1), noise.reshape(-1), amplitude, out.reshape(-1))
    return out


@kernel
def _add(values, noise, amplitude, out):
    for j in range(out.size):
        out[j] = level(values[j] + amplitude * noise[j])


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


def field(draws: Field, amplitudes: Field) -> Field:
    """Real field of random phases, of standard deviation 1.

    Parameters
    ----------
    draws : ndarray of float64, shape (S * S / 2,)
        Phases, as fractions of a turn. S is even.
    amplitudes : ndarray of float64, shape (S, S)
        Amplitude of each frequency; 0 is at (S / 2, S / 2).

    Returns
    -------
    ndarray of float64, shape (S, S)

    Notes
    -----
    With NumPy::

        half = 2 * pi * draws.reshape(side, side // 2)
        phases = hstack([half, half[::-1, ::-1]])
        noise = fft.ifft2(fft.ifftshift(amplitudes * exp(1j * phases))).real
        noise /= noise.std()

    The real part is the transform of the Hermitian part of the spectrum, half of which is enough.
    """
    side = len(amplitudes)
    noise = np.empty((side, side))
    _transform(2.0 * math.pi * draws.reshape(side, -1), amplitudes, _factors(side), noise)
    return noise


@lru_cache(8)
def _factors(n: int) -> NDArray[np.int64]:
    """Return the factors of n: 4 as often as possible, then primes."""
    factors, p = [], 4
    while n > 1:
        while n % p == 0:
            factors.append(p)
            n //= p
        p = {4: 2, 2: 3}.get(p, p + 2)
    return np.array(factors)


@kernel
def _transform(phases, amplitudes, factors, noise):
    side = noise.shape[0]
    middle = side // 2
    wave = np.empty((2, side))
    for k in range(side):
        wave[0, k], wave[1, k] = sincos(2.0 * math.pi * k / side)
    half = _hermitian(phases, amplitudes)
    a, b = np.zeros((2, side, LANES)), np.empty((2, side, LANES))
    for left in range(0, middle + 1, LANES):
        lanes = min(LANES, middle + 1 - left)
        for part in range(2):
            for i in range(side):
                for j in range(lanes):
                    a[part, i, j] = half[part, i, left + j]
        done = _inverse(a, b, factors, wave)
        for part in range(2):
            for i in range(side):
                for j in range(lanes):
                    half[part, i, left + j] = done[part, i, j]
    # The transforms of two rows are real: as real and imaginary part of one they take half the time.
    for top in range(0, middle, LANES):
        lanes = min(LANES, middle - top)
        for j in range(lanes):
            row = 2 * (top + j)
            for v in range(side):
                u, sign = (v, 1.0) if v <= middle else (side - v, -1.0)
                a[0, v, j] = half[0, row, u] - sign * half[1, row + 1, u]
                a[1, v, j] = sign * half[1, row, u] + half[0, row + 1, u]
        done = _inverse(a, b, factors, wave)
        for j in range(lanes):
            row = 2 * (top + j)
            for v in range(side):
                noise[row, v], noise[row + 1, v] = done[0, v, j], done[1, v, j]
    noise /= _deviation(noise)


@kernel
def _hermitian(phases, amplitudes):
    """Return the left half of the Hermitian part of the spectrum, frequency 0 first: (2, S, S / 2 + 1)."""
    side, middle = phases.shape
    wave = np.empty((2, side, side))
    for i in range(side):
        for j in range(middle):
            s, c = sincos(phases[i, j])
            wave[0, i, j], wave[1, i, j] = c, s
        for j in range(middle):
            for part in range(2):
                wave[part, side - 1 - i, side - 1 - j] = wave[part, i, j]
    out = np.empty((2, side, middle + 1))
    for u in range(side):
        i, opposite_i = (u + middle) % side, (middle - u) % side
        for v in range(middle + 1):
            j, opposite_j = (v + middle) % side, middle - v
            here, there = amplitudes[i, j], amplitudes[opposite_i, opposite_j]
            out[0, u, v] = 0.5 * (here * wave[0, i, j] + there * wave[0, opposite_i, opposite_j])
            out[1, u, v] = 0.5 * (here * wave[1, i, j] - there * wave[1, opposite_i, opposite_j])
    return out


@kernel
def _deviation(values):
    """Return the standard deviation of the values."""
    mean = 0.0
    for row in values:
        total = 0.0
        for value in row:
            total += value
        mean += total
    mean /= values.size
    square = 0.0
    for row in values:
        total = 0.0
        for value in row:
            total += (value - mean) * (value - mean)
        square += total
    return math.sqrt(square / values.size)


@kernel
def _inverse(a, b, factors, wave):
    """Return the inverse transform of the columns, without the division, in one of two buffers (Stockham's order)."""
    n, stride = a.shape[1], 1
    for p in factors:
        m = n // p
        for j in range(m):
            for q in range(stride):
                if p == 4:
                    _four(a, b, q + stride * j, stride * m, q + stride * 4 * j, stride, j * stride, wave)
                elif p == 2:
                    _two(a, b, q + stride * j, stride * m, q + stride * 2 * j, stride, j * stride, wave)
                else:
                    _prime(a, b, p, q + stride * j, stride * m, q + stride * p * j, stride, j * stride, wave)
        a, b = b, a
        n, stride = m, stride * p
    return a


@kernel
def _two(a, b, source, step, target, stride, turn, wave):
    c, s = wave[1, turn], wave[0, turn]
    for t in range(LANES):
        re, im = a[0, source, t] - a[0, source + step, t], a[1, source, t] - a[1, source + step, t]
        b[0, target, t] = a[0, source, t] + a[0, source + step, t]
        b[1, target, t] = a[1, source, t] + a[1, source + step, t]
        b[0, target + stride, t] = re * c - im * s
        b[1, target + stride, t] = re * s + im * c


@kernel
def _four(a, b, source, step, target, stride, turn, wave):
    c1, s1, c2, s2 = wave[1, turn], wave[0, turn], wave[1, 2 * turn], wave[0, 2 * turn]
    c3, s3 = wave[1, 3 * turn], wave[0, 3 * turn]
    re0, re1, re2, re3 = a[0, source], a[0, source + step], a[0, source + 2 * step], a[0, source + 3 * step]
    im0, im1, im2, im3 = a[1, source], a[1, source + step], a[1, source + 2 * step], a[1, source + 3 * step]
    for t in range(LANES):
        even_re, even_im = re0[t] + re2[t], im0[t] + im2[t]
        odd_re, odd_im = re1[t] + re3[t], im1[t] + im3[t]
        less_re, less_im = re0[t] - re2[t], im0[t] - im2[t]
        turned_re, turned_im = im3[t] - im1[t], re1[t] - re3[t]
        b[0, target, t], b[1, target, t] = even_re + odd_re, even_im + odd_im
        re, im = less_re + turned_re, less_im + turned_im
        b[0, target + stride, t], b[1, target + stride, t] = re * c1 - im * s1, re * s1 + im * c1
        re, im = even_re - odd_re, even_im - odd_im
        b[0, target + 2 * stride, t], b[1, target + 2 * stride, t] = re * c2 - im * s2, re * s2 + im * c2
        re, im = less_re - turned_re, less_im - turned_im
        b[0, target + 3 * stride, t], b[1, target + 3 * stride, t] = re * c3 - im * s3, re * s3 + im * c3


@kernel
def _prime(a, b, p, source, step, target, stride, turn, wave):
    """Transform of an odd prime length: the outputs k and p - k are a sum plus and minus a difference."""
    side = wave.shape[1]
    sums, less = np.empty((2, LANES)), np.empty((2, LANES))
    for k in range(p // 2 + 1):
        sums[0], sums[1] = a[0, source], a[1, source]
        less[:] = 0.0
        for h in range(1, p // 2 + 1):
            angle = h * k % p * (side // p)
            c, s = wave[1, angle], wave[0, angle]
            left, right = source + h * step, source + (p - h) * step
            for t in range(LANES):
                sums[0, t] += c * (a[0, left, t] + a[0, right, t])
                sums[1, t] += c * (a[1, left, t] + a[1, right, t])
                less[0, t] += s * (a[0, left, t] - a[0, right, t])
                less[1, t] += s * (a[1, left, t] - a[1, right, t])
        c, s = wave[1, k * turn], wave[0, k * turn]
        at = target + k * stride
        for t in range(LANES):
            re, im = sums[0, t] - less[1, t], sums[1, t] + less[0, t]
            b[0, at, t], b[1, at, t] = re * c - im * s, re * s + im * c
        if k:
            c, s = wave[1, (p - k) * turn], wave[0, (p - k) * turn]
            at = target + (p - k) * stride
            for t in range(LANES):
                re, im = sums[0, t] + less[1, t], sums[1, t] - less[0, t]
                b[0, at, t], b[1, at, t] = re * c - im * s, re * s + im * c
