"""Inverse Fourier transforms that give the same bits on every machine, several side by side in SIMD vectors.

The numbers of transform t are at ``[n * pitch + t]`` of two arrays, for their real and imaginary parts. A pass for each
factor of the length takes p numbers with a distance of a p-th of a block, transforms them, turns them and stores them
where they were: each p-th is a block of the next pass. The last pass stores the frequencies in order.
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


@lru_cache(8)
def plan(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the factors of n, and for each pass the places where the numbers of its blocks are stored."""
    passes = factors(n)
    starts, order, done = np.zeros((len(passes), n // passes[-1]), np.int64), np.zeros(1, np.int64), 1
    for f, p in enumerate(passes):
        starts[f, :done] = np.arange(done) * (n // done) if f < len(passes) - 1 else order
        order, done = (order[:, None] + done * np.arange(p)).reshape(-1), done * p
    return passes, starts


@kernel
def turns(n):
    """Return the sines and the cosines of 0, 1, ... n - 1 parts of n of a turn: (2, n)."""
    wave = np.empty((2, n))
    for k in range(n):
        wave[0, k], wave[1, k] = sincos(2.0 * math.pi * k / n)
    return wave


@kernel
def inverse(a_re, a_im, a, pitch, buffers, b_re, b_im, b, b_pitch, plan, wave):
    """Compute inverse transforms without the division by their length.

    Parameters
    ----------
    a_re, a_im : ndarray of float64, one-dimensional
        The numbers, from the index ``a`` with the distance ``pitch``.
    a, pitch : int
    buffers : ndarray of float64, shape (4, n * LANES)
        The first two may be those of the numbers.
    b_re, b_im : ndarray of float64, one-dimensional
        Set to the transforms, from the index ``b`` with the distance ``b_pitch``. They may be those of the numbers or
        the last two buffers.
    b, b_pitch : int
    plan : tuple of ndarray of int64
        ``plan(n)``; n is even, and more than 8 where the numbers are the buffers.
    wave : ndarray of float64, shape (2, n)
        ``turns(n)``.
    """
    factors, starts = plan
    rest, done = wave.shape[1], 1
    re, im, spare_re, spare_im = buffers[0], buffers[1], buffers[2], buffers[3]
    for f in range(factors.size):
        p, last = factors[f], f == factors.size - 1
        rest //= p
        to_re, to_im, to, to_pitch = (b_re, b_im, b, b_pitch) if last else (re, im, 0, LANES)
        step = to_pitch * (done if last else rest)
        places = starts[f, :done]
        if p == 8:
            _eight(a_re, a_im, a, pitch, to_re, to_im, to, to_pitch, step, places, rest, wave)
        elif p == 4:
            _four(a_re, a_im, a, pitch, to_re, to_im, to, to_pitch, step, places, rest, wave)
        elif p == 2:
            _two(a_re, a_im, a, pitch, to_re, to_im, to, to_pitch, step, places, rest, wave)
        elif p == 7:
            _seven(a_re, a_im, a, pitch, to_re, to_im, to, to_pitch, step, places, rest, wave)
        else:
            spare = spare_re, spare_im
            _odd(p, a_re, a_im, a, pitch, to_re, to_im, to, to_pitch, step, places, rest, wave, spare)
        a_re, a_im, a, pitch, done = re, im, 0, LANES, done * p


@kernel
def _store(b_re, b_im, at, re, im, wave, k):
    """Store numbers turned by k parts of a turn."""
    s, c = broadcast(wave[0, k]), broadcast(wave[1, k])
    store(b_re, at, re * c - im * s)
    store(b_im, at, re * s + im * c)


@kernel
def _two(a_re, a_im, a, pitch, b_re, b_im, b, b_pitch, b_step, places, rest, wave):
    """Transform pairs: number j of a block and those after it with a distance of ``rest`` numbers, for each j."""
    a_step, done = pitch * rest, places.size
    for block in range(done):
        for j in range(rest):
            at, to, k = a + pitch * (block * 2 * rest + j), b + b_pitch * (places[block] + j), j * done
            re, im, less_re, less_im = _pair(a_re, a_im, at, at + a_step)
            store(b_re, to, re)
            store(b_im, to, im)
            _store(b_re, b_im, to + b_step, less_re, less_im, wave, k)


@kernel
def _four(a_re, a_im, a, pitch, b_re, b_im, b, b_pitch, b_step, places, rest, wave):
    a_step, done = pitch * rest, places.size
    for block in range(done):
        for j in range(rest):
            at, to, k = a + pitch * (block * 4 * rest + j), b + b_pitch * (places[block] + j), j * done
            re0, im0, re1, im1, re2, im2, re3, im3 = _fourth(a_re, a_im, at, a_step)
            store(b_re, to, re0)
            store(b_im, to, im0)
            _store(b_re, b_im, to + b_step, re1, im1, wave, k)
            _store(b_re, b_im, to + 2 * b_step, re2, im2, wave, 2 * k)
            _store(b_re, b_im, to + 3 * b_step, re3, im3, wave, 3 * k)


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
def _eight(a_re, a_im, a, pitch, b_re, b_im, b, b_pitch, b_step, places, rest, wave):
    """Transform eight numbers: the transforms of the even and of the odd ones, then pairs of the two."""
    half = broadcast(HALF_SQRT)
    a_step, done = pitch * rest, places.size
    for block in range(done):
        for j in range(rest):
            at, to, k = a + pitch * (block * 8 * rest + j), b + b_pitch * (places[block] + j), j * done
            re0, im0, re2, im2, re4, im4, re6, im6 = _fourth(a_re, a_im, at, 2 * a_step)
            re1, im1, re3, im3, re5, im5, re7, im7 = _fourth(a_re, a_im, at + a_step, 2 * a_step)
            # The odd ones are turned by 0, 1, 2 and 3 eighths of a turn.
            re3, im3 = half * (re3 - im3), half * (re3 + im3)
            re7, im7 = half * (re7 + im7), half * (re7 - im7)
            store(b_re, to, re0 + re1)
            store(b_im, to, im0 + im1)
            _store(b_re, b_im, to + b_step, re2 + re3, im2 + im3, wave, k)
            _store(b_re, b_im, to + 2 * b_step, re4 - im5, im4 + re5, wave, 2 * k)
            _store(b_re, b_im, to + 3 * b_step, re6 - re7, im6 + im7, wave, 3 * k)
            _store(b_re, b_im, to + 4 * b_step, re0 - re1, im0 - im1, wave, 4 * k)
            _store(b_re, b_im, to + 5 * b_step, re2 - re3, im2 - im3, wave, 5 * k)
            _store(b_re, b_im, to + 6 * b_step, re4 + im5, im4 - re5, wave, 6 * k)
            _store(b_re, b_im, to + 7 * b_step, re6 + re7, im6 - im7, wave, 7 * k)


@kernel
def _pair(a_re, a_im, left, right):
    """Return the sum and the difference of two numbers."""
    re, im, other_re, other_im = load(a_re, left), load(a_im, left), load(a_re, right), load(a_im, right)
    return re + other_re, im + other_im, re - other_re, im - other_im


@kernel
def _seven(a_re, a_im, a, pitch, b_re, b_im, b, b_pitch, b_step, places, rest, wave):
    """Transform seven numbers as `_odd` does, with all sums in registers."""
    part = wave.shape[1] // 7
    a_step, done = pitch * rest, places.size
    for block in range(done):
        for j in range(rest):
            at, to, k = a + pitch * (block * 7 * rest + j), b + b_pitch * (places[block] + j), j * done
            re, im = load(a_re, at), load(a_im, at)
            re1, im1, less_re1, less_im1 = _pair(a_re, a_im, at + a_step, at + 6 * a_step)
            re2, im2, less_re2, less_im2 = _pair(a_re, a_im, at + 2 * a_step, at + 5 * a_step)
            re3, im3, less_re3, less_im3 = _pair(a_re, a_im, at + 3 * a_step, at + 4 * a_step)
            store(b_re, to, re + re1 + re2 + re3)
            store(b_im, to, im + im1 + im2 + im3)
            for out, second, third in ((1, 2, 3), (2, 4, 6), (3, 6, 2)):
                first, second, third = out * part, second * part, third * part
                c1, c2, c3 = broadcast(wave[1, first]), broadcast(wave[1, second]), broadcast(wave[1, third])
                s1, s2, s3 = broadcast(wave[0, first]), broadcast(wave[0, second]), broadcast(wave[0, third])
                sum_re, sum_im = re + c1 * re1 + c2 * re2 + c3 * re3, im + c1 * im1 + c2 * im2 + c3 * im3
                turned_re = s1 * less_re1 + s2 * less_re2 + s3 * less_re3
                turned_im = s1 * less_im1 + s2 * less_im2 + s3 * less_im3
                near, last = to + out * b_step, to + (7 - out) * b_step
                _store(b_re, b_im, near, sum_re - turned_im, sum_im + turned_re, wave, out * k)
                _store(b_re, b_im, last, sum_re + turned_im, sum_im - turned_re, wave, (7 - out) * k)


@kernel
def _odd(p, a_re, a_im, a, pitch, b_re, b_im, b, b_pitch, b_step, places, rest, wave, spare):
    """Transform an odd prime count of numbers: the outputs k and p - k are a sum plus and minus a difference."""
    side, (spare_re, spare_im) = wave.shape[1], spare
    a_step, done = pitch * rest, places.size
    for block in range(done):
        for j in range(rest):
            at, to, k = a + pitch * (block * p * rest + j), b + b_pitch * (places[block] + j), j * done
            first_re, first_im = load(a_re, at), load(a_im, at)
            for h in range(1, p // 2 + 1):
                re, im, less_re, less_im = _pair(a_re, a_im, at + h * a_step, at + (p - h) * a_step)
                store(spare_re, LANES * h, re)
                store(spare_im, LANES * h, im)
                store(spare_re, LANES * (p - h), less_re)
                store(spare_im, LANES * (p - h), less_im)
            for out in range(p // 2 + 1):
                sum_re, sum_im, less_re, less_im = first_re, first_im, broadcast(0.0), broadcast(0.0)
                angle = 0
                for h in range(1, p // 2 + 1):
                    angle += out * (side // p)
                    angle -= side if angle >= side else 0
                    s, c = broadcast(wave[0, angle]), broadcast(wave[1, angle])
                    sum_re = sum_re + c * load(spare_re, LANES * h)
                    sum_im = sum_im + c * load(spare_im, LANES * h)
                    less_re = less_re + s * load(spare_re, LANES * (p - h))
                    less_im = less_im + s * load(spare_im, LANES * (p - h))
                last = (p - out) % p  # the output 0 is stored twice
                _store(b_re, b_im, to + out * b_step, sum_re - less_im, sum_im + less_re, wave, out * k)
                _store(b_re, b_im, to + last * b_step, sum_re + less_im, sum_im - less_re, wave, last * k)
