"""Light that gathers on the ground of a pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import sincos
from .vectors import aligned, lanes, store, wide

Field = NDArray[np.float64]
LANES = 32  # pixels computed at a time; eight fill a register, and more hide the time that a sum takes
load, broadcast = lanes(8 * LANES)
WAVES = 5
# Chebyshev approximations of sin(x) / x and cos(x) in x ** 2, for x from -2 to 2.
S = (
    0.9999999999999947,
    -0.16666666666649496,
    0.008333333332431386,
    -0.00019841269660715688,
    2.7557301463873507e-06,
    -2.5051158783447062e-08,
    1.6030862298566002e-10,
    -7.209609434070045e-13,
)
C = (
    0.9999999999999997,
    -0.49999999999998795,
    0.041666666666586194,
    -0.0013888888886822179,
    2.4801587035593582e-05,
    -2.75572999823683e-07,
    2.0875938567378007e-09,
    -1.1450419147263975e-11,
    4.5059667065657274e-14,
)
# The same of x ** -0.2 in x, for x from 0.2 to 0.8, as a first approximation.
ROOT = (1.76992601, -2.79227288, 5.08885777, -4.92229055, 1.88769061)


@kernel
def fill(time, size, out):
    """Compute the pattern of light, from 0 to 1.

    Parameters
    ----------
    time : float
        Phase of the waves.
    size : float
        Period of the pattern, in pixels.
    out : ndarray of float64, shape (H, W)

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

    The difference of i and p is from -2 to 2. Its sines and cosines are the only ones that are computed for a pixel.
    Those of sums follow from them and from those of t - p and t + p, which are computed for each row and each column.
    In the first wave the difference is itself a sum of one term for the row and one for the column.
    """
    wide()
    height, width = out.shape[0], -(-out.shape[1] // LANES) * LANES
    columns, column_waves = aligned(width), aligned(WAVES * 4 * width).reshape(WAVES, 4 * width)
    rows, row_waves = aligned(height), aligned(WAVES * 4 * height).reshape(WAVES, 4, height)
    first, moved = aligned(4 * width).reshape(4, width), aligned(4 * width).reshape(4, width)
    total = aligned(width)
    for j in range(width):
        columns[j] = _radians(j, size)
    for i in range(height):
        rows[i] = _radians(i, size)
    for n in range(WAVES):
        _waves(_time(time, n), columns, column_waves[n])
        _waves(_time(time, n), rows, row_waves[n].reshape(-1))
    for j in range(width):
        first[0, j], first[1, j] = sincos(column_waves[0, 2 * width + j])
        first[2, j], first[3, j] = sincos(column_waves[0, j])
    for i in range(height):
        total[:] = 1.0
        for n in range(WAVES):
            row = row_waves[n, :, i]
            if n == 0:
                _start(row, first, moved)
            else:
                _move(row, column_waves[n], moved.reshape(-1))
            _add_light(rows[i], row, columns, column_waves[n], moved, total)
        _pattern(total, out[i])


@kernel
def _radians(pixel, size):
    return pixel / size % 1.0 * 6.28318530718 - 250.0


@kernel
def _time(time, wave):
    return time * (1.0 - 3.5 / (wave + 1))


@kernel
def _waves(time, places, out):
    """Compute sine and cosine of the time minus each place, and of the time plus each place: n of each."""
    n = places.size
    for j in range(n):
        out[j], out[n + j] = sincos(time - places[j])
        out[2 * n + j], out[3 * n + j] = sincos(time + places[j])


@kernel
def _start(row, columns, moved):
    """Compute sine and cosine of i - p of the first wave, for a row and each column of it.

    Parameters
    ----------
    row : ndarray of float64, shape (4,)
        `_waves` of the row.
    columns : ndarray of float64, shape (4, W)
        Sine and cosine of the columns' terms of i - p of the row, and of the column.
    moved : ndarray of float64, shape (4, W)
        Set to sine and cosine of i - p of the row, and of the column.
    """
    wide()
    for k in range(0, 4, 2):
        s, c = sincos(row[k + 1])
        sines, cosines, out_s, out_c = columns[k], columns[k + 1], moved[k], moved[k + 1]
        for j in range(sines.size):
            out_s[j], out_c[j] = s * cosines[j] + c * sines[j], c * cosines[j] - s * sines[j]


@kernel
def _move(row, waves, moved):
    """Replace sine and cosine of i - p by those of the new i; `_waves` of the row and of all columns are given."""
    n = moved.size // 4
    less_s, less_c = broadcast(row[0]), broadcast(row[1])
    more_s, more_c = broadcast(row[2]), broadcast(row[3])
    for j in range(0, n, LANES):
        a, b, c, d = load(moved, j), load(moved, n + j), load(moved, 2 * n + j), load(moved, 3 * n + j)
        first = (less_c * b + less_s * a) + (load(waves, 2 * n + j) * d + load(waves, 3 * n + j) * c)
        second = (load(waves, j) * d - load(waves, n + j) * c) + (more_c * b - more_s * a)
        _store_sincos(first, moved, j, n + j)
        _store_sincos(second, moved, 2 * n + j, 3 * n + j)


@kernel
def _add_light(place, row, columns, waves, moved, total):
    """Add the light of one wave to a row.

    Parameters
    ----------
    place, row, columns, waves
        p and `_waves` of the row, p and `_waves` of all columns.
    moved : ndarray of float64, shape (4, W)
        Sine and cosine of i - p of the row, and of the column.
    total : ndarray of float64, shape (W,)
    """
    wide()
    n = total.size
    s, c, sines, cosines = row[2], row[3], waves[2 * n : 3 * n], waves[3 * n :]
    s0, c0, s1, c1 = moved[0], moved[1], moved[2], moved[3]
    for j in range(n):
        a, b = s * c0[j] + c * s0[j], cosines[j] * c1[j] - sines[j] * s1[j]
        x, y = 0.005 * place * b, 0.005 * columns[j] * a
        square = x * x + y * y
        # A step of Newton's method makes a double of the float32 root.
        root = np.float64(np.float32(1) / np.sqrt(np.float32(square)))
        total[j] += abs(a * b) * (root * (1.5 - 0.5 * square * (root * root)))


@kernel
def _pattern(total, out):
    """Compute the pattern of a row from the sum of its light."""
    wide()
    for j in range(out.size):
        depth = abs(1.17 - _power(total[j] / 5.0))
        depth = depth * depth * depth * depth
        out[j] = min(depth * depth, 1.0)


@kernel
def _store_sincos(x, out, sine, cosine):
    z = x * x
    s = broadcast(S[4]) + z * (broadcast(S[5]) + z * (broadcast(S[6]) + z * broadcast(S[7])))
    s = broadcast(S[0]) + z * (broadcast(S[1]) + z * (broadcast(S[2]) + z * (broadcast(S[3]) + z * s)))
    c = broadcast(C[5]) + z * (broadcast(C[6]) + z * (broadcast(C[7]) + z * broadcast(C[8])))
    c = broadcast(C[1]) + z * (broadcast(C[2]) + z * (broadcast(C[3]) + z * (broadcast(C[4]) + z * c)))
    store(out, sine, x * s)
    store(out, cosine, broadcast(C[0]) + z * c)


@kernel
def _power(x):
    """Return ``x ** 1.4`` for x from 0.2 to 0.8: the square of x by the cube of its fifth root."""
    root = ROOT[0] + x * (ROOT[1] + x * (ROOT[2] + x * (ROOT[3] + x * ROOT[4])))  # of 1 / x
    for _ in range(3):
        square = root * root
        root *= 1.2 - 0.2 * x * (square * square * root)
    return x * x * (root * root * root)
