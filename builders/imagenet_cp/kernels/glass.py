"""Frosted glass: each pixel is overwritten by a nearby pixel."""

from __future__ import annotations

import numpy as np

from . import draws
from .channels import pack, unpack
from .compiled import kernel
from .rng import Bits
from .types import Image

BLOCK = 1 << 14  # moves drawn at a time, so that they stay in the L2 cache


def scatter(image: Image, bits: Bits, max_delta: int, iterations: int) -> Image:
    """Overwrite every pixel inside a margin, from the last to the first, with a random nearby pixel.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        C-contiguous. Not changed.
    bits : Bits
        Advanced by two draws for each pixel inside the margin and each iteration.
    max_delta : int
        Moves are from ``-max_delta`` to ``max_delta - 1`` pixels along each axis; also the width of the margin.
    iterations : int
        Number of times the whole image is scattered.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        A new array.

    Notes
    -----
    The published line looks like a swap, but both of its sides are views of one array, so the source pixel is
    unchanged. Each iteration is::

        for row in range(height - max_delta, max_delta, -1):
            for column in range(width - max_delta, max_delta, -1):
                dx, dy = integers(bits, -max_delta, max_delta, 2)
                image[row, column] = image[row + dy, column + dx]
    """
    height, width = image.shape[:2]
    if min(height, width) <= 2 * max_delta:  # all margin
        return image.copy()
    pixels = np.empty((height, width), np.uint32)
    pack(image.reshape(-1), pixels.reshape(-1))
    wide = width - 2 * max_delta
    rows = max(1, BLOCK // wide)
    for _ in range(iterations):
        for bottom in range(height - max_delta, max_delta, -rows):
            top = max(bottom - rows, max_delta)
            moves = draws.integers(bits, -max_delta, max_delta, ((bottom - top) * wide, 2))
            _scatter(pixels, moves, bottom, top)
    out = np.empty_like(image)
    unpack(pixels.reshape(-1), out.reshape(-1))
    return out


@kernel
def _scatter(pixels, moves, bottom, top):
    """Move the pixels one by one, from the last of row ``bottom`` to row ``top + 1``."""
    width = pixels.shape[1]
    margin = (width - len(moves) // (bottom - top)) // 2
    flat, n = pixels.reshape(-1), 0
    for row in range(bottom, top, -1):
        for place in range(row * width + width - margin, row * width + margin, -1):
            flat[place] = flat[place + moves[n, 1] * width + moves[n, 0]]
            n += 1
