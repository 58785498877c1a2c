"""The parts of elastic_transform: a random affine map, smooth random displacements, bilinear sampling."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ..arithmetic import cos, sin
from . import gaussian
from .registry import Image

Field = NDArray[np.float64]
F = np.float32
N = np.int32

#: exp(-t**2 / 2) = sum of AMPLITUDES * cos(FREQUENCIES * t), within 1e-10 for abs(t) <= 3.06.
FREQUENCIES = (0.3939593534, 1.1882995775, 2.0032187403, 2.8578756328, 3.785312705, 4.8675292475)
AMPLITUDES = (0.582502680424, 0.315863460079, 0.089145363459, 0.011874745343, 0.000606736861, 7.013759e-06)
TERMS = len(FREQUENCIES)
WIDE = 8.0  # from this sigma on the cosines need fewer operations than the taps
LANES = 32  # columns filtered at a time; they stay in the nearest cache
INPUT = 2 * TERMS * LANES  # after the sums at i, and those at i - 1, of each cosine
RESULT = INPUT + 4 * LANES
STATE = RESULT + 2 * LANES


def inverse_affine(
    height: int, width: int, offsets: Field
) -> tuple[float, float, float, float, float, float]:
    """Return the inverse of the affine map that moves three points of the image by ``offsets``.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    offsets : ndarray of float64, shape (3, 2)
        How far each point moves, in pixels.

    Returns
    -------
    tuple of float
        (a, b, c, d, e, f): the pixel at (x, y) comes from (a x + b y + c, d x + e y + f).
    """
    s = min(height, width) // 3
    # The published centre is (height, width), used as (x, y).
    x, y = height // 2, width // 2
    points = np.array([[x + s, y + s], [x + s, y - s], [x - s, y - s]], np.float32)
    (x0, y0), (x1, y1), (x2, y2) = (points + offsets.astype(np.float32)).tolist()
    # the first two points differ in y alone, the last two in x alone
    a, b = (x1 - x2) / (2 * s), (x0 - x1) / (2 * s)
    d, e = (y1 - y2) / (2 * s), (y0 - y1) / (2 * s)
    c, f = x1 - a * (x + s) - b * (y - s), y1 - d * (x + s) - e * (y - s)
    scale = a * e - b * d
    scale = 1.0 / scale if scale else 0.0
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
        The values from 0 to 1, and one more that means nothing: room for ``_blend``.
    """
    a, b, c, d, e, f = inverse
    x, y = np.arange(image.shape[1]), np.arange(image.shape[0])
    # Coordinates are rounded to 1/1024 (the row's part and the column's apart), then to 1/32.
    rows = _fixed(b * y + c) + np.int32(16), _fixed(e * y + f) + np.int32(16)
    return _warp(image, *rows, _fixed(a * x), _fixed(d * x))  # type: ignore[no-any-return]


def _fixed(x: Any) -> NDArray[np.int32]:
    # The limit is far outside any image: points nearly in line have an inverse that goes anywhere.
    return np.rint(np.clip(1024.0 * x, -(2.0**29), 2.0**29)).astype(np.int32)  # type: ignore[no-any-return]


def _four_lanes(context, source, corners, weights, j, out, at):  # type: ignore[no-untyped-def]
    """Put the sum of four pixels of ``source``, weighted, at ``out[at]``.

    ``corners`` and ``weights`` are of shape (4, n) and taken at [:, j]; the sum is of the weights' type. Three
    channels and the value after them are computed as four lanes; Numba does not let LLVM find this by itself.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arrays = [context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 1, 2, 4)]
        source_data, corners_data, weights_data, out_data = (array.data for array in arrays)
        lanes = ir.VectorType(ir.FloatType(), 4)
        wide = ir.VectorType(context.get_data_type(signature.args[2].dtype), 4)
        row = builder.extract_value(arrays[1].shape, 1)
        place, total = arguments[3], None
        for _ in range(4):
            start = builder.load(builder.gep(corners_data, [place]))
            pixel = builder.bitcast(builder.gep(source_data, [start]), lanes.as_pointer())
            pixel = builder.load(pixel, align=4)
            if wide != lanes:
                pixel = builder.fpext(pixel, wide)
            weight = builder.load(builder.gep(weights_data, [place]))
            weight = builder.insert_element(ir.Constant(wide, ir.Undefined), weight, ir.IntType(32)(0))
            weight = builder.shuffle_vector(weight, weight, ir.VectorType(ir.IntType(32), 4)([0] * 4))
            product = builder.fmul(pixel, weight)
            total = product if total is None else builder.fadd(total, product)
            place = builder.add(place, row)
        if wide != lanes:
            total = builder.fptrunc(total, lanes)
        target = builder.bitcast(builder.gep(out_data, [arguments[5]]), lanes.as_pointer())
        builder.store(total, target, align=4)
        return context.get_dummy_value()

    return types.void(source, corners, weights, j, out, at), generate


_blend: Any = intrinsic(_four_lanes)


@njit(cache=True, nogil=True, error_model="numpy")
def _reflect_101(i, n):  # type: ignore[no-untyped-def]
    i = abs(i)
    if i >= n:
        i %= 2 * n - 2
        if i >= n:
            i = 2 * n - 2 - i
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def _warp(image, row_x, row_y, column_x, column_y):  # type: ignore[no-untyped-def]
    height, width = image.shape[:2]
    values = image.reshape(-1)
    source = np.empty(values.size + 1, np.float32)
    for i in range(values.size):
        source[i] = F(values[i]) / F(255.0)
    out = np.empty(source.size, np.float32)
    corners, weights = np.empty((4, width), np.int32), np.empty((4, width), np.float32)
    outside, beyond = np.empty(width, np.uint8), np.empty(width, np.int64)
    for i in range(height):
        n = _affine_row(
            row_x[i], row_y[i], column_x, column_y, N(height), N(width), corners, weights, outside, beyond
        )
        for j in beyond[:n]:
            x, y = (row_x[i] + column_x[j]) >> 10, (row_y[i] + column_y[j]) >> 10
            left, right = _reflect_101(x, width), _reflect_101(x + 1, width)
            up, down = _reflect_101(y, height) * width, _reflect_101(y + 1, height) * width
            corners[0, j], corners[1, j] = 3 * (up + left), 3 * (up + right)
            corners[2, j], corners[3, j] = 3 * (down + left), 3 * (down + right)
        for j in range(width):
            _blend(source, corners, weights, j, out, 3 * (i * width + j))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _positions(outside, beyond):  # type: ignore[no-untyped-def]
    # without a branch, which would tempt LLVM to compute the border's pixels everywhere
    n = 0
    for j in range(outside.size):
        beyond[n] = j
        n += outside[j]
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _affine_row(row_x, row_y, column_x, column_y, height, width, corners, weights, outside, beyond):  # type: ignore[no-untyped-def]
    """Fill in the pixels around each place and their weights; list and count those beyond the border."""
    for j in range(column_x.size):
        x, y = (row_x + column_x[j]) >> N(5), (row_y + column_y[j]) >> N(5)
        fx, fy = F(x & N(31)) / F(32.0), F(y & N(31)) / F(32.0)
        x, y = x >> N(5), y >> N(5)
        outside[j] = (x < 0) | (x >= width - 1) | (y < 0) | (y >= height - 1)
        first = N(3) * (y * width + x)
        corners[0, j], corners[1, j] = first, first + N(3)
        corners[2, j], corners[3, j] = first + N(3) * width, first + N(3) * width + N(3)
        weights[0, j], weights[1, j] = (F(1) - fy) * (F(1) - fx), (F(1) - fy) * fx
        weights[2, j], weights[3, j] = fy * (F(1) - fx), fy * fx
    return _positions(outside, beyond)


def smooth(field: Field, sigma: float) -> Field:
    """Filter with a Gaussian of mode reflect, cut off at three sigma.

    A narrow one is summed as SciPy does. A wide one would take as many taps as the image has rows: instead it
    is taken as a sum of six cosines, each of which slides along the image by a recurrence, at a cost that does
    not depend on sigma. Cosines and Gaussian differ by less than 1e-10 of its height.

    Parameters
    ----------
    field : ndarray of float64, shape (H, W)
        It may be overwritten.
    sigma : float
        In pixels.

    Returns
    -------
    ndarray of float64, shape (H, W)
    """
    if sigma < WIDE:
        return gaussian.blur(field, sigma, 3.0, "reflect")
    height, width = field.shape
    between = np.empty((width, height))
    _slide(field, *_cosines(sigma, height), between)
    _slide(between, *_cosines(sigma, width), field)
    return field


@lru_cache(64)
def _cosines(sigma: float, length: int) -> tuple[Field, Field, NDArray[np.int64], int]:
    """Return the factors of each recurrence, the weights of its first sum, the mirrored line and the radius."""
    radius = int(3.0 * sigma + 0.5)
    tap = np.arange(-radius - 1, length + radius + 1) % (2 * length)
    line = np.minimum(tap, 2 * length - 1 - tap)
    recurrence = np.empty((TERMS, 3))
    first = np.zeros((length + -length % 4, TERMS))
    for k in range(TERMS):
        wave = AMPLITUDES[k] * _wave(FREQUENCIES[k] / sigma, radius + 1)
        recurrence[k] = 2.0 * cos(FREQUENCIES[k] / sigma), wave[radius], wave[radius + 1]
        both = np.concatenate([wave[radius:0:-1], wave[: radius + 1]])
        first[:length, k] = np.bincount(line[1 : both.size + 1], both, length)
    total = math.fsum(first.reshape(-1).tolist())
    recurrence[:, 1:] /= total
    return recurrence.reshape(-1), first / total, line, radius


def _wave(angle: float, last: int) -> Field:
    """Return cos(angle * t) for t = 0..last, by the sum of angles."""
    real, imaginary = np.ones(1), np.zeros(1)
    while real.size <= last:
        c, s = cos(angle * real.size), sin(angle * real.size)
        real, imaginary = (
            np.concatenate([real, real * c - imaginary * s]),
            np.concatenate([imaginary, imaginary * c + real * s]),
        )
    return real[: last + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _slide(x, steps, first, line, radius, out):  # type: ignore[no-untyped-def]
    """Filter the first axis of ``x`` into the second one of ``out``.

    The sum y[i] of x[i + t] * cos(w t) over t = -r..r follows from its two forerunners:
    y[i+1] + y[i-1] = 2 cos(w) y[i] + cos(w r) (x[i+r+1] + x[i-r-1]) - cos(w (r+1)) (x[i+r] + x[i-r]),
    and y[-1] = y[0], because the line is mirrored.
    """
    length, width = x.shape
    block, result = np.zeros((length + 3, LANES)), np.empty((length + 2, LANES))
    state = np.empty(STATE)
    for left in range(0, width, LANES):
        lanes = min(LANES, width - left)
        for i in range(length):
            row = x[i, left : left + lanes]
            for j in range(lanes):
                block[i, j] = row[j]
        _start(state, first, block)
        for j in range(LANES):
            result[0, j] = state[RESULT + j]
        for i in range(0, length - 1, 2):
            back, a, b = line[i], line[i + 1], line[i + 2]
            c, d, ahead = line[i + 2 * radius + 1], line[i + 2 * radius + 2], line[i + 2 * radius + 3]
            for j in range(LANES):
                state[INPUT + j] = block[d, j] + block[back, j]
                state[INPUT + LANES + j] = block[c, j] + block[a, j]
                state[INPUT + 2 * LANES + j] = block[ahead, j] + block[a, j]
                state[INPUT + 3 * LANES + j] = block[d, j] + block[b, j]
            _two_steps(state, steps)
            for j in range(LANES):
                result[i + 1, j] = state[RESULT + j]
                result[i + 2, j] = state[RESULT + LANES + j]
        for i in range(0, length - 3, 4):  # a lone value a cache line would be dear in large images
            for j in range(lanes):
                for k in range(4):
                    out[left + j, i + k] = result[i + k, j]
        for i in range(length - length % 4, length):
            for j in range(lanes):
                out[left + j, i] = result[i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _start(state, first, block):  # type: ignore[no-untyped-def]
    state[:] = 0.0
    for i in range(0, first.shape[0], 4):
        for j in range(LANES):
            for k in range(TERMS):
                state[k * LANES + j] += (first[i, k] * block[i, j] + first[i + 1, k] * block[i + 1, j]) + (
                    first[i + 2, k] * block[i + 2, j] + first[i + 3, k] * block[i + 3, j]
                )
    for j in range(LANES):
        for k in range(TERMS):
            state[(TERMS + k) * LANES + j] = state[k * LANES + j]
            state[RESULT + j] += state[k * LANES + j]


@njit(cache=True, nogil=True, error_model="numpy")
def _two_steps(state, steps):  # type: ignore[no-untyped-def]
    for j in range(LANES):
        in_0, gone_0 = state[INPUT + j], state[INPUT + LANES + j]
        in_1, gone_1 = state[INPUT + 2 * LANES + j], state[INPUT + 3 * LANES + j]
        total_0 = total_1 = 0.0
        for k in range(TERMS):
            now, before = state[k * LANES + j], state[(TERMS + k) * LANES + j]
            before = steps[3 * k] * now - before + (steps[3 * k + 1] * in_0 - steps[3 * k + 2] * gone_0)
            now = steps[3 * k] * before - now + (steps[3 * k + 1] * in_1 - steps[3 * k + 2] * gone_1)
            state[k * LANES + j], state[(TERMS + k) * LANES + j] = now, before
            total_0 += before
            total_1 += now
        state[RESULT + j], state[RESULT + LANES + j] = total_0, total_1


@njit(cache=True, nogil=True, error_model="numpy")
def _reflect(x, n):  # type: ignore[no-untyped-def]
    """Mirror a coordinate into -0.5..n-0.5, or a little below, as SciPy does for mode reflect."""
    if x < 0.0:
        if x < -2.0 * n:
            x += 2 * n * np.int64(-x / (2 * n))
        return x + 2 * n if x < -n else (1e-15 if x > -1e-15 else -x) - 1.0
    if x > n - 1.0:
        x -= 2 * n * np.int64(x / (2 * n))
        if x >= n:
            return 2 * n - x - 1.0
    return x


@njit(cache=True, nogil=True, error_model="numpy")
def sample(picture, dx, dy, alpha):  # type: ignore[no-untyped-def]
    """Return the picture, linear between its pixels, at (row + alpha dy, column + alpha dx).

    It equals SciPy's map_coordinates of order 1 and mode reflect.

    Parameters
    ----------
    picture : ndarray of float32, shape (H * W * 3 + 1,)
        As ``warp`` returns it.
    dx, dy : ndarray of float64, shape (H, W)
    alpha : float

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        Clipped and truncated.
    """
    height, width = dx.shape
    out = np.empty((height, width, 3), np.uint8)
    corners, weights = np.empty((4, width), np.int32), np.empty((4, width))
    outside, beyond = np.empty(width, np.uint8), np.empty(width, np.int64)
    values = np.empty(3 * width + 1, np.float32)
    for i in range(height):
        n = _displaced_row(dx[i], dy[i], alpha, i, N(height), N(width), corners, weights, outside, beyond)
        for j in beyond[:n]:
            x = _reflect(j + np.float64(F(dx[i, j] * alpha)), width)
            y = _reflect(i + np.float64(F(dy[i, j] * alpha)), height)
            left, up = math.floor(x), math.floor(y)
            fx, fy = x - left, y - up
            right, down = min(left + 1, width - 1), min(up + 1, height - 1) * width
            left, up = max(left, 0), max(up, 0) * width
            corners[0, j], corners[1, j] = 3 * (up + left), 3 * (up + right)
            corners[2, j], corners[3, j] = 3 * (down + left), 3 * (down + right)
            weights[0, j], weights[1, j] = (1.0 - fy) * (1.0 - fx), (1.0 - fy) * fx
            weights[2, j], weights[3, j] = fy * (1.0 - fx), fy * fx
        for j in range(width):
            _blend(picture, corners, weights, j, values, 3 * j)
        row = out[i].reshape(-1)
        for j in range(row.size):
            row[j] = np.int32(min(max(values[j], F(0.0)), F(1.0)) * F(255.0))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _displaced_row(dx, dy, alpha, i, height, width, corners, weights, outside, beyond):  # type: ignore[no-untyped-def]
    """Fill in the pixels around each place and their weights; list and count those beyond the border."""
    for j in range(dx.size):
        x, y = j + np.float64(F(dx[j] * alpha)), i + np.float64(F(dy[j] * alpha))
        outside[j] = (x < 0.0) | (x >= width - 1) | (y < 0.0) | (y >= height - 1)
        left, up = N(x), N(y)
        fx, fy = x - left, y - up
        first = N(3) * (up * width + left)
        corners[0, j], corners[1, j] = first, first + N(3)
        corners[2, j], corners[3, j] = first + N(3) * width, first + N(3) * width + N(3)
        weights[0, j], weights[1, j] = (1.0 - fy) * (1.0 - fx), (1.0 - fy) * fx
        weights[2, j], weights[3, j] = fy * (1.0 - fx), fy * fx
    return _positions(outside, beyond)
