"""Subsets of images: the named one, and files of numbers, ids or paths."""

import hashlib
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest

from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.sources import Item, Source
from imagenet_cp.sources.subsets import _possible_ids, open_subset, restrict_images


def source(*ids):
    return Source(
        "photos", ("one",), tuple(Item(image_id, 0, f"/photos/{image_id}") for image_id in ids), None
    )


def val(number):
    return f"ILSVRC2012_val_{number:08d}"


VALIDATION = source(*map(val, range(1, 50_001)))


def test_robustbenchs_images_are_the_published_5000():
    chosen = restrict_images(VALIDATION, "robustbench-5000")
    numbers = [int(item.image_id[-8:]) for item in chosen.items]
    assert chosen.ids == "robustbench-5000" and len(numbers) == 5000 and numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (11, 49999) and {15253, 20685, 39611, 4059, 29201} < set(numbers)
    checksum = hashlib.sha256(" ".join(map(str, numbers)).encode()).hexdigest()[:16]
    assert checksum == "8bd4ebd803b6119f"


def test_a_file_of_the_named_subset_has_its_name(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("\n".join(open_subset("robustbench-5000").lines[::-1]))
    assert restrict_images(VALIDATION, file).ids == "robustbench-5000"


@pytest.mark.parametrize(
    ("lines", "ids", "chosen"),
    [
        (["3", "1"], [val(1), val(2), val(3)], [val(1), val(3)]),
        (["# the first", "", val(2)], [val(1), val(2)], [val(2)]),
        (["val/n01440764/ILSVRC2012_val_00000002_n01440764.JPEG"], [val(1), val(2)], [val(2)]),
        (["cat/a.jpg", "dog\\b.png"], ["cat/a", "dog/a", "dog/b"], ["cat/a", "dog/b"]),
        (["/data/photos/dog/a.jpg"], ["cat/a", "dog/a"], ["dog/a"]),
        (["a.jpg", "b.c"], ["a", "b", "b.c"], ["a", "b.c"]),
        (["1", "2"], ["row-000000", "row-000001", "row-000002"], ["row-000001", "row-000002"]),
        (["7"], ["7", val(7)], ["7"]),
    ],
)
def test_lines_are_numbers_ids_or_paths(tmp_path, lines, ids, chosen):
    file = tmp_path / "ids.txt"
    file.write_text("\n".join(lines))
    found = restrict_images(source(*ids), file)
    assert [item.image_id for item in found.items] == chosen and len(found.ids) == 12


def test_the_checksum_is_that_of_the_images_and_not_of_their_form(tmp_path):
    keys = []
    for text in ("1\n2\n", f"{val(2)}\n{val(1)}", "1\n3\n"):
        (tmp_path / "ids").write_text(text)
        keys.append(restrict_images(VALIDATION, tmp_path / "ids").ids)
    assert keys[0] == keys[1] != keys[2]
    assert keys[0] == hashlib.sha256(f"{val(1)}\n{val(2)}".encode()).hexdigest()[:12]
    assert restrict_images(VALIDATION, range(1, 5001)).ids != "robustbench-5000"


@pytest.mark.parametrize(
    "ids",
    [
        [2, "1"],
        (np.int64(1), val(2)),
        {1, 2},
        np.array([1, 2]),
        [Path("val/n01440764") / f"{val(1)}.JPEG", PureWindowsPath(f"D:/val/x/{val(2)}.JPEG")],
    ],
)
def test_a_list_is_a_file_of_its_lines(tmp_path, ids):
    (tmp_path / "ids").write_text("1\n2\n")
    assert restrict_images(VALIDATION, ids) == restrict_images(VALIDATION, tmp_path / "ids")


@pytest.mark.parametrize(
    ("ids", "kind", "says"),
    [
        ([], SourceError, "ids: names no image; write one a line"),
        ([1, 60000], SourceError, "ids: 1 of its 2 images are not in photos, such as '60000'"),
        ([1, val(1)], SourceError, "ids: '1' and 'ILSVRC2012_val_00000001' are the same image"),
        (["a\0b"], SourceError, "characters that cannot be stored"),
        ([1.0], TypeError, "ids: 1.0 is neither the number of an image nor an id or a path"),
        ([True], TypeError, "ids: True is neither"),
    ],
)
def test_lists_that_do_not_fit_are_named(ids, kind, says):
    with pytest.raises(kind, match=says):
        restrict_images(VALIDATION, ids)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no image; write one a line"),
        (
            "1\n60000\n70000",
            "2 of its 3 images are not in photos, such as '60000' (there, images are called "
            "'ILSVRC2012_val_00000001'); name",
        ),
        (f"1\n{val(1)}", f"'1' and '{val(1)}' are the same image, {val(1)}; remove one of them"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, text, says):
    file = tmp_path / "ids.txt"
    file.write_text(text)
    with pytest.raises(SourceError) as error:
        restrict_images(VALIDATION, file)
    assert str(file) in str(error.value) and says in str(error.value)


def test_an_unknown_subset_suggests_the_known_one():
    with pytest.raises(UsageError, match="did you mean robustbench-5000"):
        open_subset("robustbench5000")


def test_what_a_line_of_ids_may_stand_for():
    assert list(_possible_ids("123456789"))[1:3] == ["ILSVRC2012_val_123456789", "row-123456789"]
    assert list(_possible_ids("1234567890")) == ["1234567890", "1234567890"]
    assert list(_possible_ids("a\\b/c.JPEG")) == ["a\\b/c.JPEG", "a/b/c", "b/c", "c"]
    assert list(_possible_ids("x/y.txt")) == ["x/y.txt", "x/y.txt", "y.txt"]
    assert open_subset([3, Path("a"), "b"]).lines == ("3", "a", "b")
    with pytest.raises(TypeError, match="True is neither"):
        open_subset([True])


def test_without_labels_ids_can_be_chosen_and_classes_not():
    plain = Source("photos", (), (Item("a", -1, ""), Item("b", -1, "")), None)
    assert [item.image_id for item in restrict_images(plain, ["b"]).items] == ["b"]
    with pytest.raises(SourceError, match=r"^photos: its images have no labels"):
        restrict_images(plain, classes="imagenette")
    with pytest.raises(SourceError, match=r"^photos: has no image of the classes of imagenette"):
        restrict_images(Source("photos", ("tench", "hen"), (Item("a", 1, ""),), None), classes="imagenette")
