"""JPEG encoder, byte for byte equal to libjpeg: baseline, JFIF, with optimal Huffman tables."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from . import huffman
from .bits import trailing_zeros
from .compiled import kernel
from .jpeg import PART, SIDE, WIDE, blocks, count, frequencies, step_tables, to_planes
from .vectors import Vector, float_bits, store

#: Number of pixels that share a chroma sample, across and down.
SUBSAMPLINGS = {"4:2:0": 2, "4:4:4": 1}

AREA = SIDE * SIDE
MAX_SIDE = 65500  # limit of libjpeg
# Zigzag order of the coefficients in a file.
ZIGZAG = sorted(range(AREA), key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8))

RUN_OF_16 = np.uint64(0xF0)  # symbol of sixteen zeros; the symbol of the end of a block is 0
MAX_VALUE = 2047  # largest difference of two DC coefficients
LENGTHS = [abs(value).bit_length() for value in range(-MAX_VALUE, MAX_VALUE + 1)]
#: Part of a token that encodes a value: its bits, of a negative value those of the value minus 1, and their number.
VALUES = np.array(
    [
        ((value - (value < 0)) & ((1 << length) - 1)) << 10 | length
        for value, length in enumerate(LENGTHS, -MAX_VALUE)
    ],
    np.uint32,
)


def encode(image: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0") -> bytes:
    """Encode an image as a JPEG file.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB.
    quality : int
        From 1 to 100, as in libjpeg and Pillow.
    subsampling : str
        Chroma subsampling: ``4:2:0`` or ``4:4:4``.

    Returns
    -------
    bytes
        A file equal to Pillow's ``save("JPEG", quality=..., subsampling=..., optimize=True)``, which has the Huffman
        tables that make it smallest.

    Raises
    ------
    ValueError
        If the image has a different shape, is empty or has a side of more than 65500 pixels, or if the quality or the
        subsampling is unknown.
    TypeError
        If the image is not uint8.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be a number from 1 to 100, not {quality!r}")
    if subsampling not in SUBSAMPLINGS:
        raise ValueError(f"unknown subsampling {subsampling!r}; use one of {', '.join(SUBSAMPLINGS)}")
    if image.dtype != np.uint8:
        raise TypeError(f"image must hold uint8 values from 0 to 255, not {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3 or not 0 < min(image.shape) <= max(image.shape) <= MAX_SIDE:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as JPEG")
    pixels, ratio = np.require(image, requirements=["C", "W"]), SUBSAMPLINGS[subsampling]
    begin, scan = _headers(*image.shape[:2], quality, ratio)
    return _encode(pixels, ratio, *_parts(quality), begin, scan).tobytes()


@lru_cache(100)
def _parts(quality: int) -> tuple[NDArray[np.float32], ...]:
    return tuple(PART / steps for steps in step_tables(quality))


@lru_cache(1000)
def _headers(
    height: int, width: int, quality: int, ratio: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the segments before the Huffman tables, and those between them and the scan."""
    begin = b"\xff\xd8" + _segment(0xE0, b"JFIF\0" + bytes([1, 1, 0, 0, 1, 0, 1, 0, 0]))
    for kind, table in enumerate(step_tables(quality)):  # luma, chroma
        steps = table.reshape(SIDE, 2, SIDE)[:, 0].reshape(-1)
        begin += _segment(0xDB, bytes([kind]) + steps[ZIGZAG].astype(np.uint8).tobytes())
    components = bytes([1, 0x11 * ratio, 0, 2, 0x11, 1, 3, 0x11, 1])
    begin += _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components)
    scan = _segment(0xDA, bytes([3, 1, 0, 2, 0x11, 3, 0x11, 0, AREA - 1, 0]))
    return np.frombuffer(bytearray(begin), np.uint8), np.frombuffer(bytearray(scan), np.uint8)


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


@kernel
def _encode(pixels, ratio, luma_parts, chroma_parts, begin, scan):
    height, width = pixels.shape[:2]
    counts = np.zeros(huffman.CLASSES * huffman.SYMBOLS, np.int64)
    planes = to_planes(pixels.reshape(height, 3 * width), ratio)
    parts = luma_parts, chroma_parts, chroma_parts
    tokens = _tokens(planes, parts, (blocks(height, SIDE), blocks(width, SIDE)), ratio, counts)
    codes = np.zeros((huffman.CLASSES, huffman.SYMBOLS), np.uint64)
    tables, bits = np.zeros((huffman.CLASSES, huffman.TABLE), np.uint8), 0
    for k in range(len(tables)):
        huffman.optimal_table(counts[k * huffman.SYMBOLS :], tables[k])
        huffman.fill_codes(tables[k], codes[k])
        for symbol in range(huffman.SYMBOLS):
            bits += counts[k * huffman.SYMBOLS + symbol] * np.int64(codes[k, symbol] & np.uint64(63))
    out = np.empty(begin.size + scan.size + 4 * (huffman.TABLE + 5) + bits // 4 + 16, np.uint8)
    at = _put(begin, out, 0)
    for k in range(len(tables)):
        at = _put_table(tables[k], k, out, at)
    at = huffman.emit(tokens, codes.reshape(-1), bits, out, _put(scan, out, at))
    out[at], out[at + 1] = 0xFF, 0xD9
    return out[: at + 2]


@kernel
def _put(values, out, at):
    for value in values:
        out[at] = value
        at += 1
    return at


@kernel
def _put_table(table, number, out, at):
    """Write the segment of a Huffman table."""
    size = huffman.LENGTHS
    for length in range(huffman.LENGTHS):
        size += table[length]
    out[at], out[at + 1], out[at + 2], out[at + 3] = 0xFF, 0xC4, (size + 3) >> 8, (size + 3) & 255
    out[at + 4] = (number & 1) << 4 | number >> 1
    return _put(table[:size], out, at + 5)


@kernel
def _tokens(planes, parts, shape, ratio, counts):
    """Return the tokens of all blocks and count their symbols.

    Notes
    -----
    The tokens of a block are the difference of its DC coefficient from that of the preceding block of the component;
    then, for each nonzero AC coefficient in zigzag order, the number of zeros before it and its value; then the end of
    the block, unless the last coefficient is nonzero. Sixteen zeros in a row are a token of their own. Blocks of luma
    outside the image, which complete those that share a block of chroma, have a difference of zero.
    """
    high, wide = shape
    rows, columns = blocks(high, ratio), blocks(wide, ratio)
    stride = planes[0].shape[1] // SIDE
    # One row of blocks: two of luma, one of each chroma component.
    coefficients, masks = np.empty(4 * AREA * stride, np.int16), np.empty(4 * stride, np.uint64)
    tokens = np.empty(rows * columns * (ratio * ratio + 2) * AREA, np.uint32)
    last, size = np.zeros(3, np.int16), np.uint64(0)
    for row in range(rows):
        for c in range(3):
            for k in range(1 if c else ratio):
                if c or row * ratio + k < high:
                    start = (c + 1 if c else k) * stride
                    _quantise(planes[c], row if c else row * ratio + k, parts[c], coefficients, masks, start)
        for column in range(columns):
            for c in range(3):
                side = 1 if c else ratio
                for k in range(side):
                    for m in range(side):
                        block = (c + 1 if c else k) * stride + column * side + m
                        at, mask = np.uint64(AREA * block), np.uint64(1)
                        if c or (row * ratio + k < high and column * ratio + m < wide):
                            mask |= masks[block]
                            first = coefficients[at]
                            coefficients[at], last[c] = first - last[c], first
                        else:
                            coefficients[at] = 0
                        # No function is called from here on, since a call would count references to arrays.
                        kind, before = np.uint64(512) if c else np.uint64(0), np.uint64(0)
                        while mask != np.uint64(0):
                            place = np.uint64(trailing_zeros(mask)) + np.uint64(1)
                            zeros = place - before - np.uint64(1)
                            while zeros >= np.uint64(16):
                                counts[kind | RUN_OF_16] += 1
                                tokens[size] = kind | RUN_OF_16
                                size += np.uint64(1)
                                zeros -= np.uint64(16)
                            value = VALUES[np.uint64(MAX_VALUE + coefficients[at + place - np.uint64(1)])]
                            token = np.uint64(value) | kind | zeros << np.uint64(4)
                            counts[token & np.uint64(1023)] += 1
                            tokens[size] = token
                            size += np.uint64(1)
                            mask, before, kind = mask & (mask - np.uint64(1)), place, kind | np.uint64(256)
                        if before < np.uint64(AREA):
                            counts[kind] += 1
                            tokens[size] = kind
                            size += np.uint64(1)
    return tokens[: np.int64(size)]


@kernel
def _quantise(plane, row, parts, coefficients, masks, start):
    """Compute the coefficients of a row of blocks in zigzag order, and the masks of the nonzero ones."""
    values, width = plane.reshape(-1), plane.shape[1]
    for block in range(0, width // SIDE, 2):
        counts = _counts(frequencies(values, (row * width + block) * SIDE, width), parts)
        left, right = zigzag_left(*counts), zigzag_right(*counts)
        at = start + block
        store(coefficients, AREA * at, left)
        store(coefficients, AREA * at + AREA, right)
        masks[at], masks[at + 1] = nonzero(left), nonzero(right)


@kernel
def _counts(rows, parts):
    return (
        float_bits(count(rows[0], parts, 0)),
        float_bits(count(rows[1], parts, WIDE)),
        float_bits(count(rows[2], parts, 2 * WIDE)),
        float_bits(count(rows[3], parts, 3 * WIDE)),
        float_bits(count(rows[4], parts, 4 * WIDE)),
        float_bits(count(rows[5], parts, 5 * WIDE)),
        float_bits(count(rows[6], parts, 6 * WIDE)),
        float_bits(count(rows[7], parts, 7 * WIDE)),
    )


def _zigzag(side: int) -> Any:
    """Return a function that puts one of two blocks, each of eight rows of int32 lanes, into zigzag order."""

    def arrange(typing_context, a, b, c, d, e, f, g, h):
        arranged = Vector(types.int16, AREA)

        def generate(context, builder, signature, arguments):
            short = ir.VectorType(ir.IntType(16), WIDE)
            parts = [builder.trunc(row, short) for row in arguments]
            while len(parts) > 1:
                count = 2 * parts[0].type.count
                order = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(count)))
                parts = [
                    builder.shuffle_vector(x, y, order) for x, y in zip(parts[::2], parts[1::2], strict=True)
                ]
            order = [k // SIDE * WIDE + k % SIDE + side for k in ZIGZAG]
            undefined = ir.Constant(parts[0].type, ir.Undefined)
            return builder.shuffle_vector(
                parts[0], undefined, ir.Constant(ir.VectorType(ir.IntType(32), AREA), order)
            )

        return arranged(a, b, c, d, e, f, g, h), generate

    return intrinsic(arrange)


zigzag_left, zigzag_right = _zigzag(0), _zigzag(SIDE)


def _nonzero(typing_context, values):
    """Return a word with one bit per lane of 64, set where the lane is nonzero; the lowest bit is the first lane."""

    def generate(context, builder, signature, arguments):
        zeros = ir.Constant(arguments[0].type, None)
        return builder.bitcast(builder.icmp_signed("!=", arguments[0], zeros), ir.IntType(64))

    return types.uint64(values), generate


nonzero: Any = intrinsic(_nonzero)
