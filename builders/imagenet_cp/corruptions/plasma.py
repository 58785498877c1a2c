"""The plasma fractal of fog: the diamond-square algorithm on a torus."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.random import BitGenerator
from numpy.typing import NDArray

from .. import draws

FIRST_WIBBLE = 100.0


def fractal(bits: BitGenerator, mapsize: int, wibbledecay: float) -> NDArray[np.float64]:
    """Draw a height map between 0 and 1.

    Parameters
    ----------
    bits : numpy.random.BitGenerator
        It is advanced by ``mapsize ** 2 - 1`` uniform draws.
    mapsize : int
        The side in pixels, a power of two.
    wibbledecay : float
        The random part shrinks by this factor from one grid to the next, twice as fine.

    Returns
    -------
    ndarray of float64, shape (mapsize, mapsize)
    """
    uniforms = draws.uniform(bits, 0.0, 1.0, mapsize * mapsize - 1)
    return _fractal(uniforms, mapsize, float(wibbledecay))  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _fractal(uniforms, mapsize, wibbledecay):  # type: ignore[no-untyped-def]
    field = np.zeros((mapsize, mapsize))
    step = mapsize
    wibble = FIRST_WIBBLE
    drawn = 0
    while step >= 2:
        half = step // 2
        n = mapsize // step
        # The wibble is applied twice, as the range of the draw and as its factor: a published quirk.
        width = wibble + wibble
        for i in range(n):
            top, bottom = i * step, (i + 1) % n * step
            for j in range(n):
                left, right = j * step, (j + 1) % n * step
                corners = field[top, left] + field[bottom, left]
                corners += field[top, right] + field[bottom, right]
                noise = -wibble + width * uniforms[drawn]
                field[top + half, left + half] = corners / 4.0 + wibble * noise
                drawn += 1
        for i in range(n):
            top = i * step
            centre, above = top + half, (i - 1) % n * step + half
            for j in range(n):
                left, right = j * step, (j + 1) % n * step
                middle = left + half
                around = field[centre, middle] + field[above, middle]
                around += field[top, left] + field[top, right]
                noise = -wibble + width * uniforms[drawn]
                field[top, middle] = around / 4.0 + wibble * noise
                drawn += 1
        for i in range(n):
            top, bottom = i * step, (i + 1) % n * step
            centre = top + half
            for j in range(n):
                left = j * step
                middle, before = left + half, (j - 1) % n * step + half
                around = field[centre, middle] + field[centre, before]
                around += field[top, left] + field[bottom, left]
                noise = -wibble + width * uniforms[drawn]
                field[centre, left] = around / 4.0 + wibble * noise
                drawn += 1
        step = half
        wibble /= wibbledecay
    low = field.min()
    field -= low
    field /= field.max()
    return field
