"""Affine map and bilinear sampling of elastic_transform; its smooth displacements are in cosines.py."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .types import Image
from .vectors import float32_to_64, float64_to_32, lanes, store

# The three channels of a pixel and one extra value, in float32 and in float64.
load, broadcast = lanes(16)
_, broadcast_float64 = lanes(32)

Field = NDArray[np.float64]


@kernel
def inverse_affine(height, width, offsets):
    """Return the inverse of the affine map that moves three points of the image by ``offsets``.

    Parameters
    ----------
    height, width : int
        Size of the image, in pixels.
    offsets : ndarray of float64, shape (3, 2)
        Displacement of each point, in pixels.

    Returns
    -------
    tuple of float
        (a, b, c, d, e, f): the pixel at (x, y) comes from (a x + b y + c, d x + e y + f).
    """
    s = min(height, width) // 3
    # The published centre is (height, width), used as (x, y).
    x, y = height // 2, width // 2
    moved = offsets.astype(np.float32)
    x0, y0 = np.float64(np.float32(x + s) + moved[0, 0]), np.float64(np.float32(y + s) + moved[0, 1])
    x1, y1 = np.float64(np.float32(x + s) + moved[1, 0]), np.float64(np.float32(y - s) + moved[1, 1])
    x2, y2 = np.float64(np.float32(x - s) + moved[2, 0]), np.float64(np.float32(y - s) + moved[2, 1])
    # the first two points differ in y only, the last two in x only
    a, b = (x1 - x2) / (2 * s), (x0 - x1) / (2 * s)
    d, e = (y1 - y2) / (2 * s), (y0 - y1) / (2 * s)
    c, f = x1 - a * (x + s) - b * (y - s), y1 - d * (x + s) - e * (y - s)
    scale = a * e - b * d
    scale = 1.0 / scale if scale != 0.0 else 0.0
    a, b, d, e = e * scale, -b * scale, -d * scale, a * scale
    return a, b, -a * c - b * f, d, e, -d * c - e * f


def warp(image: Image, inverse: tuple[float, float, float, float, float, float]) -> NDArray[np.float32]:
    """Apply an affine map as OpenCV 3.4's warpAffine does: linear, border reflect-101.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
    inverse : tuple of float
        As ``inverse_affine`` returns it.

    Returns
    -------
    ndarray of float32, shape (H * W * 3 + 1,)
        Values from 0 to 1, and one value of padding, so that four values can be loaded at a time.
    """
    return _warp(image, *inverse)


@kernel
def _reflect_101(i, n):
    i = abs(i)
    if i >= n:
        i %= 2 * n - 2
        if i >= n:
            i = 2 * n - 2 - i
    return i


@kernel
def _fixed(slope, start, length):
    """Return ``slope * i + start`` in units of 1/1024 pixel for i = 0..length - 1."""
    out = np.empty(length, np.int32)
    for i in range(length):
        # The limit is far outside any image: nearly collinear points have an inverse with arbitrarily large entries.
        out[i] = np.rint(min(max(1024.0 * (slope * i + start), -(2.0**29)), 2.0**29))
    return out


@kernel
def _put_corners(corners, j, left, right, up, down):
    """Write the offsets of the four pixels around position j, in rows that start at ``up`` and ``down``."""
    corners[0, j], corners[1, j] = 3 * (up + left), 3 * (up + right)
    corners[2, j], corners[3, j] = 3 * (down + left), 3 * (down + right)


@kernel
def _put_weights(weights, j, fx, fy, one):
    weights[0, j], weights[1, j] = (one - fy) * (one - fx), (one - fy) * fx
    weights[2, j], weights[3, j] = fy * (one - fx), fy * fx


@kernel
def _warp(image, a, b, c, d, e, f):
    height, width = image.shape[:2]
    rows, columns = np.int32(height), np.int32(width)
    # Coordinates are rounded to 1/1024 (the terms of row and column separately), then to 1/32.
    row_x, row_y = _fixed(b, c, height) + np.int32(16), _fixed(e, f, height) + np.int32(16)
    column_x, column_y = _fixed(a, 0.0, width), _fixed(d, 0.0, width)
    values = image.reshape(-1)
    source = np.empty(values.size + 1, np.float32)
    for i in range(values.size):
        source[i] = np.float32(values[i]) / np.float32(255.0)
    out = np.empty(source.size, np.float32)
    corners, weights = np.empty((4, width), np.int32), np.empty((4, width), np.float32)
    outside, beyond = np.empty(width, np.uint8), np.empty(width, np.int64)
    for i in range(height):
        for j in range(width):
            x, y = (row_x[i] + column_x[j]) >> 5, (row_y[i] + column_y[j]) >> 5
            fx, fy = np.float32(x & 31) / np.float32(32), np.float32(y & 31) / np.float32(32)
            x, y = x >> 5, y >> 5
            outside[j] = (x < 0) | (x >= columns - 1) | (y < 0) | (y >= rows - 1)
            _put_corners(corners, j, x, x + 1, y * columns, y * columns + columns)
            _put_weights(weights, j, fx, fy, np.float32(1))
        for k in range(_positions(outside, beyond)):
            j = beyond[k]
            x, y = (row_x[i] + column_x[j]) >> 10, (row_y[i] + column_y[j]) >> 10
            left, right = _reflect_101(x, width), _reflect_101(x + 1, width)
            up, down = _reflect_101(y, height) * width, _reflect_101(y + 1, height) * width
            _put_corners(corners, j, left, right, up, down)
        for j in range(width):
            total = load(source, corners[0, j]) * broadcast(weights[0, j])
            for k in range(1, 4):
                total = total + load(source, corners[k, j]) * broadcast(weights[k, j])
            store(out, 3 * (i * width + j), total)
    return out


@kernel
def _positions(outside, beyond):
    # without a branch, which would lead LLVM to compute the border pixels everywhere
    n = 0
    for j in range(outside.size):
        beyond[n] = j
        n += outside[j]
    return n


@kernel
def _reflect(x, n):
    """Mirror a coordinate into -0.5..n-0.5, or slightly below, as SciPy does for mode reflect."""
    if x < 0.0:
        if x < -2.0 * n:
            x += 2 * n * np.int64(-x / (2 * n))
        return x + 2 * n if x < -n else (1e-15 if x > -1e-15 else -x) - 1.0
    if x > n - 1.0:
        x -= 2 * n * np.int64(x / (2 * n))
        if x >= n:
            return 2 * n - x - 1.0
    return x


@kernel
def sample(image, dx, dy, alpha):
    """Interpolate the image linearly at (row + alpha dy, column + alpha dx).

    Equal to SciPy's map_coordinates of order 1 and mode reflect.

    Parameters
    ----------
    image : ndarray of float32, shape (H * W * 3 + 1,)
        As ``warp`` returns it.
    dx, dy : ndarray of float64, shape (H, W)
    alpha : float

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        Clipped and truncated.
    """
    height, width = dx.shape
    rows, columns = np.int32(height), np.int32(width)
    out = np.empty((height, 3 * width), np.uint8)
    corners, weights = np.empty((4, width), np.int32), np.empty((4, width))
    outside, beyond = np.empty(width, np.uint8), np.empty(width, np.int64)
    values = np.empty(3 * width + 1, np.float32)
    for i in range(height):
        to_right, to_below = dx[i], dy[i]
        for j in range(width):
            x = j + np.float64(np.float32(to_right[j] * alpha))
            y = i + np.float64(np.float32(to_below[j] * alpha))
            outside[j] = (x < 0.0) | (x >= columns - 1) | (y < 0.0) | (y >= rows - 1)
            left, up = np.int32(x), np.int32(y)
            _put_corners(corners, j, left, left + 1, up * columns, up * columns + columns)
            _put_weights(weights, j, x - left, y - up, 1.0)
        for k in range(_positions(outside, beyond)):
            j = beyond[k]
            x = _reflect(j + np.float64(np.float32(dx[i, j] * alpha)), width)
            y = _reflect(i + np.float64(np.float32(dy[i, j] * alpha)), height)
            column, line = math.floor(x), math.floor(y)
            above, below = max(line, 0) * width, min(line + 1, height - 1) * width
            _put_corners(corners, j, max(column, 0), min(column + 1, width - 1), above, below)
            _put_weights(weights, j, x - column, y - line, 1.0)
        for j in range(width):
            total = float32_to_64(load(image, corners[0, j])) * broadcast_float64(weights[0, j])
            for k in range(1, 4):
                total = total + float32_to_64(load(image, corners[k, j])) * broadcast_float64(weights[k, j])
            store(values, 3 * j, float64_to_32(total))
        row = out[i]
        for j in range(row.size):
            row[j] = np.int32(min(max(values[j], np.float32(0.0)), np.float32(1.0)) * np.float32(255.0))
    return out.reshape(height, width, 3)
