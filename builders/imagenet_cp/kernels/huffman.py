"""Huffman coding of baseline JPEG (ITU-T T.81, annexes C, F and K): tables, and the bits of tokens.

A token is a symbol with the extra bits that follow its code; their number is the lower half of the symbol::

    token = extra bits << 10 | class << 8 | symbol

The class selects one of four tables: 0 and 1 for the DC and AC coefficients of luma, 2 and 3 for those of chroma. A
table is an array of bytes as in the file: the number of codes of each length from 1 to 16, then the symbols in the
order of their codes.
"""

from __future__ import annotations

import numpy as np

from .bits import byteswap, store_word
from .compiled import kernel

CLASSES, SYMBOLS, LENGTHS = 4, 256, 16
RESERVED = SYMBOLS  # gets the code of all ones, which no symbol may have
TABLE = LENGTHS + SYMBOLS


@kernel
def optimal_table(counts, table):
    """Fill a table with the optimal codes for symbols that occur ``counts`` times, as libjpeg chooses them.

    Notes
    -----
    Huffman's procedure of annex K.2, figures K.1 to K.4: the two rarest nodes are merged until one is left. Among
    equally rare nodes the one with the larger number is taken first; a merged node has the number of the rarer of its
    two. Codes of more than 16 bits are then shortened in pairs. ``tests/kernels/test_huffman.py`` has a plain version.

    A node is ``count << 9 | RESERVED - number``, so that nodes sort as integers. Traversing the merges backwards gives
    the depth of every symbol.
    """
    nodes, size = np.empty(SYMBOLS + 1, np.int64), 1
    nodes[0] = 1 << 9
    for symbol in range(SYMBOLS):
        if counts[symbol] > 0:
            node, at = np.int64(counts[symbol]) << 9 | (RESERVED - symbol), size
            while at > 0 and nodes[at - 1] > node:
                nodes[at] = nodes[at - 1]
                at -= 1
            nodes[at] = node
            size += 1
    rare, other = np.empty(SYMBOLS, np.int64), np.empty(SYMBOLS, np.int64)
    for step in range(size - 1):
        rare[step], other[step] = nodes[step] & 511, nodes[step + 1] & 511
        node, at = nodes[step] + (nodes[step + 1] >> 9 << 9), step + 2
        while at < size and nodes[at] < node:
            nodes[at - 1] = nodes[at]
            at += 1
        nodes[at - 1] = node
    depths = np.zeros(SYMBOLS + 1, np.int64)
    for step in range(size - 2, -1, -1):
        depths[rare[step]] += 1
        depths[other[step]] = depths[rare[step]]
    _fill(depths, table)


@kernel
def _fill(depths, table):
    """Fill a table with the symbols in the order of their depths, and limit code lengths to 16."""
    lengths = np.zeros(SYMBOLS + 2, np.int64)
    for depth in depths:
        lengths[depth] += 1
    lengths[0] = 0
    starts, longest = np.empty(SYMBOLS + 2, np.int64), 0
    starts[0] = LENGTHS
    for length in range(SYMBOLS + 1):
        starts[length + 1] = starts[length] + lengths[length]
        if lengths[length] > 0:
            longest = length
    for symbol in range(SYMBOLS):
        depth = depths[RESERVED - symbol]
        if depth > 0:
            table[starts[depth]] = symbol
            starts[depth] += 1
    for length in range(longest, LENGTHS, -1):
        while lengths[length] > 0:  # two codes lose a bit, and a shorter code is split in two for them
            shorter = length - 2
            while lengths[shorter] == 0:
                shorter -= 1
            lengths[length] -= 2
            lengths[length - 1] += 1
            lengths[shorter] -= 1
            lengths[shorter + 1] += 2
    longest = min(longest, LENGTHS)
    while lengths[longest] == 0:
        longest -= 1
    lengths[longest] -= 1  # the reserved code
    for length in range(1, LENGTHS + 1):
        table[length - 1] = lengths[length]


@kernel
def fill_codes(table, codes):
    """Store the code of every symbol: ``code << extra bits << 6 | length including the extra bits``."""
    code, at = np.uint64(0), LENGTHS
    for length in range(1, LENGTHS + 1):
        for _ in range(table[length - 1]):
            extra = np.uint64(table[at]) & np.uint64(15)
            codes[table[at]] = code << extra << np.uint64(6) | (np.uint64(length) + extra)
            code += np.uint64(1)
            at += 1
        code <<= np.uint64(1)


@kernel
def emit(tokens, codes, bits, out, at):
    """Write the codes of tokens and return their end; a byte of ones is followed by a zero.

    Parameters
    ----------
    tokens : ndarray of uint32, shape (N,)
    codes : ndarray of uint64, shape (1024,)
        Codes from `fill_codes`, class by class.
    bits : int
        Total number of bits of the codes.
    out : ndarray of uint8, shape (M,)
        Output buffer, with space for twice that many bits and eight bytes.
    at : int
        Offset of the first byte.
    """
    size = (bits + 7) // 8
    words = np.empty(size // 8 + 2, np.uint64)
    data = words.view(np.uint8)
    word, used, end = (
        np.uint64(0),
        np.uint64(0),
        np.uint64(0),
    )  # bits from the left that do not fill a byte yet
    for token in tokens:
        code = codes[token & np.uint32(1023)]
        used += code & np.uint64(63)
        word |= ((code >> np.uint64(6)) + np.uint64(token >> np.uint32(10))) << (np.uint64(64) - used)
        store_word(data, end, byteswap(word))
        end += used >> np.uint64(3)
        word <<= used & np.uint64(56)
        used &= np.uint64(7)
    if used > np.uint64(0):
        data[end] |= np.uint8(np.uint64(255) >> used)  # the rest of the last byte is filled with ones
    return _stuff(words, data, size, out, at)


@kernel
def _stuff(words, data, size, out, at):
    """Copy bytes and insert a zero after every byte of ones."""
    ones, tops = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    for k in range((size + 7) // 8):
        word = words[k]
        if 8 * k + 8 <= size and not word & ~(word + ones) & tops:  # no byte is all ones
            store_word(out, np.uint64(at), word)
            at += 8
        else:
            for byte in data[8 * k : min(8 * k + 8, size)]:
                out[at] = byte
                at += 1
                if byte == 255:
                    out[at] = 0
                    at += 1
    return at
