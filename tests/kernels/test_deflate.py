"""Compressed bytes are those of zlib with Huffman coding alone."""

import zlib

import numpy as np
import pytest
from numpy.random import default_rng
from skimage import data

from imagenet_cp.kernels.deflate import BLOCK, LIMIT, RUN_LIMIT, code_lengths, deflate

FIBONACCI = [1, 1]
while len(FIBONACCI) < 19:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])
#: Counts of the symbols of runs, of which the longest optimal code has nine bits.
UNEVEN_RUNS = [55, 3, 1, 0, 2, 2, 2, 1, 1, 2, 1, 5, 5, 28, 86, 0, 9, 9, 0]


def uneven_runs():
    """Bytes whose codes have lengths that are described by `UNEVEN_RUNS`."""
    rng = default_rng(1507)
    counts = (2.0 ** (14 * rng.random(256) ** 12)).astype(int) * (rng.random(256) < 0.7)
    return np.repeat(np.arange(256), counts)[: BLOCK + 100]


def some_bytes(rng, size):
    """Bytes of one of several distributions."""
    symbols = rng.permutation(256)[: rng.integers(1, 257)]
    kind = rng.integers(0, 5)
    if kind == 0:
        return rng.choice(symbols, size)
    if kind == 1:
        return rng.choice(symbols, size, p=rng.dirichlet(np.full(symbols.size, 0.2)))
    if kind == 2:
        return rng.normal(0, np.exp(rng.uniform(-1, 5)), size).astype(int) & 255
    if kind == 3:
        return np.minimum(rng.zipf(rng.uniform(1.1, 3), size), 255)
    return rng.integers(0, 256, size) * (rng.random(size) < rng.random())


RNG = default_rng(0)
BYTES = {
    "one of each": np.arange(256),
    "constant": np.zeros(1000),
    "two values": RNG.integers(0, 2, 20000) * 255,
    "Fibonacci": RNG.permutation(np.repeat(np.arange(19), FIBONACCI)),
    "Fibonacci backwards": RNG.permutation(np.repeat(np.arange(255, 236, -1), FIBONACCI)),
    "uneven runs": uneven_runs(),
    "noise": RNG.integers(0, 256, 40000),
    "noise after a photograph": np.append(data.coffee()[:70, :100], RNG.integers(0, 256, 40000)),
    "photograph": data.chelsea(),
}


def zlib_bytes(values):
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
    return compressor.compress(values.tobytes()) + compressor.flush()


def check(values):
    values = np.asarray(values, np.uint8).reshape(-1)
    stream = deflate(values).tobytes()
    assert zlib.decompress(stream, -15) == values.tobytes()
    assert stream == zlib_bytes(values)
    return stream


@pytest.mark.parametrize("name", BYTES)
def test_bytes_are_zlib_s(name):
    check(BYTES[name])


@pytest.mark.parametrize("size", [*range(12), *(k * BLOCK + d for k in (1, 2) for d in (-2, -1, 0, 1, 2))])
def test_sizes(size):
    check(np.zeros(size))
    check(RNG.integers(0, 256, size))
    check(RNG.geometric(0.1, size) & 255)


def test_bytes_of_many_distributions_are_zlib_s():
    rng = default_rng(1)
    for size in np.exp(rng.uniform(0, np.log(3 * BLOCK), 500)).astype(int):
        check(some_bytes(rng, size))


def test_blocks_of_noise_are_stored_and_short_ones_have_fixed_codes():
    kinds = [check(values)[0] >> 1 & 3 for values in (BYTES["noise"], [], BYTES["photograph"])]
    assert kinds == [0, 1, 2]


@pytest.mark.parametrize(
    ("counts", "limit", "longest"), [(FIBONACCI, LIMIT, 18), (UNEVEN_RUNS, RUN_LIMIT, 9)]
)
def test_codes_that_would_be_too_long_are_cut_and_fit(counts, limit, longest):
    counts, lengths = np.array(counts), np.empty(len(counts), np.int64)
    code_lengths(counts, limit, lengths)
    assert lengths.max() == limit < longest
    assert (2.0 ** -lengths[counts > 0]).sum() == 1
