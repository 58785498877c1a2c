"""What becomes of a picture in a JPEG file (4:2:0), without the file: its bytes lose nothing more.

Every step is that of libjpeg with its default settings, in integers: ITU-T T.81 with the tables of annex K and JFIF's
colours, the transform of Loeffler, Ligtenberg & Moschytz (ICASSP 1989) in 13 binary places, and chroma of half the
resolution that is interpolated linearly on its way back.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .lanes import (
    float_to_int32,
    int16_to_32,
    int32_to_16,
    int32_to_float,
    lanes,
    store,
    transposed,
    uint8_to_32,
)
from .registry import Image

N, H = np.int32, np.int16

# Annex K, tables K.1 and K.2: how many units of each frequency are told apart at quality 50.
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
load_uint8, _ = lanes(WIDE)
load_int16, _ = lanes(2 * WIDE)
load, spread = lanes(4 * WIDE)
HALVES = np.arange(WIDE, dtype=np.int32) % 2
# An eighth for the transform, and a little more, so that halves of a step are rounded away from zero: too little to
# matter for other frequencies, which lie at least one below a half and are below 2**15.
PART = np.float32((1.0 + 2.0**-17) / 8.0)
MAGIC = np.float32(1.5 * 2.0**23)  # what is added to it is rounded to a whole number, its lower 16 bits


def round_trip(image: Image, quality: int) -> Image:
    """Return the image as it comes back from a JPEG file.

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
    return _round_trip(image, *step_tables(quality))  # type: ignore[no-any-return]


@lru_cache(100)
def step_tables(quality: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the steps of luma and chroma, for the rows of two blocks side by side, flat."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (np.array(table.split(), int).reshape(SIDE, SIDE) for table in (LUMA, CHROMA))
    return tuple(  # type: ignore[return-value]
        np.tile(np.clip((table * percent + 50) // 100, 1, 255), 2).astype(np.float32).reshape(-1)
        for table in (luma, chroma)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _round_trip(image, luma_steps, chroma_steps):  # type: ignore[no-untyped-def]
    height, width = image.shape[:2]
    luma, blue, red = to_planes(image.reshape(height, 3 * width), 2, 2)
    _requantise(luma, luma_steps)
    _requantise(blue, chroma_steps)
    _requantise(red, chroma_steps)
    return _to_image(luma, blue, red, height, width)


@njit(cache=True, nogil=True, error_model="numpy")
def blocks(length, side):  # type: ignore[no-untyped-def]
    return (length + side - 1) // side


@njit(cache=True, nogil=True, error_model="numpy")
def up_to(number, multiple):  # type: ignore[no-untyped-def]
    return blocks(number, multiple) * multiple


@njit(cache=True, nogil=True, error_model="numpy")
def to_planes(image, across, down):  # type: ignore[no-untyped-def]
    """Return luma, and the differences to blue and red, all less 128, in whole blocks.

    A difference is the average of ``across`` x ``down`` pixels. The last pixels are repeated to fill the blocks.
    """
    height, step = len(image), up_to(blocks(image.shape[1] // 3, across), WIDE)
    rows, width = up_to(blocks(height, down), SIDE), step * across
    luma = np.empty(rows * down * width, np.int16)
    blue, red = np.empty(rows * step, np.int16), np.empty(rows * step, np.int16)
    r, g, b = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    blues, reds = np.empty(2 * width, np.int16), np.empty(2 * width, np.int16)
    blue_pairs, red_pairs = blues.view(np.int32), reds.view(np.int32)
    count = image.shape[1] // 3
    for i in range(blocks(height, down)):
        for k in range(down):
            row = i * down + k
            pixels = image[min(row, height - 1)]
            for j in range(count):
                r[j], g[j], b[j] = pixels[3 * j], pixels[3 * j + 1], pixels[3 * j + 2]
            for j in range(count, width):
                r[j], g[j], b[j] = r[count - 1], g[count - 1], b[count - 1]
            for j in range(0, width, WIDE):
                light, to_blue, to_red = _weigh(load_uint8(r, j), load_uint8(g, j), load_uint8(b, j))
                store(luma, row * width + j, light)
                store(blues, k * width + j, to_blue)
                store(reds, k * width + j, to_red)
        for j in range(0, step, WIDE):
            at = i * step + j
            if across == 1:
                store(blue, at, load_int16(blues, j))
                store(red, at, load_int16(reds, j))
            elif down == 1:
                store(blue, at, _mean_of_two(load(blue_pairs, j)))
                store(red, at, _mean_of_two(load(red_pairs, j)))
            else:
                store(blue, at, _mean_of_four(load(blue_pairs, j), load(blue_pairs, step + j)))
                store(red, at, _mean_of_four(load(red_pairs, j), load(red_pairs, step + j)))
    _repeat(luma, up_to(height, down) * width, width)
    _repeat(blue, blocks(height, down) * step, step)
    _repeat(red, blocks(height, down) * step, step)
    return luma.reshape(-1, width), blue.reshape(-1, step), red.reshape(-1, step)


@njit(cache=True, nogil=True, error_model="numpy")
def _repeat(values, at, width):  # type: ignore[no-untyped-def]
    """Fill the rows from ``at`` on with the one before."""
    for j in range(at, values.size):
        values[j] = values[j - width]


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(red, green, blue):  # type: ignore[no-untyped-def]
    r, g, b = uint8_to_32(red), uint8_to_32(green), uint8_to_32(blue)
    y = spread(N(19595)) * r + spread(N(38470)) * g + spread(N(7471)) * b + spread(N(32768))
    u = (b << spread(N(15))) - spread(N(11059)) * r - spread(N(21709)) * g + spread(N(32767))
    v = (r << spread(N(15))) - spread(N(27439)) * g - spread(N(5329)) * b + spread(N(32767))
    places = spread(N(16))
    return int32_to_16((y >> places) - spread(N(128))), int32_to_16(u >> places), int32_to_16(v >> places)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_of_two(pairs):  # type: ignore[no-untyped-def]
    """Average the two int16 in an int32; a half is rounded to the lower number, in every other column to the higher."""
    return int32_to_16(_sum_of_two(pairs) + load(HALVES, 0) >> spread(N(1)))


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_of_four(above, below):  # type: ignore[no-untyped-def]
    total = _sum_of_two(above) + _sum_of_two(below) + load(HALVES, 0) + spread(N(1))
    return int32_to_16(total >> spread(N(2)))


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_of_two(pairs):  # type: ignore[no-untyped-def]
    places = spread(N(16))
    return ((pairs << places) >> places) + (pairs >> places)


@njit(cache=True, nogil=True, error_model="numpy")
def _requantise(plane, steps):  # type: ignore[no-untyped-def]
    """Round the frequencies of each block to whole steps."""
    values, width = plane.reshape(-1), plane.shape[1]
    parts = PART / steps
    for top in range(0, values.size, SIDE * width):
        for at in range(top, top + width, WIDE):
            rounded = _whole_steps(frequencies(values, at, width), steps, parts)
            columns = transposed(*_inverse(rounded, N(FIRST)))
            _write(values, at, width, transposed(*_inverse(columns, N(BACK))))


@njit(cache=True, nogil=True, error_model="numpy")
def frequencies(values, at, width):  # type: ignore[no-untyped-def]
    """Return the rows of frequencies of two blocks, eightfold."""
    columns = _forward(transposed(*_read(values, at, width)), N(FIRST))
    return _forward(transposed(*columns), N(SECOND))


@njit(cache=True, nogil=True, error_model="numpy")
def _read(values, at, width):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True, error_model="numpy")
def _write(values, at, width, rows):  # type: ignore[no-untyped-def]
    for row in rows:
        store(values, at, int32_to_16(row))
        at += width


@njit(cache=True, nogil=True, error_model="numpy")
def _whole_steps(rows, steps, parts):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True, error_model="numpy")
def _rounded(frequencies, steps, parts, at):  # type: ignore[no-untyped-def]
    """Round to whole steps."""
    return float_to_int32((count(frequencies, parts, at) - spread(MAGIC)) * load(steps, at))


@njit(cache=True, nogil=True, error_model="numpy")
def count(frequencies, parts, at):  # type: ignore[no-untyped-def]
    """Count whole steps and add MAGIC."""
    return int32_to_float(frequencies) * load(parts, at) + spread(MAGIC)


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(value, places):  # type: ignore[no-untyped-def]
    """Round off binary places."""
    one = spread(N(1))
    return (value + (one << (spread(places) - one))) >> spread(places)


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(x, places):  # type: ignore[no-untyped-def]
    """Transform eight values to frequencies."""
    a, b, c, d = x[0] + x[7], x[1] + x[6], x[2] + x[5], x[3] + x[4]
    outer, inner, up, down = a + d, b + c, a - d, b - c
    turned = (up + down) * spread(EVEN)
    y7, y5, y3, y1 = _odd(x[3] - x[4], x[2] - x[5], x[1] - x[6], x[0] - x[7])
    return (
        _cut((outer + inner) << spread(N(PLACES)), places),
        _cut(y1, places),
        _cut(turned + up * spread(EVEN_UP), places),
        _cut(y3, places),
        _cut((outer - inner) << spread(N(PLACES)), places),
        _cut(y5, places),
        _cut(turned - down * spread(EVEN_DOWN), places),
        _cut(y7, places),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _inverse(y, places):  # type: ignore[no-untyped-def]
    """Transform eight frequencies to values."""
    outer, inner = (y[0] + y[4]) << spread(N(PLACES)), (y[0] - y[4]) << spread(N(PLACES))
    turned = (y[2] + y[6]) * spread(EVEN)
    up, down = turned + y[2] * spread(EVEN_UP), turned - y[6] * spread(EVEN_DOWN)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _odd(a, b, c, d):  # type: ignore[no-untyped-def]
    """Return the odd half of a transform, which is its own inverse."""
    common = (a + b + c + d) * spread(ODD)
    ac, bd = common - (a + c) * spread(ODD_02), common - (b + d) * spread(ODD_13)
    ad, bc = (a + d) * spread(ODD_03), (b + c) * spread(ODD_12)
    return (
        a * spread(ODD_0) + ac - ad,
        b * spread(ODD_1) + bd - bc,
        c * spread(ODD_2) + ac - bc,
        d * spread(ODD_3) + bd - ad,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _clipped(value):  # type: ignore[no-untyped-def]
    return np.uint8(min(max(N(value), N(0)), N(255)))


@njit(cache=True, nogil=True, error_model="numpy")
def _to_image(luma, blue, red, height, width):  # type: ignore[no-untyped-def]
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    for plane in (luma, blue, red):
        values = plane.reshape(-1)
        for j in range(values.size):
            values[j] = min(max(H(values[j] + H(128)), H(0)), H(255))
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
            y, u, v = N(light[j]), N(to_blue[j]) - N(128), N(to_red[j]) - N(128)
            r[j] = _clipped(y + (N(N(91881) * v + N(32768)) >> N(16)))
            g[j] = _clipped(y + (N(N(32768) - N(22554) * u - N(46802) * v) >> N(16)))
            b[j] = _clipped(y + (N(N(116130) * u + N(32768)) >> N(16)))
        for j in range(line.size // 3):
            line[3 * j], line[3 * j + 1], line[3 * j + 2] = r[j], g[j], b[j]
    return out.reshape(height, width, 3)


@njit(cache=True, nogil=True, error_model="numpy")
def _double(near, far, mixed, out):  # type: ignore[no-untyped-def]
    """Interpolate a row of twice the length: three quarters of the near pixel, a quarter of the far one, both ways."""
    count = mixed.size - 2
    for j in range(count):
        mixed[j + 1] = H(H(3) * near[j] + far[j])
    mixed[0], mixed[count + 1] = mixed[1], mixed[count]
    for j in range(count):
        out[2 * j] = H(H(3) * mixed[j + 1] + mixed[j] + H(8)) >> H(4)
        out[2 * j + 1] = H(H(3) * mixed[j + 1] + mixed[j + 2] + H(7)) >> H(4)
