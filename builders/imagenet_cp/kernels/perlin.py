"""Turbulence of Perlin noise."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .nested import words
from .types import Image
from .vectors import aligned, wide
from .waves import level

PERIOD = 256
GRADIENTS = 2 * PERIOD + 2
OCTAVES = 5


def turbulence(image: Image, seed: int, weight: float) -> Image:
    """Blend an image with the turbulence of Perlin noise, as grey.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    seed : int
        Seed of the gradients.
    weight : float
        Weight of the noise, from 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)

    Notes
    -----
    At the place (x, y) of a cell, with the gradients of its four corners and the smooth blends s of x and t of y::

        above = (1 - t) * dot(gradient[0, 0], (x, y)) + t * dot(gradient[0, 1], (x, y - 1))
        below = (1 - t) * dot(gradient[1, 0], (x - 1, y)) + t * dot(gradient[1, 1], (x - 1, y - 1))
        noise = 1.5 * ((1 - s) * above + s * below)

    Along a column ``above`` is ``a * x + b``, and ``below`` is ``a * (x - 1) + b`` with the a and b of the next line of
    the lattice. They are computed once per line.
    """
    draws = words(seed, 2 * GRADIENTS + PERIOD)
    out = np.empty_like(image)
    _turbulence(image, draws[: 2 * GRADIENTS].reshape(-1, 2), draws[2 * GRADIENTS :], weight, out)
    return out


@kernel
def _turbulence(image, gradient_draws, order_draws, weight, out):
    height, width, _ = image.shape
    across, down, order = _lattice(gradient_draws, order_draws)
    # For each octave the cell of every column, its place in it, and the blend of its sides.
    cell, place, blend = (
        np.empty((OCTAVES, width), np.int64),
        aligned(OCTAVES * width).reshape(OCTAVES, width),
        aligned(OCTAVES * width).reshape(OCTAVES, width),
    )
    for octave in range(OCTAVES):
        for j in range(width):
            cell[octave, j], place[octave, j], blend[octave, j] = _cell(j, octave, width)
    # For each octave the next line of the lattice, and the slope and the offset on the lines above and below.
    following, line = np.zeros(OCTAVES, np.int64), aligned(OCTAVES * 4 * width).reshape(OCTAVES, 2, 2, width)
    corners, total, triple = np.empty((2, PERIOD)), aligned(width), aligned(3 * width)
    for i in range(height):
        total[:] = 0.0
        for octave in range(OCTAVES):
            top, x, s = _cell(i, octave, height)
            while following[octave] <= top + 1:
                n = following[octave]
                for c in range(cell[octave, -1] + 2):
                    corner = order[order[n % PERIOD] + c]
                    corners[0, c], corners[1, c] = across[corner], down[corner]
                _line(corners, cell[octave], place[octave], blend[octave], line[octave, n % 2])
                following[octave] += 1
            above, below = line[octave, top % 2], line[octave, (top + 1) % 2]
            _add(x, s, 1.5 / (1 << octave), above[0], above[1], below[0], below[1], total)
        for j in range(width):
            noise = total[j] / 2.0 + 0.5
            noise = 255.0 * weight * (1.0 if noise > 1.0 else noise)
            triple[3 * j] = triple[3 * j + 1] = triple[3 * j + 2] = noise
        _blend(image[i].reshape(-1), np.float32(1.0 - weight), triple, out[i].reshape(-1))


@kernel
def _lattice(gradient_draws, order_draws):
    """Return the two components of the gradients, and their order."""
    across, down, order = np.empty(GRADIENTS), np.empty(GRADIENTS), np.arange(GRADIENTS)
    for k in range(GRADIENTS):
        # As published, a gradient of (0, 0) becomes NaN, and its pixels 0.
        x = (np.int64(gradient_draws[k, 0]) % (2 * PERIOD) - PERIOD) / PERIOD
        y = (np.int64(gradient_draws[k, 1]) % (2 * PERIOD) - PERIOD) / PERIOD
        length = np.sqrt(x * x + y * y)
        down[k], across[k] = x / length, y / length
    for k in range(PERIOD):
        i, j = PERIOD - 1 - k, np.int64(order_draws[k]) % PERIOD
        order[i], order[j] = order[j], order[i]
    for i in range(PERIOD + 2):
        order[PERIOD + i], across[PERIOD + i], down[PERIOD + i] = order[i], across[i], down[i]
    return across, down, order


@kernel
def _cell(pixel, octave, side):
    """Return the cell of a row or column of pixels, its place in the cell and the smooth blend there."""
    place = (1 << octave) * (pixel * 224 / (32 * side))
    cell = np.int64(place)
    place -= cell
    return cell, place, place * place * (3.0 - 2.0 * place)


@kernel
def _line(corners, cell, place, blend, out):
    """Compute slope and offset on a line of the lattice, for each column, from the gradients on it."""
    wide()
    across, down = corners[0], corners[1]
    for j in range(cell.size):
        here, following = (
            np.uint64(cell[j]),
            np.uint64(cell[j] + 1),
        )  # signed, they are tested for negative ones
        y, t = place[j], blend[j]
        out[0, j] = down[here] + t * (down[following] - down[here])
        left, right = y * across[here], (y - 1.0) * across[following]
        out[1, j] = left + t * (right - left)


@kernel
def _add(x, s, scale, slope, offset, next_slope, next_offset, total):
    """Add the noise of an octave to a row."""
    wide()
    upper, lower, left = (1.0 - s) * x, s * (x - 1.0), 1.0 - s
    for j in range(total.size):
        noise = (upper * slope[j] + left * offset[j]) + (lower * next_slope[j] + s * next_offset[j])
        total[j] += scale * abs(noise)


@kernel
def _blend(values, weight, noise, out):
    wide()
    for j in range(out.size):
        out[j] = level(np.float64(np.float32(np.float32(values[j]) * weight)) + noise[j])
