"""Waves that are added to an image: one frequency, concentric rings and a plasma of nested sines."""

from __future__ import annotations

import math

import numpy as np

from .channels import interleave, split
from .compiled import kernel
from .elementary import PI, arctan2, cos, sin, sincos
from .types import Image
from .vectors import aligned, lanes, store, wide

LANES = 32  # pixels computed at a time; eight fill a register, and more hide the time that a sum takes
load, broadcast = lanes(8 * LANES)
WHOLE = 1.5 * 2.0**52  # a double of this size has no fraction: adding and subtracting it rounds
# Chebyshev approximation of sin(x) / x in x ** 2, for x from -pi to pi.
S = (
    0.9999999999999997,
    -0.16666666666666066,
    0.008333333333313202,
    -0.0001984126983865652,
    2.7557319051617483e-06,
    -2.5052101850593358e-08,
    1.6058892841158691e-10,
    -7.645000190178422e-13,
    2.7926515764924344e-15,
    -7.307025522059241e-18,
)


@kernel
def level(value):
    """Return a value truncated to a level from 0 to 255; 0 for NaN."""
    value = value if value > 0.0 else 0.0
    return np.uint8(np.int32(value if value < 255.0 else 255.0))


@kernel
def add_row(row, layer, whole, triple, out):
    """Add one value per pixel to the three channels of a row of an image; ``whole`` and ``triple`` are buffers.

    The sum of a level and a value is truncated. It has the whole part of the sum of the level and that of the value,
    unless the value is so little below a whole number that the sum is rounded to it.
    """
    wide()
    rounded = False
    for j in range(layer.size):
        floor = np.floor(layer[j])
        whole[j] = np.int16(floor)
        rounded |= not layer[j] - floor < 1.0 - 2.0**-40
    for j in range(layer.size):
        triple[3 * j] = triple[3 * j + 1] = triple[3 * j + 2] = whole[j]
    for j in range(triple.size):
        out[j] = min(max(np.int16(row[j] + triple[j]), np.int16(0)), np.int16(255))
    if rounded:
        for j in range(out.size):
            out[j] = level(row[j] + layer[j // 3])


def single_frequency(image: Image, across: float, down: float, phase: float, amplitude: float) -> Image:
    """Add ``amplitude * sin(col * across + row * down + phase)``.

    The sine of the sum is computed from those of the rows and of the columns.
    """
    out = np.empty_like(image)
    _single_frequency(image, across, down, phase, amplitude, out)
    return out


@kernel
def _single_frequency(image, across, down, phase, amplitude, out):
    wide()
    height, width, _ = image.shape
    s, c, layer = aligned(width), aligned(width), aligned(width)
    whole, triple = np.empty(width, np.int16), np.empty(3 * width, np.int16)
    for j in range(width):
        s[j], c[j] = sincos(j * across)
    for i in range(height):
        row_s, row_c = sincos(i * down + phase)
        row_s, row_c = amplitude * row_s, amplitude * row_c
        for j in range(width):
            layer[j] = s[j] * row_c + c[j] * row_s
        add_row(image[i].reshape(-1), layer, whole, triple, out[i].reshape(-1))


def rings(
    image: Image, left: float, top: float, frequency: float, wobble: float, ring: float, amplitude: float
) -> Image:
    """Add a saw-tooth of the distance to the point (top, left), which wobbles with the angle.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    left, top : float
        Column and row of the centre.
    frequency, wobble : float
        ``wobble * sin(frequency * angle)`` is added to the distance.
    ring : float
        Period of the saw-tooth, in pixels.
    amplitude : float
        The saw-tooth runs from minus to plus half of it.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    out = np.empty_like(image)
    _rings(image, left, top, frequency, wobble, ring, amplitude, out)
    return out


@kernel
def _rings(image, left, top, frequency, wobble, ring, amplitude, out):
    wide()
    height, width, _ = image.shape
    angle, layer = aligned(-(-width // LANES) * LANES), aligned(width)
    whole, triple = np.empty(width, np.int16), np.empty(3 * width, np.int16)
    angle[:] = 0.0
    # Products of the upper half of the bits of the period with a small whole number are exact.
    upper = ring * 134217729.0
    upper = upper - (upper - ring)
    lower, inverse = ring - upper, 1.0 / ring
    for i in range(height):
        y = i - top
        for j in range(width):
            angle[j] = frequency * arctan2(j - left, y)
        _sines(angle)
        for j in range(width):
            x = j - left
            distance = np.sqrt(x * x + y * y) + wobble * angle[j]
            count = np.floor(distance * inverse)  # or one more or less
            rest = (distance - count * upper) - count * lower
            rest = rest + ring if rest < 0.0 else rest
            rest = rest - ring if rest >= ring else rest
            layer[j] = amplitude * (rest * inverse - 0.5)
        add_row(image[i].reshape(-1), layer, whole, triple, out[i].reshape(-1))


@kernel
def _sines(angles):
    for j in range(0, angles.size, LANES):
        store(angles, j, _sine(load(angles, j)))


def plasma(image: Image, time: float, count: int, sharpness: float, scale: float, amplitude: float) -> Image:
    """Blend an image with the colours of a plasma, a field of nested sines.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    time : float
        Phase of the plasma.
    count : int
        Number of nested sines, 1 or more.
    sharpness : float
        Factor of the amplitudes of the inner sines.
    scale : float
        Size of the waves, in pixels.
    amplitude : float
        Weight of the plasma, from 0 to 255.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)

    Notes
    -----
    With NumPy::

        x, y, i0, i1, i2 = column / scale, row / scale, 1, 1, 1
        for _ in range(count):
            r0, r1 = cos(y * i0 + time / i1) / i2, sin(x * i0 + time / i1) / i2
            x, y = x + r0 - 0.3 * r1, y + r1 + 0.3 * r0
            i0, i1, i2 = i0 * 1.93, i1 * 1.15, i2 * (2.25 - sharpness)
        noise = sin(x - time), sin((x + y + sin(time)) / 2), sin(y + time)

    The first of the nested sines depends on the row alone or on the column alone.
    """
    out = np.empty_like(image)
    _plasma(image, time, count, sharpness, scale, amplitude, out)
    return out


@kernel
def _plasma(image, time, count, sharpness, scale, amplitude, out):
    wide()
    height, width, _ = image.shape
    padded = -(-width // LANES) * LANES
    x, y, column, first = aligned(padded), aligned(padded), aligned(padded), aligned(padded)
    noise = aligned(3 * padded).reshape(3, -1)
    planes = np.empty((3, height * width), np.uint8)
    split(image.reshape(-1), planes[0], planes[1], planes[2])
    weight = 1.0 - amplitude / 255.0
    for j in range(padded):
        column[j] = j / scale
        first[j] = sin(column[j] + time)
    for i in range(height):
        row = i / scale
        r0 = cos(row + time)
        for j in range(padded):
            x[j], y[j] = column[j] + (r0 - 0.3 * first[j]), row + (first[j] + 0.3 * r0)
        i0, i1, i2 = 1.0, 1.0, 1.0
        for _ in range(count - 1):
            i0, i1, i2 = i0 * 1.93, i1 * 1.15, i2 * (2.25 - sharpness)
            _nest(x, y, i0, time / i1, 1.0 / i2)
        _colours(x, y, time, sin(time), amplitude, noise[0], noise[1], noise[2])
        for k in range(3):
            plane, layer = planes[k, i * width : (i + 1) * width], noise[k]
            for j in range(width):
                plane[j] = level(weight * plane[j] + layer[j])
    interleave(planes[0], planes[1], planes[2], out.reshape(-1))


@kernel
def _nest(x, y, frequency, phase, factor):
    """Shift the coordinates of a row by one of the nested sines."""
    f, p, q = broadcast(frequency), broadcast(phase), broadcast(phase + 0.5 * math.pi)
    factor, bend = broadcast(factor), broadcast(0.3)
    for j in range(0, x.size, LANES):
        a, b = load(x, j), load(y, j)
        r0, r1 = factor * _sine(b * f + q), factor * _sine(a * f + p)
        store(x, j, a + (r0 - bend * r1))
        store(y, j, b + (r1 + bend * r0))


@kernel
def _colours(x, y, time, sine, amplitude, red, green, blue):
    for j in range(0, x.size, LANES):
        a, b, scale = load(x, j), load(y, j), broadcast(amplitude)
        store(red, j, scale * _sine(a - broadcast(time)))
        store(green, j, scale * _sine((a + b + broadcast(sine)) * broadcast(0.5)))
        store(blue, j, scale * _sine(b + broadcast(time)))


@kernel
def _sine(x):
    """Return the sines of the angles in a vector, each less than a million radians."""
    turns = (x * broadcast(0.5 / math.pi) + broadcast(WHOLE)) - broadcast(WHOLE)
    r = (x - turns * broadcast(2 * PI[0])) - turns * broadcast(2 * PI[1])
    z = r * r
    t = broadcast(S[6]) + z * (broadcast(S[7]) + z * (broadcast(S[8]) + z * broadcast(S[9])))
    t = broadcast(S[4]) + z * (broadcast(S[5]) + z * t)
    return r * (
        broadcast(S[0]) + z * (broadcast(S[1]) + z * (broadcast(S[2]) + z * (broadcast(S[3]) + z * t)))
    )
