"""JPEG round trip (4:2:0) without entropy coding, which is lossless, and the steps it shares with the encoder.

Every step is that of libjpeg with its default settings, in integers: ITU-T T.81 with the tables of annex K and JFIF's
colours, the transform of Loeffler, Ligtenberg & Moschytz (ICASSP 1989) with 13 fractional bits, and chroma at half the
resolution, interpolated linearly in decoding.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .channels import interleave, split
from .compiled import kernel
from .types import Image
from .vectors import (
    float_to_int32,
    int16_to_32,
    int32_to_16,
    int32_to_float,
    lanes,
    store,
    transposed,
    uint8_to_32,
)

# Annex K, tables K.1 and K.2: quantization steps of each frequency at quality 50.
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

PLACES = 13  # fractional bits of the factors
# Bits dropped after the first of two transforms, which leaves two fractional bits, and after the second. The inverse
# transforms drop three more, because forward and inverse together multiply by eight.
FIRST, SECOND, BACK = PLACES - 2, PLACES + 2, PLACES + 5
C1, C2, C3, C5, C6, C7 = (math.sqrt(2.0) * math.cos(k * math.pi / 16) for k in (1, 2, 3, 5, 6, 7))


def _factor(value: float) -> np.int32:
    return np.int32(round(value * (1 << PLACES)))


EVEN, EVEN_UP, EVEN_DOWN = _factor(C6), _factor(C2 - C6), _factor(C2 + C6)
ODD, ODD_13, ODD_02 = _factor(C3), _factor(C3 - C5), _factor(C3 + C5)
ODD_03, ODD_12 = _factor(C3 - C7), _factor(C1 + C3)
ODD_0, ODD_1 = _factor(C3 + C5 - C1 - C7), _factor(C1 + C3 - C5 + C7)
ODD_2, ODD_3 = _factor(C1 + C3 + C5 - C7), _factor(C1 + C3 - C5 - C7)

SIDE = 8  # rows and columns of a block
WIDE = 2 * SIDE  # two blocks are transformed together
load_uint8, _ = lanes(WIDE)
load_int16, _ = lanes(2 * WIDE)
load, broadcast = lanes(4 * WIDE)
HALVES = np.arange(WIDE, dtype=np.int32) % 2
# An eighth for the transform, plus a small excess, so that halves of a step are rounded away from zero: too small to
# affect other frequencies, which are at least one below a half and less than 2**15.
PART = np.float32((1.0 + 2.0**-17) / 8.0)
MAGIC = np.float32(1.5 * 2.0**23)  # adding it rounds a value to an integer in the lower 16 bits of the sum


def round_trip(image: Image, quality: int) -> Image:
    """Return the image that encoding to JPEG and decoding give.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous, at least 5 x 5 pixels. Not changed.
    quality : int
        From 1 to 100, as in libjpeg and Pillow.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    return _round_trip(image, *step_tables(quality))


@lru_cache(100)
def step_tables(quality: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the quantization steps of luma and chroma, for the rows of two blocks side by side, flat."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (np.array(table.split(), int).reshape(SIDE, SIDE) for table in (LUMA, CHROMA))
    return tuple(  # type: ignore[return-value]
        np.tile(np.clip((table * percent + 50) // 100, 1, 255), 2).astype(np.float32).reshape(-1)
        for table in (luma, chroma)
    )


@kernel
def _round_trip(image, luma_steps, chroma_steps):
    height, width = image.shape[:2]
    luma, blue, red = to_planes(image.reshape(height, 3 * width), 2)
    _requantise(luma, luma_steps)
    _requantise(blue, chroma_steps)
    _requantise(red, chroma_steps)
    return _to_image(luma, blue, red, height, width)


@kernel
def blocks(length, side):
    return (length + side - 1) // side


@kernel
def up_to(number, multiple):
    return blocks(number, multiple) * multiple


@kernel
def to_planes(image, ratio):
    """Return luma and the two chroma planes, minus 128, in whole blocks.

    A chroma sample is the mean of ``ratio`` x ``ratio`` pixels; the ratio is 1 or 2. The last pixels are repeated to
    fill the blocks.
    """
    height, count = len(image), image.shape[1] // 3
    step, rows = up_to(blocks(count, ratio), WIDE), up_to(blocks(height, ratio), SIDE)
    width = step * ratio
    luma = np.empty(rows * ratio * width, np.int16)
    blue, red = np.empty(rows * step, np.int16), np.empty(rows * step, np.int16)
    r, g, b = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    blues, reds = np.empty(2 * width, np.int16), np.empty(2 * width, np.int16)
    blue_pairs, red_pairs = blues.view(np.int32), reds.view(np.int32)
    for i in range(blocks(height, ratio)):
        for k in range(ratio):
            row = i * ratio + k
            split(image[min(row, height - 1)], r, g, b)
            for j in range(count, width):
                r[j], g[j], b[j] = r[count - 1], g[count - 1], b[count - 1]
            for j in range(0, width, WIDE):
                light, to_blue, to_red = _weigh(load_uint8(r, j), load_uint8(g, j), load_uint8(b, j))
                store(luma, row * width + j, light)
                store(blues, k * width + j, to_blue)
                store(reds, k * width + j, to_red)
        for j in range(0, step, WIDE):
            at = i * step + j
            if ratio == 1:
                store(blue, at, load_int16(blues, j))
                store(red, at, load_int16(reds, j))
            else:
                store(blue, at, _mean_of_four(load(blue_pairs, j), load(blue_pairs, step + j)))
                store(red, at, _mean_of_four(load(red_pairs, j), load(red_pairs, step + j)))
    _repeat(luma, up_to(height, ratio) * width, width)
    _repeat(blue, blocks(height, ratio) * step, step)
    _repeat(red, blocks(height, ratio) * step, step)
    return luma.reshape(-1, width), blue.reshape(-1, step), red.reshape(-1, step)


@kernel
def _repeat(values, at, width):
    """Fill the rows from ``at`` on with the preceding row."""
    for j in range(at, values.size):
        values[j] = values[j - width]


@kernel
def _weigh(red, green, blue):
    r, g, b = uint8_to_32(red), uint8_to_32(green), uint8_to_32(blue)
    y = broadcast(np.int32(19595)) * r + broadcast(np.int32(38470)) * g + broadcast(np.int32(7471)) * b
    u = (b << broadcast(np.int32(15))) - broadcast(np.int32(11059)) * r - broadcast(np.int32(21709)) * g
    v = (r << broadcast(np.int32(15))) - broadcast(np.int32(27439)) * g - broadcast(np.int32(5329)) * b
    half, under_half = broadcast(np.int32(32768)), broadcast(np.int32(32767))
    y, u, v = y + half, u + under_half, v + under_half
    places = broadcast(np.int32(16))
    return (
        int32_to_16((y >> places) - broadcast(np.int32(128))),
        int32_to_16(u >> places),
        int32_to_16(v >> places),
    )


@kernel
def _mean_of_four(above, below):
    """Average the two int16 in each int32 of two rows; a half is rounded down, in every other column up."""
    total = _sum_of_two(above) + _sum_of_two(below) + load(HALVES, 0) + broadcast(np.int32(1))
    return int32_to_16(total >> broadcast(np.int32(2)))


@kernel
def _sum_of_two(pairs):
    places = broadcast(np.int32(16))
    return ((pairs << places) >> places) + (pairs >> places)


@kernel
def _requantise(plane, steps):
    """Round the frequencies of each block to multiples of their steps."""
    values, width = plane.reshape(-1), plane.shape[1]
    parts = PART / steps
    for top in range(0, values.size, SIDE * width):
        for at in range(top, top + width, WIDE):
            rounded = _whole_steps(frequencies(values, at, width), steps, parts)
            columns = transposed(*_inverse(rounded, np.int32(FIRST)))
            _write(values, at, width, transposed(*_inverse(columns, np.int32(BACK))))


@kernel
def frequencies(values, at, width):
    """Return the rows of frequencies of two blocks, times eight."""
    columns = _forward(transposed(*_read(values, at, width)), np.int32(FIRST))
    return _forward(transposed(*columns), np.int32(SECOND))


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
    """Round to multiples of the steps."""
    return float_to_int32((count(frequencies, parts, at) - broadcast(MAGIC)) * load(steps, at))


@kernel
def count(frequencies, parts, at):
    """Divide by the steps, round, and add MAGIC."""
    return int32_to_float(frequencies) * load(parts, at) + broadcast(MAGIC)


@kernel
def _cut(value, places):
    """Drop ``places`` fractional bits, with rounding."""
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
        light, line = luma[i], out[i]
        for j in range(r.size):
            y, u, v = (
                np.int32(light[j]),
                np.int32(to_blue[j]) - np.int32(128),
                np.int32(to_red[j]) - np.int32(128),
            )
            r[j] = _clipped(y + (np.int32(np.int32(91881) * v + np.int32(32768)) >> np.int32(16)))
            g[j] = _clipped(
                y + (np.int32(np.int32(32768) - np.int32(22554) * u - np.int32(46802) * v) >> np.int32(16))
            )
            b[j] = _clipped(y + (np.int32(np.int32(116130) * u + np.int32(32768)) >> np.int32(16)))
        interleave(r, g, b, line)
    return out.reshape(height, width, 3)


@kernel
def _double(near, far, mixed, out):
    """Interpolate to twice the length: three quarters of the near pixel and a quarter of the far one on both axes."""
    count = mixed.size - 2
    for j in range(count):
        mixed[j + 1] = np.int16(np.int16(3) * near[j] + far[j])
    mixed[0], mixed[count + 1] = mixed[1], mixed[count]
    for j in range(count):
        out[2 * j] = np.int16(np.int16(3) * mixed[j + 1] + mixed[j] + np.int16(8)) >> np.int16(4)
        out[2 * j + 1] = np.int16(np.int16(3) * mixed[j + 1] + mixed[j + 2] + np.int16(7)) >> np.int16(4)
