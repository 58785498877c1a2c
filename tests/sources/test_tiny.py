"""Tiny ImageNet's folder and zip archive, as published."""

import shutil
import zipfile

import numpy as np
import pytest
from datasets import load_dataset

from imagenet_cp.errors import SourceError
from imagenet_cp.images import codecs
from imagenet_cp.sources import open_source


@pytest.fixture
def tiny(tmp_path):
    """Two images of Tiny ImageNet in its original layout, with an unsorted list of classes."""
    root = tmp_path / "tiny-imagenet-200"
    (root / "val" / "images").mkdir(parents=True)
    images = np.random.default_rng(10).integers(0, 256, (2, 32, 32, 3), np.uint8)
    for number in range(2):
        (root / "val" / "images" / f"val_{number}.JPEG").write_bytes(codecs.encode_jpeg(images[number], 85))
    (root / "val" / "val_annotations.txt").write_text(
        "val_0.JPEG\tn02124075\t0\t32\t44\t62\nval_1.JPEG\tn01443537\t52\t55\t57\t59\n"
    )
    (root / "wnids.txt").write_text("n02124075\nn01443537\nn07734744\n")
    return root


def zipped(root):
    with zipfile.ZipFile(root.parent / "tiny.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(root.parent))
    return root.parent / "tiny.zip"


def test_tiny_imagenet_from_its_folder_and_its_zip(tiny):
    for place in (tiny, tiny / "val", zipped(tiny)):
        source = open_source(place)
        assert source.classes == ("n01443537", "n02124075", "n07734744")
        assert [(item.image_id, item.label) for item in source.items] == [("val_0", 1), ("val_1", 0)]
        assert source.reader.read(source.items[1]) == (tiny / "val" / "images" / "val_1.JPEG").read_bytes()


def test_without_a_list_of_classes_they_are_those_of_the_annotations(tiny):
    (tiny / "wnids.txt").unlink()
    for place in (tiny, zipped(tiny)):
        source = open_source(place)
        assert source.classes == ("n01443537", "n02124075")
        assert [item.label for item in source.items] == [1, 0]


def test_images_without_an_annotation_are_counted_in_a_notice(tiny, capsys):
    shutil.copy(tiny / "val" / "images" / "val_0.JPEG", tiny / "val" / "images" / "val_9.JPEG")
    for place in (tiny, zipped(tiny)):
        assert len(open_source(place).items) == 2
        said = f"{place}: 1 images are not in val_annotations.txt, such as val_9.JPEG"
        assert said in capsys.readouterr().err


def test_the_zip_is_read_by_several_processes(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = load_dataset(
        "tiny_imagenet_c", "clean", data_dir=str(zipped(tiny)), num_proc=2, cache_dir=str(tmp_path / "cache")
    )["validation"]
    assert rows["image_id"] == ["val_0", "val_1"] and rows[0]["image"].size == (64, 64)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda root: (root / "val" / "images" / "val_0.JPEG").unlink(), "val_0.JPEG"),
        (
            lambda root: (root / "wnids.txt").write_text("n02124075\n"),
            "val_1.JPEG is of the class 'n01443537', which is not in wnids.txt",
        ),
        (lambda root: (root / "val" / "val_annotations.txt").write_text(""), "names no image"),
        (
            lambda root: (root / "val" / "val_annotations.txt").write_text("a.JPEG n1\n"),
            "the line 'a.JPEG n1'",
        ),
        (lambda root: (root / "val" / "val_annotations.txt").write_text("../a.JPEG\tn1\n"), "has the line"),
    ],
)
def test_a_tiny_imagenet_with_a_fault_is_named(tiny, spoil, says):
    spoil(tiny)
    for place in (tiny, zipped(tiny)):
        with pytest.raises(SourceError, match=says):
            open_source(place)


def test_a_damaged_list_in_the_zip_is_named(tiny, monkeypatch):
    archive, size = zipped(tiny), (tiny / "val" / "val_annotations.txt").stat().st_size
    monkeypatch.setattr("imagenet_cp.sources.tiny._LARGEST", size)
    assert len(open_source(archive).items) == 2
    monkeypatch.setattr("imagenet_cp.sources.tiny._LARGEST", size - 1)
    says = rf"tiny\.zip#tiny-imagenet-200/val/val_annotations\.txt: {size} bytes are too many for a list"
    with pytest.raises(SourceError, match=says):
        open_source(archive)
    with zipfile.ZipFile(archive, "w") as stored:
        stored.writestr("val/val_annotations.txt", "val_0.JPEG\tn02124075\n")
    archive.write_bytes(archive.read_bytes().replace(b"\tn02124075", b"\tn99999999"))
    with pytest.raises(SourceError, match=r"tiny\.zip: damaged, or cut short \(Bad CRC.*\); fetch it again"):
        open_source(archive)


def test_another_zip_archive_is_not_taken_for_tiny_imagenet(tmp_path):
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        archive.writestr("cat/a.jpg", b"")
    assert open_source(tmp_path / "val.zip").classes == ("cat",)
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        archive.writestr("notes.txt", b"")
    with pytest.raises(SourceError, match=r"val\.zip: no image in it; .* name another archive"):
        open_source(tmp_path / "val.zip")
