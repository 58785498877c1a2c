"""Bilinear sampling of a picture: affine maps as Pillow does it, perspective ones as OpenCV 3.4 does it.

Both work a row at a time: find the places, fetch the four neighbours of each, weigh them. A pixel is one word
of 32 bits until it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numba import njit

from .registry import Frames
from .views import View


def affine(view: View, maps: Iterable[Sequence[float]]) -> Frames:
    """Sample the picture as Pillow's bilinear ``Image.transform`` with ``AFFINE`` does; outside it all is black.

    Parameters
    ----------
    view : View
        The picture and the window of each frame that is made.
    maps : iterable of six floats each
        From the frame to the picture, in pixels.

    Returns
    -------
    ndarray of uint8, shape (number of maps, height, width, 3)
        Interpolated in double precision and truncated.
    """
    packed = _pack(np.pad(view.picture, ((1, 1), (1, 1), (0, 0)), "edge"))
    table = np.array(list(maps), dtype=np.float64)
    return _affine(packed, table, view.top, view.left, view.height, view.width)  # type: ignore[no-any-return]


def perspective(view: View, maps: Iterable[Sequence[Sequence[float]]]) -> Frames:
    """Sample the picture as OpenCV 3.4's ``warpPerspective`` does; outside it all is black.

    Parameters
    ----------
    view : View
        The picture and the window of each frame that is made.
    maps : iterable of 3 x 3 floats each
        From the frame to the picture, in pixels.

    Returns
    -------
    ndarray of uint8, shape (number of maps, height, width, 3)
        Interpolated between places known to 1/32 of a pixel, and rounded.
    """
    packed = _pack(np.pad(view.picture, ((2, 2), (2, 2), (0, 0))))
    table = np.array(list(maps), dtype=np.float64)
    return _perspective(packed, table, view.top, view.left, view.height, view.width)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _pack(picture):  # type: ignore[no-untyped-def]
    height, width, _ = picture.shape
    out = np.empty((height, width), np.uint32)
    for i in range(height):
        for j in range(width):
            green, blue = np.uint32(picture[i, j, 1]), np.uint32(picture[i, j, 2])
            out[i, j] = np.uint32(picture[i, j, 0]) | green << np.uint32(8) | blue << np.uint32(16)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _unpack(made, out):  # type: ignore[no-untyped-def]
    for j in range(made.size):
        word = made[j]
        out[3 * j] = np.uint8(word)
        out[3 * j + 1] = np.uint8(word >> np.uint32(8))
        out[3 * j + 2] = np.uint8(word >> np.uint32(16))


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(flat, stride, at, nw, ne, sw, se):  # type: ignore[no-untyped-def]
    right, below = np.uint64(1), np.uint64(stride)
    for j in range(at.size):
        k = np.uint64(np.uint32(at[j]))
        nw[j] = flat[k]
        ne[j] = flat[k + right]
        sw[j] = flat[k + below]
        se[j] = flat[k + below + right]


@njit(cache=True, nogil=True, error_model="numpy")
def _affine(packed, maps, top, left, height, width):  # type: ignore[no-untyped-def]
    out = np.empty((maps.shape[0], height, 3 * width), np.uint8)
    flat = packed.ravel()
    stride = packed.shape[1]
    at = np.empty(width, np.int32)
    fractions = np.empty((2, width))
    corners = np.empty((4, width), np.uint32)
    made = np.empty(width, np.uint32)
    for n in range(maps.shape[0]):
        m = maps[n]
        for i in range(height):
            # Along a row both coordinates are monotone, so what lies inside the picture is one run.
            first, last = 0, width
            while first < last and not _inside(m, left + first, top + i, packed.shape):
                first += 1
            while first < last and not _inside(m, left + last - 1, top + i, packed.shape):
                last -= 1
            run = at[first:last]
            dx, dy = fractions[0, first:last], fractions[1, first:last]
            nw, ne = corners[0, first:last], corners[1, first:last]
            sw, se = corners[2, first:last], corners[3, first:last]
            _locate(m, left + first, top + i, stride, run, dx, dy)
            _gather(flat, stride, run, nw, ne, sw, se)
            made[:first] = 0
            _interpolate(nw, ne, sw, se, dx, dy, made[first:last])
            made[last:] = 0
            _unpack(made, out[n, i])
    return out.reshape(-1, height, width, 3)


@njit(cache=True, nogil=True, error_model="numpy")
def _inside(m, x, y, padded):  # type: ignore[no-untyped-def]
    x_centre, y_centre = x + 0.5, y + 0.5
    u = m[0] * x_centre + m[1] * y_centre + m[2]
    v = m[3] * x_centre + m[4] * y_centre + m[5]
    return u >= 0.0 and u < padded[1] - 2 and v >= 0.0 and v < padded[0] - 2


@njit(cache=True, nogil=True, error_model="numpy")
def _locate(m, x, y, stride, at, dx, dy):  # type: ignore[no-untyped-def]
    """Find for each pixel of a run its upper left neighbour, and how far right of and below that it lies."""
    a, b, c, d, e, f = m[0], m[1], m[2], m[3], m[4], m[5]
    y_centre = y + 0.5
    for j in range(at.size):
        x_centre = np.float64(np.int32(x + j)) + 0.5
        u = a * x_centre + b * y_centre + c - 0.5
        v = d * x_centre + e * y_centre + f - 0.5
        column, row = np.floor(u), np.floor(v)
        dx[j] = u - column
        dy[j] = v - row
        at[j] = (np.int32(row) + np.int32(1)) * np.int32(stride) + np.int32(column) + np.int32(1)


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(nw, ne, sw, se, dx, dy, made):  # type: ignore[no-untyped-def]
    byte = np.uint32(255)
    for j in range(made.size):
        word = np.uint32(0)
        for channel in range(3):
            shift = np.uint32(8 * channel)
            start = np.float64(np.int32((nw[j] >> shift) & byte))
            end = np.float64(np.int32((ne[j] >> shift) & byte))
            upper = start + (end - start) * dx[j]
            start = np.float64(np.int32((sw[j] >> shift) & byte))
            end = np.float64(np.int32((se[j] >> shift) & byte))
            lower = start + (end - start) * dx[j]
            word |= np.uint32(np.int32(upper + (lower - upper) * dy[j])) << shift
        made[j] = word


@njit(cache=True, nogil=True, error_model="numpy")
def _perspective(packed, maps, top, left, height, width):  # type: ignore[no-untyped-def]
    out = np.empty((maps.shape[0], height, 3 * width), np.uint8)
    flat = packed.ravel()
    stride = packed.shape[1]
    at = np.empty(width, np.int32)
    parts = np.empty((2, width), np.uint32)
    corners = np.empty((4, width), np.uint32)
    made = np.empty(width, np.uint32)
    for n in range(maps.shape[0]):
        for i in range(height):
            _project(maps[n], left, top + i, packed.shape, at, parts[0], parts[1])
            _gather(flat, stride, at, corners[0], corners[1], corners[2], corners[3])
            _weigh(corners[0], corners[1], corners[2], corners[3], parts[0], parts[1], made)
            _unpack(made, out[n, i])
    return out.reshape(-1, height, width, 3)


@njit(cache=True, nogil=True, error_model="numpy")
def _project(m, x, y, padded, at, right, down):  # type: ignore[no-untyped-def]
    """Find each pixel's upper left neighbour, and how many 32nds right of and below that it lies."""
    a, b, c = m[0, 0], m[0, 1], m[0, 2]
    d, e, f = m[1, 0], m[1, 1], m[1, 2]
    g, h, k = m[2, 0], m[2, 1], m[2, 2]
    # What lies far outside is taken from the border of two pixels, which is as black.
    least, most_u, most_v = -64.0, 32.0 * (padded[1] - 4), 32.0 * (padded[0] - 4)
    v_pixel = np.float64(y)
    for j in range(at.size):
        u_pixel = np.float64(np.int32(x + j))
        depth = g * u_pixel + h * v_pixel + k
        s = 32.0 / depth if depth != 0.0 else 0.0
        u = np.rint((a * u_pixel + b * v_pixel + c) * s)
        v = np.rint((d * u_pixel + e * v_pixel + f) * s)
        u = u if u > least else least
        v = v if v > least else least
        column = np.int32(u if u < most_u else most_u)
        row = np.int32(v if v < most_v else most_v)
        upper = (row >> np.int32(5)) + np.int32(2)
        at[j] = upper * np.int32(padded[1]) + (column >> np.int32(5)) + np.int32(2)
        right[j] = np.uint32(column & np.int32(31))
        down[j] = np.uint32(row & np.int32(31))


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(nw, ne, sw, se, right, down, made):  # type: ignore[no-untyped-def]
    """Weigh the four neighbours; where they fit, red and blue go together in the two halves of a word."""
    halves, low, byte = np.uint32(0x00FF00FF), np.uint32(0xFFFF), np.uint32(0xFF)
    whole, half = np.uint32(32), np.uint32(512)
    eight, ten, sixteen = np.uint32(8), np.uint32(10), np.uint32(16)
    for j in range(made.size):
        r, d = right[j], down[j]
        left, up = whole - r, whole - d
        upper = (nw[j] & halves) * left + (ne[j] & halves) * r
        lower = (sw[j] & halves) * left + (se[j] & halves) * r
        red = ((upper & low) * up + (lower & low) * d + half) >> ten
        blue = ((upper >> sixteen) * up + (lower >> sixteen) * d + half) >> ten
        upper = ((nw[j] >> eight) & byte) * left + ((ne[j] >> eight) & byte) * r
        lower = ((sw[j] >> eight) & byte) * left + ((se[j] >> eight) & byte) * r
        green = (upper * up + lower * d + half) >> ten
        made[j] = red | green << eight | blue << sixteen
