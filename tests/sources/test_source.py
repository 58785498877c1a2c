"""Ids, stamps, limits and messages that all sources share."""

import gzip
import os
import stat
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from imagenet_cp.errors import SourceError
from imagenet_cp.sources import Item, cifar, corrupted, name_lists, open_source, source, tar_members, tiny
from imagenet_cp.sources.arrow import brief
from imagenet_cp.sources.corrupted import CorruptedImages
from imagenet_cp.sources.dataset_files import _files, explained
from imagenet_cp.sources.gzip_stream import GzipStream
from imagenet_cp.sources.image_paths import File, _misplaced, is_image, looks_like_image, path_in_archive
from imagenet_cp.sources.subsets import _possible_ids, open_subset
from imagenet_cp.sources.zip import read_member


def test_ids_of_names_and_of_rows():
    names = ("ILSVRC2012_val_00000003_n01440764", "x_ILSVRC2012_test_00000009", "ILSVRC2012_val_3", "a.b")
    assert [source.image_id_of(name) for name in names] == [
        "ILSVRC2012_val_00000003",
        "ILSVRC2012_test_00000009",
        "ILSVRC2012_val_3",
        "a.b",
    ]
    assert source.row_id(7) == "row-000007" and source.row_id(1234567) == "row-1234567"


def test_stamps_change_with_size_and_time(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    os.utime(file, ns=(5, 1_000_000_007))
    assert source.file_stamp(file) == "3:1000000007"
    source.check_stamp(file.stat(), "3:1000000007", "a")
    with pytest.raises(SourceError, match=r"^a: has changed since it was listed; "):
        source.check_stamp(file.stat(), "3:1000000008", "a")
    (tmp_path / "gone").symlink_to("nowhere")
    for name, reason in (
        ("gone", "a link to nothing"),
        ("no", "cannot be read"),
        ("", "a folder, not a file"),
    ):
        with pytest.raises(SourceError, match=f"{name}: {reason}"):
            source.file_stamp(tmp_path / name)


def test_limits_are_the_largest_that_is_taken(tmp_path, monkeypatch):
    source.check_size(2**30, "a")
    with pytest.raises(SourceError, match="a: 1,073,741,825 bytes are too many for an image"):
        source.check_size(2**30 + 1, "a")
    cifar._check_size(2**26)
    with pytest.raises(SourceError, match="67,108,865 bytes"):
        cifar._check_size(2**26 + 1)
    assert (name_lists._MAX_BYTES, tar_members._LONGEST, tar_members._LONGEST_NAME) == (2**26, 2**20, 4096)
    assert (tiny._LARGEST, cifar._LONGEST) == (2**24, 2**30)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"a")
        archive.getinfo("a.png").file_size = 2**30 + 1
        with pytest.raises(
            SourceError, match=r"a\.zip#a\.png: 1,073,741,825 bytes are too many for an image"
        ):
            read_member(archive, "a.png")
        archive.getinfo("a.png").file_size = 1
    file = tmp_path / "list"
    file.write_text("\ufeffa\n\n # b\n#c\n d \n", encoding="utf-8")
    monkeypatch.setattr(name_lists, "_MAX_BYTES", file.stat().st_size)
    assert name_lists.read_lines(file, "class") == ["a", "d"]
    monkeypatch.setattr(name_lists, "_MAX_BYTES", file.stat().st_size - 1)
    with pytest.raises(SourceError, match="too large for a list"):
        name_lists.read_lines(file, "class")


def test_items_are_sorted_and_unique():
    one, two = Item("a", 3, "x"), Item("b", 1, "y")
    assert source.in_order([two, one], "s") == (one, two)
    with pytest.raises(SourceError, match="s: two images have the id 'a': w and x"):
        source.in_order([one, two, Item("a", 3, "w")], "s")
    assert source.digest([("\udc80",)]) != source.digest([("\udc81",)])
    assert source.digest([(1, "a")]) != source.digest([(1,), ("a",)]) and len(source.digest([])) == 32


def test_a_source_is_shown_without_its_images():
    sample = open_source("sample")
    assert all(item.stamp == source.file_stamp(item.location) for item in sample.items)
    assert "items" not in repr(sample) and "reader" not in repr(sample)
    own = CorruptedImages("own", ("a",), {("fog", 1): ()}, None, "columns")
    assert "cells" not in repr(own) and "reader" not in repr(own)


def test_severities_are_whole_numbers():
    values = (0, 1, "2", 3.0, 2.5, -1, None, "x", corrupted._HIGHEST, corrupted._HIGHEST + 1)
    found = [corrupted._severity(value) for value in values]
    assert found == [None, 1, 2, 3, None, None, None, None, corrupted._HIGHEST, None]


def test_the_folder_that_is_meant_is_named_by_its_images():
    places = {("val", "c"): 1, ("train", "a"): 1, ("other", "b"): 3, ("x", "y"): 2}
    files = [File(folder, f"{n}.png", "", "") for folder, count in places.items() for n in range(count)]
    says = "; name r/val (1 images) or r/other (3 images) or r/x (2 images), or move them"
    assert str(_misplaced("r", files)).endswith(f"but 7 deeper (val/c/0.png){says}")


def test_errors_of_the_hub_have_the_next_step():
    assert "(ValueError); check with" in str(explained("a/b", ValueError()))
    assert "datasets/a/b, make a token" in str(explained("a/b", ValueError("GATED repo")))
    missing = ValueError("Config name is missing.\nPlease pick one among the available configs: ['x']")
    assert "it has several configs, ['x']; name" in str(explained("a/b", missing))


def test_numbered_classes_have_an_order_in_a_recursive_listing(tmp_path):
    for number in range(1, 1001):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.png").touch()
    assert open_source(tmp_path, recursive=True).order == open_source(tmp_path).order == "1-1000"


def test_an_error_of_reading_names_the_place_or_the_file():
    for place, said in (("here", "here: cannot be read"), (None, "/no/such: cannot be read \\(No such file")):
        with pytest.raises(SourceError, match=f"^{said}"), source.reading(place):
            Path("/no/such").read_bytes()


def test_a_brief_error_is_one_line_without_queries():
    assert brief(ValueError("\n at https://host/a?token=secret, b\nmore")) == "at https://host/a b"
    assert brief(ValueError("x" * 400)) == "x" * 300 and brief(KeyError()) == "KeyError"


def test_names_of_images_and_of_those_that_are_not_listed():
    names = ("a.JPEG", "a.png", ".a.png", "a.heic", "a.TGA", ".a.tga", "a.txt", "png")
    assert [name for name in names if is_image(name)] == ["a.JPEG", "a.png"]
    assert [name for name in names if looks_like_image(name)] == ["a.heic", "a.TGA"]
    assert path_in_archive("./a//b.png", "r") == ["a", "b.png"] and path_in_archive("./", "r") == [""]
    for name in ("/a.png", "a/../b.png"):
        with pytest.raises(SourceError, match="leads out of the archive"):
            path_in_archive(name, "r")


def test_what_a_line_of_ids_may_stand_for():
    assert list(_possible_ids("123456789"))[1:3] == ["ILSVRC2012_val_123456789", "row-123456789"]
    assert list(_possible_ids("1234567890")) == ["1234567890", "1234567890"]
    assert list(_possible_ids("a\\b/c.JPEG")) == ["a\\b/c.JPEG", "a/b/c", "b/c", "c"]
    assert list(_possible_ids("x/y.txt")) == ["x/y.txt", "x/y.txt", "y.txt"]
    assert open_subset([3, Path("a"), "b"]).lines == ("3", "a", "b")
    with pytest.raises(TypeError, match="True is neither"):
        open_subset([True])


def test_a_link_in_a_zip_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        for name, kind in (("cat/a.jpg", stat.S_IFREG), ("cat/b.jpg", stat.S_IFLNK)):
            member = zipfile.ZipInfo(name)
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, b"/etc/passwd")
    with pytest.raises(SourceError, match=r"member 'cat/b\.jpg' is a symbolic link"):
        open_source(tmp_path / "val.zip")


def test_an_inflated_file_is_read_from_its_beginning(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"12345"))
    stream = GzipStream(tmp_path / "a.gz")
    assert (stream.read(2), stream.read(9), stream.seek(1), stream.read(1)) == (b"12", b"345", 1, b"2")


def test_a_data_set_without_files_is_named():
    builder = SimpleNamespace(config=SimpleNamespace(data_files=None))
    with pytest.raises(SourceError, match="its splits are none; name one as user/name:validation"):
        _files(builder, "user/name", None, None)
