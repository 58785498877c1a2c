"""OpenCV's Canny edges (aperture 3, L1 norm) in integers, the same with every build of OpenCV."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .types import Image

NONE, WEAK, STRONG = 0, 1, 2
# tan(22.5 degrees), and its difference to tan(67.5 degrees), in units of 2**-15.
TAN_22, TO_TAN_67 = 13573, 1 << 16
EIGHT_WEAK = 0x0101010101010101


def edges(image: Image, low: int, high: int) -> NDArray[np.bool_]:
    """Find the edges of a grey image.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W)
        Not changed.
    low, high : int
        Gradients above ``high`` start an edge, gradients above ``low`` continue it.

    Returns
    -------
    ndarray of bool, shape (H, W)
    """
    return _edges(image, low, high)


@kernel
def _edges(image, low, high):
    height, width = image.shape
    dx, dy = np.empty((height, width), np.int16), np.empty((height, width), np.int16)
    # These have a border of one pixel.
    size = np.zeros((height + 2, width + 2), np.int16)
    eights = np.zeros((size.size + 7) // 8, np.uint64)
    state = eights.view(np.uint8)[: size.size].reshape(size.shape)
    _gradients(image, dx, dy, size)
    _ridges(dx, dy, size, state, np.int16(low), np.int16(high))
    _link(state, eights, np.empty(size.size, np.int64))
    return state[1:-1, 1:-1] == STRONG


@kernel
def _gradients(image, dx, dy, size):
    """Compute Sobel gradients, with the border pixels repeated, and the sum of their absolute values."""
    height, width = image.shape
    smooth, steep = np.empty(width + 2, np.int16), np.empty(width + 2, np.int16)
    for i in range(height):
        above, here, below = image[max(i - 1, 0)], image[i], image[min(i + 1, height - 1)]
        for j in range(here.size):
            smooth[j + 1] = np.int16(above[j]) + np.int16(2) * np.int16(here[j]) + np.int16(below[j])
            steep[j + 1] = np.int16(below[j]) - np.int16(above[j])
        smooth[0], smooth[width + 1] = smooth[1], smooth[width]
        steep[0], steep[width + 1] = steep[1], steep[width]
        x, y, total = dx[i], dy[i], size[i + 1, 1:]
        for j in range(x.size):
            across = np.int16(smooth[j + 2] - smooth[j])
            down = np.int16(steep[j] + np.int16(2) * steep[j + 1] + steep[j + 2])
            x[j], y[j] = across, down
            total[j] = np.int16(max(across, np.int16(-across)) + max(down, np.int16(-down)))


@kernel
def _ridges(dx, dy, size, state, low, high):
    """Mark the pixels whose gradient is largest along its own direction, rounded to 45 degrees."""
    for i in range(dx.shape[0]):
        x, y, above, here, below = dx[i], dy[i], size[i], size[i + 1], size[i + 2]
        out = state[i + 1, 1:]
        for j in range(x.size):
            across = np.int32(max(x[j], np.int16(-x[j])))
            down = np.int32(max(y[j], np.int16(-y[j]))) << np.int32(15)
            tan_22 = across * np.int32(TAN_22)
            flat = down < tan_22
            steep = down > tan_22 + across * np.int32(TO_TAN_67)
            falling = (x[j] ^ y[j]) >= 0
            before = above[j] if falling else above[j + 2]
            after = below[j + 2] if falling else below[j]
            before = here[j] if flat else (above[j + 1] if steep else before)
            after = here[j + 2] if flat else (below[j + 1] if steep else after)
            # Along rows and columns, not along diagonals, the first of two equal neighbours wins.
            after -= np.int16(flat | steep)
            ridge = (here[j + 1] > low) & (here[j + 1] > before) & (here[j + 1] > after)
            out[j] = np.uint8(ridge) << np.uint8(here[j + 1] > high)


@kernel
def _link(state, eights, stack):
    """Mark as strong every weak pixel that is connected to a strong one by weak pixels."""
    flat, width = state.reshape(-1), state.shape[1]
    for eight in range(eights.size):
        if not eights[eight] & np.uint64(EIGHT_WEAK):
            continue
        for start in range(8 * eight, 8 * eight + 8):
            if flat[start] != WEAK:
                continue
            touches = False
            for row in range(start - width, start + width + 1, width):
                touches |= (flat[row - 1] == STRONG) | (flat[row] == STRONG) | (flat[row + 1] == STRONG)
            if not touches:
                continue
            flat[start] = STRONG
            stack[0] = start
            waiting = 1
            while waiting > 0:
                waiting -= 1
                corner = stack[waiting] - width - 1
                for row in range(corner, corner + 2 * width + 1, width):
                    for near in range(row, row + 3):
                        if flat[near] == WEAK:
                            flat[near] = STRONG
                            stack[waiting] = near
                            waiting += 1
