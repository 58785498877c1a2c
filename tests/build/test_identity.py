"""Every file of a build is of that build: what another one left there is found, and late workers write nothing."""

import contextlib
import dataclasses
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from PIL import Image

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build import plan as plan_module
from imagenet_cp.build import units
from imagenet_cp.build.build_folder import _is_bare, lock_build
from imagenet_cp.build.checksums import Checksums, damaged_files
from imagenet_cp.build.estimate import estimate
from imagenet_cp.build.parquet import FileInfo, read_footer
from imagenet_cp.build.plan import build, new_plan
from imagenet_cp.build.resume import finished_units, remove_leftovers, resume
from imagenet_cp.build.units import _earlier_result, image_digest
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import SKIP_HINT, BuildError, SourceError
from imagenet_cp.jobs.job_folder import STATE_DIR, Shard
from imagenet_cp.jobs.locks import Claim
from imagenet_cp.progress import silent
from imagenet_cp.sources import open_source

FILES = 3


def images_of(folder, names="abcdefgh", color=0):
    """A folder of small images in one class."""
    (folder / "class").mkdir(parents=True)
    for place, name in enumerate(names):
        Image.new("RGB", (256, 256), (color, 20 * place, 90)).save(folder / "class" / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return images_of(tmp_path_factory.mktemp("images") / "val")


def run(images, out, seed=0, **options):
    options = {"configs": ["clean"], "images_per_file": 3, "workers_count": 1, **options}
    return build("imagenet_c", open_source(images), out, seed=seed, **options)


def seeds(out):
    """The seeds in the signatures of all files."""
    footers = [read_footer(path)[0] for path in out.glob("data/*/*.parquet")]
    return {footer.split("seed:")[1].split("|")[0] for footer in footers}


def test_without_its_record_a_build_of_another_seed_is_named_and_made_again(images, tmp_path):
    run(images, tmp_path / "out")
    (tmp_path / "out" / "build.json").unlink()
    plan = run(images, tmp_path / "out", seed=1)
    named = {path: problem for path, problem in plan.damaged.items() if path.startswith("data/")}
    assert len(named) == FILES and all("seed:0" in problem for problem in named.values())
    assert seeds(tmp_path / "out") == {"1"} and not verify(tmp_path / "out").problems
    assert not run(images, tmp_path / "out", seed=1).damaged


def test_without_its_record_the_same_build_goes_on(images, tmp_path):
    before = run(images, tmp_path / "out").files
    times = {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in before}
    (tmp_path / "out" / "build.json").unlink()
    plan = run(images, tmp_path / "out")
    assert plan.files == before and not plan.damaged and "columns" not in plan.identity
    run(images, tmp_path / "out", configs=["clean", "brightness_1"])  # the finished files stay as they are
    assert times == {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in before}


@pytest.mark.parametrize(
    ("change", "says"),
    [("source", "of another build: source"), ("images_per_file", "images_per_file 3, not 4")],
)
def test_records_of_another_source_or_division_are_named_and_made_again(images, tmp_path, change, says):
    names = "abcdef"
    first = images_of(tmp_path / "first", names)
    second = images_of(tmp_path / "second", "bacdeg" if change == "source" else names)
    run(first, tmp_path / "out", images_per_file=3)
    (tmp_path / "out" / "build.json").unlink()
    plan = run(second, tmp_path / "out", images_per_file=4 if change == "images_per_file" else 3)
    assert len(plan.damaged) == 2 and all(says in problem for problem in plan.damaged.values())
    assert not verify(tmp_path / "out", source=open_source(second)).problems


def test_files_of_other_configs_of_another_build_are_refused(images, tmp_path):
    run(images, tmp_path / "out")
    (tmp_path / "out" / "build.json").unlink()
    with pytest.raises(BuildError, match=r"data/clean/.* not part of this build \(3 such files\)"):
        run(images, tmp_path / "out", seed=1, configs=["brightness_1"])
    assert seeds(tmp_path / "out") == {"0"}


@pytest.mark.parametrize("damage", ["rows", "a key", "an image", "no object"])
def test_a_record_that_lies_does_not_reach_the_card(images, tmp_path, damage):
    out = tmp_path / "out"
    run(images, out)
    card, (record, *_) = (out / "README.md").read_text(), sorted(out.glob(".imagenet_cp/units/*.json"))
    stored = json.loads(record.read_text())
    (path,) = stored["files"]
    if damage == "rows":
        stored["files"][path]["rows"] = 1_000_000
    elif damage == "a key":
        del stored["files"][path]["sha256"]
    elif damage == "an image":
        stored["images"]["of another source"] = ["stamp", "digest"]
    stray = record.with_name("stray.json")
    stray.write_text("[]")
    record.write_text(json.dumps([] if damage == "no object" else stored))
    plan = run(images, out)
    assert (out / "README.md").read_text() == card and plan.files[path].rows == 3
    name = record.relative_to(out).as_posix()
    says = {"a key": f"/files/{path}/sha256 is missing", "no object": "no object"}.get(damage)
    assert plan.damaged.get(name) == says
    assert plan.damaged[stray.relative_to(out).as_posix()] == "no object" and not stray.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"signature": None}, "no text at /identity/signature"),
        ({"images_per_file": "3"}, "no number at /identity/images_per_file"),
    ],
)
def test_a_damaged_record_of_a_build_is_one_line_and_what_to_do(images, tmp_path, change, says):
    out = tmp_path / "out"
    run(images, out)
    record = json.loads((out / "build.json").read_text())
    for text in (json.dumps(record | {"identity": record["identity"] | change}),):
        (out / "build.json").write_text(text)
        for use in (lambda: run(images, out, images_per_file=None), lambda: verify(out)):
            with pytest.raises(BuildError, match=f"build.json: damaged \\({says}\\); delete it"):
                use()
    (out / "build.json").unlink()
    run(images, out)
    assert not verify(out).problems


class Later:
    """An executor whose tasks wait until its client is gone."""

    def __init__(self):
        self.tasks = []

    def submit(self, function, *arguments):
        self.tasks.append((function, arguments))
        if len(self.tasks) == FILES:
            raise KeyboardInterrupt


@pytest.mark.parametrize("then", ["begun anew", "resumed", "deleted", "as it was"])
def test_a_task_that_outlives_its_build_writes_nothing(images, tmp_path, then):
    out, cluster = tmp_path / "out", Later()
    with pytest.raises(KeyboardInterrupt):
        run(images, out, executor=cluster)
    if then != "as it was" and then != "resumed":
        shutil.rmtree(out)
    if then in ("begun anew", "resumed"):
        run(images, out, seed=int(then == "begun anew"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    for function, arguments in cluster.tasks:
        with pytest.raises(BuildError, match="was deleted, or is of another build by now"):
            function(*arguments)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    assert out.exists() == (then != "deleted")


@pytest.mark.parametrize("moment", range(20))
def test_a_worker_whose_folder_is_begun_anew_stops_at_any_moment(images, tmp_path, moment, monkeypatch):
    """Before each of the points at which a unit looks for its build, another seed takes the folder over."""
    out, calls = tmp_path / "out", []
    check = Claim.check

    def take_over(claim):
        calls.append(claim)
        if len(calls) == 1 + moment % (3 * FILES):
            monkeypatch.setattr(Claim, "check", check)
            shutil.rmtree(out)
            run(images, out, seed=1, shard=Shard(1 + moment % 2, 2))
        return check(claim)

    monkeypatch.setattr(Claim, "check", take_over)
    with pytest.raises(BuildError, match="was deleted, or is of another build by now"):
        run(images, out)
    assert seeds(out) <= {"1"}
    for index in (1, 2):
        run(images, out, seed=1, shard=Shard(index, 2))
    assert seeds(out) == {"1"} and not verify(out).problems
    assert not list(out.rglob("*.tmp"))


def test_a_folder_deleted_during_a_build_can_be_built_again(images, tmp_path, monkeypatch):
    out, check = tmp_path / "out", Claim.check

    def delete(claim):
        shutil.rmtree(out, ignore_errors=True)
        return check(claim)

    monkeypatch.setattr(Claim, "check", delete)
    with pytest.raises(BuildError, match="was deleted"):
        run(images, out)
    monkeypatch.setattr(Claim, "check", check)
    assert not out.exists()
    (out / "data" / "clean").mkdir(parents=True)
    (out / "data" / "clean" / ".validation-00000-of-00003.parquet.1.tmp").touch()
    run(images, out)
    assert not verify(out).problems


class Broken:
    """A reader of images that cannot be read, each of which leaves what a killed worker would."""

    def __init__(self, out):
        self.out = out

    def read(self, item):
        (self.out / "data" / "clean" / ".validation-00001-of-00003.parquet.12ab.tmp").touch()
        raise SourceError(f"{item.location}: cannot be read")


class Watched:
    """An executor that runs tasks at once, and notes the unfinished files of a unit when it has failed."""

    def __init__(self, out):
        self.out, self.left = out, []

    def submit(self, function, *arguments):
        try:
            function(*arguments)
        except SourceError as error:
            self.left.append([path.name for path in self.out.rglob("*.tmp")])
            future = Future()
            future.set_exception(error)
            return future


def test_no_unfinished_file_is_left_when_the_first_error_is_reported(images, tmp_path):
    out, source = tmp_path / "out", open_source(images)
    (out / "data" / "clean").mkdir(parents=True)
    (out / "data" / "clean" / ".validation-00002-of-00003.parquet.12ab.tmp").touch()  # of an earlier build
    executor, source = Watched(out), dataclasses.replace(source, reader=Broken(out))
    with pytest.raises(SourceError, match="cannot be read"):
        build("imagenet_c", source, out, ["clean"], images_per_file=3, executor=executor)
    assert executor.left == FILES * [[".validation-00001-of-00003.parquet.12ab.tmp"]]
    assert not list(out.rglob("*.tmp"))


COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()", "build", "imagenet_c"]


@pytest.fixture(scope="module")
def scheduler():
    """The engine of a Dask cluster that all rounds share: tasks of one may still run in the next."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.mark.kills
@pytest.mark.parametrize("moment", range(20))
def test_a_dask_client_killed_and_the_folder_begun_anew(moment, scheduler, tmp_path):
    """The tasks of the killed client go on in the cluster while the folder is deleted and built with another seed."""
    images = images_of(tmp_path / "val", [f"{number:03}" for number in range(120)])
    out, chance = tmp_path / "out", random.Random(moment)
    command = [*COMMAND, "--source", images, "--out", out, "--configs", "brightness", "--engine", scheduler]
    command = list(map(str, [*command, "--images-per-file", 3]))
    with subprocess.Popen([*command, "--seed", "0"], stderr=subprocess.DEVNULL) as client:
        while client.poll() is None and not list(out.glob(".imagenet_cp/units/*.json")):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        client.kill()
    while out.exists():
        with contextlib.suppress(OSError):
            shutil.rmtree(out)
    subprocess.run([*command, "--seed", "1"], check=True, stderr=subprocess.DEVNULL)
    time.sleep(1)  # for the tasks of the first client
    assert seeds(out) == {"1"} and not verify(out, quick=True).problems
    rows = sum(pq.read_metadata(path).num_rows for path in out.glob("data/*/*.parquet"))
    assert rows == 5 * 120


def test_a_build_that_finished_no_file_does_not_hold_its_folder(images, tmp_path):
    identity = {"signature": "imagenet_p|h264", "source": "", "images": 1, "images_per_file": 1}
    with lock_build(tmp_path / "out", identity, Shard()):
        pass
    run(images, tmp_path / "out")
    with pytest.raises(BuildError, match="cannot be mixed"), lock_build(tmp_path / "out", identity, Shard()):
        pass


def test_a_folder_is_bare_with_unfinished_files_only(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".a.tmp").touch()
    assert _is_bare(tmp_path)
    (tmp_path / "data" / "mine.tmp").touch()
    assert not _is_bare(tmp_path)


def test_files_are_checked_one_by_one(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    files = {"a": FileInfo(1, 2, ""), "b": FileInfo(1, 1, "")}
    steps = []
    found = damaged_files(tmp_path, files, 1, lambda *step: steps.append(step))
    assert found == {"a": "1 bytes, not 2 as recorded", "b": "missing"}
    assert damaged_files(tmp_path.parent, {tmp_path.name: FileInfo(1, 1, "")}, 1, print) == {
        tmp_path.name: "missing"
    }
    assert steps == [("checking files", 1, 2), ("checking files", 2, 2)]
    says = f"^{re.escape(str(tmp_path / 'b'))}: missing; run the same build command again$"
    with pytest.raises(SourceError, match=says):
        Checksums(tmp_path, files).verify("b")


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_the_hint_to_skip_is_for_those_who_do_not(images, on_error):
    source = open_source(images)
    item = source.items[0]._replace(location=str(images / "none"))
    with pytest.raises(SourceError) as error:
        BENCHMARKS["imagenet_c"].load(source.reader, item, on_error=on_error)
    assert str(error.value).endswith(SKIP_HINT) == (on_error == "raise")


def test_an_earlier_result_is_taken_if_it_is_of_the_same_images(images, tmp_path):
    unit = dataclasses.replace(
        new_plan("imagenet_c", open_source(images), tmp_path, ["clean"]).todo[0], cells=()
    )
    unit.record.parent.mkdir(parents=True)
    item = unit.items[0]

    def result(stamp=item.stamp, skipped=None, on_error="raise"):
        record = {"identity": unit.identity, "files": {}, "images": {item.image_id: [stamp, "digest"]}}
        unit.record.write_text(json.dumps({**record, "skipped": skipped or {}}))
        return _earlier_result(dataclasses.replace(unit, on_error=on_error))

    assert result() and result(skipped={"a": "why"}, on_error="skip")
    assert result(skipped={"a": "why"}) is None and result(stamp="other") is None
    unit.record.write_text("{")
    assert _earlier_result(unit) is None
    unit.record.unlink()
    assert _earlier_result(unit) is None


def test_a_unit_runs_within_its_build_only(images, tmp_path):
    def fail(item):
        raise LookupError("an image is read")

    unit = new_plan("imagenet_c", open_source(images), tmp_path / "out", ["clean"]).todo[0]
    with pytest.raises(ValueError, match="a unit runs within the build that it belongs to"):
        units.run(unit)
    assert not unit.out.exists()
    with lock_build(unit.out, unit.identity, Shard()) as claim:
        first = units.run(dataclasses.replace(unit, claim=claim))
        finished = dataclasses.replace(unit, claim=claim, reader=SimpleNamespace(read=fail))
        again = units.run(finished)  # no image is read again
        (unit.out / next(iter(first.files))).unlink()
        with pytest.raises(LookupError, match="an image is read"):  # the file is made again
            units.run(finished)
    assert again.files == first.files and len(first.images) == len(unit.items) == 8
    assert unit.location(1) == unit.items[1].location != unit.items[0].location


def test_a_damaged_file_is_deleted_before_it_is_made_again(images, tmp_path):
    path = next(iter(run(images, tmp_path / "out").files))
    (tmp_path / "out" / path).write_bytes(b"")
    source = open_source(images)
    plan = new_plan("imagenet_c", source, tmp_path / "out", ["clean"], images_per_file=3)
    resumed = resume(plan.todo, Shard(), source, 1, silent)
    assert resumed.damaged.keys() == {path} and [unit.index for unit in resumed.todo] == [0]
    assert not (tmp_path / "out" / path).exists() and len(resumed.files) == FILES - 1


def test_a_record_of_another_source_does_not_hide_the_later_ones(images, tmp_path):
    run(images, tmp_path / "out")
    record = min((tmp_path / "out").glob(".imagenet_cp/units/*.json"))
    stored = json.loads(record.read_text())
    stored["images"]["nobody"] = ["", ""]
    record.write_text(json.dumps(stored))
    os.utime(record, (0, 0))
    source = open_source(images)
    plan = new_plan("imagenet_c", source, tmp_path / "out", ["clean"], images_per_file=3)
    resumed = resume(plan.todo, Shard(), source, 1, silent)
    assert [unit.index for unit in resumed.todo] == [0] and len(resumed.files) == FILES - 1


def test_of_two_records_of_a_unit_the_latest_comes_last(tmp_path):
    folder, identity = (
        tmp_path / STATE_DIR / "units",
        {"signature": "", "source": "", "images": 1, "images_per_file": 1},
    )
    folder.mkdir(parents=True)
    for name, time_ns in {"a": 2, "b": 1, "c": 2}.items():
        record = {"identity": identity, "files": {}, "images": {}, "skipped": {name: "why"}}
        (folder / f"{name}.json").write_text(json.dumps(record))
        os.utime(folder / f"{name}.json", ns=(0, time_ns * 10**9))
    results, problems = finished_units(tmp_path, identity)
    assert [[*result.skipped] for result in results.values()] == [["b"], ["a"], ["c"]] and not problems


BOTH = ["clean", "brightness_1"]


@pytest.fixture
def damaged(tmp_path):
    """A build of four images in two slices that lacks the second, the path of that image, and its right content."""
    folder = images_of(tmp_path / "val", "abcd")
    path = folder / "class" / "b.png"
    data = path.read_bytes()
    path.write_bytes(b"damaged")
    made = run(folder, tmp_path / "out", configs=BOTH, on_error="skip")
    assert made.skipped.keys() == {"b"} and len(made.files) == 4
    return folder, path, data


def rows_of(out):
    """Number of rows of the first slice of every config."""
    return {path.parent.name: read_footer(path)[1] for path in out.glob("data/*/*-00000-*")}


@pytest.mark.parametrize("lost", BOTH)
def test_a_skipped_image_stays_out_until_a_run_that_skips_none(damaged, tmp_path, lost):
    folder, path, data = damaged
    out = tmp_path / "out"
    path.write_bytes(data)
    next(out.glob(f"data/{lost}/*-00000-*")).unlink()
    made = run(folder, out, configs=[*BOTH, "fog_1"], on_error="skip")
    assert made.skipped.keys() == {"b"} and not verify(out).problems
    assert rows_of(out) == {"clean": 2, "brightness_1": 2, "fog_1": 2}
    made = run(folder, out, configs=[*BOTH, "fog_1"])
    assert not (made.skipped or made.damaged) and not verify(out).problems
    assert rows_of(out) == {"clean": 3, "brightness_1": 3, "fog_1": 3}
    # Its record is gone with the files that lacked it, in whatever units they were made again.
    made = run(folder, out, configs=[*BOTH, "fog_1"], on_error="skip")
    assert not (made.skipped or made.damaged) and rows_of(out)["fog_1"] == 3


def test_an_image_that_no_file_lacks_any_more_is_read_again(damaged, tmp_path):
    folder, path, data = damaged
    path.write_bytes(data)
    for file in (tmp_path / "out").glob("data/*/*-00000-*"):
        file.unlink()
    assert not run(folder, tmp_path / "out", configs=BOTH, on_error="skip").skipped
    assert (
        rows_of(tmp_path / "out") == {"clean": 3, "brightness_1": 3} and not verify(tmp_path / "out").problems
    )


@pytest.mark.parametrize("redone", [BOTH, ["clean"]])
def test_an_image_of_some_files_of_its_slice_is_added_to_the_others(damaged, tmp_path, redone):
    """The record of the unit that skipped it is still there."""
    folder, path, data = damaged
    out = tmp_path / "out"
    path.write_bytes(data)
    plan = new_plan("imagenet_c", open_source(folder), out, BOTH, images_per_file=3)
    with lock_build(out, plan.identity, Shard()) as claim:
        for cell in plan.cells:
            if cell.config in redone:
                units.run(dataclasses.replace(plan.todo[0], cells=(cell,), claim=claim))
    made = run(folder, out, configs=BOTH, on_error="skip")
    assert not (made.skipped or made.damaged) and not verify(out).problems
    assert rows_of(out) == {"clean": 3, "brightness_1": 3}


def test_an_image_that_finished_files_have_is_not_skipped(tmp_path, monkeypatch):
    folder, out = images_of(tmp_path / "val", "abcd"), tmp_path / "out"
    run(folder, out, configs=BOTH, on_error="skip")
    lost, kept = (next(out.glob(f"data/{config}/*-00000-*")) for config in BOTH)
    lost.unlink()
    load = BENCHMARKS["imagenet_c"].load

    def fail(self, reader, item, *rest):
        if item.image_id == "b":
            raise SourceError("b.png: cannot be read")
        return load(reader, item, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(type(BENCHMARKS["imagenet_c"]), "load", fail)
        with pytest.raises(
            SourceError, match=r"b\.png: cannot be read; finished files have the image, so it cannot"
        ):
            run(folder, out, configs=BOTH, on_error="skip")
        kept.unlink()
        assert run(folder, out, configs=BOTH, on_error="skip").skipped.keys() == {"b"}
        assert rows_of(out) == {"clean": 2, "brightness_1": 2} and not verify(out).problems
        made = run(folder, out, configs=["clean"], images_per_file=3, on_error="skip")
        assert made.skipped.keys() == {"b"} and not made.damaged
    assert not run(folder, out, configs=BOTH).skipped and rows_of(out)["clean"] == 3


def test_records_without_files_are_deleted(tmp_path):
    """Those of units whose files were made again by units of other cells."""
    folder, out = images_of(tmp_path / "val", "abcd"), tmp_path / "out"

    def records():
        return [*out.glob(".imagenet_cp/units/00000-*")]

    run(folder, out, configs=BOTH)
    for config in BOTH:
        next(out.glob(f"data/{config}/*-00000-*")).unlink()
        run(folder, out, configs=BOTH)
    assert len(records()) == 3
    assert not run(folder, out, configs=BOTH).damaged and len(records()) == 2


def test_an_image_that_some_units_of_a_run_cannot_read_is_named(tmp_path, monkeypatch):
    folder, out = images_of(tmp_path / "val", "abcd"), tmp_path / "out"
    load = BENCHMARKS["imagenet_c"].load
    calls = count()

    def fail_once(self, reader, item, *rest):
        if item.image_id == "b" and not next(calls):
            raise SourceError("b.png: cannot be read")
        return load(reader, item, *rest)

    monkeypatch.setattr(type(BENCHMARKS["imagenet_c"]), "load", fail_once)

    def by_cells(todo, workers):
        return [dataclasses.replace(unit, cells=(cell,)) for unit in todo for cell in unit.cells]

    monkeypatch.setattr(plan_module, "divide", by_cells)
    with pytest.raises(
        SourceError, match="b could be read for some configs and not for others; run the same command"
    ):
        run(folder, out, configs=BOTH, on_error="skip")
    assert not (out / "README.md").exists()
    assert not run(folder, out, configs=BOTH, on_error="skip").skipped and not verify(out).problems


def test_a_shard_leaves_the_records_of_the_others(images, tmp_path):
    out = tmp_path / "out"
    run(images, out, shard=Shard(2, 2))
    (record,) = out.glob(".imagenet_cp/units/*.json")
    record.write_text("{")
    assert not run(images, out, shard=Shard(1, 2)).damaged and record.read_text() == "{"
    made = run(images, out, shard=Shard(2, 2))
    assert [*made.damaged] == [record.relative_to(out).as_posix()] and made.missing == 0
    assert not verify(out).problems


def test_a_record_that_vanishes_is_none(tmp_path, monkeypatch):
    folder = tmp_path / STATE_DIR / "units"
    folder.mkdir(parents=True)
    (folder / "00000-a.json").write_text("{}")
    (folder / "00001-b.json").symlink_to(folder / "none")

    def read(record, identity):
        record.unlink()
        raise FileNotFoundError(record)

    monkeypatch.setattr(units.UnitResult, "read", read)
    assert finished_units(tmp_path, {}) == ({}, {})


def test_a_finished_shard_takes_what_the_others_made_meanwhile(tmp_path):
    """The other one made its files again after this one had read their records."""
    folder, out = images_of(tmp_path / "val", "abcdef"), tmp_path / "out"
    path = folder / "class" / "e.png"
    data = path.read_bytes()
    path.write_bytes(b"damaged")
    assert run(folder, out, on_error="skip", shard=Shard(2, 2)).skipped.keys() == {"e"}
    others = []

    def meanwhile(*step):
        if not others:
            path.write_bytes(data)
            others.append(run(folder, out, shard=Shard(2, 2)))

    made = run(folder, out, on_error="skip", shard=Shard(1, 2), progress=meanwhile)
    assert others and made.missing == 0 and not made.skipped and not verify(out).problems


def test_the_latest_record_of_a_concurrent_shard_counts(images, tmp_path):
    out, others = tmp_path / "out", []

    def meanwhile(*step):
        if not others:
            others.append(run(images, out, shard=Shard(2, 2)))
            (record,) = out.glob(".imagenet_cp/units/00001-*.json")
            stored = json.loads(record.read_text())
            for info in stored["files"].values():
                info["sha256"] = "of an earlier file"
            earlier = record.with_name("00001-earlier.json")
            earlier.write_text(json.dumps(stored))
            os.utime(earlier, (0, 0))

    assert run(images, out, shard=Shard(1, 2), progress=meanwhile).missing == 0
    assert others and not verify(out).problems


def test_the_unfinished_files_of_other_shards_and_of_others_stay(tmp_path):
    folder = tmp_path / "data" / "clean"
    for place in (folder, tmp_path / STATE_DIR / "units"):
        place.mkdir(parents=True)
    names = [f".validation-0000{index}-of-00004.parquet.12ab.tmp" for index in range(4)]
    for name in (*names, ".mine.tmp"):
        (folder / name).touch()
    (tmp_path / ".README.md.12ab.tmp").touch()
    remove_leftovers(tmp_path, Shard(2, 2))
    assert sorted(path.name for path in folder.iterdir()) == [".mine.tmp", names[0], names[2]]
    assert not list(tmp_path.glob(".*.tmp"))
    worker = SimpleNamespace(
        has=lambda index: (folder / names[index]).unlink() or True
    )  # finishes it meanwhile
    remove_leftovers(tmp_path, worker)
    assert [path.name for path in folder.iterdir()] == [".mine.tmp"]


def test_the_images_that_an_estimate_measures_are_from_the_whole_source(tmp_path):
    source, read = open_source(images_of(tmp_path / "val", "abcdefghijklm")), []
    reader = SimpleNamespace(read=lambda item: read.append(item.image_id) or source.reader.read(item))
    plan = new_plan("imagenet_c", dataclasses.replace(source, reader=reader), tmp_path / "out", ["clean"])
    costs, total = estimate(plan)
    assert read == list("aacegik")  # the first one twice: its first time is not measured
    assert total[:2] == costs["clean"][:2] == (1, 13)


def test_an_executor_reports_the_images_that_are_finished(images, tmp_path):
    steps = []
    with ThreadPoolExecutor(1) as executor:
        run(images, tmp_path / "out", executor=executor, progress=lambda *step: steps.append(step))
    assert steps[-1] == ("building images", 8, 8) and steps == sorted(steps)
    assert run(images, tmp_path / "out", workers_count=2).files  # nothing is left to do


def test_the_digest_of_an_image_has_sixteen_bytes():
    """Records of unfinished builds hold it."""
    assert image_digest(b"abc") == "cf4ab791c62b8d2b2109c90275287816"  # as b2sum computes it
