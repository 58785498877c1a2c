"""Waves that are added to an image: one frequency, concentric rings and a plasma of nested sines."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .elementary import arctan2, cos, sin, sincos
from .types import Image


@kernel
def level(value):
    """Return a value truncated to a level from 0 to 255; 0 for NaN."""
    value = value if value > 0.0 else 0.0
    return np.uint8(np.int32(value if value < 255.0 else 255.0))


@kernel
def add_row(row, layer, triple, out):
    """Add one value per pixel to the three channels of a row of an image; ``triple`` is a buffer of its size."""
    for j in range(layer.size):
        triple[3 * j] = triple[3 * j + 1] = triple[3 * j + 2] = layer[j]
    for j in range(triple.size):
        out[j] = level(row[j] + triple[j])


def single_frequency(image: Image, across: float, down: float, phase: float, amplitude: float) -> Image:
    """Add ``amplitude * sin(col * across + row * down + phase)``.

    The sine of the sum is computed from those of the rows and of the columns.
    """
    out = np.empty_like(image)
    _single_frequency(image, across, down, phase, amplitude, out)
    return out


@kernel
def _single_frequency(image, across, down, phase, amplitude, out):
    height, width, _ = image.shape
    s, c, layer, triple = np.empty(width), np.empty(width), np.empty(width), np.empty(3 * width)
    for j in range(width):
        s[j], c[j] = sincos(j * across)
    for i in range(height):
        row_s, row_c = sincos(i * down + phase)
        row_s, row_c = amplitude * row_s, amplitude * row_c
        for j in range(width):
            layer[j] = s[j] * row_c + c[j] * row_s
        add_row(image[i].reshape(-1), layer, triple, out[i].reshape(-1))


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
    height, width, _ = image.shape
    layer, triple = np.empty(width), np.empty(3 * width)
    # Products of the upper half of the bits of the period with a small whole number are exact.
    upper = ring * 134217729.0
    upper = upper - (upper - ring)
    lower = ring - upper
    for i in range(height):
        y = i - top
        for j in range(width):
            x = j - left
            layer[j] = np.sqrt(x * x + y * y) + wobble * sin(frequency * arctan2(x, y))
        for j in range(width):
            count = np.floor(layer[j] / ring)
            rest = (layer[j] - count * upper) - count * lower
            rest = rest + ring if rest < 0.0 else rest
            rest = rest - ring if rest >= ring else rest
            layer[j] = amplitude * (rest / ring - 0.5)
        add_row(image[i].reshape(-1), layer, triple, out[i].reshape(-1))


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
    height, width, _ = image.shape
    x, y, first, noise = np.empty(width), np.empty(width), np.empty(width), np.empty((3, width))
    weight, sine = 1.0 - amplitude / 255.0, sin(time)
    for j in range(width):
        first[j] = sin(j / scale + time)
    for i in range(height):
        r0 = cos(i / scale + time)
        for j in range(width):
            x[j] = j / scale + (r0 - 0.3 * first[j])
            y[j] = i / scale + (first[j] + 0.3 * r0)
        i0, i1, i2 = 1.0, 1.0, 1.0
        for _ in range(count - 1):
            i0, i1, i2 = i0 * 1.93, i1 * 1.15, i2 * (2.25 - sharpness)
            _nest(x, y, i0, time / i1, i2)
        for j in range(width):
            noise[0, j] = sin(x[j] - time)
            noise[1, j] = sin((x[j] + y[j] + sine) / 2.0)
            noise[2, j] = sin(y[j] + time)
        for j in range(width):
            for k in range(3):
                out[i, j, k] = level(weight * image[i, j, k] + amplitude * noise[k, j])


@kernel
def _nest(x, y, frequency, phase, divisor):
    """Shift the coordinates of a row by one of the nested sines."""
    for j in range(x.size):
        r0 = cos(y[j] * frequency + phase) / divisor
        r1 = sin(x[j] * frequency + phase) / divisor
        x[j] += r0 - 0.3 * r1
        y[j] += r1 + 0.3 * r0
