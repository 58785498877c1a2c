"""Runs units on the processes of this machine, or on any executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from . import units
from .benchmark import Cell
from .errors import KEPT, BuildError
from .images import opencv
from .units import Finished, Unit

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
#: How often a pool may break without a unit getting finished before the build gives up.
_PATIENCE = 3

_counter: Any = None


def _begin(counter: Any) -> None:
    """Prepare a worker process: one thread, a counter to report to, and an end when its parent has gone."""
    global _counter
    _counter = counter
    if (cv2 := opencv.load()) is not None:
        cv2.setNumThreads(0)
    # Ctrl-C reaches every process of a terminal; the parent alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _tick() -> None:
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += 1


def _run(unit: Unit) -> Finished:
    return units.run(unit, _tick)


@contextmanager
def _one_thread_each() -> Iterator[None]:
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


def run_here(
    todo: Sequence[Unit],
    workers: int,
    progress: Callable[[int], None],
    compiling: Callable[[int, int], None] = lambda done, total: None,
) -> Generator[tuple[Unit, Finished], None, None]:
    """Run units on ``workers`` processes of this machine; a worker that dies is replaced and its unit run again.

    Parameters
    ----------
    todo : sequence of Unit
        What to do.
    workers : int
        How many processes; 1 works in this one.
    progress : callable
        Told how many images have been done so far, several times a second.
    compiling : callable
        Told how many kernels are ready before that, and of how many.

    Yields
    ------
    unit, finished
        As they finish.

    Raises
    ------
    BuildError
        Workers keep dying.
    """
    opencv.load()  # here as well, for its notice: worker processes are silent
    if workers == 1:
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            progress(done)

        for ready, cell in enumerate(kernels := _kernels(todo)):
            compiling(ready, len(kernels))
            units.warm_up(todo[0].recipe, cell)
            compiling(ready + 1, len(kernels))
        for unit in todo:
            yield unit, units.run(unit, count)
        return
    left = {unit.index: unit for unit in todo}
    failures = 0
    context = multiprocessing.get_context("forkserver")
    counter = context.Value("q", 0)
    while left:
        counter.value = sum(len(unit.items) for unit in todo if unit.index not in left)
        with _one_thread_each():
            pool = ProcessPoolExecutor(min(workers, len(left)), context, _begin, (counter,))
            try:
                _compile(pool, list(left.values()), compiling)
                progress(counter.value)
                for unit, finished in run_on(pool, list(left.values()), lambda: progress(counter.value)):
                    del left[unit.index]
                    failures = 0
                    yield unit, finished
            except BrokenProcessPool:
                failures += 1
                if failures == _PATIENCE:
                    raise BuildError(
                        f"worker processes keep dying, perhaps for want of memory; try fewer with --workers. {KEPT}"
                    ) from None
            finally:
                _stop(pool)


def run_on(
    executor: Executor, todo: Sequence[Unit], progress: Callable[[], None]
) -> Generator[tuple[Unit, Finished], None, None]:
    """Run units on any executor, yielding each as it finishes; the first error cancels what has not begun."""
    futures = {executor.submit(_run, unit): unit for unit in todo}
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


def _kernels(todo: Sequence[Unit]) -> list[Cell]:
    """Return one cell of every corruption or perturbation."""
    return list({cell.name: cell for unit in todo for cell in unit.cells}.values())


def _compile(pool: Executor, todo: Sequence[Unit], compiling: Callable[[int, int], None]) -> None:
    """Let each kernel be compiled by one worker, so that all find it in numba's cache."""
    compiled = [pool.submit(units.warm_up, todo[0].recipe, cell) for cell in _kernels(todo)]
    compiling(0, len(compiled))
    for ready, future in enumerate(as_completed(compiled), start=1):
        future.result()
        compiling(ready, len(compiled))


def _stop(pool: ProcessPoolExecutor) -> None:
    # Without this, a pool that is left by an exception waits for the units under way.
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
