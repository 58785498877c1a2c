"""PNG files whose bytes depend on no library's choices."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ..kernels.compiled import kernel

_CHUNK = 8192


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an RGB image, uint8 (H, W, 3), as PNG: lossless.

    Only Huffman coding, without a search for repeats: for natural images it is the fastest and as small as the
    slow levels, and leaves zlib and its successors nothing to choose, so that their bytes agree.

    Notes
    -----
    Equal to libpng's bytes with ``Z_HUFFMAN_ONLY`` and its heuristic for the filter of a row.
    """
    height, width, channels = image.shape
    if channels != 3 or not image.size:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as png")
    filtered = _filter(np.ascontiguousarray(image).reshape(height, width * 3)).tobytes()
    compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 8, zlib.Z_HUFFMAN_ONLY)
    data = compressor.compress(filtered) + compressor.flush()
    data = _zlib_header(len(filtered)) + data[2:]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    chunks = _chunk(b"IHDR", header), *(_chunk(b"IDAT", part) for part in parts), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _zlib_header(size: int) -> bytes:
    """Header with the smallest window that holds so many bytes."""
    window_bits = min(max((size - 1).bit_length(), 8), 15)
    method = (window_bits - 8) << 4 | 8
    return bytes((method, 31 - (method << 8) % 31))


@kernel
def _filter(rows):  # type: ignore[no-untyped-def]
    """Filter each row with the type whose residuals, as signed bytes, have the least sum of magnitudes.

    Takes uint8 (H, 3 W); returns uint8 (H, 1 + 3 W), each row with its type before it. The types are none,
    sub, up, average and Paeth; of equal ones the first.
    """
    height, length = rows.shape
    out = np.empty((height, length + 1), np.uint8)
    candidates = np.empty((5, length), np.uint8)
    # Each with the pixel to the left of its first, which counts as zero.
    row, above = np.zeros(length + 3, np.uint8), np.zeros(length + 3, np.uint8)
    for i in range(height):
        row[3:] = rows[i]
        for j in range(length):
            x, left = np.int16(row[j + 3]), np.int16(row[j])
            up, corner = np.int16(above[j + 3]), np.int16(above[j])
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            nearer = left if to_left <= to_up else up
            paeth = nearer if min(to_left, to_up) <= to_corner else corner
            candidates[0, j] = x
            candidates[1, j] = x - left
            candidates[2, j] = x - up
            candidates[3, j] = x - ((left + up) >> 1)
            candidates[4, j] = x - paeth
        best, least = 0, np.uint32(0xFFFFFFFF)
        for k in range(5):
            # libpng filters a single row by none or sub only, a single column by none or up.
            if (height == 1 and k > 1) or (length == 3 and k not in (0, 2)):
                continue
            total = np.uint32(0)
            for j in range(length):
                residual = candidates[k, j]
                total += np.uint32(min(residual, np.uint8(-residual)))
            if total < least:
                best, least = k, total
        out[i, 0] = best
        out[i, 1:] = candidates[best]
        row, above = above, row
    return out
