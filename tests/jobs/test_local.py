"""Worker processes: what becomes of those that die, and what is reported meanwhile."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import toy_units

from imagenet_cp.errors import BuildError
from imagenet_cp.jobs import local
from imagenet_cp.jobs.local import TITLE, _compile, _places, _stop, run_local, run_on_executor


def run(units, workers=2):
    """Indices of the finished units, and the steps of their progress."""
    steps = []
    results = run_local(
        toy_units.run, units, workers, lambda title, *step: steps.append(step) if title == TITLE else None
    )
    return sorted(index for _, index in results), steps


def test_deaths_spread_over_a_long_build_do_not_end_it(tmp_path):
    """The count of failures begins again with every unit that is finished."""
    fatal = {"b0": 1, "c1": 1, "d0": 1, "e1": 1}
    assert run(toy_units.units(tmp_path, 5, 2, fatal))[0] == [0, 1, 2, 3, 4]
    assert len(list(tmp_path.iterdir())) == 4


def test_where_processes_can_only_be_spawned_they_are(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    done, steps = run(toy_units.units(tmp_path, 2, 2))
    assert done == [0, 1] and steps[-1] == (4, 4)


@pytest.mark.parametrize("image", ["a0", "a2"])
def test_a_worker_that_dies_repeatedly_names_its_image(tmp_path, image):
    says = rf"die repeatedly, the last at /of/{image}\.jpg, perhaps out of memory; try fewer --workers"
    with pytest.raises(BuildError, match=says):
        run(toy_units.units(tmp_path, 1, 3, {image: 9}))
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_the_progress_of_several_workers_counts_every_image_once(tmp_path, workers):
    fatal = {"c2": 1} if workers > 1 else {}
    _, steps = run(toy_units.units(tmp_path, 4, 5, fatal), workers)
    assert steps[-1] == (20, 20)
    assert all(0 <= done <= total == 20 for done, total in steps)


def test_networks_have_the_threads_of_a_process(tmp_path):
    units = toy_units.units(tmp_path, 2, 1)
    found = run_local(toy_units.threads_of, units, 2, lambda *step: None, threads=3)
    assert [threads for _, threads in found] == [("3", "3", "1")] * 2


@pytest.mark.parametrize(("threads", "count"), [({}, 1), ({"threads": 3}, 3)])
def test_there_are_no_more_processes_than_units(tmp_path, monkeypatch, threads, count):
    def pool(workers, context, start, arguments):
        raise LookupError(workers, start, len(arguments[1]), arguments[2])

    monkeypatch.setattr(local, "ProcessPoolExecutor", pool)
    with pytest.raises(LookupError) as given:
        list(run_local(toy_units.run, toy_units.units(tmp_path, 2, 1), 5, lambda *step: None, **threads))
    assert given.value.args == (2, local._init_worker, 2 * local._SLOT, count)


@pytest.fixture
def start_worker(monkeypatch):
    """Set up this process as a worker without OpenCV and a parent, and undo it after the test."""
    for name in ("_counter", "_slots", "_place"):
        monkeypatch.setattr(local, name, getattr(local, name))
    for name in local._THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(local.opencv, "load", lambda: None)
    monkeypatch.setattr(local, "reuse_freed_memory", lambda own_process: None)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *given: None)

    def start(slots=(0, 0, 0), threads=1):
        counter, shared = multiprocessing.Value("q", 10), multiprocessing.Array("q", slots)
        local._init_worker(counter, shared, threads)
        return counter, shared

    return start


def test_a_worker_takes_the_first_free_slot_and_counts_in_it(tmp_path, start_worker):
    (toy,) = toy_units.units(tmp_path, 1, 3)
    assert local.slot() == 0
    counter, slots = start_worker([4, 7, 9, 0, 0, 0, 0, 0, 0])
    assert local.slot() == 1 and slots[:] == [4, 7, 9, os.getpid(), -1, 0, 0, 0, 0]
    assert local._run(toy_units.run, toy, 5) == 0
    local._tick(4)
    assert slots[:] == [4, 7, 9, os.getpid(), 5, 7, 0, 0, 0] and counter.value == 17
    local._run(lambda unit, tick: tick(), toy, 6)
    assert slots[3:6] == [os.getpid(), 6, 1]


def test_a_worker_has_the_threads_of_networks_and_of_nothing_else(start_worker, monkeypatch):
    counts = []
    monkeypatch.setattr(local.opencv, "load", lambda: SimpleNamespace(setNumThreads=counts.append))
    start_worker(threads=2)
    assert [os.environ[name] for name in local._THREADS] == ["2", "2", "1", "1"] and counts == [0]


def test_a_worker_ignores_ctrl_c_and_reuses_memory_of_all_sizes(start_worker, monkeypatch):
    handlers, modes = [], []
    monkeypatch.setattr(signal, "signal", lambda *given: handlers.append(given))
    monkeypatch.setattr(local, "reuse_freed_memory", lambda own_process: modes.append(own_process))
    start_worker()
    assert handlers == [(signal.SIGINT, signal.SIG_IGN)] and modes == [True]


def test_only_a_process_of_its_own_keeps_all_memory(monkeypatch):
    options = []
    library = SimpleNamespace(mallopt=lambda *given: options.append(given))
    monkeypatch.setattr(local.ctypes, "CDLL", lambda name: library)
    local.reuse_freed_memory()
    assert not options
    local.reuse_freed_memory(own_process=True)
    assert options == [(-4, 0), (-1, 2**31 - 1)]  # no arrays mapped, and none returned
    del library.mallopt  # as in other C libraries
    local.reuse_freed_memory(own_process=True)


def test_a_worker_exits_when_its_parent_has(start_worker, monkeypatch):
    ended, statuses, before = threading.Event(), [], set(threading.enumerate())
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(join=ended.wait))
    monkeypatch.setattr(os, "_exit", statuses.append)
    start_worker()
    (watcher,) = set(threading.enumerate()) - before
    assert watcher.daemon and not statuses
    ended.set()
    watcher.join(10)
    assert statuses == [1]


def test_a_process_without_a_parent_is_not_watched(start_worker, monkeypatch):
    threads = []
    monkeypatch.setattr(threading, "Thread", lambda **given: threads.append(given))
    start_worker()
    assert not threads


def test_an_error_of_a_kernel_is_raised_before_the_units_run():
    steps = []
    with ThreadPoolExecutor(1) as pool:
        _compile(pool, [int, int], lambda *step: steps.append(step))
        with pytest.raises(IndexError):
            _compile(pool, [int, lambda: [][0]], lambda *step: None)
    assert steps == [("compiling kernels", ready, 2) for ready in range(3)]


def test_an_error_cancels_the_units_that_are_not_started(tmp_path):
    futures, steps = [], []
    executor = SimpleNamespace(submit=lambda *given: futures.append(Future()) or futures[-1])
    units = toy_units.units(tmp_path, 3, 1)
    results = run_on_executor(executor, toy_units.run, units, lambda: steps.append(len(futures)) or end())

    def end():
        if len(steps) == 2:
            futures[0].set_exception(BuildError("an image is damaged"))

    with pytest.raises(BuildError, match="an image is damaged"):
        for _ in results:
            pass
    assert set(steps) == {3} and [future.cancelled() for future in futures] == [False, True, True]


def test_the_image_of_a_process_that_died_is_named_while_its_unit_is_unfinished(tmp_path):
    units = dict(enumerate(toy_units.units(tmp_path, 2, 3)))
    died_at = [11, 0, 2]
    other = [[12, 1, 3], [13, 5, 0], [14, 1, 0]]  # a finished unit, none of these units, a process that lives
    slots = [*other[0], *died_at, *other[1], *other[2]]
    assert list(_places({11, 12, 13}, slots, units)) == ["/of/a2.jpg"]


def test_workers_start_with_a_single_thread(monkeypatch):
    first, *rest = local._THREADS
    monkeypatch.setenv(first, "7")
    for name in rest:
        monkeypatch.delenv(name, raising=False)
    with local._single_threaded():
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        assert [os.environ[name] for name in names] == ["1"] * 4
    assert [os.environ.get(name) for name in local._THREADS] == ["7", None, None, None]


def test_processes_that_were_stopped_have_not_died():
    def process(pid, exitcode):
        def step(name):
            return lambda: steps.append((name, pid))

        return SimpleNamespace(pid=pid, exitcode=exitcode, terminate=step("terminate"), join=step("join"))

    steps = []
    processes = {pid: process(pid, code) for pid, code in ((1, 0), (2, -15), (3, -9), (4, 1))}
    pool = SimpleNamespace(_processes=processes, shutdown=lambda **given: steps.append(given))
    assert _stop(pool) == {3, 4}
    assert steps == [
        {"wait": False, "cancel_futures": True},
        *((name, pid) for name in ("terminate", "join") for pid in (1, 2, 3, 4)),
    ]
    pool._processes = None  # none was started
    assert _stop(pool) == set()
