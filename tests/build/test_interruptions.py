"""A build survives whatever happens to it, and ends as if nothing had."""

import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from starving import Starving

from imagenet_cp.build.plan import build
from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.sources import open_source

COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()", "build", "imagenet_c"]
OPTIONS = ["--configs", "brightness,contrast", "--images-per-file", "8"]

#: How often a build is killed, for the parent and for its workers; the long form also has more images.
MOMENTS = int(os.environ.get("IMAGENET_CP_MOMENTS", "3"))
EACH = 24 if MOMENTS <= 3 else 75


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A folder of 96 small images, or 300, cut from those of scikit-image."""
    folder = tmp_path_factory.mktemp("images") / "val"
    source = open_source("sample")
    for item in source.items[:4]:
        with Image.open(item.location) as whole:
            image = whole.convert("RGB").resize((600, 600))
        (folder / item.image_id).mkdir(parents=True)
        for place in range(EACH):
            left, top = 4 * place, 3 * place
            image.crop((left, top, left + 280, top + 260)).save(
                folder / item.image_id / f"{item.image_id}{place:02}.jpg"
            )
    return folder


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "imagenet_c"
    build(
        "imagenet_c",
        open_source(images),
        out,
        ["brightness", "contrast"],
        images_per_file=8,
        workers_count=1,
    )
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, times and the records of units, whose division depends on the number of processes."""
    files = (
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(("lock", "verified")) and path.parent.name != "units"
    )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def start(images: Path, out: Path, *more: str) -> subprocess.Popen:
    command = [*COMMAND, "--source", str(images), "--out", str(out), *OPTIONS, *more]
    return subprocess.Popen(
        command,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        # A shell ignores Ctrl-C for what runs in the background, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stat_of(process: int) -> list[str]:
    """State, parent, group, session and so on of a process."""
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()


def of_session(leader: int) -> list[int]:
    """The processes of a session that are alive."""
    alive = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, session, *_ = stat_of(int(entry.name))
            except OSError:
                continue
            if int(session) == leader and state != "Z":
                alive.append(int(entry.name))
    return alive


def parent_of(process: int) -> int:
    try:
        return int(stat_of(process)[1])
    except OSError:  # it has ended
        return os.getpid()


def gone(leader: int, patience: float = 10) -> bool:
    """Whether no process of a session is left, after a while at most."""
    end = time.monotonic() + patience
    while of_session(leader) and time.monotonic() < end:
        time.sleep(0.05)
    return not of_session(leader)


def finished(out: Path) -> dict[str, int]:
    """The records of the finished units and all files they name, and when each was written."""
    paths = [
        path
        for record in out.glob(".imagenet_cp/units/*.json")
        for path in (record, *(out / name for name in json.loads(record.read_text())["files"]))
    ]
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in paths}


def wait_for(moment: float, build: subprocess.Popen, out: Path) -> None:
    """Wait until a share of the units is finished, less than nothing being a moment of the start, or the build ends."""
    if moment < 0:
        time.sleep(-5 * moment)
        return
    units = EACH * 4 // 8
    while build.poll() is None and len(list(out.glob(".imagenet_cp/units/*.json"))) < moment * units:
        time.sleep(0.001)


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_killed_at_any_moment_a_build_goes_on(victim, moment, images, undisturbed, tmp_path):
    chance = random.Random(f"{victim}{moment}")
    out = tmp_path / "imagenet_c"
    first = start(images, out, "--workers", "2")
    wait_for(chance.uniform(-0.3, 1), first, out)
    time.sleep(chance.uniform(0, 0.2))
    # Python's own helpers, the children of the first process, cannot be replaced at every moment. Workers are theirs.
    workers = [pid for pid in of_session(first.pid) if parent_of(pid) not in (os.getpid(), first.pid)]
    killed = chance.choice(workers) if victim == "worker" and workers else first.pid
    at_first = finished(out)
    os.kill(killed, signal.SIGKILL)
    assert first.wait(60) in (0, -signal.SIGKILL if killed == first.pid else 0)
    assert gone(first.pid)
    before = finished(out)
    assert at_first.items() <= before.items()
    second = start(images, out, "--workers", "2")
    assert second.wait(60) == 0 and gone(second.pid)
    assert contents(out) == undisturbed
    assert before.items() <= finished(out).items()


def test_ctrl_c_is_clean_and_ends_with_130(images, undisturbed, tmp_path):
    out = tmp_path / "imagenet_c"
    first = start(images, out, "--workers", "2")
    while not finished(out):
        assert first.poll() is None
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(20) == 130 and gone(first.pid)
    assert not list(out.rglob("*.tmp"))
    assert start(images, out).wait(60) == 0
    assert contents(out) == undisturbed


def test_a_full_disk_is_named_and_what_is_finished_is_kept(images, undisturbed, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], capture_output=True
    ).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        command = [
            *COMMAND,
            "--source",
            images,
            "--out",
            small / "imagenet_c",
            *OPTIONS,
            "--workers",
            "2",
        ]
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        said = " ".join(run.stderr.split())  # a message is wrapped, wherever the path ends
        assert run.returncode == 1 and "No space left" in said and "Traceback" not in said
        assert finished(small / "imagenet_c") and not list(small.rglob("*.tmp"))
        shutil.copytree(small / "imagenet_c", tmp_path / "imagenet_c")
    finally:
        subprocess.run(["umount", small], check=True)
    assert start(images, tmp_path / "imagenet_c").wait(60) == 0
    assert contents(tmp_path / "imagenet_c") == undisturbed


def test_an_image_that_vanishes_midway_is_named(images, tmp_path):
    folder = tmp_path / "val"
    shutil.copytree(images, folder)
    source = open_source(folder)
    lost = source.items[50]
    Path(lost.location).unlink()
    with pytest.raises(SourceError, match=Path(lost.location).name):
        build("imagenet_c", source, tmp_path / "out", ["fog_3"], images_per_file=8, workers_count=2)
    assert finished(tmp_path / "out")


def test_an_image_that_changes_midway_is_named(images, tmp_path):
    folder = tmp_path / "val"
    shutil.copytree(images, folder)
    source = open_source(folder)
    changed = Path(source.items[50].location)
    changed.write_bytes(Path(source.items[51].location).read_bytes())
    with pytest.raises(SourceError, match=f"{changed.name}: has changed"):
        build("imagenet_c", source, tmp_path / "out", ["fog_3"], images_per_file=8, workers_count=2)


def test_a_worker_that_runs_out_of_memory_says_how_to_get_on(images, tmp_path):
    source = open_source(images)
    starving = dataclasses.replace(source, reader=Starving(source))
    # The image is not at fault, so it is not skipped either.
    options = {"images_per_file": 24, "workers_count": 2, "on_error": "skip"}
    with pytest.raises(BuildError, match="out of memory; try fewer --workers"):
        build("imagenet_c", starving, tmp_path / "out", ["clean"], **options)
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert finished(tmp_path / "out")


@pytest.fixture
def dask():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster


def test_dask_with_a_worker_killed_gives_the_same(images, undisturbed, dask, tmp_path):
    out = tmp_path / "imagenet_c"
    engine = dask.scheduler_address.replace("tcp://", "dask://")
    running = start(images, out, "--engine", engine)
    while not finished(out):
        assert running.poll() is None
        time.sleep(0.01)
    before = finished(out)
    os.kill(next(iter(dask.workers.values())).pid, signal.SIGKILL)
    assert running.wait(120) == 0
    assert contents(out) == undisturbed
    assert before.items() <= finished(out).items()
