"""The compiled seeding equals NumPy's own, and steps the same memory."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import SFC64, RandomState, SeedSequence

from imagenet_cp.kernels import rng as sfc64


def plainly(digest):
    return SFC64(SeedSequence(int.from_bytes(digest, "little")))


def state(bits):
    return bits.state["state"]["state"].tolist(), bits.state["has_uint32"], bits.state["uinteger"]


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2**32 - 1]) | st.integers(0, 2**32 - 1), min_size=0, max_size=12))
def test_seeds_as_numpys_seed_sequence(words):
    digest = np.array(words, "<u4").tobytes()
    assert state(sfc64.seeded(digest)) == state(plainly(digest))


@pytest.mark.parametrize("zeros", [0, 1, 4, 8])
def test_a_generator_can_be_used_again(zeros):
    bits = SFC64(0)
    for seed in range(1000):
        digest = np.random.default_rng(seed).bytes(32 - 4 * zeros) + bytes(4 * zeros)
        RandomState(bits).randint(5, dtype=np.int32)  # leaves half a word
        assert sfc64.seeded(digest, into=bits) is bits and state(bits) == state(plainly(digest))


def test_a_stream_can_be_pickled():
    bits = sfc64.seeded(bytes(range(32)))
    assert pickle.loads(pickle.dumps(bits)).random_raw() == bits.random_raw()


def test_other_memory_is_noticed():
    bits = SFC64(3)
    RandomState(bits).randint(5, dtype=np.int32)
    assert bits.state["has_uint32"] == 1 and bits.state["uinteger"] > 0
    sfc64.check_memory(bits)

    class Moved:
        capsule, state = bits.capsule, SFC64(4).state

    with pytest.raises(ImportError, match="whose state lies elsewhere in memory"):
        sfc64.check_memory(Moved)
