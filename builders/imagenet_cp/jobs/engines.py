"""Engines that run units: processes of this machine, or Dask."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import ExitStack, contextmanager

from ..errors import RESUME_HINT, BuildError, UsageError, suggest


@contextmanager
def open_engine(engine: str, workers: int | None) -> Iterator[Executor | None]:
    """Open an engine by its name.

    Parameters
    ----------
    engine : str
        ``"local"`` for processes of this machine, ``"dask"`` for a new Dask cluster on this machine, or
        ``"dask://host:port"`` for the scheduler of a running cluster.
    workers : int, optional
        Number of processes of a new cluster.

    Yields
    ------
    concurrent.futures.Executor or None
        None for the processes of this machine, see `imagenet_cp.jobs.local`.

    Raises
    ------
    UsageError
        The engine is unknown.
    BuildError
        Dask is not installed, its scheduler does not answer, or its workers die repeatedly.
    """
    if engine == "local":
        yield None
        return
    if engine != "dask" and not re.fullmatch(r"dask://[^/?#@\s]+:\d+/?", engine):
        hint = suggest(engine, ("local", "dask", "dask://127.0.0.1:8786"))
        if engine.startswith("dask://"):
            hint = "; name the scheduler's host and port, such as dask://127.0.0.1:8786"
        raise UsageError(f"unknown engine {engine!r}{hint}")
    try:
        from distributed import Client, KilledWorker, LocalCluster
    except ImportError:
        raise BuildError("Dask is not installed; in the clone, run pip install '.[dask]'") from None
    if engine != "dask":
        try:
            client = Client(engine.replace("dask://", "tcp://"), timeout=10)
        except (OSError, ValueError) as error:
            raise BuildError(f"{engine}: no Dask scheduler answers ({error})") from None
    with ExitStack() as stack:
        if engine == "dask":
            with _uninterrupted():
                cluster = stack.enter_context(
                    LocalCluster(
                        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
                    )
                )
            client = Client(cluster)
        stack.enter_context(client)
        try:
            yield client.get_executor(pure=False)
        except (KilledWorker, CancelledError):
            raise BuildError(
                f"{engine}: its workers die repeatedly, perhaps out of memory, or its scheduler has stopped. "
                f"{RESUME_HINT}"
            ) from None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which the parent handles."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
