"""Corrupted images in layouts of their own: templates, folders, archives and rows."""

import os
import shutil
import tarfile
import zipfile

import datasets
import numpy as np
import pytest
from PIL import Image

from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.sources import Item, corrupted
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources.corrupted import CorruptedImages, open_corrupted
from imagenet_cp.sources.template import parse_template

LAYOUT = "{corruption}/{severity}/{class}/{file}"
WNIDS = [imagenet.wnids()[label] for label in (7, 400)]


def image(number):
    return Image.fromarray(np.full((8 + number, 9, 3), number, np.uint8))


@pytest.fixture
def folder(tmp_path):
    """Two corruptions at two severities and clean images: two classes with two images of the same names."""
    root = tmp_path / "own-c"
    for number, cell in enumerate(("fog/1", "fog/10", "near focus/2", "clean/0")):
        for wnid in WNIDS:
            (root / cell / wnid).mkdir(parents=True)
            for name in ("a.png", "b.png"):
                image(number).save(root / cell / wnid / name)
    (root / "README.txt").write_text("not an image")
    return root


class TestTemplate:
    def test_placeholders_are_parts_of_a_path(self):
        template = parse_template("./data/{corruption}-{severity}/{class}/{file}")
        assert template.match("data/fog-3d-2/dog/a.png") == {
            "corruption": "fog-3d",
            "severity": "2",
            "class": "dog",
            "file": "a.png",
        }
        assert template.match("data/fog/dog/a.png") is None
        assert template.match("data/fog-3/dog/more/a.png") is None
        assert parse_template("a.b/{corruption}/{file}").match("axb/fog/1.png") is None
        assert parse_template("/X/{corruption}/{file}/").text == "X/{corruption}/{file}"

    @pytest.mark.parametrize(
        ("layout", "message"),
        [
            (
                "{severity}/{class}/{file}",
                r"lacks \{corruption\}; write one such as \{corruption\}/\{severity\}",
            ),
            ("{corruption}/{severity}/{class}", r"lacks \{file\}"),
            (
                "{corruption}/{level}/{file}",
                r"unknown placeholder \{level\}; known: corruption, severity, class, fi",
            ),
            ("{corruption}/{severty}/{file}", r"unknown placeholder \{severty\}; did you mean severity"),
            ("{corruption}/{corruption}/{file}", r"has \{corruption\} twice"),
            ("{corruption}/{severity/{file}", r"a brace or a \|"),
            (
                "{corruption}|{file}",
                r"a brace or a \| .*are \{corruption\}, \{severity\}, \{class\}, \{file\}$",
            ),
        ],
    )
    def test_a_template_that_cannot_be_one_is_named(self, layout, message):
        with pytest.raises(ValueError, match=message):
            parse_template(layout)


def test_a_folder_and_its_tar_are_the_same_data(folder, tmp_path):
    found = open_corrupted(folder, LAYOUT)
    assert list(found.cells) == [("fog", 1), ("fog", 10), ("near focus", 2), ("clean", 0)]
    for items in found.cells.values():
        ids = [f"{wnid}/{name}" for wnid in sorted(WNIDS) for name in "ab"]
        assert [item.image_id for item in items] == ids
        assert {item.label for item in items} == {7, 400} and found.classes == imagenet.wnids()
    for name, mode in (("own.tar", "w"), ("own.tar.gz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:
            archive.add(folder, arcname="top")
        packed = open_corrupted(tmp_path / name, f"top/{LAYOUT}")
        assert packed.fingerprint == found.fingerprint
        item = packed.cells["fog", 10][3]
        assert packed.reader.read(item) == (folder / "fog/10" / WNIDS[1] / "b.png").read_bytes()
    image(5).save(folder / "fog/1" / WNIDS[0] / "a.png")
    assert open_corrupted(folder, LAYOUT).fingerprint != found.fingerprint


def test_what_does_not_fit_is_counted_and_named(folder, tmp_path):
    with pytest.raises(
        SourceError, match=r"own-c: 16 of 16 images do not match the layout .*such as clean/0/"
    ):
        open_corrupted(folder, f"top/{LAYOUT}")
    shutil.copy(folder / "fog/1" / WNIDS[0] / "a.png", folder / "strange.png")
    with pytest.raises(SourceError, match=r"1 of 17 images do not match the layout .*such as strange\.png"):
        open_corrupted(folder, LAYOUT)
    (folder / "strange.png").unlink()
    (folder / "fog/10").rename(folder / "fog/2.35")
    with pytest.raises(
        SourceError, match=r"4 of 16 images have severities that are not whole numbers .* '2\.35' of"
    ):
        open_corrupted(folder, LAYOUT)
    (folder / "fog/2.35").rename(folder / "fog/01")
    with pytest.raises(
        SourceError, match=r"has the severity '0?1', but other images of 'fog' have '0?1', the same number"
    ):
        open_corrupted(folder, LAYOUT)
    with pytest.raises(SourceError, match=r"no \{class\}, and .*a\.png has no name of one of ImageNet's"):
        open_corrupted(folder / "fog" / "1", "{corruption}/{file}")
    with pytest.raises(UsageError, match="add the layout of these"):
        open_corrupted(folder)
    with pytest.raises(UsageError, match="no such folder or tar archive"):
        open_corrupted(tmp_path / "nowhere", LAYOUT)
    with pytest.raises(
        UsageError, match="nowhere: no such folder or data set; name one, or a tar archive with its"
    ):
        open_corrupted(tmp_path / "nowhere")
    zipfile.ZipFile(tmp_path / "own.zip", "w").close()
    with pytest.raises(UsageError, match=r"own\.zip: a zip archive; unpack it"):
        open_corrupted(tmp_path / "own.zip", LAYOUT)
    with tarfile.open(tmp_path / "own.tar", "w") as archive:
        archive.add(folder / "README.txt", "README.txt")
    with pytest.raises(SourceError, match=r"own\.tar: no image in it; name another archive"):
        open_corrupted(tmp_path / "own.tar", LAYOUT)


def test_names_of_imagenets_images_are_their_classes(tmp_path):
    for corruption in ("fog", "glare"):
        (tmp_path / "set" / corruption).mkdir(parents=True)
        image(1).save(tmp_path / "set" / corruption / "ILSVRC2012_val_00000003.png")
    found = open_corrupted(tmp_path / "set", "{corruption}/{file}")
    assert list(found.cells) == [("fog", 1), ("glare", 1)]
    (item,) = found.cells["glare", 1]
    assert item.label == imagenet.validation_labels()[item.image_id]


def test_classes_of_its_own_and_subsets(folder, tmp_path):
    for cell in ("fog/1", "fog/10", "near focus/2", "clean/0"):
        for wnid, name in zip(WNIDS, ("zebra crossing", "ant hill"), strict=True):
            (folder / cell / wnid).rename(folder / cell / name)
    assert open_corrupted(folder, LAYOUT).classes == ("ant hill", "zebra crossing")
    (tmp_path / "classes.txt").write_text("zebra crossing\nfern\n")
    (tmp_path / "ids.txt").write_text("zebra crossing/b\n")
    found = open_corrupted(folder, LAYOUT, classes=tmp_path / "classes.txt", ids=tmp_path / "ids.txt")
    assert found.classes == ("zebra crossing", "fern") and found.class_list and found.ids
    assert [[item[:2] for item in items] for items in found.cells.values()] == [[("zebra crossing/b", 0)]] * 4


def rows(**columns):
    numbers = range(6)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            **{name: feature for name, (feature, _) in columns.items()},
        }
    )
    values = {name: values for name, (_, values) in columns.items()}
    return datasets.Dataset.from_dict(
        {"image": [image(number) for number in numbers], "label": [0, 1] * 3, **values}, features=features
    )


@pytest.mark.parametrize("saved", ["parquet", "disk"])
def test_rows_have_their_corruption_and_severity_in_columns(saved, tmp_path):
    text, number = datasets.Value("string"), datasets.Value("int64")
    data = rows(
        corruption=(datasets.ClassLabel(names=["fog", "glare"]), [0, 0, 1, 1, 0, 0]),
        severity=(text, ["1", "1", "1", "1", "2", "2"]),
        image_id=(number, [5, 6, 5, 6, 5, 6]),
    )
    if saved == "parquet":
        (tmp_path / "own").mkdir()
        data.to_parquet(tmp_path / "own" / "test-00000-of-00001.parquet")
    else:
        data.save_to_disk(tmp_path / "own")
    found = open_corrupted(tmp_path / "own")
    assert list(found.cells) == [("fog", 1), ("fog", 2), ("glare", 1)] and found.layout == "columns"
    assert [(item.image_id, item.label) for item in found.cells["fog", 2]] == [("5", 0), ("6", 1)]
    picture = found.reader.read(found.cells["glare", 1][1])
    assert picture[:4] == b"\x89PNG" and len(found.fingerprint) == 12


def test_rows_without_names_are_paired_by_their_order(tmp_path, capsys):
    kind, number = datasets.ClassLabel(names=["fog", "clean"]), datasets.Value("int64")
    data = rows(corruption=(kind, [0, 0, 1, 1, 0, 0]), severity=(number, [1, 1, 0, 0, 2, 2]))
    data.save_to_disk(tmp_path / "own")
    found = open_corrupted(tmp_path / "own")
    ids = [[(item.image_id, item.label) for item in items] for items in found.cells.values()]
    assert ids == [[("row-000000", 0), ("row-000001", 1)]] * 3
    assert list(found.cells) == [("fog", 1), ("fog", 2), ("clean", 0)]
    assert "paired by the order of the rows" in capsys.readouterr().err


def test_rows_without_the_columns_are_named(tmp_path):
    text, number = datasets.Value("string"), datasets.Value("float32")
    rows(distortion=(text, ["fog"] * 6), severity=(number, [1.0] * 6)).save_to_disk(tmp_path / "own")
    with pytest.raises(
        SourceError, match=r"no column 'corruption'; its columns are .*distortion.*rename_column"
    ):
        open_corrupted(tmp_path / "own")
    rows(corruption=(text, ["fog"] * 6), severity=(number, [1.0, 2.0, 0.5, 1, 1, 1])).save_to_disk(
        tmp_path / "half"
    )
    with pytest.raises(SourceError, match=r"1 of 6 images have severities .* 0\.5 of row 2"):
        open_corrupted(tmp_path / "half")
    unlabelled = rows(corruption=(text, ["fog"] * 6), severity=(number, [1.0] * 6)).remove_columns("label")
    unlabelled.save_to_disk(tmp_path / "unlabelled")
    with pytest.raises(SourceError, match="has no labels"):
        open_corrupted(tmp_path / "unlabelled")


def test_the_file_names_an_image_across_its_corruptions(tmp_path):
    for cell in ("fog_3", "glare_1"):
        for wnid in WNIDS:
            (tmp_path / "own" / wnid).mkdir(parents=True, exist_ok=True)
            image(1).save(tmp_path / "own" / wnid / f"{wnid}_{cell}.png")
    found = open_corrupted(tmp_path / "own", "./{class}/{file}_{corruption}_{severity}.png")
    assert [[item.image_id for item in items] for items in found.cells.values()] == [sorted(WNIDS)] * 2
    assert found.layout == "{class}/{file}_{corruption}_{severity}.png"


@pytest.mark.parametrize(
    ("name", "says"), [("test", "names all corruptions"), ("a|b", "separates"), ("fog_1", "also the name of")]
)
def test_corruptions_whose_names_mean_something_else_are_refused(name, says, folder):
    (folder / "near focus").rename(folder / name)
    with pytest.raises(SourceError, match=says):
        open_corrupted(folder, LAYOUT)


def test_the_fingerprint_sees_other_pixels_in_files_of_equal_size(folder):
    for file in folder.rglob("*.png"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file.with_suffix(".bmp"))
        file.unlink()
    before = open_corrupted(folder, LAYOUT).fingerprint
    Image.fromarray(np.ones((4, 4, 3), np.uint8)).save(folder / "fog/1" / sorted(WNIDS)[0] / "a.bmp")
    assert open_corrupted(folder, LAYOUT).fingerprint != before


def test_rows_are_paired_by_their_names(tmp_path, capsys):
    text, number = datasets.Value("string"), datasets.Value("int64")
    for label, place in enumerate(("cat", "dog")):
        (tmp_path / place).mkdir()
        image(label).save(tmp_path / place / "1.png")
    paths = [str(tmp_path / place / "1.png") for place in ("cat", "dog", "dog", "cat")]
    columns = {
        "image": paths,
        "label": [0, 1, 1, 0],
        "corruption": ["fog", "fog", "glare", "glare"],
        "severity": [1] * 4,
    }
    kinds = [datasets.Image(), datasets.ClassLabel(names=["cat", "dog"]), text, number]
    features = datasets.Features(dict(zip(columns, kinds, strict=True)))
    data = datasets.Dataset.from_dict(columns, features=features)
    (tmp_path / "own").mkdir()
    data.to_parquet(tmp_path / "own" / "test-00000-of-00001.parquet")
    found = open_corrupted(tmp_path / "own")
    ids = {key: {item.image_id: item.label for item in items} for key, items in found.cells.items()}
    assert ids["fog", 1] == ids["glare", 1] == {"cat/1": 0, "dog/1": 1}
    assert "paired" not in capsys.readouterr().err


def test_a_corruption_is_no_class_and_an_absent_one_has_no_name(tmp_path):
    number = datasets.Value("int64")
    kind = datasets.ClassLabel(names=["fog", "glare"])
    data = rows(corruption=(kind, [0, 0, 1, 1, 0, None]), severity=(number, [1] * 6))
    data.save_to_disk(tmp_path / "absent")
    with pytest.raises(SourceError, match="row 5 has the corruption None"):
        open_corrupted(tmp_path / "absent")
    data = rows(corruption=(kind, [0, 0, 1, 1, 0, 0]), severity=(number, [1] * 6)).remove_columns("label")
    data.save_to_disk(tmp_path / "unlabelled")
    with pytest.raises(SourceError, match="has no labels"):
        open_corrupted(tmp_path / "unlabelled")


@pytest.mark.parametrize(
    ("layout", "path", "says"),
    [
        (
            "{corruption}_{severity}_{class}_{file}",
            "fog_3_1_1_5.png",
            "corruption 'fog_3', severity '1', class '1', file '5.png', or "
            "corruption 'fog', severity '3', class '1', file '1_5.png'; put a slash",
        ),
        (
            "{class}/{file}_{corruption}_{severity}.png",
            "n01440764/img_gaussian_noise_3.png",
            "severity '3', or class",
        ),
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_refused(layout, path, says):
    with pytest.raises(SourceError, match=f"^{path} can be read in more than one way by the layout .*{says}"):
        parse_template(layout).match(path)


def test_a_severity_ends_the_name_of_a_corruption():
    found = parse_template("{corruption}_{severity}/{file}").match("gaussian_noise_3/a.png")
    assert found == {"corruption": "gaussian_noise", "severity": "3", "file": "a.png"}
    with pytest.raises(UsageError, match="side by side"):
        parse_template("{corruption}{severity}/{file}")
    with pytest.raises(UsageError, match="side by side"):
        parse_template("{corruption}/{severity}{file}")


def test_a_severity_before_a_corruption_is_its_digits():
    found = parse_template("{severity}_{corruption}/{file}").match("3_gaussian_noise/a.png")
    assert found == {"severity": "3", "corruption": "gaussian_noise", "file": "a.png"}


def test_one_id_is_one_image(folder):
    for cell in folder.glob("*/*"):
        for wnid, gone in zip(WNIDS, ("b.png", "a.png"), strict=True):
            (cell / wnid / gone).unlink()
    (folder / "fog/1" / WNIDS[0] / "a.png").rename(folder / "fog/1" / WNIDS[0] / "c.png")
    (folder / "clean/0" / WNIDS[1] / "b.png").rename(folder / "clean/0" / WNIDS[1] / "c.png")
    with pytest.raises(SourceError, match="images of several classes have the id 'c'"):
        open_corrupted(folder, LAYOUT)


def test_severities_are_whole_numbers():
    values = (0, 1, "2", 3.0, 2.5, -1, None, "x", corrupted._HIGHEST, corrupted._HIGHEST + 1)
    found = [corrupted._severity(value) for value in values]
    assert found == [None, 1, 2, 3, None, None, None, None, corrupted._HIGHEST, None]


def test_the_fingerprint_is_of_ids_labels_sizes_and_thirty_two_images_spread_evenly():
    class Reader:
        def __init__(self):
            self.read_ids = []

        def read(self, item):
            self.read_ids.append(item.image_id)
            return item.image_id.encode()

    def fingerprint(layout="{corruption}/{file}", key=("fog", 1), count=100, **changes):
        items = [Item(f"{n:03d}", 0, f"/a/{n}.png", "3:1") for n in range(count)]
        items[1] = items[1]._replace(**changes)
        return CorruptedImages("own", ("a",), {key: tuple(items)}, reader, layout).fingerprint

    reader = Reader()
    files, rows = fingerprint(), fingerprint("columns")
    assert reader.read_ids == [f"{number * 100 // 32:03d}" for number in range(32)] * 2
    assert fingerprint(location="/b", stamp="3:2") == files and fingerprint("columns", stamp="4:1") == rows
    prints = [
        fingerprint(stamp="4:1"),
        fingerprint(key=("fog", 2)),
        fingerprint(label=1),
        fingerprint(image_id="x"),
    ]
    prints += [fingerprint(count=99), files, rows]
    assert len(set(prints)) == len(prints)
    assert fingerprint(location="/a.tar#1.png@512+4") == prints[0]
    reader.read_ids.clear()
    assert fingerprint(count=3) and reader.read_ids == ["000", "001", "002"]


def test_a_pipe_is_named_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "own.tar")
    with pytest.raises(SourceError, match=r"own\.tar: a pipe or a device, not a file"):
        open_corrupted(tmp_path / "own.tar", LAYOUT)


def test_images_and_classes_are_chosen_each_without_the_other(folder, tmp_path):
    chosen = open_corrupted(folder, LAYOUT, ids=[f"{WNIDS[0]}/a"])
    assert [[item.image_id for item in items] for items in chosen.cells.values()] == [[f"{WNIDS[0]}/a"]] * 4
    assert chosen.ids and not chosen.class_list
    (tmp_path / "classes.txt").write_text(WNIDS[1])
    chosen = open_corrupted(folder, LAYOUT, classes=tmp_path / "classes.txt")
    assert chosen.classes == (WNIDS[1],) and {len(items) for items in chosen.cells.values()} == {2}
    assert chosen.class_list and not chosen.ids


@pytest.mark.parametrize("name", ["", "a\nb", None, 3])
def test_a_corruption_without_a_printable_name_is_refused(name):
    with pytest.raises(SourceError, match=r"^own: row 0 has the corruption .*, which is no name; rename it"):
        corrupted._keys("own", [(name, 1)], ["row 0"])
