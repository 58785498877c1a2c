"""The compiled seeding equals NumPy's own."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import SFC64, SeedSequence

from imagenet_cp.seeding import DigestSequence


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 2**32 - 1]) | st.integers(0, 2**32 - 1), min_size=0, max_size=12),
    st.integers(0, 9),
    st.sampled_from([np.uint32, np.uint64]),
)
def test_equals_numpys_seed_sequence(words, count, dtype):
    digest = np.array(words, "<u4").tobytes()
    numpys = SeedSequence(int.from_bytes(digest, "little"))
    assert (DigestSequence(digest).generate_state(count, dtype) == numpys.generate_state(count, dtype)).all()


@pytest.mark.parametrize("zeros", [0, 1, 4, 8])
def test_streams_equal_those_of_numpys_seed_sequence(zeros):
    for seed in range(1000):
        digest = np.random.default_rng(seed).bytes(32 - 4 * zeros) + bytes(4 * zeros)
        ours, numpys = SFC64(DigestSequence(digest)), SFC64(SeedSequence(int.from_bytes(digest, "little")))
        assert (ours.state["state"]["state"] == numpys.state["state"]["state"]).all()


def test_a_stream_can_be_pickled():
    bits = SFC64(DigestSequence(bytes(range(32))))
    assert pickle.loads(pickle.dumps(bits)).random_raw() == bits.random_raw()
