"""Distance to the nearest edge, as computed by OpenCV's distanceTransform (L2, mask 5) for the released images.

For these OpenCV used IPP, which adds in float32: steps of 1, 1.4 and 2.1969, each sum rounded. Without IPP OpenCV adds
in fixed point, which differs in the last bits and then in whole levels of the image.

Each distance depends on that of its neighbour and on those of the two preceding rows. Eight rows are processed
together, each four pixels behind the preceding row, so that the pixels of the rows that a pixel depends on were
computed at least two steps earlier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .vectors import concat_shift, lanes, minimum, store, transposed

ROWS, BEHIND = 8, 4
MARGIN = ROWS * BEHIND  # steps from a position in one band of rows to the same column of the next band
EARLY = 9  # steps back to the oldest pixel that a pixel depends on
FAR = np.float32(1e9)
SIDE, DIAGONAL, KNIGHT = np.float32(1.0), np.float32(1.4), np.float32(2.1969)
load, broadcast = lanes(4 * ROWS)
# Lanes of the rows one or two above, starting with the last rows of the band above, and of the rows below.
above, two_above, below, two_below = (
    concat_shift(ROWS - 1),
    concat_shift(ROWS - 2),
    concat_shift(1),
    concat_shift(2),
)


def distance(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Compute the distance of each pixel to the nearest edge.

    Parameters
    ----------
    edges : ndarray of bool, shape (H, W)

    Returns
    -------
    ndarray of float32, shape (H, W)
        In pixels; a billion or more if there is no edge.

    Notes
    -----
    The plain definition (complete in tests/kernels/test_liquid.py as ``plain_distance``) visits the pixels in raster
    order, then in reverse order with ``sign = -1``::

        steps = [(0, -1, SIDE), (-1, 0, SIDE), (-1, -1, DIAGONAL), (-1, 1, DIAGONAL)]
        steps += [(-1, -2, KNIGHT), (-1, 2, KNIGHT), (-2, -1, KNIGHT), (-2, 1, KNIGHT)]
        for i, j in pixels:
            for down, right, weight in steps:
                d[i, j] = min(d[i, j], d[i + sign * down, j + sign * right] + np.float32(weight))
    """
    return _distance(edges)


@kernel
def _distance(edges):
    height, width = edges.shape
    steps = (width + MARGIN - BEHIND + 7) // 8 * 8
    bands, size = (height + ROWS - 1) // ROWS, (steps + 2 * MARGIN) * ROWS
    # All steps of each band, between margins; an empty band before the first and after the last. Positions outside
    # the image get distances too, without effect: a path inside the image is always shorter than one through them.
    field = np.full((bands + 2) * size, FAR)
    rows = np.full((ROWS, steps + MARGIN), FAR)
    for band in range(bands):
        for k in range(ROWS):
            row = rows[k, MARGIN : MARGIN + width]
            for j in range(row.size):
                row[j] = FAR
            if band * ROWS + k < height:
                edge = edges[band * ROWS + k]
                for j in range(row.size):
                    row[j] = np.float32(0) if edge[j] else FAR
        _slanted(rows, field[(band + 1) * size :], steps)
        _downwards(field[band * size :], size, steps)
    out = np.empty((height, width), np.float32)
    for band in range(bands - 1, -1, -1):
        _upwards(field[(band + 1) * size :], size, steps)
        _upright(field[(band + 1) * size :], rows, steps)
        for k in range(min(ROWS, height - band * ROWS)):
            row, target = rows[k, MARGIN : MARGIN + width], out[band * ROWS + k]
            for j in range(target.size):
                target[j] = row[j]
    return out


@kernel
def _slanted(rows, field, steps):
    """Write eight rows into a band: at each step one pixel of every row, four to the left in each successive row."""
    values, step = rows.reshape(-1), rows.shape[1] - BEHIND
    for t in range(MARGIN, MARGIN + steps, 8):
        _turn(values, t, step, field, ROWS * t, ROWS)


@kernel
def _upright(field, rows, steps):
    """Read eight rows from a band."""
    values, step = rows.reshape(-1), rows.shape[1] - BEHIND
    for t in range(MARGIN, MARGIN + steps, 8):
        _turn(field, ROWS * t, ROWS, values, t, step)


@kernel
def _turn(source, at, step, target, place, target_step):
    """Copy and transpose a block of 8x8 values; a step is the offset from one row to the next."""
    columns = transposed(
        load(source, at),
        load(source, at + step),
        load(source, at + 2 * step),
        load(source, at + 3 * step),
        load(source, at + 4 * step),
        load(source, at + 5 * step),
        load(source, at + 6 * step),
        load(source, at + 7 * step),
    )
    for column in columns:
        store(target, place, column)
        place += target_step


@kernel
def _downwards(field, size, steps):
    """Propagate distances from the left and from above to the second of the two bands at the start of ``field``."""
    far = broadcast(FAR)
    here = a1 = a2 = a3 = a4 = a5 = a6 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = b8 = b9 = far
    for place in range((MARGIN - EARLY) * ROWS, (MARGIN + steps) * ROWS, ROWS):
        best = _nearer(load(field, size + place), a2, a3, a4, a5, a6, b7, b9)
        here = minimum(best, here + broadcast(SIDE))
        store(field, size + place, here)
        near = load(field, place + MARGIN * ROWS)
        a1, a2, a3, a4, a5, a6 = above(near, here), a1, a2, a3, a4, a5
        b1, b2, b3, b4, b5, b6, b7, b8, b9 = two_above(near, here), b1, b2, b3, b4, b5, b6, b7, b8


@kernel
def _upwards(field, size, steps):
    """Propagate distances from the right and below to the first of the two bands at the start of ``field``."""
    far = broadcast(FAR)
    here = a1 = a2 = a3 = a4 = a5 = a6 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = b8 = b9 = far
    for place in range((MARGIN + steps + EARLY - 1) * ROWS, (MARGIN - 1) * ROWS, -ROWS):
        best = _nearer(load(field, place), a2, a3, a4, a5, a6, b7, b9)
        here = minimum(best, here + broadcast(SIDE))
        store(field, place, here)
        near = load(field, size + place - MARGIN * ROWS)
        a1, a2, a3, a4, a5, a6 = below(here, near), a1, a2, a3, a4, a5
        b1, b2, b3, b4, b5, b6, b7, b8, b9 = two_below(here, near), b1, b2, b3, b4, b5, b6, b7, b8


@kernel
def _nearer(best, a2, a3, a4, a5, a6, b7, b9):
    """Return the minimum over the rows one (``a``) and two (``b``) away; ``a4`` is that row four steps ago.

    As each row is four steps behind the next, ``a4`` is the pixel straight above.
    """
    best = minimum(best, minimum(minimum(a6, b7), b9) + broadcast(KNIGHT))
    best = minimum(best, minimum(minimum(a3, a5) + broadcast(DIAGONAL), a4 + broadcast(SIDE)))
    return minimum(best, a2 + broadcast(KNIGHT))
