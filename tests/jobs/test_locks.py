"""Locks keep two builds of one folder apart, and outlive no process."""

import errno
import os
import platform
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import ExitStack

import filelock
import pytest

from imagenet_cp.build.build_folder import lock_build
from imagenet_cp.build.plan import build
from imagenet_cp.errors import BuildError
from imagenet_cp.jobs import locks
from imagenet_cp.jobs.job_folder import STATE_DIR, Shard
from imagenet_cp.jobs.locks import lock_record
from imagenet_cp.sources import open_source

IDENTITY = {"signature": "of a build", "source": "", "images": 1, "images_per_file": 1}
WHOLE = Shard()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (WHOLE, WHOLE),
        (WHOLE, Shard(1, 2)),
        (Shard(1, 2), WHOLE),
        (Shard(1, 2), Shard(1, 2)),
        (Shard(1, 2), Shard(1, 3)),
    ],
)
def test_a_folder_in_use_is_refused_and_says_by_whom(tmp_path, first, second):
    with (
        lock_build(tmp_path / "out", IDENTITY, first),
        pytest.raises(
            BuildError, match=f"out: is being built by process {os.getpid()} on {platform.node()}$"
        ),
        lock_build(tmp_path / "out", IDENTITY, second),
    ):
        pass
    with lock_build(tmp_path / "out", IDENTITY, second):
        pass


@pytest.mark.parametrize("order", [(2, 1), (3, 1, 2)])
def test_shards_of_one_build_work_side_by_side(tmp_path, order):
    with ExitStack() as stack:
        for index in order:
            stack.enter_context(lock_build(tmp_path, IDENTITY, Shard(index, len(order))))


DELETED = pytest.param(
    "deleted",
    marks=pytest.mark.skipif(os.name == "nt", reason="POSIX"),  # Windows cannot delete an open file
)


@pytest.mark.parametrize("then", [DELETED, "of another run"])
def test_a_run_whose_folder_is_gone_stops(tmp_path, then):
    with lock_build(tmp_path / "out", IDENTITY, WHOLE) as claim:
        with claim.check():
            pass
        if then == "deleted":
            shutil.rmtree(tmp_path / "out")
        else:
            claim.holder.write_text("another")
        with (
            pytest.raises(BuildError, match="out: was deleted, or is of another build by now"),
            claim.check(),
        ):
            pass
        assert not claim.holds and (tmp_path / "out").exists() is (then != "deleted")
    assert claim.holder.exists() is (then != "deleted")


def test_the_record_is_waited_for(tmp_path):
    taken = threading.Event()

    def take():
        with lock_record(tmp_path):
            taken.set()

    (tmp_path / STATE_DIR).mkdir()
    second = threading.Thread(target=take, daemon=True)  # if it waits for ever, it does not hold up the tests
    with lock_record(tmp_path):
        second.start()
        assert not taken.wait(0.1)
    second.join(10)
    assert taken.is_set()


@pytest.mark.parametrize(("shard", "name"), [(WHOLE, "lock.holder"), (Shard(2, 3), "lock-2-of-3.holder")])
def test_the_holder_of_a_folder_is_named_as_long_as_it_is_held(tmp_path, shard, name):
    (tmp_path / STATE_DIR).mkdir()
    (tmp_path / STATE_DIR / "lock-1-of-2.holder").write_text("of a process that was killed")
    with lock_build(tmp_path, IDENTITY, shard) as claim:
        assert [path.name for path in (tmp_path / STATE_DIR).glob("*.holder")] == [name] and claim.holds
    assert not list((tmp_path / STATE_DIR).glob("*.holder")) and claim.holds is False


@pytest.mark.parametrize("other", ["lock", "lock-1-of-2"])
def test_a_folder_that_is_released_meanwhile_is_locked(tmp_path, monkeypatch, other):
    (tmp_path / STATE_DIR).mkdir()
    holder, lock = tmp_path / STATE_DIR / f"{other}.holder", locks._lock
    holder.write_text("of a process that ends now")

    def end_and_lock(folder, name, **options):
        if name == other:
            holder.unlink()
        return lock(folder, name, **options)

    monkeypatch.setattr(locks, "_lock", end_and_lock)
    with locks.lock_folder(tmp_path, Shard(2, 3)) as claim:
        assert claim.holds and [*holder.parent.glob("*.holder")] == [claim.holder]


HOLD = """
import sys
if "hidden" in sys.argv:
    sys.modules["fcntl"] = None
from pathlib import Path
from imagenet_cp.jobs.job_folder import STATE_DIR, Shard
from imagenet_cp.jobs.locks import lock_folder
folder = Path(sys.argv[1])
(folder / STATE_DIR).mkdir(parents=True, exist_ok=True)
with lock_folder(folder, Shard(*map(int, sys.argv[2:4]))):
    print("locked", flush=True)
    if "wait" in sys.argv:
        sys.stdin.read()
"""


def hold(folder, *arguments):
    """Start a process that locks a folder."""
    command = [sys.executable, "-W", "ignore", "-c", HOLD, str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", ["shown", "hidden"])
@pytest.mark.parametrize("shard", [(1, 1), (2, 3)])
def test_the_lock_of_a_killed_process_is_free(tmp_path, shard, how):
    folder = tmp_path / "out"
    with hold(folder, *shard, "wait", how) as process:
        assert process.stdout.readline() == "locked\n"
        if how == "shown":
            with (
                pytest.raises(BuildError, match=f"process {process.pid} on "),
                lock_build(folder, IDENTITY, WHOLE),
            ):
                pass
        process.send_signal(signal.SIGKILL)
    with hold(folder, 1, 1, how) as process:
        assert process.communicate()[0] == "locked\n"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOLCK, "No locks available"), "its file system cannot lock files.* with --out"),
        (NotImplementedError(), "its file system cannot lock files.* with --out"),
        (OSError(errno.EIO, "Input/output error"), r"cannot be written \(Input/output error\)"),
    ],
)
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, error, says):
    def fail(lock):
        raise error

    monkeypatch.setattr(filelock.FileLock, "_acquire", fail)
    with (
        pytest.raises(BuildError, match=f"out: {says}"),
        lock_build(tmp_path / "out", IDENTITY, WHOLE),
    ):
        pass


def test_a_build_runs_without_fcntl(tmp_path):
    code = f"""
        import sys
        sys.modules["fcntl"] = None
        from imagenet_cp.build.plan import build
        from imagenet_cp.jobs.job_folder import Shard
        from imagenet_cp.sources import open_source
        for index in (1, 2):
            options = {{"images_per_file": 7, "workers_count": 1, "shard": Shard(index, 2)}}
            build("imagenet_c", open_source("sample"), {str(tmp_path / "soft")!r}, ["brightness_1"], **options)
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=True)
    build("imagenet_c", open_source("sample"), tmp_path / "native", ["brightness_1"], images_per_file=7)
    soft, native = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file() and ".imagenet_cp" not in path.parts
        }
        for name in ("soft", "native")
    )
    assert soft == native
