"""Ids, stamps, limits and messages that all sources share."""

import os
from pathlib import Path

import pytest

from imagenet_cp.errors import SourceError
from imagenet_cp.sources import Item, cifar, name_lists, source, tar_members
from imagenet_cp.sources.arrow import brief
from imagenet_cp.sources.image_paths import is_image, looks_like_image, path_in_archive
from imagenet_cp.sources.subsets import _possible_ids, open_subset


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
    assert source.digest([(1, "a")]) != source.digest([(1,), ("a",)]) and len(source.digest([])) == 32


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
