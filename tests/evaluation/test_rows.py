"""One error that names config, row and column, whatever is wrong with a row."""

import dataclasses
import re
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy_models
from PIL import Image

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.build.parquet import ROWS_PER_GROUP, read_rows
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation.data import built_rows
from imagenet_cp.evaluation.data.built_rows import decode_row, from_folder
from imagenet_cp.evaluation.data.generated_rows import SourceSlice
from imagenet_cp.evaluation.data.loader import Batch, Resizing
from imagenet_cp.evaluation.data.rows import Sample
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.predictions import Predictions
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.images import codecs
from imagenet_cp.sources import Item


def png(width, height):
    """Begin a PNG file of any size, without most of its pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


@dataclasses.dataclass
class OneRow:
    """A slice of one row."""

    row: dict

    def tasks(self):
        yield lambda: [decode_row("fog_3", self.row)]


@pytest.fixture
def evaluate_row(folders, tmp_path):
    """Evaluate on one row in place of a build's."""
    rows = from_folder(folders["imagenet_c"]).select(["fog_3"])

    def evaluate(monkeypatch, **changes):
        row = {"image_id": "one", "label": 7, "image": {"bytes": png(8, 8)}, **changes}
        changed = dataclasses.replace(rows, slice=lambda *_: OneRow(row))
        monkeypatch.setattr("imagenet_cp.evaluation.run.from_folder", lambda place: changed)
        return evaluate_model(toy_models.by_colour, imagenet_c="any")

    return evaluate


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"image": None}, "fog_3, row one: its image is null or empty"),
        ({"image": {"bytes": None}}, "fog_3, row one: its image is null or empty"),
        ({"image": {"bytes": b""}}, "fog_3, row one: its image is null or empty"),
        ({"label": None}, "fog_3, row one: its label is null or empty"),
        ({"sequence": []}, "fog_3, row one: its sequence is null or empty"),
        (
            {"image": {"bytes": b"GIF89a, or so"}},
            r"fog_3, row one: its image cannot be decoded \(.*not an image .*\(JPEG, PNG\); it begins with b'GIF89a",
        ),
        ({"image": {"bytes": png(8, 8)[:60]}}, r"fog_3, row one: its image cannot be decoded"),
        ({"image": {"bytes": png(60_000, 60_000)}}, r"fog_3, row one: its image cannot be decoded \("),
    ],
)
def test_values_that_cannot_be_used(evaluate_row, monkeypatch, changes, error):
    with pytest.raises(SourceError, match=error):
        evaluate_row(monkeypatch, **changes)


def test_the_limit_of_pixels_is_not_only_pillows(evaluate_row, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(SourceError, match="more pixels than the limit of 178,956,970"):
        evaluate_row(monkeypatch, image={"bytes": png(60_000, 60_000)})


def test_a_label_of_no_class(folders):
    images = np.zeros((1, 8, 8, 3), np.uint8)
    for label in (-1, 1000):
        with pytest.raises(
            SourceError, match=f"fog_3, row one: its label {label} is none of the 1,000 classes"
        ):
            batch = Batch([Sample("fog_3", "one", label, [])], [1], {Resizing(): images})
            Predictions(Model("by_colour", toy_models.by_colour), 1000, False).add(batch)


def fail(image):
    raise KeyError("no such table")


@pytest.mark.parametrize(
    ("preprocess", "error"),
    [
        (fail, r"the preprocessor fails \(KeyError: 'no such table'\)"),
        (lambda image: None, r"the preprocessor gives None, not an array of uint8 of shape \(H, W, 3\)"),
        (lambda image: image[..., 0], r"gives uint8 of shape \(224, 224\), not"),
        (lambda image: image / 255, r"gives float64 of shape \(224, 224, 3\), not"),
        (lambda image: image[:0], r"gives uint8 of shape \(0, 224, 3\), not"),
    ],
)
def test_preprocessors_that_fail(folders, preprocess, error):
    with pytest.raises(SourceError, match=rf"fog_3, row \w+: .*{error}"):
        evaluate_model(
            toy_models.by_colour, imagenet_c=folders["imagenet_c"], configs=["fog_3"], preprocess=preprocess
        )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda table: table.drop_columns(["label"]), "has no column 'label'"),
        (lambda table: table.drop_columns(["image"]), "has no column 'image'"),
        (
            lambda table: table.set_column(0, "image", pa.array(["a"] * len(table))),
            "its column 'image' is of type string, not struct",
        ),
        (
            lambda table: table.set_column(
                table.column_names.index("label"), "label", pa.array(["a"] * len(table))
            ),
            "its column 'label' is of type string, not int64",
        ),
        (
            lambda table: table.replace_schema_metadata(
                {b"imagenet_cp": table.schema.metadata[b"imagenet_cp"]}
            ),
            "its column 'label' has no names of classes",
        ),
        (
            lambda table: table.replace_schema_metadata(
                {**table.schema.metadata, b"huggingface": b"\x80" + table.schema.metadata[b"huggingface"]}
            ),
            r"its columns cannot be understood \(",
        ),
    ],
)
def test_columns_that_cannot_be_used(folders, tmp_path, change, error):
    (path,) = folders["imagenet_c"].glob("data/fog_3/*-00000-of-*")
    copy = tmp_path / "data" / "fog_3" / path.name
    copy.parent.mkdir(parents=True)
    pq.write_table(change(pq.read_table(path)), copy)
    with pytest.raises(SourceError, match=rf"{path.name}: {error}"):
        from_folder(tmp_path)


@pytest.mark.parametrize("signature", ["", "imagenet_c", "other|recipe:1", "imagenet_c|recipe:1|seed:x"])
def test_files_of_no_known_recipe_are_named(folders, tmp_path, signature):
    (path,) = folders["imagenet_c"].glob("data/fog_3/*-00000-of-*")
    copy = tmp_path / "data" / "fog_3" / path.name
    copy.parent.mkdir(parents=True)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(table.schema.metadata | {b"imagenet_cp": signature}), copy)
    says = f"{tmp_path}: its files name no recipe that made them ({signature!r})"
    with pytest.raises(SourceError, match=re.escape(says)):
        from_folder(tmp_path)


def test_rows_of_a_file_with_several_row_groups(tmp_path):
    pq.write_table(pa.table({"a": range(250), "b": range(250)}), tmp_path / "rows.parquet", row_group_size=30)
    file = pq.ParquetFile(tmp_path / "rows.parquet")
    for begin, end in ((0, 250), (0, 1), (29, 31), (30, 60), (59, 61), (95, 205), (249, 250)):
        found = list(read_rows(file, begin, end, ["a"]))
        assert found == [{"a": number} for number in range(begin, end)]
    asked = []
    monkeyed = type("File", (), {"num_row_groups": file.num_row_groups, "metadata": file.metadata})()
    monkeyed.iter_batches = lambda size, row_groups, columns: (
        asked.append((size, row_groups, columns)) or iter(())
    )
    for begin, end in ((30, 60), (29, 61)):
        assert list(read_rows(monkeyed, begin, end, ["b"])) == []
    assert asked == [(ROWS_PER_GROUP, groups, ["b"]) for groups in ([1], [0, 1, 2])]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"image_id": ""}, None),
        ({"image_id": None}, "fog_3, row None: its image_id is null or empty"),
        ({"label": -1}, r"has no label \(-1\)"),
        ({"image": {"bytes": png(8, 8)}, "sequence": [{"bytes": b""}]}, "its sequence is null or empty"),
        ({"video": {"bytes": None}}, "its video is null or empty"),
    ],
)
def test_values_of_a_row(changes, error):
    image = {"bytes": codecs.encode(np.zeros((8, 8, 3), np.uint8), "png", "image")["bytes"]}
    row = {"image_id": "one", "label": 0, "image": image, **changes}
    if error is None:
        found = decode_row("fog_3", row)
        assert found[:3] == ("fog_3", "", 0) and found.images[0].shape == (8, 8, 3)
        frames = decode_row("tilt", {"image_id": "a", "label": 2, "sequence": [image] * 3})
        assert len(frames.images) == 3 and frames.label == 2
        return
    with pytest.raises(SourceError, match=error):
        decode_row("fog_3", row)


def test_frames_of_a_video(monkeypatch):
    monkeypatch.setattr(built_rows, "decode_video", lambda data: iter([data, data]))
    found = decode_row("tilt", {"image_id": "a", "label": 2, "video": {"bytes": b"video"}})
    assert found == Sample("tilt", "a", 2, [b"video"] * 2)


def test_a_card_that_is_no_utf_8_is_read():
    card = SimpleNamespace(cat_file={"/b/README.md": b"a\xff"}.__getitem__)
    assert built_rows._read_card(card, "/b") == "a\ufffd"


def test_errors_of_the_system_are_not_corrupt_files():
    with pytest.raises(OSError, match="no device"), built_rows._name_corrupt("f"):
        raise OSError(5, "no device")
    for error in (OSError("cut"), ValueError("cut"), pa.ArrowNotImplementedError("cut")):
        with pytest.raises(SourceError, match=r"^f: corrupt \(cut\); check"), built_rows._name_corrupt("f"):
            raise error


def test_a_slice_begins_in_any_file_of_a_build(folders):
    """Of the four images the last is in a file of its own."""
    rows = from_folder(folders["imagenet_c"]).select(["fog_3"])
    found = [
        [sample.image_id for task in rows.slice(rows.cells, start, 4).tasks() for sample in task()]
        for start in range(4)
    ]
    assert len({*found[0]}) == 4 and found == [found[0][start:] for start in range(4)]


def test_chosen_images_that_a_config_lacks_are_counted(monkeypatch):
    cells = (Cell("fog_3", "fog", 3), Cell("fog_2", "fog", 2))
    chunks = [{"fog_3": ["a", "b"], "fog_2": ["a"]}, {"fog_3": ["c"], "fog_2": []}]
    monkeypatch.setattr(built_rows.FolderSlice, "_chunks", lambda self: iter(chunks))
    whole = built_rows.FolderSlice(None, "/b", {}, [], cells, 0, 3, False)
    made = [{"fog_3": "a", "fog_2": "a"}, {"fog_3": "b"}, {"fog_3": "c"}]
    assert [task.args[0] for task in whole.tasks()] == made
    some = dataclasses.replace(whole, labels=dict.fromkeys("abc", 0))
    with pytest.raises(SourceError, match=r"^fog_2: has 1 of the 3 images that are chosen; check the build"):
        list(some.tasks())


def test_locations_of_rows():
    part = built_rows.FolderSlice(None, "/b", {}, [], (), 10, 20, False)
    assert [part.location(share) for share in (0, 0.25, 0.99)] == [f"/b, row {row}" for row in (10, 12, 19)]
    images = SourceSlice(None, None, (), tuple(Item(name, 0, f"/val/{name}") for name in "abcd"))
    assert [images.location(share) for share in (0, 0.25, 0.99)] == ["/val/a", "/val/b", "/val/d"]


def test_a_hub_that_does_not_answer_is_named(monkeypatch):
    def fail(url):
        raise OSError(f"no route to {url}")

    monkeypatch.setattr(built_rows.fsspec.core, "url_to_fs", fail)
    says = r"^user/imagenet_c: neither a folder nor a data set on the Hub \(no route to hf://datasets/user/imagenet_c\)$"
    with pytest.raises(SourceError, match=says):
        from_folder("user/imagenet_c")
