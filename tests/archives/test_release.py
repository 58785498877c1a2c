"""Listings of archives and folders, and the report of an import."""

import errno
import hashlib
import io
import os
import re
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from imagenet_cp.archives.image_releases import FileImages
from imagenet_cp.archives.import_folder import Import, _short_names, report
from imagenet_cp.archives.known_releases import RELEASES, released_cells
from imagenet_cp.archives.release import Listing, _Hashing, list_entries
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.build.parquet import FileInfo
from imagenet_cp.errors import SourceError
from imagenet_cp.jobs.job_folder import STATE_DIR


def test_three_skipped_files_are_examples():
    listing = Listing(Path("a"))
    for name in ("x" * 201, "b", "c", "d"):
        listing.skip(name, "why")
    assert listing.skipped == 4 and listing.examples == [f"{'x' * 200!r} (why)", "'b' (why)", "'c' (why)"]


def test_an_archive_is_listed_and_hashed_whole(tmp_path):
    (tmp_path / "b").write_bytes(b"12345")
    with tarfile.open(tmp_path / "fog.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("3/b", "../c", "/d"):
            member = archive.gettarinfo(tmp_path / "b", "x")
            member.name = name
            with open(tmp_path / "b", "rb") as file:
                archive.addfile(member, file)
    ticks, listing = [], Listing(tmp_path / "fog.tar")
    entries = list(list_entries(listing.path, listing, True, ticks.append))
    assert [(one.path, one.size, bool(one.other)) for one in entries] == [
        ("/fog/3/b", 5, False),
        ("/fog/../c", 5, True),
        ("/fog//d", 5, True),
    ]
    data = listing.path.read_bytes()
    assert listing.md5 == hashlib.md5(data).hexdigest() and entries[0].offset == 512
    assert data[512:517] == b"12345" and 0 < sum(ticks) < len(data)
    listing = Listing(tmp_path / "fog.tar")
    list(list_entries(listing.path, listing))
    assert listing.md5 == "" and listing.stamp.startswith(f"{len(data)}:")


def test_an_archive_that_gets_shorter_is_hashed_to_its_end():
    ticks = []
    archive = _Hashing(io.BytesIO(b"12345"), ticks.append)
    assert archive.read(2) == b"12" and archive.seek(4) == 4 and archive.seek(9) == 5
    assert sum(ticks) == 3 and archive.hash.hexdigest() == hashlib.md5(b"12345").hexdigest()


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def fail(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(SourceError, match=f"^{re.escape(str(tmp_path))}: .*Permission denied"):
        list(list_entries(tmp_path, Listing(tmp_path)))


def test_a_folder_is_listed_in_order_and_an_array_with_its_labels(tmp_path):
    for name in ("b/2", "b/1", "a/3", "fog.npy", "labels.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    listed = list(list_entries(tmp_path, Listing(tmp_path)))
    inside = ["fog.npy", "labels.npy", "a/3", "b/1", "b/2"]
    assert listed == [(str(tmp_path / name), str(tmp_path / name), None, 0, "") for name in inside]
    assert list(list_entries(tmp_path / "fog.npy", Listing(tmp_path))) == listed[:2]
    assert len(list(list_entries(tmp_path / "labels.npy", Listing(tmp_path)))) == 1


def test_archives_have_a_checksum_and_their_size():
    sizes = {}
    for name, release in RELEASES.items():
        for file, archive in release.archives.items():
            assert re.fullmatch("[0-9a-f]{32}", archive.md5)
            sizes[f"{name}/{file}"] = archive.size
    assert {name: size for name, size in sizes.items() if size} == {
        "imagenet_c/noise.tar": 22_565_673_785,
        "imagenet_c/blur.tar": 7_112_704_951,
        "imagenet_c/weather.tar": 12_797_438_995,
        "imagenet_c/digital.tar": 7_757_510_705,
        "imagenet_c/extra.tar": 15_789_490_144,
        "tiny_imagenet_c/Tiny-ImageNet-C.tar": 1_794_775_040,
        "cifar10_c/CIFAR-10-C.tar": 2_918_471_680,
        "cifar100_c/CIFAR-100-C.tar": 2_918_473_216,
    }
    assert [name for name, size in sizes.items() if not size] == [
        f"imagenet_p/{name}.tar" for name in ("blur", "digital", "noise", "weather")
    ]
    every = sorted(archive.md5 for release in RELEASES.values() for archive in release.archives.values())
    assert hashlib.md5(" ".join(every).encode()).hexdigest() == "28d11c8b864b1bff27cbda3eaa304aed"


def test_releases_have_their_numbers_of_images_and_their_addresses():
    images = {"imagenet_c": 50_000, "imagenet_c_bar": 50_000, "imagenet_p": 50_000}
    small = dict.fromkeys(("tiny_imagenet_c", "cifar10_c", "cifar100_c"), 10_000)
    assert {name: release.images for name, release in RELEASES.items()} == images | small
    largest = {name: release.max_size for name, release in RELEASES.items() if hasattr(release, "max_size")}
    assert largest == dict.fromkeys(("imagenet_c", "imagenet_c_bar", "tiny_imagenet_c"), 1 << 20) | {
        "imagenet_p": 8 << 20
    }
    assert RELEASES["imagenet_c"].url == "https://zenodo.org/records/2235448"
    assert RELEASES["imagenet_c_bar"].url == "https://dl.fbaipublicfiles.com/inc_bar/imagenet_c_bar.tar.gz"


def test_a_report_has_incomplete_and_missing_configs(tmp_path):
    release, benchmark = RELEASES["tiny_imagenet_c"], BENCHMARKS["tiny_imagenet_c"]
    recipe = Recipe("tiny_imagenet_c", benchmark.profile, codec="jpeg", record=release.record)
    files = {
        "fog_1": {"data/fog_1/a": FileInfo(10_000, 5_000_000, "")},
        "fog_2": {"data/fog_2/a": FileInfo(7, 400_000, ""), "data/fog_2/b": FileInfo(2, 0, "")},
    }
    made = Import(benchmark, recipe, release, tmp_path, files=files, notes=["a note"])
    cells = released_cells(benchmark)
    lines = report(made)
    assert lines[:2] == ["a note", "fog_2: 9 of 10,000 images"] and len(lines) == 4
    names = dict.fromkeys(cell.name for cell in cells.values())
    expected = [part for name in names for part in (["fog_3", "fog_4", "fog_5"] if name == "fog" else [name])]
    assert lines[2] == f"not given: {', '.join(expected)}"
    assert (
        lines[3] == f"{tmp_path}: 1 of {len(cells)} configs complete, 10,009 rows, 5.4 MB, {recipe.signature}"
    )
    assert made.slices == 4 and _short_names(cells, []) == []


def test_unfinished_files_of_earlier_imports_are_deleted(tmp_path):
    release, benchmark = RELEASES["tiny_imagenet_c"], BENCHMARKS["tiny_imagenet_c"]
    recipe = Recipe("tiny_imagenet_c", benchmark.profile, codec="jpeg", record=release.record)
    unfinished = [".build.json.12ab.tmp", "data/fog_1/.validation-00000-of-00004.parquet.12ab.tmp"]
    others = ["mine.tmp", "data/fog_1/mine.tmp"]
    (tmp_path / "data" / "fog_1").mkdir(parents=True)
    for name in (*unfinished, *others, "data/fog_1/validation-00000-of-00004.parquet"):
        (tmp_path / name).touch()
    Import(benchmark, recipe, release, tmp_path).resume({})
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(others)


def test_the_record_of_another_import_is_named_and_not_believed(tmp_path):
    release, benchmark = RELEASES["tiny_imagenet_c"], BENCHMARKS["tiny_imagenet_c"]
    recipe = Recipe("tiny_imagenet_c", benchmark.profile, codec="jpeg", record=release.record)
    identity = {"signature": recipe.signature, "source": "here", "images": 9, "images_per_file": 2500}
    earlier = Import(benchmark, recipe, release, tmp_path, identity={**identity, "images": 8})
    (tmp_path / STATE_DIR).mkdir()
    earlier.save_state()
    made = Import(benchmark, recipe, release, tmp_path)
    made.resume(identity)
    assert made.files == {} and made.notes == [
        f"{STATE_DIR}/official.json: images 8, not 9; all is imported again"
    ]


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="POSIX")
def test_the_stretch_of_the_files_that_are_read_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *given: asked.append(given))
    FileImages._prefetch(SimpleNamespace(labels=[-1, 0, 3], offsets=[5, 90, 40], sizes=[9, 10, 20]), 7)
    FileImages._prefetch(SimpleNamespace(labels=[-1], offsets=[5], sizes=[9]), 7)
    assert asked == [(7, 40, 60, os.POSIX_FADV_WILLNEED)]
