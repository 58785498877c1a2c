"""Images seen through moving water, and other displacements of pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import caustics, gaussian
from .channels import interleave, split
from .compiled import kernel
from .elementary import power, sincos
from .levels import unit
from .types import Image
from .vectors import lanes, store, wide
from .waves import level

Field = NDArray[np.float64]
load, broadcast = lanes(16)
ZERO, ONE = np.float32(0), np.float32(1)
STEEP = 1 / 0.999**2
# 1 / 1000, with so few bits that its product with a whole number below 2**24 is exact: the sum of its products with the
# two is its quotient by 1000 to the last bit.
THOUSANDTH = 2**38 // 1000 / 2**38
THOUSANDTH_REST = 2**38 % 1000 / 1000 / 2**38


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
    height, width, _ = image.shape
    noise, surface = np.empty((height, width)), np.zeros((height + 2, width + 2))  # as published, 0 outside
    caustics.fill(time, size, noise)
    surface[1:-1, 1:-1] = gaussian.blur(noise, 1.0, 4.0, "reflect")
    out = np.empty_like(image)
    _refract(image, surface, lens, light, out)
    return out


@kernel
def _refract(image, surface, lens, light, out):
    """Lighten each pixel of a row where it is, then compute again the few that are refracted.

    The last row and column are computed again too, because `bilinear` rounds them differently.
    """
    height, width, _ = image.shape
    flat = np.empty(height * width * 3 + 1, np.float32)
    _units(image.reshape(-1), flat)
    planes = np.empty((6, height * width), np.uint8)
    split(image.reshape(-1), planes[0], planes[1], planes[2])
    values, lit = flat[:-1].reshape(height, width, 3), planes[3:].reshape(3, height, width)
    down, across, steep = np.empty(width), np.empty(width), np.empty(width, np.bool_)
    less, more = np.empty(width, np.float32), np.empty(width, np.float32)
    steep_down, steep_across, chosen = np.empty(width), np.empty(width), np.empty(width, np.uint32)
    places, weights = np.empty(width, np.int32), np.empty((4, width), np.float32)
    rows, columns, pixel = np.empty(width), np.empty(width), np.empty(3)
    result, levels = np.empty(4 * width, np.float32), np.empty(4 * width, np.uint8)
    for i in range(height):
        _slopes(surface[i], surface[i + 1], surface[i + 2], light, down, across, less, more, steep)
        steep[-1] = True
        if i == height - 1:
            steep[:] = True
        part = slice(i * width, (i + 1) * width)
        _lighten(
            planes[0, part], planes[1, part], planes[2, part], less, more, lit[0, i], lit[1, i], lit[2, i]
        )
        count = _choose(steep, down, across, chosen, steep_down, steep_across)
        _bend(i, chosen[:count], steep_down, steep_across, lens, rows, columns)
        _weigh(rows[:count], columns, height, width, places, weights[0], weights[1], weights[2], weights[3])
        _interpolate(flat, width, chosen[:count], places, weights, less, more, result)
        _levels(result[: 4 * count], levels)
        for n in range(count):
            j = chosen[n]
            if places[n] >= 0:
                for k in range(3):
                    lit[k, i, j] = levels[4 * n + k]
            else:
                single = bilinear(values, rows[n], columns[n], pixel)
                for k in range(3):
                    v = np.float64(np.float32(np.float32(np.float32(pixel[k]) + less[j]) + more[j]))
                    v = v if single else pixel[k] + -across[j] * light + down[j] * light
                    lit[k, i, j] = level(255.0 * min(v, 1.0))
    interleave(planes[3], planes[4], planes[5], out.reshape(-1))


@kernel
def _units(image, out):
    wide()
    for j in range(image.size):
        out[j] = unit(image[j])


@kernel
def _slopes(above, here, below, light, down, across, less, more, steep):
    """Compute the slopes of the surface in a row, their light, and where they are steep enough to refract."""
    wide()
    for j in range(down.size):
        down[j], across[j] = below[j + 1] - above[j + 1], here[j + 2] - here[j]
    for j in range(down.size):
        less[j], more[j] = -across[j] * light, down[j] * light
        steep[j] = 1.0 + (down[j] * down[j] + across[j] * across[j]) > STEEP


@kernel
def _choose(steep, down, across, chosen, steep_down, steep_across):
    """Copy the slopes of the pixels that are refracted, and return their number."""
    count = 0
    for j in range(steep.size):
        chosen[count] = j
        count += steep[j]
    for n in range(count):
        steep_down[n], steep_across[n] = down[chosen[n]], across[chosen[n]]
    return count


@kernel
def _bend(i, chosen, down, across, lens, rows, columns):
    """Compute where the refracted pixels of a row come from."""
    wide()
    for n in range(chosen.size):
        # Snell's law with a ratio of 4 of the indices: the sine of the refracted ray is a fourth. The
        # normal is upright by the root of 1 / (1 + square). As published, nothing is shifted from 0.999 on.
        square = down[n] * down[n] + across[n] * across[n]
        bend = (np.sqrt(1.0 + 15 / 16 * square) - 0.25) / (1.0 + square) * lens
        bend = bend if 1.0 + square > STEEP else 0.0
        lower, right = np.rint(1000.0 * (down[n] * bend)), np.rint(1000.0 * (across[n] * bend))
        rows[n] = i + (lower * THOUSANDTH + lower * THOUSANDTH_REST)
        columns[n] = np.int32(chosen[n]) + (right * THOUSANDTH + right * THOUSANDTH_REST)


@kernel
def _weigh(rows, columns, height, width, places, across, next_across, down, next_down):
    """Compute the weights of `bilinear` in float32, and the place of the first of four pixels: -1 if one is outside."""
    wide()
    for n in range(rows.size):
        top, left = np.floor(rows[n]), np.floor(columns[n])
        across[n], next_across[n] = 1.0 - columns[n] + left, 1.0 - (left + 1.0) + columns[n]
        down[n], next_down[n] = 1.0 - rows[n] + top, 1.0 - (top + 1.0) + rows[n]
        inside = (top >= 0.0) & (top < height - 1.0) & (left >= 0.0) & (left < width - 1.0)
        places[n] = np.int32(3.0 * (top * width + left) if inside else -1.0)


@kernel
def _lighten(red, green, blue, less, more, lit_red, lit_green, lit_blue):
    wide()
    for j in range(red.size):
        lit_red[j] = _level(unit(red[j]) + less[j] + more[j])
        lit_green[j] = _level(unit(green[j]) + less[j] + more[j])
        lit_blue[j] = _level(unit(blue[j]) + less[j] + more[j])


@kernel
def _interpolate(values, width, chosen, places, weights, less, more, result):
    """Interpolate pixels as `bilinear` does, where all four pixels are inside, and add the light.

    The three channels of a pixel, and the first of the next one, are a vector.
    """
    for n in range(chosen.size):
        j, at, below = chosen[n], np.int64(places[n]), np.int64(places[n]) + 3 * width
        if at >= 0:
            w, next_w = broadcast(weights[0, n]), broadcast(weights[1, n])
            a = load(values, at) * w + load(values, at + 3) * next_w
            b = load(values, below) * w + load(values, below + 3) * next_w
            v = a * broadcast(weights[2, n]) + b * broadcast(weights[3, n])
            store(result, 4 * n, v + broadcast(less[j]) + broadcast(more[j]))


@kernel
def _levels(values, out):
    wide()
    for j in range(values.size):
        out[j] = _level(values[j])


@kernel
def _level(value):
    """Return ``level(255.0 * min(value, 1.0))`` of a float32 value, without float64.

    The product is rounded to a whole number from below at most, and the differences are exact.
    """
    value = min(max(value, ZERO), ONE)
    product = np.int32(value * np.float32(255))
    return np.uint8(product - (value * np.float32(256) - np.float32(product) < value))


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
