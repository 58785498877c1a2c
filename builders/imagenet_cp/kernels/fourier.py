"""Inverse Fourier transforms that give the same bits on every machine, several side by side in SIMD vectors.

The numbers of transform t are at ``[n * LANES + t]`` of two arrays, for their real and imaginary parts. A pass for each
factor of the length takes p numbers with a distance of a p-th of the array, transforms them, turns them and stores them
side by side (Stockham's order): after the last pass the frequencies are in order.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import sincos
from .vectors import lanes, store

LANES = 8  # transforms side by side
load, broadcast = lanes(8 * LANES)
HALF_SQRT = math.sqrt(0.5)


@lru_cache(8)
def factors(n: int) -> NDArray[np.int64]:
    """Return the factors of n: odd primes, then powers of two up to 8."""
    found, p = [], 3
    while n & (n - 1):
        while n % p == 0:
            found.append(p)
            n //= p
        p += 2
    for p in (8, 4, 2):
        while n % p == 0:
            found.append(p)
            n //= p
    return np.array(found)


@kernel
def turns(n):
    """Return the sines and the cosines of 0, 1, ... n - 1 parts of n of a turn: (2, n)."""
    wave = np.empty((2, n))
    for k in range(n):
        wave[0, k], wave[1, k] = sincos(2.0 * math.pi * k / n)
    return wave


@kernel
def inverse(re, im, spare_re, spare_im, factors, wave):
    """Return the inverse transforms without the division by their length, in one of the two pairs of arrays.

    Parameters
    ----------
    re, im : ndarray of float64, shape (n * LANES,)
        The numbers; they are lost.
    spare_re, spare_im : ndarray of float64, shape (n * LANES,)
    factors : ndarray of int64
        ``factors(n)``.
    wave : ndarray of float64, shape (2, n)
        ``turns(n)``.

    Returns
    -------
    re, im : ndarray of float64, shape (n * LANES,)
    """
    n, done = wave.shape[1], 1
    for p in factors:
        n //= p
        if p == 8:
            _eight(re, im, spare_re, spare_im, n, done, wave)
        elif p == 4:
            _four(re, im, spare_re, spare_im, n, done, wave)
        elif p == 2:
            _two(re, im, spare_re, spare_im, n, done, wave)
        else:
            _odd(re, im, spare_re, spare_im, p, n, done, wave)
        re, im, spare_re, spare_im = spare_re, spare_im, re, im
        done *= p
    return re, im


@kernel
def _store(b_re, b_im, at, re, im, wave, k):
    """Store numbers turned by k parts of a turn."""
    s, c = broadcast(wave[0, k]), broadcast(wave[1, k])
    store(b_re, at, re * c - im * s)
    store(b_im, at, re * s + im * c)


@kernel
def _two(a_re, a_im, b_re, b_im, rest, done, wave):
    step, stride = LANES * done * rest, LANES * done
    for j in range(rest):
        for q in range(done):
            a, b, k = LANES * (q + done * j), LANES * (q + done * 2 * j), j * done
            re0, im0, re1, im1 = load(a_re, a), load(a_im, a), load(a_re, a + step), load(a_im, a + step)
            store(b_re, b, re0 + re1)
            store(b_im, b, im0 + im1)
            _store(b_re, b_im, b + stride, re0 - re1, im0 - im1, wave, k)


@kernel
def _four(a_re, a_im, b_re, b_im, rest, done, wave):
    step, stride = LANES * done * rest, LANES * done
    for j in range(rest):
        for q in range(done):
            a, b, k = LANES * (q + done * j), LANES * (q + done * 4 * j), j * done
            re0, im0, re1, im1, re2, im2, re3, im3 = _fourth(a_re, a_im, a, step)
            store(b_re, b, re0)
            store(b_im, b, im0)
            _store(b_re, b_im, b + stride, re1, im1, wave, k)
            _store(b_re, b_im, b + 2 * stride, re2, im2, wave, 2 * k)
            _store(b_re, b_im, b + 3 * stride, re3, im3, wave, 3 * k)


@kernel
def _fourth(a_re, a_im, a, step):
    """Return the transform of four numbers, the first at a."""
    re0, re1, re2, re3 = (
        load(a_re, a),
        load(a_re, a + step),
        load(a_re, a + 2 * step),
        load(a_re, a + 3 * step),
    )
    im0, im1, im2, im3 = (
        load(a_im, a),
        load(a_im, a + step),
        load(a_im, a + 2 * step),
        load(a_im, a + 3 * step),
    )
    even_re, even_im, odd_re, odd_im = re0 + re2, im0 + im2, re1 + re3, im1 + im3
    less_re, less_im, turned_re, turned_im = re0 - re2, im0 - im2, im3 - im1, re1 - re3
    return (
        even_re + odd_re,
        even_im + odd_im,
        less_re + turned_re,
        less_im + turned_im,
        even_re - odd_re,
        even_im - odd_im,
        less_re - turned_re,
        less_im - turned_im,
    )


@kernel
def _eight(a_re, a_im, b_re, b_im, rest, done, wave):
    """Transform eight numbers: the transforms of the even and of the odd ones, then pairs of the two."""
    step, stride = LANES * done * rest, LANES * done
    half = broadcast(HALF_SQRT)
    for j in range(rest):
        for q in range(done):
            a, b, k = LANES * (q + done * j), LANES * (q + done * 8 * j), j * done
            re0, im0, re2, im2, re4, im4, re6, im6 = _fourth(a_re, a_im, a, 2 * step)
            re1, im1, re3, im3, re5, im5, re7, im7 = _fourth(a_re, a_im, a + step, 2 * step)
            # The odd ones are turned by 0, 1, 2 and 3 eighths of a turn.
            re3, im3 = half * (re3 - im3), half * (re3 + im3)
            re7, im7 = half * (re7 + im7), half * (re7 - im7)
            store(b_re, b, re0 + re1)
            store(b_im, b, im0 + im1)
            _store(b_re, b_im, b + stride, re2 + re3, im2 + im3, wave, k)
            _store(b_re, b_im, b + 2 * stride, re4 - im5, im4 + re5, wave, 2 * k)
            _store(b_re, b_im, b + 3 * stride, re6 - re7, im6 + im7, wave, 3 * k)
            _store(b_re, b_im, b + 4 * stride, re0 - re1, im0 - im1, wave, 4 * k)
            _store(b_re, b_im, b + 5 * stride, re2 - re3, im2 - im3, wave, 5 * k)
            _store(b_re, b_im, b + 6 * stride, re4 + im5, im4 - re5, wave, 6 * k)
            _store(b_re, b_im, b + 7 * stride, re6 + re7, im6 - im7, wave, 7 * k)


@kernel
def _pair(a_re, a_im, left, right):
    """Return the sum and the difference of two numbers."""
    re, im, other_re, other_im = load(a_re, left), load(a_im, left), load(a_re, right), load(a_im, right)
    return re + other_re, im + other_im, re - other_re, im - other_im


@kernel
def _odd(a_re, a_im, b_re, b_im, p, rest, done, wave):
    """Transform an odd prime count of numbers: the outputs k and p - k are a sum plus and minus a difference."""
    side = wave.shape[1]
    step, stride = LANES * done * rest, LANES * done
    for j in range(rest):
        for q in range(done):
            a, b = LANES * (q + done * j), LANES * (q + done * p * j)
            for out in range(p // 2 + 1):
                sum_re, sum_im, less_re, less_im = (
                    load(a_re, a),
                    load(a_im, a),
                    broadcast(0.0),
                    broadcast(0.0),
                )
                for h in range(1, p // 2 + 1):
                    angle = h * out % p * (side // p)
                    re, im, minus_re, minus_im = _pair(a_re, a_im, a + h * step, a + (p - h) * step)
                    sum_re, sum_im = (
                        sum_re + broadcast(wave[1, angle]) * re,
                        sum_im + broadcast(wave[1, angle]) * im,
                    )
                    less_re = less_re + broadcast(wave[0, angle]) * minus_re
                    less_im = less_im + broadcast(wave[0, angle]) * minus_im
                k, last = j * done, (p - out) % p  # the output 0 is stored twice
                _store(b_re, b_im, b + out * stride, sum_re - less_im, sum_im + less_re, wave, out * k)
                _store(b_re, b_im, b + last * stride, sum_re + less_im, sum_im - less_re, wave, last * k)
