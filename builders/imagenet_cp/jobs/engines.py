"""Who runs the units of a build: the processes of this machine, or Dask."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import ExitStack, contextmanager

from ..errors import RESUME_HINT, BuildError


@contextmanager
def executor_of(engine: str, workers: int | None) -> Iterator[Executor | None]:
    """Open an engine by name.

    Parameters
    ----------
    engine : str
        ``"local"`` for processes of this machine, ``"dask"`` for a Dask cluster started on this machine, or
        ``"dask://host:port"`` for the scheduler of a cluster that runs already.
    workers : int, optional
        How many processes a cluster started here has.

    Yields
    ------
    concurrent.futures.Executor or None
        None for the processes of this machine, which `imagenet_cp.jobs.local` looks after itself.

    Raises
    ------
    BuildError
        Unknown engine, Dask is not installed, or its scheduler does not answer, or its workers keep dying.
    """
    if engine == "local":
        yield None
        return
    if engine != "dask" and not engine.startswith("dask://"):
        raise BuildError(f"there is no engine {engine!r}; known: local, dask, dask://host:port")
    try:
        from distributed import Client, KilledWorker, LocalCluster
    except ImportError:
        raise BuildError("Dask is not installed; in the clone, type  pip install '.[dask]'") from None
    if engine != "dask":
        try:
            client = Client(engine.replace("dask://", "tcp://"), timeout=10)
        except OSError as error:
            raise BuildError(f"{engine}: no Dask scheduler answers there ({error})") from None
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
                f"{engine}: its workers keep dying, perhaps for want of memory, or its scheduler has gone. "
                f"{RESUME_HINT}"
            ) from None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: the one that waits for them decides what follows."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
