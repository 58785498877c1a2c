"""Huffman tables are those of the procedure in annex K.2 of ITU-T T.81 with libjpeg's choice among equal counts."""

import itertools

import numpy as np
import pytest
from numpy.random import default_rng

from imagenet_cp.kernels import huffman

RNG = default_rng(0)
FIBONACCI = [1, 1]
while len(FIBONACCI) < 60:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])
COUNTS = {
    "one symbol": [0] * 7 + [5],
    "last symbol": [0] * 255 + [1],
    "two symbols": [3, 3],
    "all equal": [1] * 256,
    "all equal and many": [1000] * 256,
    "Fibonacci": FIBONACCI,
    "Fibonacci backwards": FIBONACCI[::-1],
    "Fibonacci shuffled": RNG.permutation(FIBONACCI + [0] * 196),
    "short Fibonacci": FIBONACCI[:17],
    "powers of two": [1 << k for k in range(48)],
} | {
    f"random {kind} {k}": counts
    for k in range(60)
    for kind, counts in {
        "few": RNG.integers(0, 3, 256),
        "many": RNG.integers(0, 10**6, 256),
        "sparse": RNG.integers(0, 50, 256) * (RNG.random(256) < 0.1),
        "geometric": RNG.geometric(0.03, 256) - 1,
        "steep": (1.3 ** (100 * RNG.random(256) ** 2)).astype(int),
    }.items()
}


def plain_table(counts):
    """Return how many codes there are of each length, and the symbols in the order of their codes."""
    groups = {symbol: (int(count), [symbol]) for symbol, count in enumerate(counts) if count}
    groups[256] = 1, [256]  # takes the code of all ones
    depths = dict.fromkeys(groups, 0)
    while len(groups) > 1:
        rare, other = sorted(groups, key=lambda symbol: (groups[symbol][0], -symbol))[:2]
        (count, symbols), (other_count, other_symbols) = groups[rare], groups.pop(other)
        groups[rare] = count + other_count, symbols + other_symbols
        for symbol in symbols + other_symbols:
            depths[symbol] += 1
    lengths = [sum(depth == length for depth in depths.values()) for length in range(257)]
    for length in range(256, 16, -1):
        while lengths[length]:
            shorter = max(k for k in range(1, length - 1) if lengths[k])
            lengths[length] -= 2
            lengths[length - 1] += 1
            lengths[shorter] -= 1
            lengths[shorter + 1] += 2
    lengths[max(k for k in range(257) if lengths[k])] -= 1
    del depths[256]
    return lengths[1:17], sorted(depths, key=lambda symbol: (depths[symbol], symbol))


def optimal_table(counts):
    padded, table = np.zeros(huffman.SYMBOLS, np.int64), np.zeros(huffman.TABLE, np.uint8)
    padded[: len(counts)] = counts
    huffman.optimal_table(padded, table)
    return table


@pytest.mark.parametrize("name", COUNTS)
def test_optimal_table(name):
    table = optimal_table(COUNTS[name])
    lengths, symbols = plain_table(COUNTS[name])
    assert table[:16].tolist() == lengths
    assert table[16 : 16 + len(symbols)].tolist() == symbols


@pytest.mark.parametrize("name", ["two symbols", "Fibonacci", "all equal", "random many 0", "random steep 0"])
def test_no_code_begins_another_and_none_is_all_ones(name):
    codes, counts = np.zeros(huffman.SYMBOLS, np.uint64), COUNTS[name]
    huffman.fill_codes(optimal_table(counts), codes)
    texts = []
    for symbol in np.flatnonzero(counts):
        extra = int(symbol) & 15
        texts.append(format(int(codes[symbol]) >> 6 >> extra, f"0{(int(codes[symbol]) & 63) - extra}b"))
    texts.sort()
    assert all(not b.startswith(a) for a, b in itertools.pairwise(texts))
    assert all("0" in text and len(text) <= 16 for text in texts)


def test_bits_are_packed_and_bytes_of_ones_are_followed_by_zeros():
    rng = default_rng(5)
    codes = np.zeros(4 * huffman.SYMBOLS, np.uint64)
    for k, name in enumerate(["two symbols", "random many 0", "random sparse 0", "random steep 0"]):
        huffman.fill_codes(optimal_table(COUNTS[name]), codes[256 * k : 256 * k + 256])
    symbols = np.flatnonzero(codes)
    for count in [*range(40), 1000]:
        chosen = rng.choice(symbols, count)
        extra = [
            int(rng.integers(0, 1 << (s & 15))) | int(rng.random() < 0.5) * ((1 << (s & 15)) - 1)
            for s in chosen
        ]
        tokens = np.array([e << 10 | int(s) for e, s in zip(extra, chosen, strict=True)], np.uint32)
        bits = "".join(
            format((int(codes[s]) >> 6) + e, f"0{int(codes[s]) & 63}b")
            for e, s in zip(extra, chosen, strict=True)
        )
        padded = bits + "1" * (-len(bits) % 8)
        expected = bytes(int(padded[k : k + 8], 2) for k in range(0, len(padded), 8)).replace(
            b"\xff", b"\xff\0"
        )
        out = np.zeros(len(bits) // 4 + 20, np.uint8)
        end = huffman.emit(tokens, codes, len(bits), out, 3)
        assert out[3:end].tobytes() == expected
