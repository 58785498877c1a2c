"""Turbulence of Perlin noise."""

from __future__ import annotations

import numpy as np

from .channels import interleave, split
from .compiled import kernel
from .nested import words
from .types import Image
from .vectors import aligned, lanes, minimum, store, wide
from .waves import level

PERIOD = 256
GRADIENTS = 2 * PERIOD + 2
OCTAVES = 5
LANES = 32  # pixels computed at a time
load, broadcast = lanes(8 * LANES)


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
    padded = -(-width // LANES) * LANES
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
    following, line = (
        np.zeros(OCTAVES, np.int64),
        aligned(OCTAVES * 4 * padded).reshape(OCTAVES, 2, 2, padded),
    )
    corners, total = np.empty((2, PERIOD)), aligned(padded)
    line[:] = 0.0
    weights, starts = np.empty((OCTAVES, 5)), np.empty((OCTAVES, 2), np.int64)
    planes = np.empty((6, height * width), np.uint8)
    split(image.reshape(-1), planes[0], planes[1], planes[2])
    for i in range(height):
        for octave in range(OCTAVES):
            top, x, s = _cell(i, octave, height)
            while following[octave] <= top + 1:
                n = following[octave]
                for c in range(cell[octave, -1] + 2):
                    corner = order[order[n % PERIOD] + c]
                    corners[0, c], corners[1, c] = across[corner], down[corner]
                _line(corners, cell[octave], place[octave], blend[octave], line[octave, n % 2])
                following[octave] += 1
            weights[octave, 0], weights[octave, 1] = (1.0 - s) * x, 1.0 - s
            weights[octave, 2], weights[octave, 3] = s * (x - 1.0), s
            weights[octave, 4] = 1.5 / (1 << octave)
            starts[octave, 0] = (2 * octave + top % 2) * 2 * padded
            starts[octave, 1] = (2 * octave + (top + 1) % 2) * 2 * padded
        _add(weights, starts, line.reshape(-1), padded, total)
        part = slice(i * width, (i + 1) * width)
        red, green, blue = planes[0, part], planes[1, part], planes[2, part]
        _blend(red, green, blue, weight, total, planes[3, part], planes[4, part], planes[5, part])
    interleave(planes[3], planes[4], planes[5], out.reshape(-1))


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
def _add(weights, starts, line, width, total):
    """Add up the noise of the octaves in a row.

    Parameters
    ----------
    weights : ndarray of float64, shape (OCTAVES, 5)
        Of slope and offset on the line above, of those on the line below, and of the noise.
    starts : ndarray of int64, shape (OCTAVES, 2)
        Places of the slopes on the lines above and below; the offsets follow.
    line : ndarray of float64, one-dimensional
    width : int
        Number of pixels, a multiple of LANES.
    total : ndarray of float64, shape (width,)
    """
    wide()
    for j in range(0, width, LANES):
        light = broadcast(0.0)
        for octave in range(OCTAVES):
            above, below, w = starts[octave, 0] + j, starts[octave, 1] + j, weights[octave]
            upper = broadcast(w[0]) * load(line, above) + broadcast(w[1]) * load(line, above + width)
            lower = broadcast(w[2]) * load(line, below) + broadcast(w[3]) * load(line, below + width)
            noise = upper + lower
            size = broadcast(0.0) - minimum(noise, broadcast(0.0) - noise)
            light = light + broadcast(w[4]) * size
        store(total, j, light)


@kernel
def _blend(red, green, blue, weight, total, hazy_red, hazy_green, hazy_blue):
    """Blend the three channels of a row with its noise."""
    wide()
    light, rest = 255.0 * weight, np.float32(1.0 - weight)
    for j in range(red.size):
        noise = total[j] / 2.0 + 0.5
        noise = light * (1.0 if noise > 1.0 else noise)
        hazy_red[j] = level(np.float64(np.float32(np.float32(red[j]) * rest)) + noise)
        hazy_green[j] = level(np.float64(np.float32(np.float32(green[j]) * rest)) + noise)
        hazy_blue[j] = level(np.float64(np.float32(np.float32(blue[j]) * rest)) + noise)
