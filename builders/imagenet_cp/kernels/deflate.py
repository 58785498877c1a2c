"""Deflate (RFC 1951) by Huffman coding alone, without a search for repeats, in the bytes that zlib writes.

A code is ``bits << 6 | length``, with the bits in the order of the stream, the first one lowest. The lengths of codes
are themselves coded, in runs. A run is ``extra bits << 11 | their number << 5 | symbol``; the symbol has a code.
"""

from __future__ import annotations

import numpy as np

from .bits import reverse, store_word
from .compiled import kernel

BLOCK = 16383  # literals of a block of zlib, at its usual memory level
END = 256  # symbol of the end of a block, after the literals
LIMIT, RUN_LIMIT = np.int64(15), np.int64(7)  # length of the longest code: of a literal, of a run
REPEAT, FEW_ZEROS, MANY_ZEROS = 2 << 5 | 16, 3 << 5 | 17, 7 << 5 | 18
ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])  # of the symbols of runs
STORED_HEADER = np.uint64(4)
NUMBER = 1023  # bits of a node that number it
ENDLESS = np.int64(2**63 - 1)


def _code(bits: int, length: int) -> int:
    return int(f"{bits:0{length}b}"[::-1], 2) << 6 | length


#: Codes of a block that has none of its own.
FIXED = np.array(
    [_code(0x30 + k, 8) for k in range(144)] + [_code(0x190 + k, 9) for k in range(112)] + [_code(0, 7)],
    np.uint64,
)


@kernel
def deflate(data):
    """Compress bytes, uint8 (N,), and return uint8 (M,).

    Notes
    -----
    Equal to zlib's raw stream with ``Z_HUFFMAN_ONLY`` and its usual memory level: a block for every 16,383 bytes and
    one for the rest, which may be empty. Each is stored, or has fixed codes or its own, whichever takes fewest bytes.
    """
    counts, run_counts = np.empty(END + 1, np.int64), np.empty(ORDER.size, np.int64)
    lengths, run_lengths = np.empty(END + 1, np.int64), np.empty(ORDER.size, np.int64)
    codes, run_codes = np.empty(END + 1, np.uint64), np.empty(ORDER.size, np.uint64)
    runs = np.empty(END + 3, np.int64)
    blocks = data.size // BLOCK + 1
    out = np.empty(data.size + 8 * (blocks + 1), np.uint8)
    out[0], bit = 0, np.uint64(0)
    for k in range(blocks):
        start, stop = np.uint64(k * BLOCK), np.uint64(min((k + 1) * BLOCK, data.size))
        _count(data, start, stop, counts)
        code_lengths(counts, LIMIT, lengths)
        runs_count = _find_runs(lengths, runs, run_counts)
        code_lengths(run_counts, RUN_LIMIT, run_lengths)
        used = ORDER.size
        while run_lengths[ORDER[used - 1]] == 0:
            used -= 1
        bits, fixed_bits = 17 + 3 * used, 3
        for at in range(runs_count):
            bits += run_lengths[runs[at] & 31] + (runs[at] >> 5 & 63)
        for symbol in range(END + 1):
            bits += counts[symbol] * lengths[symbol]
            fixed_bits += counts[symbol] * np.int64(FIXED[symbol] & np.uint64(63))
        size, fixed_size = (bits + 7) // 8, (fixed_bits + 7) // 8
        last = np.int64(k == blocks - 1)
        if stop - start + STORED_HEADER <= np.uint64(min(size, fixed_size)):
            bit = _put_stored(out, _put(out, bit, last << 6 | 3), data, start, stop)
            continue
        if fixed_size <= size:
            bit = _put(out, bit, (last | 1 << 1) << 6 | 3)
            for symbol in range(END + 1):
                codes[symbol] = FIXED[symbol]
        else:
            # 257 symbols, 2 distances, which no block uses, and the lengths of the codes of runs
            bit = _put(out, bit, (last | 2 << 1 | 1 << 8 | (used - 4) << 13) << 6 | 17)
            for at in range(used):
                bit = _put(out, bit, run_lengths[ORDER[at]] << 6 | 3)
            fill_codes(run_lengths, run_codes)
            for at in range(runs_count):
                bit = _put(out, bit, run_codes[runs[at] & 31])
                bit = _put(out, bit, runs[at] >> 5)
            fill_codes(lengths, codes)
        bit = _put_literals(out, bit, data, start, stop, codes)
    return out[: (bit + np.uint64(7)) >> np.uint64(3)]


@kernel
def _count(data, start, stop, counts):
    """Count the literals of a block, and its one end."""
    # A count that was just stored is slow to load, so neighbours, which are often equal, are counted apart.
    parts, one = np.zeros((4, END), np.int64), np.uint64(1)
    whole = stop - (stop - start) % np.uint64(4)
    for i in range(start, whole, np.uint64(4)):
        parts[0, data[i]] += 1
        parts[1, data[i + one]] += 1
        parts[2, data[i + one + one]] += 1
        parts[3, data[i + one + one + one]] += 1
    for i in range(whole, stop):
        parts[0, data[i]] += 1
    for symbol in range(END):
        counts[symbol] = parts[0, symbol] + parts[1, symbol] + parts[2, symbol] + parts[3, symbol]
    counts[END] = 1


@kernel
def code_lengths(counts, limit, lengths):
    """Compute the lengths of the optimal codes for symbols that occur ``counts`` times, as zlib chooses them.

    Notes
    -----
    Huffman's procedure with a binary heap of nodes, which are ordered by count and then by height; where both are equal
    the place in the heap decides. A node is ``count << 18 | height << 10 | number``. Lengths above ``limit`` are cut to
    it; as long as the codes do not fit, one of the longest below the limit gets a bit more, and one at the limit moves
    beside it. The lengths are then dealt out, the longest first, in the order in which the symbols left the heap.
    """
    heap, size = np.empty(2 * counts.size + 4, np.int64), 0
    for at in range(heap.size):
        heap[at] = ENDLESS
    for symbol in range(counts.size):
        lengths[symbol] = 0
        if counts[symbol] > 0:
            size += 1
            heap[size] = counts[symbol] << 18 | symbol
    for at in range(size // 2, 0, -1):
        _sink(heap, np.uint64(at), heap[at])
    nodes, parents = np.empty(2 * counts.size, np.int64), np.empty(2 * counts.size, np.int64)
    removed, number = 0, counts.size
    while size > 1:
        first, last = heap[1], heap[size]
        heap[size] = ENDLESS
        size -= 1
        _sink(heap, np.uint64(1), last)
        second = heap[1]
        height = max(first >> 10 & 255, second >> 10 & 255) + 1
        _sink(heap, np.uint64(1), (first >> 18) + (second >> 18) << 18 | height << 10 | number)
        nodes[removed], nodes[removed + 1] = first & NUMBER, second & NUMBER
        parents[first & NUMBER] = parents[second & NUMBER] = number
        removed, number = removed + 2, number + 1
    depths, totals, excess = np.zeros(2 * counts.size, np.int64), np.zeros(LIMIT + 1, np.int64), -(1 << limit)
    for k in range(removed - 1, -1, -1):
        node = nodes[k]
        depth = min(depths[parents[node]] + 1, limit)
        depths[node] = depth
        if node < counts.size:
            lengths[node] = depth
            totals[depth] += 1
            excess += 1 << (limit - depth)
    if excess <= 0:
        return
    for _ in range(excess):
        shorter = limit - 1
        while totals[shorter] == 0:
            shorter -= 1
        totals[shorter] -= 1
        totals[shorter + 1] += 2
        totals[limit] -= 1
    length = limit
    for k in range(removed):
        if nodes[k] < counts.size:
            while totals[length] == 0:
                length -= 1
            totals[length] -= 1
            lengths[nodes[k]] = length


@kernel
def _sink(heap, at, node):
    """Put a node into a place of the heap, from 1, or below it; places after the last hold endless nodes."""
    below = at + at
    while True:
        below += np.uint64(heap[below + np.uint64(1)] <= heap[below] | NUMBER)
        if node <= heap[below] | NUMBER:
            break
        heap[at] = heap[below]
        at, below = below, below + below
    heap[at] = node


@kernel
def fill_codes(lengths, codes):
    """Compute the code of every symbol from the lengths of all."""
    # Codes of growing length follow one another as binary fractions.
    starts, start = np.zeros(LIMIT + 1, np.uint64), np.uint64(0)
    for length in lengths:
        if length > 0:
            starts[length] += np.uint64(1) << np.uint64(64 - length)
    for length in range(LIMIT + 1):
        starts[length], start = start, start + starts[length]
    for symbol in range(lengths.size):
        length = lengths[symbol]
        if length > 0:
            codes[symbol] = reverse(starts[length]) << np.uint64(6) | np.uint64(length)
            starts[length] += np.uint64(1) << np.uint64(64 - length)


@kernel
def _find_runs(lengths, runs, counts):
    """Describe the lengths of the codes of literals and of two distances by runs, and return their number.

    The symbols of the runs are counted.
    """
    for symbol in range(counts.size):
        counts[symbol] = 0
    size, at = 0, 0
    while at < lengths.size:
        length, end = lengths[at], at + 1
        while end < lengths.size and lengths[end] == length:
            end += 1
        repeated = False
        while at < end:
            run, count = length, 1
            if length == 0 and end - at > 10:
                count = min(end - at, 138)
                run = (count - 11) << 11 | MANY_ZEROS
            elif length == 0 and end - at > 2:
                count = end - at
                run = (count - 3) << 11 | FEW_ZEROS
            elif repeated and end - at > 2:
                count = min(end - at, 6)
                run = (count - 3) << 11 | REPEAT
            runs[size] = run
            counts[run & 31] += 1
            size, at, repeated = size + 1, at + count, True
    runs[size] = runs[size + 1] = 1  # the lengths for both distances
    counts[1] += 2
    return size + 2


@kernel
def _put(out, bit, code):
    """Write a code at a bit of the stream, and return the bit after it."""
    at, code = bit >> np.uint64(3), np.uint64(code)
    store_word(out, at, np.uint64(out[at]) | code >> np.uint64(6) << (bit & np.uint64(7)))
    return bit + (code & np.uint64(63))


@kernel
def _put_stored(out, bit, data, start, stop):
    """Write a block as it is, from the next byte of the stream, and return the bit after it."""
    at, size = (bit + np.uint64(7)) >> np.uint64(3), stop - start
    store_word(out, at, size | (size ^ np.uint64(0xFFFF)) << np.uint64(16))
    at += STORED_HEADER
    for i in range(size):
        out[at + i] = data[start + i]
    out[at + size] = 0
    return (at + size) << np.uint64(3)


@kernel
def _put_literals(out, bit, data, start, stop, codes):
    """Write the codes of the literals and of the end of a block at a bit of the stream, and return the bit after them.

    Three codes and the bits that do not fill a byte are at most 52 bits, which a word holds.
    """
    at, used = bit >> np.uint64(3), bit & np.uint64(7)
    word, one = np.uint64(out[at]), np.uint64(1)
    whole = stop - (stop - start) % np.uint64(3)
    for i in range(start, whole, np.uint64(3)):
        a, b, c = codes[data[i]], codes[data[i + one]], codes[data[i + one + one]]
        # The lower six bits of sums of codes are sums of lengths.
        three = a >> np.uint64(6) | b >> np.uint64(6) << (a & np.uint64(63))
        three |= c >> np.uint64(6) << (a + b & np.uint64(63))
        word |= three << used
        store_word(out, at, word)
        used += a + b + c & np.uint64(63)
        at += used >> np.uint64(3)
        word >>= used & np.uint64(56)
        used &= np.uint64(7)
    bit = at << np.uint64(3) | used
    for i in range(whole, stop):
        bit = _put(out, bit, codes[data[i]])
    return _put(out, bit, codes[END])
