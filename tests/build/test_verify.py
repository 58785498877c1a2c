"""Verification finds every kind of damage in a build, and none in a sound one."""

import dataclasses
import hashlib
import io
import json
import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build import check
from imagenet_cp.build.build_json import open_build
from imagenet_cp.build.check import Content, _brief, _row_problem, _video_problem
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import _check_images, verify
from imagenet_cp.cards import card as cards
from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.sources import open_source

FIRST = "data/fog_3/validation-00000-of-00003.parquet"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound") / "imagenet_c"
    configs = ["fog_3", "brightness_1", "clean"]
    build("imagenet_c", open_source("sample"), folder, configs, images_per_file=5, workers_count=1)
    return folder


@pytest.fixture
def copy(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "imagenet_c")


def problems(folder, **options):
    return [str(problem) for problem in verify(folder, **options).problems]


def record_anew(folder, path):
    """Make build.json agree with a file that was changed, as somebody with bad intentions would."""
    record = json.loads((folder / "build.json").read_text())
    data = (folder / path).read_bytes()
    rows = pq.read_metadata(folder / path).num_rows
    record["files"][path] = {"rows": rows, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "build.json").write_text(json.dumps(record))


def rewrite(folder, path, change):
    """Change the columns or the metadata of one file, and its record with it."""
    table = pq.read_table(folder / path)
    metadata = dict(table.schema.metadata)
    columns = table.to_pydict()
    change(columns, metadata)
    made = pa.Table.from_pydict(columns, schema=table.schema.with_metadata(metadata))
    pq.write_table(made, folder / path)
    record_anew(folder, path)


def test_a_sound_build_has_no_problem(sound):
    report = verify(sound, source=open_source("sample"), sample=7)
    assert not report.problems
    assert (report.rows, report.regenerated, len(report.classes)) == (3 * 14, 7, 14)
    assert not problems(sound, quick=True)


def test_a_build_without_skipped_images_is_sound_and_its_files_are_counted(class_folder, tmp_path):
    (class_folder / "thing" / "broken.png").write_bytes(b"no image")
    source, steps = open_source(class_folder), []
    build(
        "imagenet_c", source, tmp_path / "b", ["clean"], images_per_file=2, on_error="skip", workers_count=1
    )
    report = verify(tmp_path / "b", progress=lambda *step: steps.append(step))
    assert not report.problems and report.rows == 4
    assert [step for step in steps if step[0] == "verifying files"] == [
        ("verifying files", done, 3) for done in (1, 2, 3)
    ]


def test_sequences_are_checked_frame_by_frame(tmp_path):
    folder = tmp_path / "imagenet_p"
    build("imagenet_p", open_source("sample"), folder, ["translate"], images_per_file=14, workers_count=1)
    report = verify(folder, source=open_source("sample"), sample=2)
    assert not report.problems and report.rows == 14 and report.regenerated == 2
    path = "data/translate/validation-00000-of-00001.parquet"
    rewrite(folder, path, lambda columns, _: columns["sequence"][3].pop())
    assert problems(folder) == [f"{path}, row 3 (chelsea): has 40 frames, not 41"]


def test_videos_are_checked_too(tmp_path):
    (tmp_path / "val" / "plain").mkdir(parents=True)
    Image.new("RGB", (300, 300), (90, 60, 30)).save(tmp_path / "val" / "plain" / "brown.png")
    folder = tmp_path / "imagenet_p"
    build("imagenet_p", open_source(tmp_path / "val"), folder, ["tilt"], codec="h264", workers_count=1)
    assert not problems(folder)
    path = "data/tilt/validation-00000-of-00001.parquet"
    rewrite(folder, path, lambda columns, _: columns["video"][0].update(bytes=b"no video"))
    assert problems(folder) == [f"{path}, row 0 (brown): its video cannot be decoded"]


def damage(folder, how):
    file = folder / FIRST
    data = bytearray(file.read_bytes())
    if how == "truncated":
        file.write_bytes(data[:-100])
    elif how == "a bit flipped":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif how == "missing":
        file.unlink()
    elif how == "an unexpected file":
        shutil.copy(file, file.with_name("validation-00003-of-00003.parquet"))
    elif how == "truncated, and recorded so":
        file.write_bytes(data[:-100])
        record = json.loads((folder / "build.json").read_text())
        record["files"][FIRST]["size"] -= 100
        record["files"][FIRST]["sha256"] = hashlib.sha256(data[:-100]).hexdigest()
        (folder / "build.json").write_text(json.dumps(record))
    elif how == "forgotten":
        file.unlink()
        record = json.loads((folder / "build.json").read_text())
        del record["files"][FIRST]
        (folder / "build.json").write_text(json.dumps(record))
    elif how == "no card":
        (folder / "README.md").unlink()
    elif how == "a card of another build":
        card = (folder / "README.md").read_text()
        (folder / "README.md").write_text(card.replace("num_examples: 14", "num_examples: 15"))
    elif how == "a card that is none":
        (folder / "README.md").write_bytes(b"---\n\xff: [\n---\n")


@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("truncated", rf"{FIRST}: \d+ bytes, not \d+ as recorded"),
        ("a bit flipped", f"{FIRST}: its checksum is not the recorded one"),
        ("missing", f"{FIRST}: missing"),
        ("an unexpected file", "validation-00003-of-00003.parquet: not named in build.json"),
        ("truncated, and recorded so", f"{FIRST}: no readable Parquet file"),
        ("forgotten", "data/fog_3: validation-00000-of-00003.parquet is missing"),
        ("no card", "README.md: missing"),
        ("a card of another build", "README.md: does not describe these files"),
        ("a card that is none", "README.md: does not describe these files"),
    ],
)
def test_damage_is_named(copy, how, says, quick):
    damage(copy, how)
    found = problems(copy, quick=quick)
    assert len(found) == 1 and re.search(says, found[0]), found


def test_a_number_of_rows_other_than_the_recorded_one_is_named(copy):
    record = json.loads((copy / "build.json").read_text())
    record["files"][FIRST]["rows"] = 6
    (copy / "build.json").write_text(json.dumps(record))
    assert f"{FIRST}: 5 rows, not 6 as recorded" in problems(copy, quick=True)


def claim(signature):
    def change(columns, metadata):
        metadata[b"imagenet_cp"] = signature

    return change


def put(column, index, value):
    def change(columns, metadata):
        columns[column][index] = value

    return change


def image(data):
    def change(columns, metadata):
        columns["image"][1] = {"bytes": data, "path": "x.JPEG"}

    return change


def half_an_image(columns, metadata):
    columns["image"][1]["bytes"] = columns["image"][1]["bytes"][:2000]


def a_small_image(columns, metadata):
    data = io.BytesIO()
    Image.new("RGB", (32, 32)).save(data, "JPEG")
    columns["image"][1]["bytes"] = data.getvalue()


def other_classes(columns, metadata):
    metadata[b"huggingface"] = metadata[b"huggingface"].replace(b"astronaut", b"cosmonaut")


def swap(columns, metadata):
    ids = columns["image_id"]
    ids[0], ids[1] = ids[1], ids[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            claim(b"imagenet_c|recipe:1|profile:imagenet|seed:9|jpeg:85"),
            f"{FIRST}: is of 'imagenet_c.*seed:9",
        ),
        (claim(b"\xff\xfe"), f"{FIRST}: is of "),
        (put("label", 2, 14), r"row 2 \(\w+\): has the label 14, but there are 14 classes"),
        (put("label", 2, -1), "row 2 .*: has the label -1"),
        (put("label", 2, None), "row 2 .*: has the label None"),
        (put("image_id", 2, ""), "row 2 .*: has no image id"),
        (put("severity", 0, 4), "row 0 .*: is fog at 4, in the folder of fog_3"),
        (put("corruption", 0, "snow"), "row 0 .*: is snow at 3"),
        (image(b""), "row 1 .*: its image cannot be decoded"),
        (image(None), "row 1 .*: its image cannot be decoded"),
        (half_an_image, "row 1 .*: its image cannot be decoded"),
        (a_small_image, "row 1 .*: its image has 32 x 32 pixels in RGB, not 224 x 224"),
    ],
)
def test_a_row_that_lies_is_named_though_its_digest_agrees(copy, change, says):
    rewrite(copy, FIRST, change)
    found = problems(copy)
    assert re.search(says, "\n".join(found)), found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (swap, f"{FIRST}, row 0: image and label"),
        (put("label", 1, 5), f"{FIRST}, row 1: image and label"),
        (put("image_id", 1, "astronaut"), f"{FIRST}, row 1: image and label"),
        (other_classes, f"{FIRST}: names of labels differ from data/brightness_1"),
    ],
)
def test_configs_must_hold_the_same_images(copy, change, says):
    rewrite(copy, FIRST, change)
    found = problems(copy)
    assert any(problem.startswith(says) for problem in found), found
    assert sum(", row " in problem for problem in found) <= 1  # the first of a file


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("image_id", 1, "astronaut"), "data: the image astronaut is repeated"),
        (put("image_id", 1, "brick_2"), "data: the ids and labels differ from those of the recorded source"),
        (
            lambda columns, _: [values.pop() for values in columns.values()],
            "data: 13 images and 0 skipped, but the source had 14",
        ),
    ],
)
def test_images_missing_everywhere_alike_are_noticed(copy, change, says):
    for cell in ("fog_3", "brightness_1", "clean"):
        rewrite(copy, f"data/{cell}/validation-00000-of-00003.parquet", change)
    assert any(problem.startswith(says) for problem in problems(copy)), problems(copy)


def test_columns_of_another_kind_are_refused(copy):
    pq.write_table(pa.table({"image": ["x"], "label": [1]}), copy / FIRST)
    record_anew(copy, FIRST)
    said = "\n".join(problems(copy))
    assert "is of 'no build'" in said and "its columns are" in said


@pytest.mark.parametrize(
    "change", [lambda ids: ids.cast(pa.large_string()), lambda ids: ids.dictionary_encode()]
)
def test_a_column_of_another_arrow_type_is_refused(copy, change):
    table = pq.read_table(copy / FIRST)
    place = table.schema.get_field_index("image_id")
    pq.write_table(table.set_column(place, "image_id", change(table["image_id"])), copy / FIRST)
    record_anew(copy, FIRST)
    assert any(problem.startswith(f"{FIRST}: its columns are") for problem in problems(copy, quick=True))


def test_a_sequence_that_is_null_has_no_frames():
    (cell,) = BENCHMARKS["imagenet_p"].cells(["tilt"])
    row = {"image_id": "a", "label": 0, "perturbation": "tilt", "difficulty": cell.level, "sequence": None}
    assert _row_problem(row, cell, range(1), 224, "imagenet") == "has 0 frames, not 31"


def test_a_video_of_another_shape_is_a_problem(monkeypatch):
    monkeypatch.setattr(check, "decode_video", lambda data: np.zeros((2, 3, 3, 3)))
    assert _video_problem({"bytes": b""}, (2, 3, 3, 3)) is None
    assert _video_problem(None, (31, 3, 3, 3)) == "its video has the shape (2, 3, 3, 3), not (31, 3, 3, 3)"


def test_long_texts_of_problems_are_cut():
    assert _brief("a\n  b") == "a b"
    assert _brief("x" * 200) == "x" * 200 and _brief("x" * 201) == f"{'x' * 200}..."


def test_a_strange_file_is_never_believed(copy):
    table = pq.read_table(copy / FIRST)
    features = b'{"info": {"features": {"label": {"_type": "Nothing"}}}}'
    pq.write_table(table.replace_schema_metadata({b"huggingface": features}), copy / FIRST)
    record_anew(copy, FIRST)
    assert any("cannot be understood" in problem for problem in problems(copy))


def test_rows_made_again_must_agree_to_the_byte(copy):
    other = "data/brightness_1/validation-00001-of-00003.parquet"
    ours = pq.read_table(copy / other).to_pydict()["image"]

    def shift(columns, metadata):
        columns["image"][0] = ours[0]

    for index in range(3):
        rewrite(copy, f"data/fog_3/validation-0000{index}-of-00003.parquet", shift)
    found = problems(copy, source=open_source("sample"), sample=42)
    assert len(found) == 3 and all(
        "differs from the row that source and recipe give" in problem for problem in found
    )


class Unreadable:
    """A reader of damaged images."""

    def read(self, item):
        return b"damaged"


def test_an_unreadable_image_of_the_source_is_a_problem(sound):
    source = dataclasses.replace(open_source("sample"), reader=Unreadable())
    report = verify(sound, source=source, sample=42)
    assert len(report.problems) == 42 and report.regenerated == 0
    assert all("not an image in a supported format" in problem.text for problem in report.problems)
    assert {problem.place for problem in report.problems} == {"source"}


def test_another_source_is_noticed(sound, class_folder):
    assert problems(sound, source=open_source(class_folder)) == [
        "source: its images or labels differ from those of the build"
    ]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("nothing there", "no such folder"),
        ("an empty folder", "holds no build"),
        ("an unfinished build", "not finished"),
        ("no json", "damaged"),
        ("another data set", "another version of this package"),
        ("a path outside", "is no file of imagenet_c"),
        ("no digests", "damaged"),
    ],
)
def test_a_folder_that_is_no_build_is_refused(copy, what, says, tmp_path):
    record = json.loads((copy / "build.json").read_text())
    folder = copy
    if what == "nothing there":
        folder = tmp_path / "nowhere"
    elif what == "an empty folder":
        folder = tmp_path / "empty"
        folder.mkdir()
    elif what == "an unfinished build":
        (copy / "build.json").write_text(json.dumps({"identity": record["identity"]}))
    elif what == "no json":
        (copy / "build.json").write_text("{")
    elif what == "another data set":
        record["identity"]["signature"] = "imagenet_d|recipe:1|profile:imagenet|seed:0|jpeg:85"
    elif what == "a path outside":
        record["files"]["../secret.parquet"] = record["files"][FIRST]
    elif what == "no digests":
        record["files"][FIRST] = {"rows": 5}
    if what in ("another data set", "a path outside", "no digests"):
        (copy / "build.json").write_text(json.dumps(record))
    with pytest.raises((BuildError, UsageError), match=says):
        verify(folder)


def test_images_of_another_recipe_are_checked_but_not_generated_again(copy):
    for path in copy.glob("data/*/*"):
        rewrite(
            copy,
            path.relative_to(copy).as_posix(),
            claim(b"imagenet_c|recipe:0|profile:imagenet|seed:0|jpeg:85"),
        )
    record = json.loads((copy / "build.json").read_text())
    record["identity"]["signature"] = "imagenet_c|recipe:0|profile:imagenet|seed:0|jpeg:85"
    (copy / "build.json").write_text(json.dumps(record))
    report = verify(copy)
    assert [problem.place for problem in report.problems] == ["README.md"]
    card = cards.dataset_card(report.benchmark, report.recipe, report.classes, record["files"])
    (copy / "README.md").write_text(card)
    assert not problems(copy)
    with pytest.raises(BuildError, match="this version of the package has recipe 1"):
        verify(copy, source=open_source("sample"))


def test_the_command_lists_problems_and_exits_with_1(copy, command):
    sound = command("verify", copy, "--source", "sample", "--sample", 3)
    assert sound.returncode == 0, sound.stderr
    shown = " ".join(sound.stdout.split())
    assert "9 files, 42 rows, no problems" in shown and "3 rows regenerated" in shown
    damage(copy, "missing")
    (copy / "README.md").unlink()
    found = command("verify", copy, "--quick")
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "README.md: missing; the build command writes it again",
        f"{FIRST}: missing",
    ]
    assert "2 problems" in " ".join(found.stderr.split()) and "Traceback" not in found.stderr


def test_five_problems_are_listed(sound, copy, monkeypatch):
    def change(columns, metadata):
        columns["label"] = [99] * 5

    path = FIRST.replace("fog_3", "clean")
    for index in range(3):
        rewrite(copy, path.replace("00000-of", f"{index:05d}-of"), lambda columns, metadata: None)
    rewrite(copy, path, change)
    assert sum("has the label 99" in text for text in problems(copy)) == 5
    monkeypatch.setattr(check, "MAX_LISTED", 3)
    listed = [text for text in problems(copy) if path in text and "image and label" not in text]
    assert len(listed) == 4 and listed[3] == f"{path}: 2 more rows with problems"
    build = open_build(sound)
    rows = [(f"image {n // 2}", 0) for n in range(14)]
    found = [str(problem) for problem in _check_images(build, [Content((), rows, [])])]
    assert found[:5] == [f"data: the image image {n} is repeated in every config" for n in range(5)]
    assert "repeated" not in "".join(found[5:])
