"""Bilinear sampling of an image: affine maps as in Pillow, perspective maps as in OpenCV 3.4.

Both process a row at a time: compute the positions, fetch the four neighbours of each, and weight them. A pixel is one
word of 32 bits until it is written; the packed image holds each pixel together with its right neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import channels
from .compiled import kernel
from .types import Frames, Image, View

#: Adding and subtracting it rounds to an integer, halves to even.
ROUNDER = 1.5 * 2.0**52


def affine(view: View, maps: Iterable[Sequence[float]]) -> Frames:
    """Sample the image as Pillow's bilinear ``Image.transform`` with ``AFFINE`` does; pixels outside it are black.

    Parameters
    ----------
    view : View
        The image and the window of each frame.
    maps : iterable of six floats each
        From the frame to the image, in pixels.

    Returns
    -------
    ndarray of uint8, shape (number of maps, height, width, 3)
        Interpolated in double precision and truncated.
    """
    packed = pack(view.image, 1, "edge")
    table = np.array(list(maps), dtype=np.float64)
    return _affine(packed, table, view.top, view.left, view.height, view.width)


def perspective(view: View, maps: Iterable[Sequence[Sequence[float]]]) -> Frames:
    """Sample the image as OpenCV 3.4's ``warpPerspective`` does; pixels outside it are black.

    Parameters
    ----------
    view : View
        The image and the window of each frame.
    maps : iterable of 3 x 3 floats each
        From the frame to the image, in pixels.

    Returns
    -------
    ndarray of uint8, shape (number of maps, height, width, 3)
        Interpolated at positions rounded to 1/32 pixel, and rounded.
    """
    packed = pack(view.image, 2, "constant")
    table = np.array(list(maps), dtype=np.float64)
    return _perspective(packed, table, view.top, view.left, view.height, view.width)


def pack(image: Image, border: int, mode: Literal["edge", "constant"]) -> NDArray[np.uint64]:
    """Pack each pixel and its right neighbour into one word: red in the lowest byte, then green and blue.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Not changed.
    border : int
        Pixels of padding on each side.
    mode : str
        Content of the padding: ``"edge"`` for the outermost pixel, ``"constant"`` for black.

    Returns
    -------
    ndarray of uint64, shape (H + 2 border, W + 2 border)
        The pixel in the lower 32 bits, its neighbour in the upper ones.
    """
    return _pack(np.pad(image, ((border, border), (border, border), (0, 0)), mode))


@kernel
def _pack(image):
    height, width, _ = image.shape
    out = np.zeros((height, width), np.uint64)
    for i in range(height):
        line = out[i]
        channels.pack(image[i].reshape(-1), line)
        for j in range(width - 1):
            line[j] |= line[j + 1] << np.uint64(32)
    return out


@kernel
def _gather(flat, stride, at, upper, lower):
    for j in range(at.size):
        k = np.uint64(np.uint32(at[j]))
        upper[j] = flat[k]
        lower[j] = flat[k + np.uint64(stride)]


@kernel
def _affine(packed, maps, top, left, height, width):
    out = np.empty((maps.shape[0], height, 3 * width), np.uint8)
    flat = packed.ravel()
    stride = packed.shape[1]
    at = np.empty(width, np.int32)
    fractions = np.empty((2, width))
    pairs = np.empty((2, width), np.uint64)
    words = pairs.view(np.uint32)
    pixels = np.empty(width, np.uint32)
    for n in range(maps.shape[0]):
        m = maps[n]
        for i in range(height):
            # Along a row both coordinates are monotone, so the positions inside the image are one run.
            first, last = 0, width
            while first < last and not _inside(m, left + first, top + i, packed.shape):
                first += 1
            while first < last and not _inside(m, left + last - 1, top + i, packed.shape):
                last -= 1
            run = at[first:last]
            dx, dy = fractions[0, first:last], fractions[1, first:last]
            upper, lower = words[0, 2 * first : 2 * last], words[1, 2 * first : 2 * last]
            _locate(m, left + first, top + i, stride, run, dx, dy)
            _gather(flat, stride, run, pairs[0, first:last], pairs[1, first:last])
            pixels[:first] = 0
            _interpolate(upper, lower, dx, dy, pixels[first:last])
            pixels[last:] = 0
            channels.unpack(pixels, out[n, i])
    return out.reshape(-1, height, width, 3)


@kernel
def _inside(m, x, y, padded):
    x_centre, y_centre = x + 0.5, y + 0.5
    u = m[0] * x_centre + m[1] * y_centre + m[2]
    v = m[3] * x_centre + m[4] * y_centre + m[5]
    return u >= 0.0 and u < padded[1] - 2 and v >= 0.0 and v < padded[0] - 2


@kernel
def _locate(m, x, y, stride, at, dx, dy):
    """Find the upper left neighbour of each pixel of a run, and the offset of the pixel to the right and down."""
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


@kernel
def _interpolate(upper, lower, dx, dy, pixels):
    for j in range(pixels.size):
        word = np.uint32(0)
        for channel in range(3):
            shift = np.uint32(8 * channel)
            above = between(upper[2 * j] >> shift, upper[2 * j + 1] >> shift, dx[j])
            below = between(lower[2 * j] >> shift, lower[2 * j + 1] >> shift, dx[j])
            word |= np.uint32(np.int32(above + (below - above) * dy[j])) << shift
        pixels[j] = word


@kernel
def between(start, end, ratio):
    """Interpolate between the lowest bytes of two words."""
    first = np.float64(np.int32(start & np.uint32(255)))
    last = np.float64(np.int32(end & np.uint32(255)))
    return first + (last - first) * ratio


@kernel
def _perspective(packed, maps, top, left, height, width):
    out = np.empty((maps.shape[0], height, 3 * width), np.uint8)
    flat = packed.ravel()
    stride = packed.shape[1]
    at = np.empty(width, np.int32)
    parts = np.empty((2, width), np.uint32)
    pairs = np.empty((2, width), np.uint64)
    words = pairs.view(np.uint32)
    pixels = np.empty(width, np.uint32)
    for n in range(maps.shape[0]):
        for i in range(height):
            _project(maps[n], left, top + i, packed.shape, at, parts[0], parts[1])
            _gather(flat, stride, at, pairs[0], pairs[1])
            _weigh(words[0], words[1], parts[0], parts[1], pixels)
            channels.unpack(pixels, out[n, i])
    return out.reshape(-1, height, width, 3)


@kernel
def _project(m, x, y, padded, at, right, down):
    """Find the upper left neighbour of each pixel, and the offset to the right and down in 32nds of a pixel."""
    a, b, c = m[0, 0], m[0, 1], m[0, 2]
    d, e, f = m[1, 0], m[1, 1], m[1, 2]
    g, h, k = m[2, 0], m[2, 1], m[2, 2]
    # Positions far outside are moved to the border of two pixels, which is black as well.
    least, most_u, most_v = -64.0, 32.0 * (padded[1] - 4), 32.0 * (padded[0] - 4)
    v_pixel = np.float64(y)
    for j in range(at.size):
        u_pixel = np.float64(np.int32(x + j))
        depth = g * u_pixel + h * v_pixel + k
        s = 32.0 / depth if depth != 0.0 else 0.0
        u = ((a * u_pixel + b * v_pixel + c) * s + ROUNDER) - ROUNDER
        v = ((d * u_pixel + e * v_pixel + f) * s + ROUNDER) - ROUNDER
        u = u if u > least else least
        v = v if v > least else least
        column = np.int32(u if u < most_u else most_u)
        row = np.int32(v if v < most_v else most_v)
        upper = (row >> np.int32(5)) + np.int32(2)
        at[j] = upper * np.int32(padded[1]) + (column >> np.int32(5)) + np.int32(2)
        right[j] = np.uint32(column & np.int32(31))
        down[j] = np.uint32(row & np.int32(31))


@kernel
def _weigh(upper, lower, right, down, pixels):
    """Weight the four neighbours; where they fit, red and blue share the two halves of a word."""
    halves, low, byte = np.uint32(0x00FF00FF), np.uint32(0xFFFF), np.uint32(0xFF)
    whole, half = np.uint32(32), np.uint32(512)
    eight, ten, sixteen = np.uint32(8), np.uint32(10), np.uint32(16)
    for j in range(pixels.size):
        r, d = right[j], down[j]
        left, up = whole - r, whole - d
        nw, ne, sw, se = upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1]
        above = (nw & halves) * left + (ne & halves) * r
        below = (sw & halves) * left + (se & halves) * r
        red = ((above & low) * up + (below & low) * d + half) >> ten
        blue = ((above >> sixteen) * up + (below >> sixteen) * d + half) >> ten
        above = ((nw >> eight) & byte) * left + ((ne >> eight) & byte) * r
        below = ((sw >> eight) & byte) * left + ((se >> eight) & byte) * r
        green = (above * up + below * d + half) >> ten
        pixels[j] = red | green << eight | blue << sixteen
