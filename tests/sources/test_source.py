"""Ids, stamps, limits and messages that all sources share."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from imagenet_cp.errors import SourceError
from imagenet_cp.sources import Item, cifar, name_lists, open_source, source, tar_members, tiny
from imagenet_cp.sources.corrupted import CorruptedImages


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
        ("no", r"cannot be read \(No such file or directory\)"),
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


def test_an_error_of_reading_names_the_place_or_the_file():
    for place, said in (("here", "here: cannot be read"), (None, "/no/such: cannot be read \\(No such file")):
        with pytest.raises(SourceError, match=f"^{said}"), source.reading(place):
            Path("/no/such").read_bytes()


def test_digests_are_of_ids_and_labels_and_the_stamp_of_files_too():
    item = Item("x", 0, "/here/x.png", "3:1")
    one = source.Source("here", ("cat", "dog"), (item,), None)

    def changed(**values):
        other = replace(one, items=(item._replace(**values),))
        return other.stamp != one.stamp, other.contents != one.contents

    assert changed(location="/there/x.png") == (False, False)
    assert changed(stamp="3:2") == (True, False)
    assert changed(label=1) == changed(image_id="y") == (True, True)
    assert replace(one, classes=("dog", "cat")).contents != one.contents
    one.check_labels()
    with pytest.raises(SourceError, match=r"^here: its images have no labels \(-1\)"):
        replace(one, items=(item, Item("y", -1, ""))).check_labels()


def test_what_exists_is_not_taken_for_a_data_set_on_the_hub(tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):  # of POSIX and of Windows
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names = ["cifar10", "user/name"]
    if os.name != "nt":  # where a name cannot have a colon
        names.append("user/name:test")
    for name in names:
        (tmp_path / name / "cat").mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "cat" / f"{len(name)}.png").touch()
        for place in (name, f"~/{name}"):
            found = open_source(place)
            assert found.name == str(tmp_path / name) and found.items[0].image_id == f"{len(name)}"
