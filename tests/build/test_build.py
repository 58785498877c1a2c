"""The build command's folder: what is in it, that stock libraries read it, and that it goes on where it stopped."""

import dataclasses
import io
import json
import os
import platform
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import datasets
import pandas
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.build_json import reopen_source
from imagenet_cp.build.estimate import estimate
from imagenet_cp.build.parquet import nbytes, read_rows
from imagenet_cp.build.plan import build, new_plan
from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.sources import open_source

CONFIGS = ["fog_3", "brightness", "clean"]
CELLS = ["fog_3", *(f"brightness_{severity}" for severity in range(1, 6)), "clean"]


def contents(folder):
    """Every file of a build but the lock and the times of its files, by relative path."""
    own = ("lock", "verified")
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(own))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "imagenet_c"
    ready = []
    build(
        "imagenet_c",
        open_source("sample"),
        folder,
        CONFIGS,
        images_per_file=5,
        workers_count=1,
        progress=lambda title, *count: ready.append(count) if title == "compiling kernels" else None,
    )
    assert ready[0] == (0, 3) and ready[-1] == (3, 3)
    return folder


def test_every_cell_has_its_files_and_no_temporary_one_stays(built):
    files = sorted(path.relative_to(built).as_posix() for path in built.glob("data/*/*"))
    assert files == sorted(
        f"data/{cell}/validation-{i:05d}-of-00003.parquet" for cell in CELLS for i in range(3)
    )
    assert not list(built.rglob("*.tmp"))


STOCK = """
import sys
from datasets import load_dataset
for config in ("fog_3", "brightness", "clean"):
    stored = load_dataset("imagenet_c", config, split="validation", cache_dir=sys.argv[1])
    streamed = list(load_dataset("imagenet_c", config, split="validation", streaming=True))
    print(config, stored.num_rows, [(r["corruption"], r["severity"], r["image_id"]) for r in streamed][0])
    assert [r["image_id"] for r in streamed] == stored["image_id"][:], config
    assert stored.features["label"].names[3] == "chelsea" and stored[3]["image"].size == (224, 224)
assert "imagenet_cp" not in sys.modules
"""


def test_stock_datasets_reads_the_folder(built, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", STOCK, str(tmp_path)], cwd=built.parent, capture_output=True, text=True
    )
    assert run.stdout.splitlines() == [
        "fog_3 14 ('fog', 3, 'astronaut')",
        "brightness 70 ('brightness', 1, 'astronaut')",
        "clean 14 ('clean', 0, 'astronaut')",
    ], run.stderr


def test_pandas_and_duckdb_read_the_folder(built):
    files = str(built / "data" / "*" / "*.parquet")
    frame = pandas.read_parquet(built / "data" / "fog_3")
    chelsea = frame[frame.image_id == "chelsea"].iloc[0]
    assert (chelsea.label, chelsea.corruption, chelsea.severity) == (3, "fog", 3)
    assert Image.open(io.BytesIO(chelsea.image["bytes"])).size == (224, 224)
    duckdb = pytest.importorskip("duckdb")
    counts = duckdb.sql(f"select corruption, count(*) from '{files}' group by corruption order by corruption")
    assert counts.fetchall() == [("brightness", 70), ("clean", 14), ("fog", 14)]
    picked = duckdb.sql(
        f"select image.bytes from '{files}' where image_id = 'chelsea' and corruption = 'fog'"
    )
    assert picked.fetchall() == [(chelsea.image["bytes"],)]


def test_the_build_and_the_builder_give_the_same_rows(built, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for config in CONFIGS:
        options = {"split": "validation", "cache_dir": str(tmp_path / "cache")}
        stored = datasets.load_dataset(str(built), config, **options)
        made = datasets.load_dataset("imagenet_c", config, source="sample", **options)
        assert stored.features == made.features
        bare = datasets.Image(decode=False)
        assert stored.cast_column("image", bare)[:] == made.cast_column("image", bare)[:]


def test_the_files_are_laid_out_for_streaming(built):
    metadata = pq.ParquetFile(next(built.glob("data/fog_3/*"))).metadata
    images = metadata.row_group(0).column(0)
    assert images.path_in_schema == "image.bytes" and images.compression == "UNCOMPRESSED"
    assert images.has_offset_index
    assert metadata.metadata[b"imagenet_cp"] == b"imagenet_c|recipe:1|profile:imagenet|seed:0|jpeg:85"


def test_the_record_holds_digests_and_no_paths_of_this_machine(built):
    record = json.loads((built / "build.json").read_text())
    assert len(record["files"]) == 3 * len(CELLS)
    assert list(record) == ["identity", "versions", "skipped", "files"] and record["identity"]["images"] == 14
    libraries = ["imagenet-cp", "datasets", "numba", "numpy", "Pillow", "pyarrow"]
    record["versions"].pop("opencv-python", None)  # of which there are other packages
    assert record["versions"] == {
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }
    assert str(built.parent) not in (built / "build.json").read_text() + (built / "README.md").read_text()


@pytest.mark.parametrize("road", ["two processes", "threads", "one config after the other"])
def test_the_same_bytes_whatever_the_road(built, road, tmp_path):
    source, folder = open_source("sample"), tmp_path / "imagenet_c"
    if road == "two processes":
        build("imagenet_c", source, folder, CONFIGS, images_per_file=5, workers_count=2)
    elif road == "threads":
        with ThreadPoolExecutor(2) as pool:
            build("imagenet_c", source, folder, CONFIGS, images_per_file=5, executor=pool)
    else:
        for config in reversed(CONFIGS):
            build("imagenet_c", source, folder, [config], images_per_file=5, workers_count=1)
    made = {path: data for path, data in contents(folder).items() if not path.startswith(".imagenet_cp")}
    assert made == {
        path: data for path, data in contents(built).items() if not path.startswith(".imagenet_cp")
    }


def test_a_second_run_does_only_what_is_missing(tmp_path):
    source, folder = open_source("sample"), tmp_path / "imagenet_c"
    build("imagenet_c", source, folder, ["fog_3", "fog_4"], images_per_file=5, workers_count=1)
    before = contents(folder)
    lost = folder / "data/fog_3/validation-00001-of-00003.parquet"
    lost.unlink()
    (folder / "data/fog_4" / ".validation-00002-of-00003.parquet.1.tmp").write_bytes(
        b"of a build that was killed"
    )
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("data/*/*.parquet")}
    build("imagenet_c", source, folder, ["fog_3", "fog_4"], images_per_file=5, workers_count=1)
    data = {path: content for path, content in contents(folder).items() if path.startswith("data")}
    assert data == {path: content for path, content in before.items() if path.startswith("data")}
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def test_a_rebuilt_folder_is_not_served_from_the_cache(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)

    def load():
        dataset = datasets.load_dataset("imagenet_c", "fog_3", split="validation", cache_dir=cache)
        return dataset.cast_column("image", datasets.Image(decode=False))[0]["image"]["bytes"]

    images = []
    for seed in (0, 1):
        build(
            "imagenet_c",
            open_source("sample"),
            tmp_path / "imagenet_c",
            ["fog_3"],
            seed=seed,
            workers_count=1,
        )
        images.append(load())
        (tmp_path / "imagenet_c").rename(tmp_path / f"seed_{seed}")
    assert images[0] != images[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [({"seed": 1}, "seed:0"), ({"images_per_file": 7}, "images_per_file 5, not 7")],
)
def test_builds_are_not_mixed(built, change, says):
    options = {"images_per_file": 5, "workers_count": 1, **change}
    with pytest.raises(BuildError, match=says):
        build("imagenet_c", open_source("sample"), built, CONFIGS, **options)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, built):
    for name in ("d", "thesis.tex", "a", "b"):
        (tmp_path / name).touch()
    with pytest.raises(BuildError, match=r"holds something else \(a, b, d\); choose a new folder with --out"):
        build("imagenet_c", open_source("sample"), tmp_path, ["fog_3"])
    with pytest.raises(BuildError, match="is a file"):
        build("imagenet_c", open_source("sample"), tmp_path / "thesis.tex", ["fog_3"])


@pytest.fixture
def read_only(tmp_path):
    """A folder in which nothing can be written, not even by root."""
    folder = tmp_path / "read_only"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("permissions do not stop root, and mounting is not allowed")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("inside", ["", "new"])
def test_a_folder_that_cannot_be_written_is_named(read_only, inside):
    with pytest.raises(BuildError, match=f"{read_only / inside}: cannot be written"):
        build("imagenet_c", open_source("sample"), read_only / inside, ["fog_3"])


def test_an_unreadable_image_stops_the_build_or_is_recorded(class_folder, tmp_path):
    broken = class_folder / "animal" / "broken.jpg"
    broken.write_bytes(b"")
    Image.new("RGB", (60_000, 1)).save(class_folder / "animal" / "line.png")
    with pytest.raises(SourceError, match=r"broken\.jpg"):
        build("imagenet_c", open_source(class_folder), tmp_path / "one", ["fog_3"], workers_count=1)
    plan = build(
        "imagenet_c", open_source(class_folder), tmp_path / "two", ["fog_3"], workers_count=1, on_error="skip"
    )
    assert set(plan.skipped) == {"broken", "line"} and "broken.jpg" in plan.skipped["broken"]
    assert sum(written.rows for written in plan.files.values()) == 4 and plan.todo == []


def test_unknown_configs_are_refused_with_the_nearest_names(tmp_path):
    with pytest.raises(ValueError, match="did you mean fog_3"):
        build("imagenet_c", open_source("sample"), tmp_path / "new", ["fgo_3"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("run_local", lambda *_: bytearray(sys.maxsize), "imagenet_c: out of memory; try fewer --workers"),
        (
            "read_footer",
            lambda path: ("", 0),
            "imagenet_c: 2 files have vanished or were replaced by others; ",
        ),
    ],
)
def test_a_build_that_cannot_finish_says_why(class_folder, tmp_path, monkeypatch, name, change, says):
    monkeypatch.setattr(f"imagenet_cp.build.plan.{name}", change)
    options = {"images_per_file": 2, "workers_count": 1}
    with pytest.raises(BuildError, match=says):
        build("imagenet_c", open_source(class_folder), tmp_path / "imagenet_c", ["clean"], **options)
    assert not (tmp_path / "imagenet_c" / "README.md").exists()


def test_damage_is_found_named_and_mended(tmp_path):
    source, folder = open_source("sample"), tmp_path / "imagenet_c"
    build("imagenet_c", source, folder, ["fog_3"], images_per_file=5, workers_count=1)
    before = contents(folder)
    flipped, cut = (folder / f"data/fog_3/validation-0000{i}-of-00003.parquet" for i in (0, 1))
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(data)
    cut.write_bytes(cut.read_bytes()[:-100])
    plan = build("imagenet_c", source, folder, ["fog_3"], workers_count=1)
    assert {path.split("/")[-1]: problem.split(",")[0] for path, problem in plan.damaged.items()} == {
        flipped.name: "its checksum is not the recorded one",
        cut.name: f"{len(before[cut.relative_to(folder).as_posix()]) - 100} bytes",
    }
    assert contents(folder) == before


@pytest.mark.parametrize("what", ["a file outside", "a strange image"])
def test_a_record_that_lies_is_passed_over(what, tmp_path):
    source, folder = open_source("sample"), tmp_path / "imagenet_c"
    build("imagenet_c", source, folder, ["fog_3"], images_per_file=14, workers_count=1)
    before = contents(folder)
    outside = tmp_path / "thesis.tex"
    outside.write_text("")
    record = next(folder.glob(".imagenet_cp/units/*.json"))
    stored = json.loads(record.read_text())
    if what == "a file outside":
        stored["files"]["../thesis.tex"] = {"rows": 1, "size": 1, "sha256": ""}
    else:
        stored["images"]["nobody"] = ["", ""]
    record.write_text(json.dumps(stored))
    build("imagenet_c", source, folder, ["fog_3"], workers_count=1)
    assert outside.exists() and contents(folder) == before


def test_files_of_another_build_among_the_data_are_named(built):
    strange = [built / "data" / "fog_3" / f"validation-0000{n}-of-00004.parquet" for n in range(4)]
    for path in strange:
        path.write_bytes(b"of another build")
    names = ", ".join(path.relative_to(built).as_posix() for path in strange[:3])
    try:
        with pytest.raises(
            BuildError,
            match=rf"^{names} in {re.escape(str(built))}: not part of this build \(4 such files\); ",
        ):
            build("imagenet_c", open_source("sample"), built, CONFIGS, workers_count=1)
    finally:
        for path in strange:
            path.unlink()


def test_an_image_that_changes_between_two_runs_is_named(class_folder, tmp_path):
    folder = tmp_path / "imagenet_c"
    build("imagenet_c", open_source(class_folder), folder, ["fog_3"], workers_count=1)
    image = class_folder / "thing" / "rocket.jpg"
    os.utime(image)
    build("imagenet_c", open_source(class_folder), folder, ["fog_4"], workers_count=1)
    Image.new("RGB", (300, 300)).save(image)
    with pytest.raises(SourceError, match=r"rocket\.jpg: has changed"):
        build("imagenet_c", open_source(class_folder), folder, ["fog_5"], workers_count=1)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"ids": "0a1b"}, "holds a subset of the images, ids:0a1b; add --ids with their file"),
        ({"classes": "0a1b"}, "holds some of the classes, classes:0a1b; add --classes with their file"),
        ({"ids": "robustbench-5000", "classes": "imagenet-r"}, ""),
        ({"size": "keep"}, ""),
    ],
)
def test_the_source_of_a_build_of_a_part_is_restricted_to_it(part, says, monkeypatch):
    monkeypatch.setattr("imagenet_cp.build.build_json.open_source", lambda source, **given: given)
    recipe = dataclasses.replace(BENCHMARKS["imagenet_c"].recipe(), **part)
    named = {"ids": part.get("ids"), "classes": part.get("classes"), "recursive": "size" in part}
    if says:
        with pytest.raises(SourceError, match=f"^the build {says}$"):
            reopen_source("val", recipe)
        file = dict.fromkeys(part, "a file")
        assert reopen_source("val", recipe, **file) == named | file
    else:
        assert reopen_source("val", recipe) == named


def shard_of_sample(folder, index, count, progress=lambda title, done, total: None):
    return build(
        "imagenet_c",
        open_source("sample"),
        folder,
        CONFIGS,
        images_per_file=5,
        workers_count=1,
        shard=Shard(index, count),
        progress=progress,
    )


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shards_in_any_order_make_the_whole(built, order, tmp_path):
    folder = tmp_path / "imagenet_c"
    for index in order:
        assert not (folder / "README.md").exists()
        shard_of_sample(folder, index, 3)
    public = {path: data for path, data in contents(folder).items() if not path.startswith(".imagenet_cp")}
    assert public == {
        path: data for path, data in contents(built).items() if not path.startswith(".imagenet_cp")
    }


def test_the_last_of_shards_side_by_side_finishes_the_whole(built, tmp_path):
    folder = tmp_path / "imagenet_c"
    others = []

    def meanwhile(title, done, total):
        if not others:
            others.append(None)
            others.append(shard_of_sample(folder, 2, 2))
            with pytest.raises(BuildError, match=f"process {os.getpid()}"):
                shard_of_sample(folder, 1, 2)
            with pytest.raises(BuildError, match=f"process {os.getpid()}"):
                shard_of_sample(folder, 3, 3)
            with pytest.raises(BuildError, match=f"process {os.getpid()}"):
                build("imagenet_c", open_source("sample"), folder, CONFIGS, images_per_file=5)

    assert shard_of_sample(folder, 1, 2, meanwhile).missing == 0
    assert others[1].missing == 2 * len(CELLS)
    public = {path: data for path, data in contents(folder).items() if not path.startswith(".imagenet_cp")}
    assert public == {
        path: data for path, data in contents(built).items() if not path.startswith(".imagenet_cp")
    }


def test_skipping_can_be_chosen_later_and_taken_back(class_folder, tmp_path):
    (class_folder / "animal" / "broken.jpg").write_bytes(b"")
    source, folder = open_source(class_folder), tmp_path / "imagenet_c"
    with pytest.raises(SourceError):
        build("imagenet_c", source, folder, ["fog_3"], images_per_file=2, workers_count=1)
    plan = build("imagenet_c", source, folder, ["fog_3"], workers_count=1, on_error="skip")
    assert set(plan.skipped) == {"broken"} and plan.images_per_file == 2
    with pytest.raises(SourceError):
        build("imagenet_c", source, folder, ["fog_3"], workers_count=1)


@pytest.mark.parametrize(
    ("dataset", "config", "codec"),
    [("imagenet_c", "fog", None), ("imagenet_p", "tilt", "png"), ("imagenet_p", "brightness", "h264")],
)
def test_the_estimate_is_what_a_build_comes_to(dataset, config, codec, class_folder, tmp_path, monkeypatch):
    """Of so few images all are measured: the images' bytes are exact, and each file has some KB beside them."""
    if codec == "h264":
        pytest.importorskip("av")
    source, folder = open_source(class_folder), tmp_path / dataset
    monkeypatch.setattr(time, "process_time", iter(range(10**6)).__next__)  # every step takes a second
    costs, total = estimate(new_plan(dataset, source, folder, [config], codec=codec, images_per_file=3))
    assert not folder.exists() and {cost.cpu_hours for cost in costs.values()} == {4 / 3600}
    assert total.cpu_hours == pytest.approx((4 * len(costs) + 4) / 3600)
    made = build(dataset, source, folder, [config], codec=codec, images_per_file=3, workers_count=1)
    assert total.files == len(made.files) and total.rows == sum(file.rows for file in made.files.values())
    files = [pq.ParquetFile(folder / path) for path in made.files]
    images = sum(nbytes(value) for file in files for row in read_rows(file) for value in row.values())
    assert 1e9 * total.gigabytes == pytest.approx(images)
    stored = sum(file.size for file in made.files.values())
    assert stored - 10_000 * total.files < 1e9 * total.gigabytes < stored
