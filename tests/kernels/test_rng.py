"""A stream is seeded and stepped as NumPy's SFC64, through its public state alone."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import MT19937, SFC64, RandomState, SeedSequence

from imagenet_cp.kernels import draws
from imagenet_cp.kernels.rng import Stream, compiled_stream, seeded


def state(bits):
    return bits.state["state"]["state"].tolist(), bits.state["has_uint32"], bits.state["uinteger"]


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2**32 - 1]) | st.integers(0, 2**32 - 1), min_size=0, max_size=12))
def test_seeds_as_numpys_seed_sequence(words):
    digest = np.array(words, "<u4").tobytes()
    expected = SFC64(SeedSequence(int.from_bytes(digest, "little")))
    assert state(seeded(digest).to_sfc64()) == state(expected)


def test_the_state_goes_both_ways_with_its_half_word():
    bits = SFC64(3)
    RandomState(bits).randint(5, dtype=np.int32)
    assert bits.state["has_uint32"] == 1 and bits.state["uinteger"] > 0
    assert state(Stream.from_sfc64(bits).to_sfc64()) == state(bits)


def test_a_stream_can_be_pickled():
    stream = seeded(bytes(range(32)))
    again = pickle.loads(pickle.dumps(stream))
    assert draws.words(again, 3).tolist() == draws.words(stream, 3).tolist()


def test_numpys_sfc64_is_advanced_also_after_an_error():
    bits, expected = SFC64(1), RandomState(SFC64(1))
    with pytest.raises(ZeroDivisionError), compiled_stream(bits) as stream:
        draws.integers(stream, 0, 8, 3)
        raise ZeroDivisionError
    expected.randint(0, 8, 3)
    assert RandomState(bits).randint(0, 8, 5).tolist() == expected.randint(0, 8, 5).tolist()


@pytest.mark.parametrize("bits", [MT19937(0), seeded(b"")])
def test_other_sources_are_used_as_they_are(bits):
    with compiled_stream(bits) as stream:
        assert stream is bits


def test_no_source_of_draws_is_refused():
    with (
        pytest.raises(TypeError, match=r"such as SFC64\(0\), not RandomState"),
        compiled_stream(RandomState(0)),
    ):
        pass
