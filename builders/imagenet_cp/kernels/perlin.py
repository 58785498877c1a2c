"""Turbulence of Perlin noise."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .nested import words
from .types import Image
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
    In a cell of the lattice the noise is linear in the column but for the smooth blend of the two sides of the cell.
    The gradients are therefore blended over the rows once per row and line of the lattice.
    """
    draws = words(seed, 2 * GRADIENTS + PERIOD).astype(np.int64)
    gradients = (draws[: 2 * GRADIENTS] % (2 * PERIOD) - PERIOD).reshape(-1, 2) / PERIOD
    with np.errstate(invalid="ignore"):  # as published, a gradient of (0, 0) becomes NaN, and its pixels 0
        gradients /= np.sqrt(gradients[:, :1] * gradients[:, :1] + gradients[:, 1:] * gradients[:, 1:])
    out = np.empty_like(image)
    _turbulence(image, gradients, draws[2 * GRADIENTS :], weight, out)
    return out


@kernel
def _turbulence(image, gradients, draws, weight, out):
    height, width, _ = image.shape
    order = np.arange(GRADIENTS)
    for k in range(PERIOD):
        i, j = PERIOD - 1 - k, draws[k] % PERIOD
        order[i], order[j] = order[j], order[i]
    for i in range(PERIOD + 2):
        order[PERIOD + i] = order[i]
        gradients[PERIOD + i] = gradients[i]
    # For each octave the cell of every column, its place in it, and the blend of its sides.
    cell, place, blend = (
        np.empty((OCTAVES, width), np.int64),
        np.empty((OCTAVES, width)),
        np.empty((OCTAVES, width)),
    )
    for octave in range(OCTAVES):
        for j in range(width):
            cell[octave, j], place[octave, j], blend[octave, j] = _lattice(j, octave, width)
    value, slope, total = np.empty(PERIOD), np.empty(PERIOD), np.empty(width)
    background = np.empty(PERIOD)
    for p in range(256):
        background[p] = np.float32(np.float32(1.0 - weight) * np.float32(p))
    for i in range(height):
        total[:] = 0.0
        for octave in range(OCTAVES):
            top, x, s = _lattice(i, octave, height)
            above, below = order[top % PERIOD], order[(top + 1) % PERIOD]
            for c in range(cell[octave, width - 1] + 2):
                column = c % PERIOD
                a, b = gradients[order[above + column]], gradients[order[below + column]]
                value[c] = x * a[0] + s * ((x - 1.0) * b[0] - x * a[0])
                slope[c] = a[1] + s * (b[1] - a[1])
            scale = 1.5 / (1 << octave)
            for j in range(width):
                c, y = cell[octave, j], place[octave, j]
                left, right = value[c] + y * slope[c], value[c + 1] + (y - 1.0) * slope[c + 1]
                total[j] += scale * abs(left + blend[octave, j] * (right - left))
        for j in range(width):
            noise = total[j] / 2.0 + 0.5
            noise = 255.0 * weight * (1.0 if noise > 1.0 else noise)
            for k in range(3):
                out[i, j, k] = level(background[image[i, j, k]] + noise)


@kernel
def _lattice(pixel, octave, side):
    """Return the cell of a row or column of pixels, its place in the cell and the smooth blend there."""
    place = (1 << octave) * (pixel * 224 / (32 * side))
    cell = np.int64(place)
    place -= cell
    return cell, place, place * place * (3.0 - 2.0 * place)
