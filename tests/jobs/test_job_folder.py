"""Identities of builds and their shards."""

import pytest

from imagenet_cp.jobs.job_folder import Shard, differences


@pytest.mark.parametrize(
    ("stored", "identity", "found"),
    [
        ({"images": 1}, {"images": 1}, ""),
        ({"images": 1, "source": "a"}, {"images": 2, "source": "b"}, "images 1, not 2; source 'a', not 'b'"),
        ({}, {"columns": "c"}, "columns None, not 'c'"),
        ({"columns": "c"}, {}, "columns 'c', not None"),
    ],
)
def test_every_difference_is_named(stored, identity, found):
    assert differences(stored, identity) == found


def test_every_slice_belongs_to_one_shard():
    assert all(map(Shard().has, range(5)))
    assert [[index for index in range(7) if Shard(n, 3).has(index)] for n in (1, 2, 3)] == [
        [0, 3, 6],
        [1, 4],
        [2, 5],
    ]
