"""PNG files whose bytes depend on no library."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ..kernels.deflate import deflate
from ..kernels.png import filter_rows

_CHUNK = 8192


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an RGB image, uint8 (H, W, 3), as PNG: lossless.

    Only Huffman coding, without a search for repeats: for natural images it is the fastest and as small as the
    slow levels of zlib. Rows are filtered and coded by the package's own kernels.

    Notes
    -----
    Equal to libpng's bytes with zlib's ``Z_HUFFMAN_ONLY`` and the heuristic for the filter of a row.
    """
    height, width, channels = image.shape
    if channels != 3 or not image.size:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as png")
    padded = np.zeros((height + 1, 3 * width + 3), np.uint8)
    padded[1:, 3:] = image.reshape(height, 3 * width)
    filtered = filter_rows(padded)
    checksum = struct.pack(">I", zlib.adler32(filtered))
    data = _zlib_header(filtered.size) + deflate(filtered).tobytes() + checksum
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    chunks = _chunk(b"IHDR", header), *(_chunk(b"IDAT", part) for part in parts), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def _zlib_header(size: int) -> bytes:
    """Header with the smallest window that holds so many bytes."""
    window_bits = min(max((size - 1).bit_length(), 8), 15)
    method = (window_bits - 8) << 4 | 8
    return bytes((method, 31 - (method << 8) % 31))
