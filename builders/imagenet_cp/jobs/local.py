"""Execution of units by processes of this machine, or by any executor."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar

import numpy as np

from ..errors import RESUME_HINT, BuildError
from ..images import opencv
from ..progress import Progress

#: Title of the progress of units.
TITLE = "building images"
_COMPILING = "compiling kernels"
#: Parameters of glibc's mallopt.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
#: Those of networks, then those of NumPy and numba.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
#: Consecutive crashes of the pool, without a finished unit in between, after which a build stops.
_MAX_FAILURES = 3


class Unit(Protocol):
    """Unit of work on some images; can be pickled."""

    @property
    def size(self) -> int:
        """Number of images that it reports as finished, one by one or several at a time."""

    def location(self, done: int) -> str:
        """Location of the image that it works on after ``done`` images, for errors."""


U = TypeVar("U", bound=Unit)
R = TypeVar("R")
#: Runs a unit; called with it and with a callback for each finished image, or for a number of them.
Run = Callable[[U, Callable[..., None]], R]

#: Numbers of a worker in shared memory: its process, its unit, and the images of the unit that are finished.
_SLOT = 3

_counter: Any = None
_slots: Any = None
_place = 0


def reuse_freed_memory(own_process: bool = False) -> None:
    """Make glibc reuse the memory of freed arrays.

    By default it returns the memory of each large array to the system and requests it again, which takes longer than
    some kernels, and for a network on the CPU as long as its layers.

    Parameters
    ----------
    own_process : bool
        True in a worker or a command: for arrays of all sizes. In a process of the user, it is for those below 32 MiB.
    """
    np.empty(31 << 20, np.uint8)  # freed at once, untouched: raises the size from which memory is returned
    if own_process:
        with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
            configure = ctypes.CDLL(None).mallopt
            configure(_M_MMAP_MAX, 0)
            configure(_M_TRIM_THRESHOLD, 2**31 - 1)


def _init_worker(counter: Any, slots: Any, threads: int) -> None:
    """Set up a worker process: threads of models, a shared counter of images, a slot, and exit with its parent."""
    global _counter, _slots, _place
    _counter, _slots = counter, slots
    with slots.get_lock():
        _place = next(place for place in range(0, len(slots), _SLOT) if not slots[place])
        slots[_place : _place + 2] = os.getpid(), -1
    os.environ.update(dict.fromkeys(_THREADS[:2], str(threads)))  # read by libraries that are imported later
    reuse_freed_memory(own_process=True)
    if (cv2 := opencv.load()) is not None:
        cv2.setNumThreads(0)
    # Ctrl-C interrupts every process of a terminal; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_with, args=(parent,), daemon=True).start()


def _exit_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def slot() -> int:
    """Number of this worker process among those of its machine; 0 outside of one."""
    return _place // _SLOT


def _tick(count: int = 1) -> None:
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += count
        _slots[_place + 2] += count


def _run(run: Run[U, R], unit: U, number: int) -> R:
    if _slots is not None:
        _slots[_place + 1 : _place + _SLOT] = number, 0
    return run(unit, _tick)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_local(
    run: Run[U, R],
    todo: Sequence[U],
    workers: int,
    progress: Progress,
    warm_ups: Sequence[Callable[[], object]] = (),
    title: str = TITLE,
    threads: int = 1,
) -> Generator[tuple[U, R], None, None]:
    """Run units in ``workers`` processes of this machine, replacing a worker that dies and running its unit again.

    Parameters
    ----------
    run : callable
        Function of a unit and of a callback for each finished image; importable by other processes.
    todo : sequence of Unit
        The units.
    workers : int
        Number of processes; 1 runs the units in this process.
    progress : callable
        Called with ``"compiling kernels"`` or the title, the number done and the total, several times a second.
    warm_ups : sequence of callable
        Functions that compile kernels into numba's cache; each is called once before the units.
    title : str
        Title of the progress of the units.
    threads : int
        Threads of networks on the CPU in each process, if there are several processes.

    Yields
    ------
    unit, result
        In the order in which they finish.

    Raises
    ------
    BuildError
        Workers die repeatedly.
    """
    total = sum(unit.size for unit in todo)
    opencv.load()  # in this process too, for its notice: worker processes are silent
    if workers == 1:
        done = 0

        def count(number: int = 1) -> None:
            nonlocal done
            done += number
            progress(title, done, total)

        reuse_freed_memory()
        for ready, warm_up in enumerate(warm_ups):
            progress(_COMPILING, ready, len(warm_ups))
            warm_up()
        progress(_COMPILING, len(warm_ups), len(warm_ups))
        for unit in todo:
            yield unit, run(unit, count)
        return
    left = dict(enumerate(todo))
    failures = 0
    # Windows can only spawn.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    counter = context.Value("q", 0)
    while left:
        counter.value = total - sum(unit.size for unit in left.values())
        with _single_threaded():
            slots = context.Array("q", _SLOT * min(workers, len(left)))
            pool = ProcessPoolExecutor(len(slots) // _SLOT, context, _init_worker, (counter, slots, threads))
            try:
                _compile(pool, warm_ups, progress)
                progress(title, counter.value, total)
                for number, result in _run_numbered(
                    pool, run, left, lambda: progress(title, counter.value, total)
                ):
                    failures = 0
                    yield left.pop(number), result
                pool.shutdown()  # idle workers end by themselves, so that libraries release their semaphores
            except BrokenProcessPool:
                failures += 1
            finally:
                died = _stop(pool)
        if failures == _MAX_FAILURES:
            at = "".join(f", the last at {place}" for place in _places(died, slots[:], left))
            raise BuildError(
                f"worker processes die repeatedly{at}, perhaps out of memory; try fewer --workers, or --processes of "
                f"an evaluation. {RESUME_HINT}"
            )


def run_on_executor(
    executor: Executor, run: Run[U, R], todo: Sequence[U], progress: Callable[[], None]
) -> Generator[tuple[U, R], None, None]:
    """Run units on any executor, yielding each as it finishes; an error cancels those not started."""
    for number, result in _run_numbered(executor, run, dict(enumerate(todo)), progress):
        yield todo[number], result


def _run_numbered(
    executor: Executor, run: Run[U, R], todo: Mapping[int, U], progress: Callable[[], None]
) -> Generator[tuple[int, R], None, None]:
    futures = {executor.submit(_run, run, unit, number): number for number, unit in todo.items()}
    waiting = set(futures)
    try:
        while waiting:
            done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            progress()
            for future in done:
                yield futures[future], future.result()
    finally:
        for future in waiting:
            future.cancel()


def _compile(pool: Executor, warm_ups: Sequence[Callable[[], object]], progress: Progress) -> None:
    """Compile each kernel in one worker, so that all workers load it from numba's cache."""
    compiled = [pool.submit(warm_up) for warm_up in warm_ups]
    progress(_COMPILING, 0, len(compiled))
    for ready, future in enumerate(as_completed(compiled), start=1):
        future.result()
        progress(_COMPILING, ready, len(compiled))


def _places(died: set[int | None], slots: Sequence[int], units: Mapping[int, Unit]) -> Iterator[str]:
    """Yield the locations of the images at which processes died."""
    for place in range(0, len(slots), _SLOT):
        process, number, done = slots[place : place + _SLOT]
        if process in died and number in units and done < units[number].size:
            yield units[number].location(done)


def _stop(pool: ProcessPoolExecutor) -> set[int | None]:
    """Terminate the processes of a pool; returns the ids of those that had died."""
    # An exception would otherwise wait for the running units.
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
    return {process.pid for process in processes if process.exitcode not in (0, -signal.SIGTERM)}
