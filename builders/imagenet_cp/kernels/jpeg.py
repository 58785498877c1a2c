"""JPEG round trip (4:2:0) without entropy coding, which is lossless.

Every step is that of libjpeg with its default settings, in integers: ITU-T T.81 with the tables of annex K and JFIF's
colours, the transform of Loeffler, Ligtenberg & Moschytz (ICASSP 1989) in 13 binary places, and chroma of half the
resolution that is interpolated linearly on its way back.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .channels import interleave, split
from .compiled import kernel
from .types import Image
from .vectors import float_to_int32, int16_to_32, int32_to_16, int32_to_float, lanes, store, transposed

# Annex K, tables K.1 and K.2: quantisation steps of each frequency at quality 50.
LUMA = """
16 11 10 16  24  40  51  61
12 12 14 19  26  58  60  55
14 13 16 24  40  57  69  56
14 17 22 29  51  87  80  62
18 22 37 56  68 109 103  77
24 35 55 64  81 104 113  92
49 64 78 87 103 121 120 101
72 92 95 98 112 100 103  99
"""
CHROMA = """
17 18 24 47 99 99 99 99
18 21 26 66 99 99 99 99
24 26 56 99 99 99 99 99
47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99
99 99 99 99 99 99 99 99
99 99 99 99 99 99 99 99
99 99 99 99 99 99 99 99
"""

PLACES = 13  # binary places of the factors
# Places cut off after the first of two transforms, which leaves two, and after the second one. On the way back these
# are three more, because both ways together multiply by eight.
FIRST, SECOND, BACK = PLACES - 2, PLACES + 2, PLACES + 5
C1, C2, C3, C5, C6, C7 = (math.sqrt(2.0) * math.cos(k * math.pi / 16) for k in (1, 2, 3, 5, 6, 7))


def _factor(value: float) -> np.int32:
    return np.int32(round(value * (1 << PLACES)))


EVEN, EVEN_UP, EVEN_DOWN = _factor(C6), _factor(C2 - C6), _factor(C2 + C6)
ODD, ODD_13, ODD_02 = _factor(C3), _factor(C3 - C5), _factor(C3 + C5)
ODD_03, ODD_12 = _factor(C3 - C7), _factor(C1 + C3)
ODD_0, ODD_1 = _factor(C3 + C5 - C1 - C7), _factor(C1 + C3 - C5 + C7)
ODD_2, ODD_3 = _factor(C1 + C3 + C5 - C7), _factor(C1 + C3 - C5 - C7)

SIDE = 8  # of a block
WIDE = 2 * SIDE  # two blocks are transformed together
load_int16, _ = lanes(2 * WIDE)
load, broadcast = lanes(4 * WIDE)
MAGIC = np.float32(1.5 * 2.0**23)  # what is added to it is rounded to a whole number


def round_trip(image: Image, quality: int) -> Image:
    """Compress an image as JPEG and decode it.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous, at least 5 x 5 pixels. It is not changed.
    quality : int
        From 1 to 100, as libjpeg and Pillow count it.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    return _round_trip(image, *_tables(quality))


@lru_cache(100)
def _tables(quality: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the steps of luma and chroma, for the rows of two blocks side by side, flat."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (np.array(table.split(), int).reshape(SIDE, SIDE) for table in (LUMA, CHROMA))
    return tuple(  # type: ignore[return-value]
        np.tile(np.clip((table * percent + 50) // 100, 1, 255), 2).astype(np.float32).reshape(-1)
        for table in (luma, chroma)
    )


@kernel
def _round_trip(image, luma_steps, chroma_steps):
    height, width = image.shape[:2]
    luma, blue, red = _to_planes(image.reshape(height, 3 * width))
    _requantise(luma, luma_steps)
    _requantise(blue, chroma_steps)
    _requantise(red, chroma_steps)
    return _to_image(luma, blue, red, height, width)


@kernel
def _up_to(number, multiple):
    return (number + multiple - 1) // multiple * multiple


@kernel
def _to_planes(image):
    """Return luma, and the differences to blue and red at half the resolution, all less 128, in whole blocks.

    The last pixels are repeated to fill them.
    """
    height, width = image.shape[0], image.shape[1] // 3
    half_height, half_width = (height + 1) // 2, _up_to((width + 1) // 2, WIDE)
    luma = np.empty((_up_to(height, SIDE), _up_to(width, WIDE)), np.int16)
    blue = np.empty((_up_to(half_height, SIDE), half_width), np.int16)
    red = np.empty_like(blue)
    blues, reds = np.empty((2, 2 * half_width), np.int16), np.empty((2, 2 * half_width), np.int16)
    r, g, b = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    for i in range(half_height):
        for k in range(2):
            row = min(2 * i + k, height - 1)
            light, to_blue, to_red = luma[2 * i + k], blues[k], reds[k]
            split(image[row], r, g, b)
            for j in range(r.size):
                y = np.int32(19595 * r[j] + 38470 * g[j] + 7471 * b[j] + 32768)
                u = np.int32(32768 * b[j] - 11059 * r[j] - 21709 * g[j] + 32767)
                v = np.int32(32768 * r[j] - 27439 * g[j] - 5329 * b[j] + 32767)
                light[j], to_blue[j], to_red[j] = (y >> 16) - 128, u >> 16, v >> 16
            light[width:] = light[width - 1]
            to_blue[width:] = to_blue[width - 1]
            to_red[width:] = to_red[width - 1]
        _halve(blues, blue[i])
        _halve(reds, red[i])
    for i in range(2 * half_height, len(luma)):
        luma[i] = luma[2 * half_height - 1]
    for i in range(half_height, len(blue)):
        blue[i], red[i] = blue[half_height - 1], red[half_height - 1]
    return luma, blue, red


@kernel
def _halve(rows, out):
    """Average two by two pixels; a half is rounded to the lower number, in every other column to the higher."""
    above, below = rows[0], rows[1]
    for j in range(out.size):
        total = np.int16(above[2 * j] + above[2 * j + 1] + below[2 * j] + below[2 * j + 1] + 1 + (j & 1))
        out[j] = total >> 2


@kernel
def _requantise(plane, steps):
    """Round the frequencies of each block to whole steps."""
    values, width = plane.reshape(-1), plane.shape[1]
    parts = np.float32(1.0 / 32.0) / steps  # 8 for the transform, 4 for the quarters
    for top in range(0, values.size, SIDE * width):
        for at in range(top, top + width, WIDE):
            columns = _forward(transposed(*_read(values, at, width)), np.int32(FIRST))
            frequencies = _forward(transposed(*columns), np.int32(SECOND))
            columns = transposed(*_inverse(_whole_steps(frequencies, steps, parts), np.int32(FIRST)))
            _write(values, at, width, transposed(*_inverse(columns, np.int32(BACK))))


@kernel
def _read(values, at, width):
    """Return the eight rows of two blocks."""
    return (
        int16_to_32(load_int16(values, at)),
        int16_to_32(load_int16(values, at + width)),
        int16_to_32(load_int16(values, at + 2 * width)),
        int16_to_32(load_int16(values, at + 3 * width)),
        int16_to_32(load_int16(values, at + 4 * width)),
        int16_to_32(load_int16(values, at + 5 * width)),
        int16_to_32(load_int16(values, at + 6 * width)),
        int16_to_32(load_int16(values, at + 7 * width)),
    )


@kernel
def _write(values, at, width, rows):
    for row in rows:
        store(values, at, int32_to_16(row))
        at += width


@kernel
def _whole_steps(rows, steps, parts):
    return (
        _rounded(rows[0], steps, parts, 0),
        _rounded(rows[1], steps, parts, WIDE),
        _rounded(rows[2], steps, parts, 2 * WIDE),
        _rounded(rows[3], steps, parts, 3 * WIDE),
        _rounded(rows[4], steps, parts, 4 * WIDE),
        _rounded(rows[5], steps, parts, 5 * WIDE),
        _rounded(rows[6], steps, parts, 6 * WIDE),
        _rounded(rows[7], steps, parts, 7 * WIDE),
    )


@kernel
def _rounded(frequencies, steps, parts, at):
    """Round to whole steps, halves away from zero: a quarter of a unit is added to the amount before."""
    sign = frequencies >> broadcast(np.int32(31))
    quarters = (
        (frequencies << broadcast(np.int32(2))) + (sign << broadcast(np.int32(1))) + broadcast(np.int32(1))
    )
    count = int32_to_float(quarters) * load(parts, at) + broadcast(MAGIC) - broadcast(MAGIC)
    return float_to_int32(count * load(steps, at))


@kernel
def _cut(value, places):
    """Round off binary places."""
    one = broadcast(np.int32(1))
    return (value + (one << (broadcast(places) - one))) >> broadcast(places)


@kernel
def _forward(x, places):
    """Transform eight values to frequencies."""
    a, b, c, d = x[0] + x[7], x[1] + x[6], x[2] + x[5], x[3] + x[4]
    outer, inner, up, down = a + d, b + c, a - d, b - c
    turned = (up + down) * broadcast(EVEN)
    y7, y5, y3, y1 = _odd(x[3] - x[4], x[2] - x[5], x[1] - x[6], x[0] - x[7])
    return (
        _cut((outer + inner) << broadcast(np.int32(PLACES)), places),
        _cut(y1, places),
        _cut(turned + up * broadcast(EVEN_UP), places),
        _cut(y3, places),
        _cut((outer - inner) << broadcast(np.int32(PLACES)), places),
        _cut(y5, places),
        _cut(turned - down * broadcast(EVEN_DOWN), places),
        _cut(y7, places),
    )


@kernel
def _inverse(y, places):
    """Transform eight frequencies to values."""
    outer, inner = (y[0] + y[4]) << broadcast(np.int32(PLACES)), (y[0] - y[4]) << broadcast(np.int32(PLACES))
    turned = (y[2] + y[6]) * broadcast(EVEN)
    up, down = turned + y[2] * broadcast(EVEN_UP), turned - y[6] * broadcast(EVEN_DOWN)
    a, b, c, d = outer + up, inner + down, inner - down, outer - up
    x3, x2, x1, x0 = _odd(y[7], y[5], y[3], y[1])
    return (
        _cut(a + x0, places),
        _cut(b + x1, places),
        _cut(c + x2, places),
        _cut(d + x3, places),
        _cut(d - x3, places),
        _cut(c - x2, places),
        _cut(b - x1, places),
        _cut(a - x0, places),
    )


@kernel
def _odd(a, b, c, d):
    """Return the odd half of a transform, which is its own inverse."""
    common = (a + b + c + d) * broadcast(ODD)
    ac, bd = common - (a + c) * broadcast(ODD_02), common - (b + d) * broadcast(ODD_13)
    ad, bc = (a + d) * broadcast(ODD_03), (b + c) * broadcast(ODD_12)
    return (
        a * broadcast(ODD_0) + ac - ad,
        b * broadcast(ODD_1) + bd - bc,
        c * broadcast(ODD_2) + ac - bc,
        d * broadcast(ODD_3) + bd - ad,
    )


@kernel
def _clipped(value):
    return np.uint8(min(max(np.int32(value), np.int32(0)), np.int32(255)))


@kernel
def _to_image(luma, blue, red, height, width):
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    for plane in (luma, blue, red):
        values = plane.reshape(-1)
        for j in range(values.size):
            values[j] = min(max(np.int16(values[j] + np.int16(128)), np.int16(0)), np.int16(255))
    out = np.empty((height, 3 * width), np.uint8)
    mixed = np.empty(half_width + 2, np.int16)
    to_blue, to_red = np.empty(2 * half_width, np.int16), np.empty(2 * half_width, np.int16)
    r, g, b = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    for i in range(height):
        near = i // 2
        far = min(max(near + 2 * (i % 2) - 1, 0), half_height - 1)
        _double(blue[near], blue[far], mixed, to_blue)
        _double(red[near], red[far], mixed, to_red)
        light = luma[i]
        for j in range(r.size):
            y, u, v = light[j], to_blue[j] - 128, to_red[j] - 128
            r[j] = _clipped(y + (np.int32(91881 * v + 32768) >> 16))
            g[j] = _clipped(y + (np.int32(32768 - 22554 * u - 46802 * v) >> 16))
            b[j] = _clipped(y + (np.int32(116130 * u + 32768) >> 16))
        interleave(r, g, b, out[i])
    return out.reshape(height, width, 3)


@kernel
def _double(near, far, mixed, out):
    """Interpolate a row of twice the length: three quarters of the near pixel, a quarter of the far one, both ways."""
    count = mixed.size - 2
    for j in range(count):
        mixed[j + 1] = np.int16(3 * near[j] + far[j])
    mixed[0], mixed[count + 1] = mixed[1], mixed[count]
    for j in range(count):
        out[2 * j] = np.int16(3 * mixed[j + 1] + mixed[j] + 8) >> 4
        out[2 * j + 1] = np.int16(3 * mixed[j + 1] + mixed[j + 2] + 7) >> 4
