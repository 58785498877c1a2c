"""Plasma fractal of fog: heights from the diamond-square algorithm on a torus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import draws
from .compiled import kernel
from .rng import Bits
from .types import Image

FIRST_WIBBLE = 100.0
FRACTION = 23  # fractional bits of a level; with 8 integer bits 31 of 32
# The error of the image's term is at most half a unit for each of 255 levels, that of the fog's term one unit.
ERROR_BOUND = 1 << 8
LEVELS = np.arange(256) / 255.0


def fractal(bits: Bits, mapsize: int, wibbledecay: float) -> NDArray[np.float64]:
    """Draw a map of heights, not yet normalised.

    Parameters
    ----------
    bits : Bits
        Advanced by ``mapsize ** 2 - 1`` uniform draws.
    mapsize : int
        Side length in pixels, a power of two.
    wibbledecay : float
        The random term shrinks by this factor from one grid to the next, which is twice as fine.

    Returns
    -------
    ndarray of float64, shape (mapsize, mapsize + 1)
        The last column repeats the first: the map is a torus.
    """
    return _grown(draws.words(bits, mapsize * mapsize - 1), float(wibbledecay))


def blend(image: Image, heights: NDArray[np.float64], strength: float) -> Image:
    """Add fog to an image, then rescale it to its original largest value.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. Not changed.
    heights : ndarray of float64, shape (h, w), h >= H, w >= W
        The fog is their upper left part, after normalizing all of them to 0..1.
    strength : float
        Strength of the thickest fog, on the scale from 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    return _blend(image, heights, float(strength), LEVELS)


@kernel
def _wibble(word, wibble):
    """Return ``wibble * uniform(-wibble, wibble)``: ``wibble`` enters twice, a published quirk."""
    return wibble * (-wibble + (wibble + wibble) * (np.int64(word >> np.uint64(11)) * 2.0**-53))


@kernel
def _grown(words, wibbledecay):
    """Refine a grid of one square until all words are used."""
    grid, wibble, drawn = np.zeros((1, 2)), FIRST_WIBBLE, 0
    while drawn < words.size:
        end = drawn + 3 * grid.shape[0] ** 2
        grid = _refined(grid, words[drawn:end], wibble)
        drawn = end
        wibble /= wibbledecay
    return grid


@kernel
def _refined(grid, words, wibble):
    """Double the grid: draw the centres of its squares, then the middles of its horizontal and vertical edges."""
    n = grid.shape[0]
    out = np.empty((2 * n, 2 * n + 1))
    centres = np.empty((n, n + 1))  # the last column is repeated as the first
    for i in range(n):
        above, below, centre = grid[i], grid[(i + 1) % n], centres[i]
        word = words[i * n : (i + 1) * n]
        for j in range(word.size):
            corners = (above[j] + below[j]) + (above[j + 1] + below[j + 1])
            centre[j + 1] = corners / 4.0 + _wibble(word[j], wibble)
        centre[0] = centre[n]
    for i in range(n):
        corner, below, above, centre = grid[i], grid[(i + 1) % n], centres[i - 1], centres[i]
        row, word = out[2 * i], words[(n + i) * n : (n + i + 1) * n]
        for j in range(word.size):
            around = (centre[j + 1] + above[j + 1]) + (corner[j] + corner[j + 1])
            row[2 * j] = corner[j]
            row[2 * j + 1] = around / 4.0 + _wibble(word[j], wibble)
        row[2 * n] = row[0]
        row, word = out[2 * i + 1], words[(2 * n + i) * n : (2 * n + i + 1) * n]
        for j in range(word.size):
            around = (centre[j + 1] + centre[j]) + (corner[j] + below[j])
            row[2 * j] = around / 4.0 + _wibble(word[j], wibble)
            row[2 * j + 1] = centre[j + 1]
        row[2 * n] = row[0]
    return out


@kernel
def _extremes(heights):
    least, most = np.empty(heights.shape[1]), np.empty(heights.shape[1])
    for i in range(heights.shape[0]):
        row = heights[i]
        for j in range(least.size):
            least[j] = min(least[j], row[j]) if i else row[j]
            most[j] = max(most[j], row[j]) if i else row[j]
    for j in range(least.size):
        least[0], most[0] = min(least[0], least[j]), max(most[0], most[j])
    return least[0], most[0]


@kernel
def _blend(image, heights, strength, levels):
    """Blend in fixed point, and by the published formula where a value is near an integer."""
    height, width = image.shape[:2]
    rows, out = image.reshape(height, 3 * width), np.empty((height, 3 * width), np.uint8)
    brightest = np.uint8(0)
    for i in range(height):
        pixels = rows[i]
        for j in range(pixels.size):
            brightest = max(brightest, pixels[j])
    low, high = _extremes(heights)
    span = high - low
    top = levels[brightest]
    unit = float(1 << FRACTION)
    share = np.int32(np.rint(top / (top + strength) * unit))
    slope = strength * top / (top + strength) / span * 255.0 * unit
    mask, error_bound = np.int32((1 << FRACTION) - 1), np.int32(ERROR_BOUND)
    fog = np.empty(3 * width, np.int32)
    for i in range(height):
        pixels, target, bank = rows[i], out[i], heights[i]
        for j in range(fog.size // 3):
            thickness = np.int32((bank[j] - low) * slope)
            fog[3 * j] = thickness
            fog[3 * j + 1] = thickness
            fog[3 * j + 2] = thickness
        nearest = mask
        for j in range(fog.size):
            fixed = np.int32(np.int32(pixels[j]) * share + fog[j])
            target[j] = np.uint8(fixed >> np.int32(FRACTION))
            nearest = min(nearest, np.int32(fixed + error_bound) & mask)
        if nearest <= 2 * error_bound:
            for j in range(fog.size):
                fixed = np.int32(np.int32(pixels[j]) * share + fog[j])
                if np.int32(fixed + error_bound) & mask <= 2 * error_bound:
                    y = levels[pixels[j]] + strength * ((bank[j // 3] - low) / span)
                    y = y * top / (top + strength)
                    target[j] = np.uint8(np.int32(min(y, 1.0) * 255.0))
    return out.reshape(image.shape)
