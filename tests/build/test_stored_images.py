"""Rows of a Parquet file read one by one, in any order and of any writer."""

import functools
import os
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagenet_cp.build import stored_images
from imagenet_cp.build.stored_images import StoredImages

RNG = np.random.default_rng(0)
#: 250 images of 0.2 to 9 KB, more than a page of the smaller sizes; some are the same, and one is in another.
IMAGES = [RNG.bytes(int(size)) for size in RNG.integers(200, 9000, 250)]
IMAGES[7], IMAGES[9] = IMAGES[3], IMAGES[8] + IMAGES[8]
LABELS = list(range(250))
FILE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
OURS = {"compression": "none", "use_dictionary": False}


def write(path, column="image", values=None, **options):
    values = [{"bytes": data, "path": "a.png"} for data in IMAGES] if values is None else values
    kind = FILE if column != "sequence" else pa.list_(FILE)
    table = pa.table({"label": pa.array(LABELS[: len(values)]), column: pa.array(values, kind)})
    pq.write_table(table, path, row_group_size=100, **{**OURS, **options})
    return str(path)


@pytest.fixture
def located(monkeypatch):
    """List of whether the images of each group that is read are found."""
    found = []
    find = stored_images._find
    monkeypatch.setattr(
        stored_images, "_find", lambda *given: [found.append(find(*given) is not None), find(*given)][1]
    )
    return found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, True),
        ({"data_page_size": 20_000, "data_page_version": "2.0"}, True),
        ({"use_content_defined_chunking": True, "write_page_index": True}, True),
        ({"use_dictionary": True}, False),
        ({"compression": "snappy", "use_dictionary": True}, False),
        ({"compression": "zstd"}, None),
        ({"column_encoding": {"image.bytes": "DELTA_BYTE_ARRAY"}, "use_dictionary": False}, False),
    ],
)
def test_rows_in_any_order(tmp_path, located, options, found):
    images = StoredImages(write(tmp_path / "rows.parquet", **options), "image")
    for row in [*range(250), *RNG.permutation(250)]:
        assert images.read(row) == ([IMAGES[row]], LABELS[row])
    assert len(located) == 3  # once for every group
    assert found is None or found in located


def test_a_group_is_decoded_once(tmp_path, monkeypatch):
    images = StoredImages(write(tmp_path / "rows.parquet"), "image")
    assert [images.read(row)[1] for row in (0, 100, 200)] == [0, 100, 200]
    monkeypatch.setattr(stored_images, "_open", None)
    assert [images.read(row)[0][0] for row in (99, 249, 1)] == [IMAGES[99], IMAGES[249], IMAGES[1]]


def test_few_files_are_open_and_the_last_ones_stay(tmp_path, monkeypatch):
    few = functools.lru_cache(2)(stored_images._open.__wrapped__)
    monkeypatch.setattr(stored_images, "_open", few)
    stored = [StoredImages(write(tmp_path / f"{n}.parquet", compression="zstd"), "image") for n in range(3)]
    for number in (0, 1, 2, 0, 2):
        assert stored[number].read(number) == ([IMAGES[number]], number)
    assert (few.cache_info().currsize, few.cache_info().misses) == (2, 4)


@pytest.mark.parametrize("column", ["video", "sequence"])
def test_sequences_and_videos(tmp_path, column):
    files = [{"bytes": data, "path": None} for data in IMAGES]
    values = files if column == "video" else [files[n : n + 5] for n in range(0, 250, 5)]
    images = StoredImages(write(tmp_path / "rows.parquet", column, values), column)
    count = 1 if column == "video" else 5
    for row in RNG.permutation(len(values)):
        assert images.read(row) == (IMAGES[row * count : (row + 1) * count], row)


def test_sequences_of_different_lengths(tmp_path):
    files = [{"bytes": data, "path": None} for data in IMAGES[:9]]
    values = [files[:2], files[2:3], files[3:]]
    images = StoredImages(write(tmp_path / "rows.parquet", "sequence", values), "sequence")
    assert [images.read(row)[0] for row in (2, 0, 1)] == [IMAGES[3:9], IMAGES[:2], IMAGES[2:3]]
    images = StoredImages(write(tmp_path / "none.parquet", "sequence", [[], []]), "sequence")
    assert images.read(1) == ([], 1)


def test_a_copy_and_a_forked_process(tmp_path):
    images = StoredImages(write(tmp_path / "rows.parquet", compression="zstd"), "image")
    images.read(5)
    assert pickle.loads(pickle.dumps(images)).read(6) == ([IMAGES[6]], 6)
    if hasattr(os, "fork"):
        child = os.fork()
        if not child:
            os._exit(images.read(150) != ([IMAGES[150]], 150))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert images.read(7)[0] == [IMAGES[7]]


def test_a_file_that_is_replaced_is_read_anew_only_when_opened_anew(tmp_path):
    path = write(tmp_path / "rows.parquet", compression="zstd")
    images = StoredImages(path, "image")
    assert images.metadata.num_rows == len(IMAGES) and images.read(0)[0] == [IMAGES[0]]
    os.replace(write(tmp_path / "other.parquet", values=[{"bytes": b"another", "path": None}]), path)
    with pytest.raises(ValueError, match="has changed since it was opened"):
        images.read(0)
    again = StoredImages(path, "image")
    assert again.metadata.num_rows == 1 and again.read(0)[0] == [b"another"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX")  # Windows cannot truncate a mapped file
def test_a_file_that_is_cut_short_while_it_is_read_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "rows.parquet")
    images = StoredImages(path, "image")
    images.read(99)
    monkeypatch.setattr(stored_images, "_state", lambda path: images._state)
    os.truncate(path, 1000)
    with pytest.raises(ValueError, match="it is truncated"):
        images.read(98)


def test_files_that_cannot_be_read(tmp_path):
    path = write(tmp_path / "rows.parquet")
    images = StoredImages(path, "image")
    images.read(99)
    os.truncate(path, 1000)
    with pytest.raises(ValueError, match="has changed since it was opened"):
        images.read(98)
    with pytest.raises(pa.ArrowInvalid):
        StoredImages(path, "image").read(0)
    path = write(tmp_path / "rows.parquet", values=[{"bytes": b"a", "path": None}, None])
    with pytest.raises(ValueError, match="row group 0 has no image or label in a row"):
        StoredImages(path, "image").read(0)
    unlabelled = pa.table({"label": pa.array([None], pa.int64()), "image": pa.array([{"bytes": b"a"}], FILE)})
    pq.write_table(unlabelled, tmp_path / "unlabelled.parquet")
    with pytest.raises(ValueError, match="row group 0 has no image or label in a row"):
        StoredImages(str(tmp_path / "unlabelled.parquet"), "image").read(0)
    with pytest.raises(ValueError, match="has 2 rows, and none of number 2"):
        StoredImages(path, "image").read(2)
    with pytest.raises(ValueError, match="no column video of encoded images"):
        StoredImages(path, "video").read(0)
