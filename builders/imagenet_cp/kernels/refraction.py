"""Images seen through moving water, and other displacements of pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import gaussian
from .compiled import kernel
from .elementary import power, sincos
from .types import Image
from .waves import level

Field = NDArray[np.float64]


def caustic(image: Image, time: float, size: float, lens: float, light: float) -> Image:
    """Refract an image through the surface of water, with the light that gathers in it.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    time : float
        Phase of the waves.
    size : float
        Period of the waves, in pixels.
    lens : float
        Distance between the surface and the image, in pixels.
    light : float
        Strength of the light.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    noise = np.empty(image.shape[:2])
    _caustic_noise(time, size, noise)
    surface = np.pad(gaussian.blur(noise, 1.0, 4.0, "reflect"), 1)  # as published, 0 outside
    out = np.empty_like(image)
    _refract((image / 255.0).astype(np.float32), surface, lens, light, out)
    return out


@kernel
def _caustic_noise(time, size, out):
    """Compute the pattern of light on the ground of a pool.

    Notes
    -----
    For one pixel, in radians::

        p = i = (row, column) / size % 1 * 6.28318530718 - 250
        c = 1
        for n in range(5):
            t = time * (1 - 3.5 / (n + 1))
            i = p + (cos(t - i[0]) + sin(t + i[1]), sin(t - i[1]) + cos(t + i[0]))
            c += 1 / sqrt((p[0] / (sin(i[0] + t) / 0.005)) ** 2 + (p[1] / (cos(i[1] + t) / 0.005)) ** 2)
        noise = min(abs(1.17 - (c / 5) ** 1.4) ** 8, 1)

    Sines and cosines of sums are computed from those of the angles: one of each for i[0] and i[1] per step.
    """
    height, width = out.shape
    place = np.empty(width)
    s0, c0, s1, c1, total = (
        np.empty(width),
        np.empty(width),
        np.empty(width),
        np.empty(width),
        np.empty(width),
    )
    for j in range(width):
        place[j] = j / size % 1.0 * 6.28318530718 - 250.0
    for i in range(height):
        row = i / size % 1.0 * 6.28318530718 - 250.0
        for j in range(width):
            s0[j], c0[j] = sincos(row)
            s1[j], c1[j] = sincos(place[j])
            total[j] = 1.0
        for n in range(5):
            s, c = sincos(time * (1.0 - 3.5 / (n + 1)))
            _wave(row, place, s, c, s0, c0, s1, c1, total)
        for j in range(width):
            depth = abs(1.17 - power(total[j] / 5.0, 1.4))
            depth = depth * depth * depth * depth
            out[i, j] = min(depth * depth, 1.0)


@kernel
def _wave(row, place, s, c, s0, c0, s1, c1, total):
    """Add the light of one wave, and leave the sines and cosines of the new i in the buffers."""
    for j in range(place.size):
        first = row + ((c * c0[j] + s * s0[j]) + (s * c1[j] + c * s1[j]))
        second = place[j] + ((s * c1[j] - c * s1[j]) + (c * c0[j] - s * s0[j]))
        s0[j], c0[j] = sincos(first)
        s1[j], c1[j] = sincos(second)
        a, b = s0[j] * c + c0[j] * s, c1[j] * c - s1[j] * s
        x, y = 0.005 * row * b, 0.005 * place[j] * a
        total[j] += abs(a * b) / np.sqrt(x * x + y * y)


@kernel
def _refract(values, surface, lens, light, out):
    height, width, _ = values.shape
    rows, columns, down, across = np.empty(width), np.empty(width), np.empty(width), np.empty(width)
    pixel = np.empty(3)
    for i in range(height):
        for j in range(width):
            down[j] = surface[i + 2, j + 1] - surface[i, j + 1]
            across[j] = surface[i + 1, j + 2] - surface[i + 1, j]
        for j in range(width):
            # Snell's law with a ratio of 4 of the indices: the sine of the refracted ray is a fourth.
            square = down[j] * down[j] + across[j] * across[j]
            upright = 1.0 / np.sqrt(square + 1.0)
            bend = (np.sqrt(1.0 - square * upright * upright / 16.0) - 0.25 * upright) * upright * lens
            bend = bend if upright < 1.0 - 1e-3 else 0.0
            rows[j] = i + np.rint(1000.0 * (down[j] * bend)) / 1000.0
            columns[j] = j + np.rint(1000.0 * (across[j] * bend)) / 1000.0
        for j in range(width):
            single = bilinear(values, rows[j], columns[j], pixel)
            less, more = np.float32(-across[j] * light), np.float32(down[j] * light)
            for k in range(3):
                v = np.float64(np.float32(np.float32(np.float32(pixel[k]) + less) + more))
                v = v if single else pixel[k] + -across[j] * light + down[j] * light
                out[i, j, k] = level(255.0 * min(v, 1.0))


@kernel
def bilinear(values, row, column, out):
    """Interpolate a float32 image between four pixels, of which those outside are 0, with the published rounding.

    Weights, products and sums are rounded to float32; where one of the two pixels of a row is outside, its sum is not
    rounded, and its product with the row's weight and the result are float64.

    Parameters
    ----------
    values : ndarray of float32, shape (H, W, 3)
    row, column : float
    out : ndarray of float64, shape (3,)

    Returns
    -------
    bool
        True if the result is rounded to float32.
    """
    height, width, _ = values.shape
    top, left = np.int64(np.floor(row)), np.int64(np.floor(column))
    across, next_across = 1.0 - column + left, 1.0 - (left + 1) + column
    down, next_down = 1.0 - row + top, 1.0 - (top + 1) + row
    inside, next_inside = 0 <= left < width, 0 <= left + 1 < width
    above, below = 0 <= top < height, 0 <= top + 1 < height
    if inside and next_inside and above and below:
        w, next_w, h, next_h = (
            np.float32(across),
            np.float32(next_across),
            np.float32(down),
            np.float32(next_down),
        )
        upper, lower = np.uint64(top), np.uint64(top + 1)  # numba tests signed indices for negative ones
        here, right = np.uint64(left), np.uint64(left + 1)
        for k in range(3):
            a = np.float32(values[upper, here, k] * w) + np.float32(values[upper, right, k] * next_w)
            b = np.float32(values[lower, here, k] * w) + np.float32(values[lower, right, k] * next_w)
            out[k] = np.float32(a * h) + np.float32(b * next_h)
        return True
    for k in range(3):
        first = _row(values, top, left, across, next_across, down, k)
        out[k] = first + _row(values, top + 1, left, across, next_across, next_down, k)
    return False


@kernel
def _row(values, row, left, across, next_across, weight, channel):
    """Interpolate between two pixels of a row, of which those outside are 0, and multiply by the weight of the row."""
    if not 0 <= row < values.shape[0]:
        return 0.0
    inside, next_inside = 0 <= left < values.shape[1], 0 <= left + 1 < values.shape[1]
    if inside and next_inside:
        a = np.float32(values[row, left, channel] * np.float32(across))
        b = np.float32(values[row, left + 1, channel] * np.float32(next_across))
        return np.float64(np.float32(np.float32(a + b) * np.float32(weight)))
    if inside:
        return np.float32(values[row, left, channel] * np.float32(across)) * weight
    if next_inside:
        return np.float32(values[row, left + 1, channel] * np.float32(next_across)) * weight
    return 0.0


def pinch_and_twirl(image: Image, angles: Field, amount: float) -> Image:
    """Pinch and twirl a disc in each cell of a grid.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    angles : ndarray of float64, shape (N, N)
        Angle by which the centre of a disc is turned, in radians; the first axis runs to the right.
    amount : float
        Strength of the pinch.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    out = np.empty_like(image)
    _pinch_and_twirl(image.astype(np.float32), angles, amount, out)
    return out


@kernel
def _pinch_and_twirl(values, angles, amount, out):
    count = len(angles)
    side = len(values) // count
    radius = side / 2.0
    cell, pixel = np.empty((side, side, 3), np.float32), np.empty(3)
    for i in range(count):
        for j in range(count):
            for y in range(side):
                for x in range(side):
                    row, column = _twirled(y, x, j * side, i * side, radius, angles[i, j], amount)
                    bilinear(values, row, column, pixel)
                    cell[y, x] = pixel
            # As published, later cells read the changed pixels beyond their right and lower sides.
            values[j * side : (j + 1) * side, i * side : (i + 1) * side] = cell
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(3):
                out[i, j, k] = level(values[i, j, k])


@kernel
def _twirled(y, x, top, left, radius, angle, amount):
    """Return where the pixel (y, x) of a cell comes from."""
    down, across = y - radius, x - radius
    distance = np.sqrt(down * down + across * across)
    if distance > radius or distance < 0.0005:
        return float(top + y), float(left + x)
    fraction = distance / radius
    sine, _ = sincos(math.pi * 0.5 * fraction)
    pinch = power(sine, -amount)
    s, c = sincos(angle * (1.0 - fraction) * (1.0 - fraction))
    down, across = down * pinch, across * pinch
    return top + radius + (down * c - across * s), left + radius + (down * s + across * c)


def ripple(image: Image, wavelengths: Field, phases: Field, amplitude: float) -> Image:
    """Shift rows and columns by sines of their places.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    wavelengths, phases : ndarray of float64, shape (2,)
        In pixels and radians, for rows and columns.
    amplitude : float
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    out = np.empty_like(image)
    _ripple(image, wavelengths, phases, amplitude, out)
    return out


@kernel
def _ripple(image, wavelengths, phases, amplitude, out):
    side = len(image)
    for i in range(side):
        row = _shifted(i, wavelengths[0], phases[0], amplitude)
        top = np.int64(np.floor(row))
        down, next_down = 1.0 - row + top, 1.0 - (top + 1) + row
        for j in range(side):
            column = _shifted(j, wavelengths[1], phases[1], amplitude)
            left = np.int64(np.floor(column))
            across, next_across = 1.0 - column + left, 1.0 - (left + 1) + column
            for k in range(3):
                above = _pixel(image, top, left, k) * across + _pixel(image, top, left + 1, k) * next_across
                below = (
                    _pixel(image, top + 1, left, k) * across
                    + _pixel(image, top + 1, left + 1, k) * next_across
                )
                out[i, j, k] = level(above * down + below * next_down)


@kernel
def _shifted(place, wavelength, phase, amplitude):
    sine, _ = sincos(2.0 * math.pi * place / wavelength + phase)
    return place + amplitude * sine


@kernel
def _pixel(image, row, column, channel):
    """Return a value of the image, 0 outside."""
    inside = 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
    return float(image[row, column, channel]) if inside else 0.0
