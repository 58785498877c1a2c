"""The draws are those of numpy's RandomState, and leave the generator as it does."""

import hashlib
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy.random import MT19937, PCG64, SFC64, Philox, RandomState

from imagenet_cp.kernels import draws
from imagenet_cp.kernels.rng import Stream


def stream(seed):
    return Stream.from_sfc64(SFC64(seed))


#: Sources of draws, and the generators of NumPy that they equal.
GENERATORS = [(stream, SFC64), (PCG64, PCG64), (MT19937, MT19937), (Philox, Philox)]


@pytest.fixture(params=GENERATORS)
def pair(request):
    """A source of draws, and a generator of NumPy in the same state."""
    source, generator = request.param
    return source(2019), generator(2019)


def plain(state):
    return {
        key: plain(value) if isinstance(value, dict) else np.asarray(value).tolist()
        for key, value in state.items()
    }


def assert_same_state(one, other):
    one, other = (bits.to_sfc64() if isinstance(bits, Stream) else bits for bits in (one, other))
    assert plain(one.state) == plain(other.state)


def assert_same(made, expected):
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("size", [0, 1, 7, 1023, 1024, 1025, (3, 2), (37, 41), (5, 1, 300)])
def test_uniform(pair, size):
    one, other = pair
    assert_same(draws.uniform(one, -45, 45.5, size), RandomState(other).uniform(-45, 45.5, size))
    assert_same_state(one, other)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 2047, 2048, 2049, (37, 41), (64, 64)])
@pytest.mark.parametrize(("loc", "scale"), [(0, 1), (0.55, 0.3)])
def test_normal(pair, size, loc, scale):
    one, other = pair
    made, expected = draws.normal(one, loc, scale, size), RandomState(other).normal(loc, scale, size)
    assert made.shape == expected.shape
    # two units of the last place of the normal itself, before loc is added
    tolerance = 2 * np.spacing(np.abs(expected - loc)) + np.spacing(np.abs(expected))
    assert (np.abs(made - expected) <= tolerance).all()
    assert_same_state(one, other)


def test_normals_are_frozen_to_the_last_bit():
    """A changed coefficient of the logarithm shows in few last bits, in which RandomState's differ anyway."""
    made = draws.normal(stream(2019), 0, 1, 20_000)
    expected = "18b6f3f1e16588836af5f271ec86a1ff5039c3465432f31e4ad1618a2a2ce630"
    assert hashlib.sha256(made.astype("<f8").tobytes()).hexdigest() == expected


@pytest.mark.parametrize("size", [(64, 64), (33, 35), (40, 33)])
@pytest.mark.parametrize(
    "window",
    [
        np.s_[10:20, 12:31],
        np.s_[3:5, 1:2],
        np.s_[:, :],
        np.s_[4:11, :],
        np.s_[5:, 1:],
        np.s_[:-3, :-1],
        np.s_[5:5, 3:9],
        np.s_[:, 7:7],
        np.s_[32:, 32:],
    ],
)
@pytest.mark.parametrize(("source", "generator"), GENERATORS[:2])
def test_normal_window(source, generator, size, window):
    one, other, third = source(7), source(7), generator(7)
    made = draws.normal_window(one, 0.1, 0.3, size, window)
    assert_same(made, draws.normal(other, 0.1, 0.3, size)[window])
    RandomState(third).normal(0.1, 0.3, size)
    assert_same_state(one, other)
    assert_same_state(one, third)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1, 1),
        (-2, 2),
        (-3, 3),
        (0, 5),
        (10, 11),
        (0, 1000),
        (-(2**31), 2**31),
        (0, 2**32 - 1),
        (5, 6),
        (0, 2**32),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 2, 101, (1500, 2), 2049])
def test_integers(pair, low, high, size):
    one, other = pair
    assert_same(
        draws.integers(one, low, high, size), RandomState(other).randint(low, high, size, dtype=np.int64)
    )
    assert_same_state(one, other)


@pytest.mark.parametrize("high", [5, 6, 7, 8])
@pytest.mark.parametrize(("source", "generator"), GENERATORS)
def test_integers_that_begin_and_end_inside_a_word(source, generator, high):
    one, other = source(3), generator(3)
    reference = RandomState(other)
    for size in [1, 1, 0, 3, 1, 2, 2050, 1, 5, 2049, 1] * 5:
        assert_same(draws.integers(one, 0, high, size), reference.randint(0, high, size, dtype=np.int64))
        assert_same_state(one, other)


@pytest.mark.parametrize(("source", "generator"), GENERATORS)
def test_single_integers(source, generator):
    one, other = source(3), generator(3)
    reference = RandomState(other)
    for high in [1, 2, 5, 224, 1000, 1 << 31, 2**32, 7, 8] * 3:
        assert draws.integer(one, high) == reference.randint(high, dtype=np.int64)
        assert_same_state(one, other)


def test_integers_of_no_range(pair):
    with pytest.raises(ValueError, match="low >= high"):
        draws.integers(pair[0], 5, 5, 3)


def test_integers_of_too_large_a_range():
    with pytest.raises(ValueError, match="or more than 2\\*\\*32 numbers: 0, 4294967297"):
        draws.integers(stream(0), 0, 2**32 + 1, 3)


def test_other_draws_leave_a_half_word_where_it_is():
    one, other = stream(11), SFC64(11)
    reference = RandomState(other)
    draws.integers(one, 0, 8, 3), reference.randint(0, 8, 3)
    assert other.state["has_uint32"] == 1
    assert_same(draws.uniform(one, 0, 1, 9), reference.uniform(0, 1, 9))
    draws.normal(one, 0, 1, 8), reference.normal(0, 1, 8)
    draws.words(one, 2), reference.randint(0, 2**64, 2, dtype=np.uint64)
    assert_same_state(one, other)
    assert_same(draws.integers(one, 0, 8, 4), reference.randint(0, 8, 4))
    assert_same_state(one, other)


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_words(pair, size):
    one, other = pair
    assert_same(draws.words(one, size), RandomState(other).randint(0, 2**64, size, dtype=np.uint64))
    assert_same_state(one, other)


def test_words_are_the_generators_own():
    assert_same(draws.words(stream(1), 100), SFC64(1).random_raw(100))


def near_one():
    yield from (1 - 2.0**-k for k in range(1, 54))
    yield from (1 - x for x in np.linspace(0, 0.5, 500)[1:].tolist())
    yield from (math.sqrt(0.5) * (1 + k * 2.0**-52) for k in range(-3, 4))


def test_logarithm_within_a_unit_of_the_last_place():
    random = np.random.default_rng(0)
    points = [
        *near_one(),
        *random.random(2000).tolist(),
        *(2.0 ** -random.uniform(0, 104, 1000)).tolist(),
        2.0**-104,
        2.0**-53,
    ]
    with localcontext() as context:
        context.prec = 50
        for x in points:
            true = Decimal(x).ln()
            assert abs(Decimal(draws._log(x)) - true) < Decimal(math.ulp(float(true))), x
