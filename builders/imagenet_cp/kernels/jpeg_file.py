"""JPEG files, byte for byte those of libjpeg: baseline, JFIF, with standard or optimal Huffman tables."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ..corruptions.jpeg import PART, SIDE, WIDE, frequencies, step_tables, to_planes, up_to, whole_steps
from ..corruptions.lanes import Lanes, store
from . import huffman
from .bits import leading_zeros, trailing_zeros

#: How many pixels share a chroma sample, across and down.
SUBSAMPLINGS = {"4:2:0": (2, 2), "4:2:2": (2, 1), "4:4:4": (1, 1)}

AREA = SIDE * SIDE
MAX_SIDE = 65500  # libjpeg's
# The order of coefficients in a file: along diagonals, up and down in turn.
ZIGZAG = sorted(range(AREA), key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8))

RUN_OF_16 = 0xF0  # the symbol of sixteen zeros; that of a block's end is 0
ONES = np.ones(SIDE * WIDE, np.float32)
STANDARD_TABLES = huffman.standard_tables()


def encode(
    image: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0", optimize: bool = True
) -> bytes:
    """Encode an image as a JPEG file.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3) or (H, W)
        RGB or grey.
    quality : int
        From 1 to 100, as libjpeg and Pillow count it.
    subsampling : str
        Of the chroma of an RGB image: ``4:2:0``, ``4:2:2`` or ``4:4:4``.
    optimize : bool
        Use the Huffman tables that make the file smallest, rather than those of the standard.

    Returns
    -------
    bytes
        Those of Pillow's ``save("JPEG", quality=..., subsampling=..., optimize=...)``.

    Raises
    ------
    ValueError
        An image of another shape, empty or of more than 65500 pixels a side.
    """
    pixels = np.require(image if image.ndim == 3 else image[..., None], np.uint8, ["C", "W"])
    height, width, channels = pixels.shape
    if channels not in (1, 3) or not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as JPEG")
    across, down = SUBSAMPLINGS[subsampling] if channels == 3 else (1, 1)
    begin, scan = _headers(height, width, channels, quality, across, down)
    luma_parts, chroma_parts = _parts(quality)
    return _encode(  # type: ignore[no-any-return]
        pixels, across, down, luma_parts, chroma_parts, STANDARD_TABLES, optimize, begin, scan
    ).tobytes()


@lru_cache(100)
def _parts(quality: int) -> tuple[NDArray[np.float32], ...]:
    return tuple(PART / steps for steps in step_tables(quality))


@lru_cache(1000)
def _headers(
    height: int, width: int, channels: int, quality: int, across: int, down: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what comes before the Huffman tables, and between them and the scan."""
    kinds = (0, 1, 1)[:channels]  # of each component: luma or chroma
    begin = b"\xff\xd8" + _segment(0xE0, b"JFIF\0" + bytes([1, 1, 0, 0, 1, 0, 1, 0, 0]))
    for kind in sorted(set(kinds)):
        steps = step_tables(quality)[kind].reshape(SIDE, 2, SIDE)[:, 0].reshape(-1)
        begin += _segment(0xDB, bytes([kind]) + steps[ZIGZAG].astype(np.uint8).tobytes())
    frame, scan = struct.pack(">BHHB", 8, height, width, channels), bytes([channels])
    for number, kind in enumerate(kinds):
        frame += bytes([number + 1, 0x11 if kind else across << 4 | down, kind])
        scan += bytes([number + 1, 0x11 * kind])
    begin += _segment(0xC0, frame)
    scan = _segment(0xDA, scan + bytes([0, AREA - 1, 0]))
    return np.frombuffer(bytearray(begin), np.uint8), np.frombuffer(bytearray(scan), np.uint8)


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


@njit(cache=True, nogil=True, error_model="numpy")
def _encode(pixels, across, down, luma_parts, chroma_parts, tables, optimize, begin, scan):  # type: ignore[no-untyped-def]
    height, width, channels = pixels.shape
    counts = np.zeros((huffman.CLASSES, huffman.SYMBOLS), np.int64)
    if channels == 3:
        planes = to_planes(pixels.reshape(height, 3 * width), across, down)
    else:
        luma = _to_plane(pixels.reshape(height, width))
        planes = luma, luma, luma
    parts = luma_parts, chroma_parts, chroma_parts
    tokens = _tokens(planes, parts, height, width, channels, across, down, counts)
    codes = np.zeros((huffman.CLASSES, huffman.SYMBOLS), np.uint32)
    used = tables[: channels + 1].copy()
    bits = 0
    for k in range(len(used)):
        if optimize:
            huffman.optimal_table(counts[k], used[k])
        huffman.fill_codes(used[k], codes[k])
        for symbol in range(huffman.SYMBOLS):
            bits += counts[k, symbol] * np.int64(codes[k, symbol] & np.uint32(63))
    out = np.empty(begin.size + scan.size + 4 * (huffman.TABLE + 5) + bits // 4 + 16, np.uint8)
    at = _put(begin, out, 0)
    for k in range(len(used)):
        at = _put_table(used[k], k, out, at)
    at = huffman.emit(tokens, codes.reshape(-1), out, _put(scan, out, at))
    out[at], out[at + 1] = 0xFF, 0xD9
    return out[: at + 2]


@njit(cache=True, nogil=True, error_model="numpy")
def _put(values, out, at):  # type: ignore[no-untyped-def]
    for value in values:
        out[at] = value
        at += 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _put_table(table, number, out, at):  # type: ignore[no-untyped-def]
    """Write the segment of a Huffman table."""
    size = huffman.LENGTHS
    for length in range(huffman.LENGTHS):
        size += table[length]
    out[at], out[at + 1], out[at + 2], out[at + 3] = 0xFF, 0xC4, (size + 3) >> 8, (size + 3) & 255
    out[at + 4] = (number & 1) << 4 | number >> 1
    return _put(table[:size], out, at + 5)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_plane(image):  # type: ignore[no-untyped-def]
    """Return a grey image less 128 in whole blocks; the last pixels are repeated to fill them."""
    height, width = image.shape
    plane = np.empty((up_to(height, SIDE), up_to(width, WIDE)), np.int16)
    for i in range(len(plane)):
        pixels, row = image[min(i, height - 1)], plane[i]
        for j in range(width):
            row[j] = np.int16(pixels[j]) - np.int16(128)
        row[width:] = row[width - 1]
    return plane


@njit(cache=True, nogil=True, error_model="numpy")
def _tokens(planes, parts, height, width, channels, across, down, counts):  # type: ignore[no-untyped-def]
    """Return the tokens of all blocks and count their symbols.

    Notes
    -----
    A block is the difference of its first coefficient to that of the block before it of the same component, then for each
    coefficient that is not zero, along the zigzag, how many zeros come before it and its size. `_block` finds them as
    the ones of a 64-bit mask. Where the last luma blocks of a 2x2 group lie outside of the image, libjpeg codes blocks
    without change.
    """
    rows, columns = _blocks(height, SIDE * down), _blocks(width, SIDE * across)
    high, wide = _blocks(height, SIDE), _blocks(width, SIDE)
    tokens = np.empty((rows * columns * (across * down + channels - 1), AREA), np.uint32).reshape(-1)
    coefficients = np.empty((channels + 1, AREA * (planes[0].shape[1] // SIDE)), np.int16)
    masks = np.empty((channels + 1, planes[0].shape[1] // SIDE), np.uint64)
    last, size = np.zeros(3, np.int64), 0
    for row in range(rows):
        for k in range(down):
            if row * down + k < high:
                _quantise(planes[0], row * down + k, parts[0], coefficients[k], masks[k])
        for c in range(1, channels):
            _quantise(planes[c], row, parts[c], coefficients[c + 1], masks[c + 1])
        for column in range(columns):
            for k in range(down):
                for m in range(across):
                    block = column * across + m
                    if row * down + k < high and block < wide:
                        size = _block(coefficients[k], masks[k], block, 0, last[:1], counts, tokens, size)
                    else:
                        size = _empty_block(counts, tokens, size)
            for c in range(1, channels):
                size = _block(coefficients[c + 1], masks[c + 1], column, 2, last[c:], counts, tokens, size)
    return tokens[:size]


@njit(cache=True, nogil=True, error_model="numpy")
def _blocks(length, side):  # type: ignore[no-untyped-def]
    return (length + side - 1) // side


@njit(cache=True, nogil=True, error_model="numpy")
def _quantise(plane, row, parts, coefficients, masks):  # type: ignore[no-untyped-def]
    """Return the coefficients of a row of blocks along the zigzag, and which of them are not zero."""
    values, width = plane.reshape(-1), plane.shape[1]
    for block in range(0, masks.size if masks.size < width // SIDE else width // SIDE, 2):
        rows = whole_steps(frequencies(values, row * SIDE * width + block * SIDE, width), ONES, parts)
        left, right = zigzag_left(*rows), zigzag_right(*rows)
        store(coefficients, AREA * block, left)
        store(coefficients, AREA * block + AREA, right)
        masks[block], masks[block + 1] = nonzero(left), nonzero(right)


@njit(cache=True, nogil=True, error_model="numpy")
def _block(coefficients, masks, block, kind, last, counts, tokens, size):  # type: ignore[no-untyped-def]
    first, at = np.int64(coefficients[AREA * block]), AREA * block
    size = _token(first - last[0], kind, 0, counts, tokens, size)
    last[0] = first
    mask, before = masks[block] >> np.uint64(1) << np.uint64(1), 0
    while mask != 0:
        k = trailing_zeros(mask)
        mask &= mask - np.uint64(1)
        zeros = k - before - 1
        before = k
        while zeros >= 16:
            counts[kind + 1, RUN_OF_16] += 1
            tokens[size] = (kind + 1) << 8 | RUN_OF_16
            size += 1
            zeros -= 16
        size = _token(np.int64(coefficients[at + k]), kind + 1, zeros, counts, tokens, size)
    if before < AREA - 1:
        counts[kind + 1, 0] += 1
        tokens[size] = (kind + 1) << 8
        size += 1
    return size


@njit(cache=True, nogil=True, error_model="numpy")
def _token(value, number, zeros, counts, tokens, size):  # type: ignore[no-untyped-def]
    length = 64 - leading_zeros(np.uint64(abs(value)))
    symbol = zeros << 4 | length
    extra = (value + (value >> 63)) & ((1 << length) - 1)
    counts[number, symbol] += 1
    tokens[size] = extra << 10 | number << 8 | symbol
    return size + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _empty_block(counts, tokens, size):  # type: ignore[no-untyped-def]
    counts[0, 0] += 1
    counts[1, 0] += 1
    tokens[size], tokens[size + 1] = 0, 1 << 8
    return size + 2


def _zigzag(side: int) -> Any:
    """Return a function that brings one of two blocks, of eight rows each of int32 lanes, into the order of files."""

    def arrange(typing_context, a, b, c, d, e, f, g, h):  # type: ignore[no-untyped-def]
        arranged = Lanes(types.int16, AREA)

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            short = ir.VectorType(ir.IntType(16), WIDE)
            parts = [builder.trunc(row, short) for row in arguments]
            while len(parts) > 1:
                count = 2 * parts[0].type.count
                order = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(count)))
                parts = [
                    builder.shuffle_vector(x, y, order)
                    for x, y in zip(parts[::2], parts[1::2], strict=True)
                ]
            order = [k // SIDE * WIDE + k % SIDE + side for k in ZIGZAG]
            undefined = ir.Constant(parts[0].type, ir.Undefined)
            return builder.shuffle_vector(
                parts[0], undefined, ir.Constant(ir.VectorType(ir.IntType(32), AREA), order)
            )

        return arranged(a, b, c, d, e, f, g, h), generate

    return intrinsic(arrange)


zigzag_left, zigzag_right = _zigzag(0), _zigzag(SIDE)


def _nonzero(typing_context, values):  # type: ignore[no-untyped-def]
    """Return a word with a one for each of 64 lanes that is not zero, the lowest for the first."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        zeros = ir.Constant(arguments[0].type, None)
        return builder.bitcast(builder.icmp_signed("!=", arguments[0], zeros), ir.IntType(64))

    return types.uint64(values), generate


nonzero: Any = intrinsic(_nonzero)
