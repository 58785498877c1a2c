"""Source images of a config of several cells are decoded once, whichever process needs them."""

import gc
import math
import pickle
import re
import tempfile
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import load_dataset
from filelock import FileLock

from imagenet_cp.benchmarks.benchmark import Benchmark
from imagenet_cp.hub import prepared
from imagenet_cp.hub.prepared import PreparedImages


class Source:
    """Eight images of different sizes, of which number 4 cannot be read."""

    def __init__(self):
        self.calls = []

    def __call__(self, number):
        self.calls.append(number)
        return None if number == 4 else np.full((number + 2, 3, 3), number, np.uint8)


def read(images, source, start=0, stop=8):
    return [(n, image.shape, set(image.flat)) for n, image in images.read(start, stop, source)]


EXPECTED = [(n, (n + 2, 3, 3), {n}) for n in range(8) if n != 4]


def test_without_a_folder_to_write_to_images_are_among_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for place in (tmp_path / "none", None, tmp_path):
        folder = PreparedImages(8, place).folder
        assert folder.parent == tmp_path and re.fullmatch(r"imagenet_cp_images_\w{8}", folder.name)


@pytest.fixture(autouse=True)
def chunks_of_three(monkeypatch):
    monkeypatch.setattr(prepared, "CHUNK", 3)


def test_every_image_is_prepared_once(tmp_path):
    source, images = Source(), PreparedImages(8, tmp_path)
    for _ in range(2):
        assert read(images, source) == EXPECTED
    assert read(images, source, 2, 7) == EXPECTED[2:6] and not read(images, source, 4, 5)
    assert source.calls == list(range(8))
    _, image = next(images.read(0, 8, source))
    assert type(image) is np.ndarray and image.flags.writeable


def test_images_that_do_not_fit_are_prepared_again(tmp_path, monkeypatch):
    source, images = Source(), PreparedImages(8, tmp_path)
    assert read(images, source, 0, 3) == EXPECTED[:3]
    monkeypatch.setattr(prepared, "MIN_FREE", 1 << 60)
    for _ in range(2):
        assert read(images, source) == EXPECTED
    assert source.calls == [0, 1, 2, 3, *range(3, 8), *range(3, 8)]
    monkeypatch.setattr(prepared, "MIN_FREE", 0)
    first = sum(math.prod(shape) for _, shape, _ in EXPECTED[:3])
    # A chunk that does not fit is not stored in part.
    for most, used in ((first + 1, first), (first, first), (first - 1, 0)):
        monkeypatch.setattr(prepared, "MAX_SIZE", most)
        images = PreparedImages(8, tmp_path)
        assert read(images, source) == EXPECTED
        assert sum(path.stat().st_size for path in images.folder.glob("*.pixels")) == used


def test_images_take_32_gib_at_most_and_leave_1_gib_free(tmp_path, monkeypatch):
    images, gib = PreparedImages(8, tmp_path), 1 << 30
    (images.folder / "0.pixels").write_bytes(b"12345")
    for free, room in ((100 * gib, 32 * gib - 5), (gib + 7, 7), (gib - 1, -1)):
        monkeypatch.setattr(
            prepared.shutil, "disk_usage", lambda folder, free=free: SimpleNamespace(free=free)
        )
        assert images._room() == room


def test_the_folder_is_deleted_by_its_owner_only(tmp_path):
    images = PreparedImages(8, tmp_path)
    read(images, Source())
    copy = pickle.loads(pickle.dumps(images))
    assert read(copy, None) == EXPECTED
    del copy
    gc.collect()
    assert len(list(tmp_path.iterdir())) == 1
    del images
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_iterators_at_the_same_time_do_not_wait_for_each_other(tmp_path):
    source, images = Source(), PreparedImages(8, tmp_path)
    one, two = images.read(0, 8, source), images.read(0, 8, source)
    for (a, first), (b, second) in zip(one, two, strict=True):
        assert a == b and np.array_equal(first, second)
    assert source.calls == list(range(8))


def test_a_process_that_waits_prepares_later_images(tmp_path):
    source, images = Source(), PreparedImages(8, tmp_path)
    rows = []
    other = threading.Thread(target=lambda: rows.extend(read(images, source)))
    with FileLock(images.folder / "0.lock"):
        other.start()
        while len(source.calls) < 5:
            other.join(0.01)
        assert sorted(source.calls) == [3, 4, 5, 6, 7] and not rows
    other.join()
    assert rows == EXPECTED and sorted(source.calls) == list(range(8))
    assert {path.name for path in images.folder.glob("*.index")} == {"0.index", "1.index", "2.index"}


@pytest.mark.parametrize("options", [{}, {"num_proc": 2}, {"streaming": True}], ids=str)
def test_load_dataset_decodes_every_image_once(options, class_folder, cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare = Benchmark.prepare

    def counted(self, data, name, size):
        with open(tmp_path / "log", "a") as log:
            log.write(f"{name}\n")
        return prepare(self, data, name, size)

    monkeypatch.setattr(Benchmark, "prepare", counted)
    folder = str(class_folder)
    loaded = load_dataset(
        "imagenet_c", "contrast", split="validation", data_dir=folder, cache_dir=cache, **options
    )
    assert [row["severity"] for row in loaded] == [level for level in range(1, 6) for _ in range(4)]
    names = (tmp_path / "log").read_text().splitlines()
    assert len(names) == len(set(names)) == 4
