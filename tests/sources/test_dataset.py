"""Data sets of rows as sources: Parquet folders, saved ones, and a Hub on loopback."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import Blob, Hub, Repo
from PIL import Image

from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import Item, arrow, open_source
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources.arrow import brief
from imagenet_cp.sources.dataset import _classes, _label_column
from imagenet_cp.sources.dataset_files import Files, _files, explain_errors, explained, files_on_hub

INT = datasets.Value("int64")
CLASSES = [f"class {label}" for label in range(1000)]
FEATURES = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})


def table(images, labels, features=FEATURES, names=("image", "label")):
    """A Dataset of pairs of bytes and path, and of labels."""
    pictures = [{"bytes": data, "path": path} for data, path in images]
    return datasets.Dataset.from_dict(
        dict(zip(names, (pictures, labels), strict=True)), features=datasets.Features(features)
    )


def store(folder, form, dataset, split="validation"):
    """Lay a Dataset out in one of the ways that are read, in two files."""
    if form == "saved":
        dataset.save_to_disk(folder, num_shards=2)
    elif form == "saved splits":
        datasets.DatasetDict({split: dataset}).save_to_disk(folder, num_shards={split: 2})
    else:
        place = folder / "data" if form == "data" else folder
        place.mkdir(parents=True)
        for index in range(2):
            part = dataset.shard(2, index, contiguous=True)
            part.to_parquet(place / f"{split}-{index:05d}-of-00002.parquet", batch_size=2)
    return folder


@pytest.fixture
def validation(tmp_path, photographs):
    """The same four images: as a folder of classes, and as rows like those of ILSVRC/imagenet-1k."""
    rows = []
    for number, path in zip((30, 1, 236, 4), photographs.values(), strict=True):
        label = imagenet.validation_labels()[f"ILSVRC2012_val_{number:08d}"]
        wnid = imagenet.wnids()[label]
        file = io.BytesIO()
        with Image.open(path) as image:
            image.convert("RGB").save(file, "JPEG")
        home = tmp_path / "val" / wnid
        home.mkdir(parents=True, exist_ok=True)
        (home / f"ILSVRC2012_val_{number:08d}.JPEG").write_bytes(file.getvalue())
        rows.append(((file.getvalue(), f"ILSVRC2012_val_{number:08d}_{wnid}.JPEG"), label))
    images, labels = zip(*rows, strict=True)
    return tmp_path / "val", table(images, labels)


def contents(source):
    return {i.image_id: (source.classes[i.label], source.reader.read(i)) for i in source.items}


@pytest.mark.parametrize("form", ["data", "flat", "saved", "saved splits"])
def test_rows_of_imagenet_give_what_the_folder_gives(tmp_path, validation, form):
    folder, dataset = validation
    source = open_source(store(tmp_path / "rows", form, dataset))
    assert source.classes == imagenet.wnids() and contents(source) == contents(open_source(folder))
    numbers = [int(item.image_id[-8:]) for item in source.items]
    assert numbers == [30, 1, 236, 4], "the order of the rows"
    again = open_source(source.name)
    assert again == source and again.stamp == source.stamp


def test_a_build_from_rows_holds_the_bytes_of_that_from_the_folder(tmp_path, validation):
    folder, dataset = validation
    rows = store(tmp_path / "rows", "data", dataset)
    made = {}
    for name, source in (("a", folder), ("b", rows)):
        build("imagenet_c", open_source(source), tmp_path / name, ["impulse_noise_3"], workers_count=2)
        read = pq.read_table(tmp_path / name / "data").select(["image_id", "image", "label"]).to_pylist()
        made[name] = sorted(read, key=lambda row: row["image_id"])
    assert len(made["a"]) == 4 and made["a"] == made["b"]


def test_the_builder_reads_rows_on_several_processes(tmp_path, validation, cache):
    import imagenet_cp  # noqa: F401

    folder, dataset = validation
    rows = store(tmp_path / "rows", "data", dataset)
    options = {"split": "validation", "cache_dir": cache}
    one = datasets.load_dataset("imagenet_c", "brightness_1", data_dir=str(folder), **options)
    two = datasets.load_dataset("imagenet_c", "brightness_1", data_dir=str(rows), num_proc=2, **options)
    key = "image_id"
    bytes_of = [
        dict(zip(d[key], d.cast_column("image", datasets.Image(decode=False))["image"], strict=True))
        for d in (one, two)
    ]
    assert bytes_of[0] == bytes_of[1] and len(bytes_of[0]) == 4


NAMED = [(b"one", "a/cat_1.png"), (b"two", "b/cat_2.png")]
VALIDATION = [(b"one", "ILSVRC2012_val_00000001.JPEG"), (b"two", "ILSVRC2012_val_00000236.JPEG")]
TRAINING = [(b"one", "n01440764_18.JPEG"), (b"two", "n01443537_2.JPEG")]


@pytest.mark.parametrize(
    ("images", "kind", "labels", "classes", "expected"),
    [
        (NAMED, datasets.ClassLabel(names=["cat", "dog"]), [1, 0], ("cat", "dog"), [1, 0]),
        (NAMED, datasets.ClassLabel(names=CLASSES), [5, 6], tuple(CLASSES), [5, 6]),
        (NAMED, datasets.Value("int64"), [0, 2], ("0", "1", "2"), [0, 2]),
        (VALIDATION, datasets.ClassLabel(names=CLASSES), [65, 1], "wnids", [65, 1]),
        (VALIDATION, datasets.ClassLabel(names=["b", "a"]), [0, 1], ("b", "a"), [0, 1]),
        (VALIDATION, datasets.Value("int32"), [65, 1], "wnids", [65, 1]),
        (TRAINING, datasets.ClassLabel(names=CLASSES), [0, 1], "wnids", [0, 1]),
        (TRAINING, datasets.Value("int64"), [1, 0], "wnids", [0, 1]),
        (NAMED, datasets.Value("string"), ["dog", "cat"], ("cat", "dog"), [1, 0]),
        (NAMED, datasets.Value("string"), ["goldfish", "tench"], "wnids", [1, 0]),
        (NAMED, datasets.ClassLabel(names=["goldfish", "tench"]), [0, 1], "wnids", [1, 0]),
        (NAMED, datasets.ClassLabel(names=["b", "a"]), [0, 1], ("b", "a"), [0, 1]),
        (NAMED, datasets.ClassLabel(names=["9", "1"]), [0, 1], ("9", "1"), [0, 1]),
        (NAMED, datasets.ClassLabel(names=CLASSES), [-1, -1], tuple(CLASSES), [-1, -1]),
        (NAMED, datasets.Value("int64"), [None, None], (), [-1, -1]),
        (NAMED, datasets.ClassLabel(names=["n15075141", "n01440764"]), [0, 1], "wnids", [999, 0]),
    ],
)
def test_classes_are_imagenets_where_names_and_labels_agree(
    tmp_path, images, kind, labels, classes, expected
):
    dataset = table(images, labels, {"image": datasets.Image(), "label": kind})
    source = open_source(store(tmp_path / "rows", "data", dataset))
    assert source.classes == (imagenet.wnids() if classes == "wnids" else classes)
    assert [item.label for item in source.items] == expected


def test_labels_that_contradict_the_names_are_an_error_that_names_both(tmp_path):
    dataset = table(VALIDATION, [65, 2])
    with pytest.raises(
        SourceError, match=r"00000236 is in the class '2', which is n01484850.*it is n01443537"
    ):
        open_source(store(tmp_path / "rows", "data", dataset))


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        (["a/one.png", "b/two.tar.gz"], ["one", "two.tar"]),
        ([None, "b.png"], ["row-000000", "row-000001"]),
        ([None, None], ["row-000000", "row-000001"]),
        (["a/same.png", "b/same.png"], ["row-000000", "row-000001"]),
        (["../../none/one.png", "/none/two.png"], ["one", "two"]),
    ],
)
def test_ids_are_names_of_files_or_numbers_of_rows(tmp_path, paths, ids):
    dataset = table([(b"x", path) for path in paths], [0, 1])
    source = open_source(store(tmp_path / "rows", "data", dataset))
    assert [item.image_id for item in source.items] == ids
    assert [source.reader.read(item) for item in source.items] == [b"x", b"x"]


@pytest.mark.parametrize(
    ("names", "features", "says"),
    [
        (("photo", "fine"), {"photo": datasets.Image(), "fine": datasets.ClassLabel(names=CLASSES)}, None),
        (("photo", "labels"), {"photo": datasets.Image(), "labels": datasets.Value("uint8")}, None),
        (
            ("photo", "label"),
            {"photo": datasets.Value("null"), "label": datasets.Value("int64")},
            "no column of images",
        ),
    ],
)
def test_columns_are_found_or_named(tmp_path, names, features, says):
    images = NAMED if isinstance(features["photo"], datasets.Image) else [None, None]
    data = [{"bytes": d, "path": p} for d, p in NAMED] if images == NAMED else images
    dataset = datasets.Dataset.from_dict(
        dict(zip(names, (data, [0, 1]), strict=True)), features=datasets.Features(features)
    )
    folder = store(tmp_path / "rows", "data", dataset)
    if says is None:
        assert [item.label for item in open_source(folder).items] == [0, 1]
    else:
        with pytest.raises(SourceError, match=f"{says}.*its columns are photo, {names[1]}"):
            open_source(folder)


def test_without_a_column_of_labels_all_are_unlabelled(tmp_path, capsys):
    features = {"photo": datasets.Image(), "target": datasets.Value("int64")}
    dataset = table(NAMED, [0, 1], features, ("photo", "target"))
    source = open_source(store(tmp_path / "rows", "data", dataset))
    assert source.classes == () and [item.label for item in source.items] == [-1, -1]
    assert "if one of photo, target holds the labels, rename it to label" in capsys.readouterr().err


@pytest.mark.parametrize("column", ["image", "label"])
def test_two_columns_that_could_be_meant_are_named(tmp_path, column):
    names = {"image": ["image_1", "image_2", "label"], "label": ["image", "coarse", "fine"]}[column]
    features = {
        name: datasets.Image() if "image" in name else datasets.ClassLabel(names=CLASSES) for name in names
    }
    data = {name: [{"bytes": b"x", "path": "x"}] if "image" in name else [1] for name in names}
    dataset = datasets.Dataset.from_dict(data, features=datasets.Features(features))
    dataset = datasets.concatenate_datasets([dataset, dataset])
    with pytest.raises(SourceError, match="image_1, image_2" if column == "image" else "coarse, fine"):
        open_source(store(tmp_path / "rows", "data", dataset))


def test_corruptions_and_severities_are_no_labels():
    kind = datasets.ClassLabel(names=CLASSES)
    features = datasets.Features({"corruption": kind, "severity": kind, "kind": kind, "level": INT})
    assert _label_column("rows", features) == "kind"


def test_parquet_without_a_note_of_its_columns_is_read(tmp_path):
    struct = pa.array([{"bytes": b"x", "path": "cat.png"}])
    (tmp_path / "rows").mkdir()
    pq.write_table(pa.table({"image": struct, "label": [3]}), tmp_path / "rows" / "test.parquet")
    source = open_source(tmp_path / "rows")
    assert [(i.image_id, i.label) for i in source.items] == [("cat", 3)] and len(source.classes) == 4
    assert source.reader.read(source.items[0]) == b"x"
    table = {"image": pa.array([{"bytes": b"x"}]), "box": pa.array([{"width": 1}]), "label": [3]}
    pq.write_table(
        pa.table(table).rename_columns(["photo", "box", "label"]), tmp_path / "rows" / "test.parquet"
    )
    assert [item.image_id for item in open_source(tmp_path / "rows").items] == ["row-000000"]


@pytest.mark.parametrize("form", ["data", "saved splits"])
def test_splits_are_chosen_or_named(tmp_path, form):
    folder = tmp_path / "rows"
    dataset = {name: table([(name.encode(), "cat.png")] * 2, [0, 0]) for name in ("train", "test", "other")}
    if form == "data":
        for name, rows in dataset.items():
            (folder / "data").mkdir(parents=True, exist_ok=True)
            rows.to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
        del dataset["other"]
    else:
        datasets.DatasetDict(dataset).save_to_disk(folder)
    for name, expected in [(str(folder), "test"), *((f"{folder}:{one}", one) for one in dataset)]:
        source = open_source(name)
        assert source.reader.read(source.items[0]) == expected.encode()
        assert source.name == f"{folder}:{expected}" and open_source(source.name) == source
    with pytest.raises(SourceError, match=r"its splits are .*train.*, not valid; name one as "):
        open_source(f"{folder}:valid")
    with pytest.raises(UsageError, match="no such folder"):
        open_source(f"{folder}:../train")
    with pytest.raises(
        SourceError, match=r"^user/name:a/b/c: after the colon comes a split, .* user/name:test$"
    ):
        open_source("user/name:a/b/c")
    with pytest.raises(SourceError, match="no configs" if form != "data" else "cannot be read as a data set"):
        open_source(f"{folder}:other/train")


def test_configs_are_named_before_the_split(tmp_path):
    folder = tmp_path / "rows"
    for name in ("small", "large"):
        (folder / name).mkdir(parents=True)
        table([(name.encode(), "cat.png")], [0]).to_parquet(folder / name / "train.parquet")
    configs = "".join(
        f"- config_name: {name}\n  data_files: [{{split: train, path: {name}/*}}]\n"
        for name in ("small", "large")
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    source = open_source(f"{folder}:large/train")
    assert source.reader.read(source.items[0]) == b"large" and open_source(source.name) == source
    with pytest.raises(SourceError, match=r"several configs, \['small', 'large'\]; name one"):
        open_source(folder)


def test_a_build_of_ours_is_itself_a_source(tmp_path, class_folder):
    build("imagenet_c", open_source(class_folder), tmp_path / "built", ["clean"], workers_count=1)
    source = open_source(f"{tmp_path / 'built'}:clean/validation")
    assert source.contents == open_source(class_folder).contents
    build("imagenet_c", source, tmp_path / "again", ["contrast_3"], workers_count=1)
    with pytest.raises(SourceError, match=r"its images are corrupted already .* name the clean images"):
        open_source(tmp_path / "again/data/contrast_3")


def test_a_saved_data_set_without_splits_is_its_folder(tmp_path):
    folder = store(tmp_path / "rows", "saved", table(NAMED, [0, 1]))
    with pytest.raises(SourceError, match="rows: has no splits, so name just the folder, without :train"):
        open_source(f"{folder}:train")


@pytest.mark.parametrize("form", ["data", "saved"])
def test_pictures_are_read_in_any_order_and_by_any_number_of_readers(tmp_path, form):
    generator = np.random.default_rng(0)
    data = [generator.bytes(int(generator.integers(1, 3000))) for _ in range(1200)]
    dataset = table([(one, f"{row}.png") for row, one in enumerate(data)], [0] * len(data))
    folder = tmp_path / "rows"
    if form == "data":
        folder.mkdir()
        dataset.to_parquet(folder / "validation.parquet", batch_size=100)
    else:
        dataset.save_to_disk(folder, num_shards=3)
    source = open_source(folder)
    reader = pickle.loads(pickle.dumps(source.reader))
    order = [*range(0, 50, 7), 49, 49, 48, 1199, 0, 700, 956, 957, 1199, *generator.permutation(1200)[:40]]
    assert all(reader.read(source.items[row]) == data[row] for row in order)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(source.reader.read, source.items)) == data


def test_a_reader_whose_file_was_out_of_reach_reads_on(tmp_path, monkeypatch):
    source = open_source(store(tmp_path / "rows", "data", table(NAMED, [0, 1])))
    images, troubles = arrow._images, [OSError("lost")]

    def lost(*arguments):
        if troubles:
            raise troubles.pop()
        yield from images(*arguments)

    monkeypatch.setattr(arrow, "_images", lost)
    with pytest.raises(SourceError, match=r"#0: cannot be read \(lost\)"):
        source.reader.read(source.items[0])
    assert [source.reader.read(item) for item in source.items] == [data for data, _ in NAMED]


def test_a_reader_goes_on_to_rows_ahead_and_looks_up_those_far_away(monkeypatch):
    begun = []

    def images(url, column, start, stamp):
        begun.append((url, column, start, stamp))
        return (b"%d" % row for row in count(start))

    monkeypatch.setattr(arrow, "_images", images)
    reader = arrow.RowReader("photo")
    rows = [("a", row) for row in (5, 6, 7, 8 + 256, 265 + 257, 522)] + [("b", 523)]
    assert [reader.read(Item("", 0, f"{url}#{row}", "stamp")) for url, row in rows] == [
        b"%d" % row for _, row in rows
    ]
    assert begun == [(url, "photo", start, "stamp") for url, start in (rows[0], *rows[4:])]


def test_a_large_row_group_is_never_held_whole(tmp_path):
    generator = np.random.default_rng(0)
    data = [generator.bytes(100_000) for _ in range(300)]
    (tmp_path / "rows").mkdir()
    dataset = table([(one, f"{row}.png") for row, one in enumerate(data)], [0] * len(data))
    dataset.to_parquet(tmp_path / "rows" / "test.parquet", batch_size=1000)
    del data, dataset
    code = (
        "import pyarrow as pa, sys; from imagenet_cp.sources import open_source\n"
        "source = open_source(sys.argv[1])\n"
        "assert all(len(source.reader.read(item)) == 100_000 for item in source.items)\n"
        "print(pa.default_memory_pool().max_memory())"
    )
    said = subprocess.run([sys.executable, "-c", code, tmp_path / "rows"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) < 20_000_000


def rewrite(folder, **columns):
    """Replace the only file's columns by others, its note of their meaning kept."""
    path = next(folder.glob("*.parquet"))
    old = pq.read_table(path)
    new = pa.table({**dict(zip(old.column_names, old.columns, strict=True)), **columns})
    pq.write_table(new.replace_schema_metadata(old.schema.metadata), path)


HUGE = 1 << 60
SPOILT = {
    "truncated": (lambda f: next(f.glob("*.parquet")).write_bytes(b"PAR1" + bytes(100)), "cannot be read"),
    "empty": (lambda f: next(f.glob("*.parquet")).write_bytes(b""), "cannot be read"),
    "no label": (lambda f: rewrite(f, label=pa.array([0, None])), "row 1 has the label None"),
    "half a test split": (
        lambda f: rewrite(f, label=pa.array([-1, 0])),
        "row 0 has the label -1, which is none of",
    ),
    "huge label": (lambda f: rewrite(f, label=pa.array([0, HUGE])), f"row 1 has the label {HUGE}"),
    "newline": (
        lambda f: rewrite(
            f, image=pa.array([{"bytes": b"", "path": "a\nb.png"}, {"bytes": b"", "path": "b"}])
        ),
        "characters that cannot be stored",
    ),
    "rows gone": (lambda f: rewrite(f, image=pa.array([], pa.null()), label=pa.array([], pa.int64())), ""),
    "no rows": (
        lambda f: pq.write_table(pq.read_table(f / "validation.parquet")[:0], f / "validation.parquet"),
        "rows:validation: no rows in it; name another split",
    ),
    "outside": (
        lambda f: (f / "README.md").write_text(
            "---\nconfigs: [{config_name: a, data_files: ../b/*.parquet}]\n---\n"
        ),
        "not in the folder",
    ),
    "elsewhere": (
        lambda f: (f / "README.md").write_text(
            "---\nconfigs: [{config_name: a, data_files: 'http://127.0.0.1:9/x.parquet'}]\n---\n"
        ),
        "",
    ),
    "bad card": (
        lambda f: (f / "README.md").write_text("---\nconfigs: [3\n---\n"),
        "cannot be read as a data set",
    ),
    "splits that are none": (
        lambda f: (f / "dataset_dict.json").write_text('{"splits": 3}'),
        "its splits are none",
    ),
    "nested without end": (lambda f: (f / "dataset_dict.json").write_text("[" * 100_000), "not JSON"),
    "other files": (
        lambda f: (f / "README.md").write_text(
            "---\nconfigs: [{config_name: a, data_files: README.md}]\n---\n"
        ),
        "",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_data_sets_are_named(tmp_path, case):
    spoil, says = SPOILT[case]
    folder = tmp_path / "rows"
    folder.mkdir()
    table(NAMED, [0, 1]).to_parquet(folder / "validation.parquet")
    (tmp_path / "b").mkdir()
    table(NAMED, [0, 1]).to_parquet(tmp_path / "b" / "validation.parquet")
    spoil(folder)
    with pytest.raises(SourceError) as error:
        open_source(folder)
    assert str(folder) in str(error.value) and says in str(error.value)


@pytest.mark.parametrize("offset", [-1, 1_000_000_000])
def test_a_damaged_offset_in_an_arrow_file_does_not_end_the_process(tmp_path, offset):
    sizes = [len(data) for data, _ in NAMED]
    table(NAMED, [0, 1]).save_to_disk(tmp_path / "rows")
    (file,) = (tmp_path / "rows").glob("*.arrow")
    right = struct.pack("<3i", 0, sizes[0], sum(sizes))
    data = file.read_bytes()
    assert right in data
    file.write_bytes(data.replace(right, struct.pack("<3i", 0, offset, sum(sizes))))
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(tmp_path / "rows")


def test_huge_labels_without_names_take_no_memory(tmp_path):
    folder = tmp_path / "rows"
    folder.mkdir()
    dataset = table(NAMED, [0, HUGE], {"image": datasets.Image(), "label": datasets.Value("int64")})
    dataset.to_parquet(folder / "validation.parquet")
    with pytest.raises(SourceError, match=f"row 1 has the label {HUGE}"):
        open_source(folder)


def test_labels_without_names_are_below_a_hundred_thousand():
    number = datasets.Value("int64")
    found = _classes("here", number, [0, 99_999], ["", ""])
    assert len(found.classes) == 100_000 and found.labels == [0, 99_999]
    with pytest.raises(SourceError, match="here: row 1 has the label 100000, which is none of the classes"):
        _classes("here", number, [0, 100_000], ["", ""])


@pytest.mark.parametrize(
    ("first", "last", "order"),
    [(0, 999, "0-999"), (1, 1000, "1-1000"), (0, 1000, ""), (1, 999, "0-999"), (1, 1001, "")],
)
def test_numbers_from_0_or_1_are_imagenets_if_they_are_a_thousand(first, last, order):
    numbers = list(range(first, last + 1))
    found = _classes("here", INT, numbers, [""] * len(numbers))
    own = tuple(str(number) for number in range(last + 1))
    start = int(order == "1-1000")
    assert found.order == order and found.classes == (imagenet.wnids() if order else own)
    assert [found.labels[0], found.labels[-1]] == [first - start, last - start]


@pytest.mark.parametrize("absent", [None, ""])
def test_a_row_without_its_label_of_text_is_named(absent):
    with pytest.raises(
        SourceError, match=f"here: row 1 has the label {absent!r}, which is none of the classes"
    ):
        _classes("here", datasets.Value("string"), ["cat", absent], ["", ""])


def test_a_row_names_no_file_to_be_read(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    folder = store(tmp_path / "rows", "data", table([(None, str(secret)), (b"x", "b.png")], [0, 1]))
    source = open_source(folder)
    with pytest.raises(SourceError, match=r"validation-00000-of-00002\.parquet#0: the row holds no image"):
        source.reader.read(source.items[0])
    assert source.reader.read(source.items[1]) == b"x"


def test_saved_data_sets_name_no_file_outside(tmp_path):
    folder = store(tmp_path / "rows", "saved", table(NAMED, [0, 1]))
    state = json.loads((folder / "state.json").read_text())
    outside = tmp_path / "outside.arrow"
    os.rename(folder / state["_data_files"][0]["filename"], outside)
    for name in ("../outside.arrow", str(outside)):
        state["_data_files"][0]["filename"] = name
        (folder / "state.json").write_text(json.dumps(state))
        with pytest.raises(SourceError, match=r"rows/outside\.arrow: cannot be read"):
            open_source(folder)
    for text in ("[]", '{"_data_files": 3}', '{"_data_files": [3]}', "{", '{"_data_files": []}'):
        (folder / "state.json").write_text(text)
        with pytest.raises(SourceError, match="rows"):
            open_source(folder)
    with pytest.raises(SourceError, match=r"rows: no rows in it; name another split"):
        open_source(folder)


def test_files_that_change_are_named_and_their_stamp_changes(tmp_path):
    folder = store(tmp_path / "rows", "data", table(NAMED, [0, 1]))
    source = open_source(folder)
    assert source.reader.read(source.items[0]) == b"one"
    other = [(b"three", "a/cat_1.png"), (b"four!", "b/cat_2.png")]
    for path in folder.rglob("*.parquet"):
        path.unlink()
    folder.joinpath("data").rmdir()
    store(folder / "new", "data", table(other, [0, 1]))
    (folder / "new" / "data").rename(folder / "data")
    assert open_source(folder).stamp != source.stamp
    reader = pickle.loads(pickle.dumps(source.reader))
    with pytest.raises(SourceError, match=r"^[^()]* has changed since it was listed"):
        reader.read(source.items[0])
    for path in folder.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(SourceError, match=r"#0: cannot be read"):
        reader.read(source.items[0])


TOKEN = "hf_test_token_of_a_guest"


@pytest.fixture
def hub():
    """A Hub on loopback with the data set user/name, whose files `publish` sets."""
    with Hub() as server:
        server.repos["datasets/user/name"] = Repo(private=False)
        yield server
        assert server.complaints == []


def publish(hub, folder):
    """Commit a folder's files as the data set."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    blobs = {p.relative_to(folder).as_posix(): Blob(p.read_bytes(), p.suffix == ".parquet") for p in paths}
    return hub.repos["datasets/user/name"].commit("data", blobs)


def on_the_hub(hub, tmp_path, code, *arguments, **environment):
    """Run code in a process that takes the loopback server for the Hub."""
    own = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**{key: value for key, value in os.environ.items() if key != "HF_TOKEN"}, **own},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )


LIST = """
import json, sys
from huggingface_hub.hf_file_system import HfFileSystemFile
from imagenet_cp.sources import open_source
fetch, fetched = HfFileSystemFile._fetch_range, []
HfFileSystemFile._fetch_range = lambda file, start, end: fetched.append(end - start) or fetch(file, start, end)
source = open_source(sys.argv[1])
rows = {i.image_id: (source.classes[i.label], source.reader.read(i).hex()) for i in source.items[: int(sys.argv[2])]}
print(json.dumps([source.name, source.stamp, source.items[0].location, rows, sum(fetched)]))
"""
FAIL = """
import os, sys
from imagenet_cp.sources import open_source
for argument in sys.argv[1:]:
    name, _, os.environ["HF_TOKEN"] = argument.partition("|")
    try:
        print(len(open_source(name).items), "items")
    except ValueError as error:
        print(error)
"""


def test_the_hub_gives_what_the_folder_gives(tmp_path, validation, hub):
    folder, dataset = validation
    sha = publish(hub, store(tmp_path / "rows", "data", dataset))
    said = on_the_hub(hub, tmp_path, LIST, "user/name", 4)
    assert said.returncode == 0, said.stderr
    full, _, location, rows, _ = json.loads(said.stdout)
    expected = {key: [wnid, data.hex()] for key, (wnid, data) in contents(open_source(folder)).items()}
    assert full == "user/name:validation" and rows == expected
    assert location == f"hf://datasets/user/name@{sha}/data/validation-00000-of-00002.parquet#0"


def test_listing_the_hub_takes_few_bytes(tmp_path, hub):
    data = [np.random.default_rng(row).bytes(50_000) for row in range(200)]
    dataset = table([(one, f"{row}.png") for row, one in enumerate(data)], [0] * 200)
    (tmp_path / "rows" / "data").mkdir(parents=True)
    dataset.to_parquet(tmp_path / "rows" / "data" / "test-00000-of-00001.parquet", batch_size=50)
    publish(hub, tmp_path / "rows")
    said = on_the_hub(hub, tmp_path, LIST, "user/name", 0)
    assert said.returncode == 0, said.stderr
    full, *_, fetched = json.loads(said.stdout)
    assert full == "user/name:test" and 0 < fetched < 300_000


def test_a_gated_data_set_says_what_to_do_and_opens_with_a_token(tmp_path, validation, hub):
    publish(hub, store(tmp_path / "rows", "data", validation[1]))
    hub.repos["datasets/user/name"].gated = "manual"
    hub.repos["datasets/user/name"].members = {"guest"}
    said = on_the_hub(hub, tmp_path, FAIL, "user/name", f"user/name|{TOKEN}")
    without, right = said.stdout.splitlines()
    assert f"Accept its terms at {hub.url}/datasets/user/name" in without and "`hf auth login`" in without
    assert right == "4 items" and TOKEN not in said.stdout + said.stderr


def test_what_the_hub_does_not_have_is_named(tmp_path, hub):
    (tmp_path / "rows" / "train").mkdir(parents=True)
    (tmp_path / "rows" / "train" / "cat.png").write_bytes(b"")
    publish(hub, tmp_path / "rows")
    said = on_the_hub(
        hub, tmp_path, FAIL, "other/name", "user/name:train", "user/name|hf_wrong"
    ).stdout.splitlines()
    assert said[0].startswith("other/name: no such folder here, and no such data set on the Hub"), said
    assert "made of .png files, and only Parquet files are read" in said[1], said
    assert "hf auth login" in said[2] and "hf_wrong" not in said[2], said


def test_a_connection_lost_on_the_way_is_tried_again(tmp_path, validation, hub):
    folder, dataset = validation
    publish(hub, store(tmp_path / "rows", "data", dataset))
    hub.trouble(r"GET .*\.parquet", "drop before", times=2)
    hub.trouble(r"GET .*\.parquet", 503, times=1)
    said = on_the_hub(hub, tmp_path, LIST, "user/name", 4)
    assert said.returncode == 0, said.stderr
    assert set(json.loads(said.stdout)[3]) == set(contents(open_source(folder)))


def test_without_a_network_the_folder_is_what_is_asked_for(tmp_path):
    with pytest.raises(SourceError, match=r"data/val: no such folder here, and the Hub cannot be reached"):
        open_source("data/val")
    for name in ("./data/val", "/data/val", "val", "a/b/c", "data/val:"):
        with pytest.raises(UsageError, match="no such folder"):
            open_source(name)


def test_further_columns_are_carried_through_a_build_untouched(tmp_path, cache, photographs):
    """Boxes and captions as they are, also null ones; masks by reference; a name of our own with a prefix."""
    lists = datasets.List(datasets.List(datasets.Value("float32")))
    features = {
        "image": datasets.Image(),
        "mask": datasets.Image(),
        "objects": {"bbox": lists, "category": datasets.List(INT)},
        "caption": datasets.Value("string"),
        "image_id": INT,
    }
    pictures = [
        {"bytes": path.read_bytes(), "path": f"{n}.png"}
        for n, path in enumerate(list(photographs.values())[:2])
    ]
    values = {
        "objects": [{"bbox": [[0.5, 1, 2, 3]], "category": [7]}, {"bbox": [], "category": []}],
        "caption": ["a cat", None],
    }
    dataset = datasets.Dataset.from_dict(
        {"image": pictures, "mask": pictures, **values, "image_id": [40, 41]},
        features=datasets.Features(features),
    )
    place = store(tmp_path / "rows", "data", dataset)
    source = open_source(place)
    assert source.classes == () and list(source.columns) == ["mask", "objects", "caption", "source_image_id"]
    out = tmp_path / "built"
    build("imagenet_c", source, out, ["clean"], workers_count=1)
    checked = verify(out, source=source)
    assert not checked.problems and checked.regenerated == 2
    assert "| `caption` | string | as in the source |" in (out / "README.md").read_text()
    options = {"split": "validation", "cache_dir": cache}
    built = datasets.load_dataset(str(out), "clean", **options)
    live = datasets.load_dataset("imagenet_c", "clean", data_dir=str(place), **options)
    for rows in (built, live):
        assert {name: rows.features[name] for name in values} == {name: features[name] for name in values}
        assert {name: rows[name][:] for name in values} == values
        assert rows["source_image_id"][:] == [40, 41] and rows["image_id"][:] == ["0", "1"]
        assert rows["mask"][0] == "validation-00000-of-00002.parquet#0" and rows["label"][:] == [-1, -1]
    with pytest.raises(BuildError, match="columns 'mask, objects, caption, source_image_id', not None"):
        build("imagenet_c", replace(source, columns={}), out, ["clean"], workers_count=1)
    with pytest.raises(SourceError, match=r"row 0: has no label \(-1\), so no model can be scored on it"):
        evaluate_model(lambda images: np.zeros((len(images), 1000)), imagenet_c=out)


def test_errors_of_the_hub_have_the_next_step():
    assert "(ValueError); check with" in str(explained("a/b", ValueError()))
    assert "datasets/a/b, make a token" in str(explained("a/b", ValueError("GATED repo")))
    timeout = type("ConnectTimeout", (Exception,), {"__module__": "httpx2"})  # of the Hub's client
    for lost in (timeout("slow"), ConnectionError("slow")):
        assert "a/b: no such folder here, and the Hub cannot be reached (slow); " in str(
            explained("a/b", lost)
        )
    for status in (401, 403):
        refused = ValueError("refused")
        refused.response = SimpleNamespace(status_code=status)
        assert "a/b: the Hub does not take your token" in str(explained("a/b", refused))
    missing = ValueError("Config name is missing.\nPlease pick one among the available configs: ['x']")
    assert "it has several configs, ['x']; name" in str(explained("a/b", missing))
    missing = ValueError(f"Config name is missing.\nPlease pick one: {'x' * 400}")
    assert f"it has several configs, {'x' * 300}; name one" in str(explained("a/b", missing))
    assert "(Config name is missing.); check with" in str(
        explained("a/b", ValueError("Config name is missing."))
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("hf://datasets/a/b@0/c.parquet", r"a/b: cannot be read as a data set \(odd\); check"),
        ("/c.parquet", r"a/b:test: cannot be read \(odd\)$"),
    ],
)
def test_an_error_of_reading_names_the_data_set_or_the_split(url, says):
    with pytest.raises(SourceError, match=f"^{says}"), explain_errors(Files("a/b:test", [url], [], None)):
        raise ValueError("odd")


def test_a_brief_error_is_one_line_without_queries():
    assert brief(ValueError("\n at https://host/a?token=secret, b\nmore")) == "at https://host/a b"
    assert brief(ValueError("x" * 400)) == "x" * 300 and brief(KeyError()) == "KeyError"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (None, "its splits are none; name one as user/name:validation"),
        ({"test": []}, "made of no files, and only Parquet files are read; make a folder of its images"),
        ({"test": ["a.parquet", "b.csv"]}, r"made of \.csv files"),
        ({"test": ["LICENSE"]}, "made of other files"),
    ],
)
def test_a_data_set_without_parquet_files_is_named(files, says):
    builder = SimpleNamespace(config=SimpleNamespace(data_files=files))
    with pytest.raises(SourceError, match=f"^user/name: {says}"):
        _files(builder, "user/name", None, None)


def test_files_on_the_hub_are_its_own_and_stamped_with_their_commit(monkeypatch):
    urls = ["hf://datasets/user/name@0a1b/data/test-0.parquet", "hf://datasets/user/name@0a1b/more.parquet"]
    builder = SimpleNamespace(
        config=SimpleNamespace(data_files={"test": urls}), info=SimpleNamespace(features="features")
    )
    monkeypatch.setattr(
        datasets, "load_dataset_builder", lambda path, name: {("user/name", "small"): builder}[path, name]
    )
    assert files_on_hub("user/name:small/test") == ("user/name:small/test", urls, ["0a1b"] * 2, "features")
    urls.append("hf://datasets/user/name_of_another@0a1b/data/test-0.parquet")
    with pytest.raises(SourceError, match=r"names 'hf://.*_of_another@.*', which is not in the data set"):
        files_on_hub("user/name:small/test")
