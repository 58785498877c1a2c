"""Engines by their names, with a stand-in for Dask."""

import signal
import sys
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.jobs.engines import _uninterrupted, open_engine


class Client:
    """Record how it is made and asked."""

    def __init__(self, *args, **kwargs):
        if "refused" in str(args[0]):
            raise OSError("refused")
        calls.append((args[0] if isinstance(args[0], str) else "cluster", kwargs))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        calls.append("closed")

    def get_executor(self, **options):
        calls.append(options)
        return "executor"


class Cluster(Client):
    def __init__(self, **options):
        calls.append(options)


KilledWorker = type("KilledWorker", (Exception,), {})
calls = []


@pytest.fixture(autouse=True)
def dask(monkeypatch):
    calls.clear()
    module = SimpleNamespace(Client=Client, LocalCluster=Cluster, KilledWorker=KilledWorker)
    monkeypatch.setitem(sys.modules, "distributed", module)


def test_this_machine_needs_no_executor():
    with open_engine("local", 3) as executor:
        assert executor is None and not calls


@pytest.mark.parametrize("engine", ["dask://host:8786", "dask://host:8786/"])
def test_a_scheduler_is_named_by_its_address(engine):
    with open_engine(engine, None) as executor:
        assert executor == "executor"
    assert calls == [(engine.replace("dask", "tcp"), {"timeout": 10}), {"pure": False}, "closed"]


def test_a_new_cluster_has_as_many_workers_as_asked_for():
    with open_engine("dask", 3) as executor:
        assert executor == "executor"
    local = {"n_workers": 3, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    assert calls == [local, ("cluster", {}), {"pure": False}, "closed", "closed"]


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("daks", "unknown engine 'daks'; did you mean dask"),
        ("dask://host", "unknown engine 'dask://host'; name the scheduler's host and port, such as "),
        ("dask://host:x", "; name the scheduler's host and port"),
        ("", r"unknown engine ''; known: local, dask, dask://127\.0\.0\.1:8786$"),
    ],
)
def test_an_unknown_engine_is_refused(engine, says):
    with pytest.raises(UsageError, match=says), open_engine(engine, None):
        pass


def test_ctrl_c_is_left_to_the_parent_while_processes_start():
    def handler():
        with _uninterrupted():
            return signal.getsignal(signal.SIGINT)

    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert handler() == signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
        with ThreadPoolExecutor(1) as pool:  # only the main thread can set it
            assert pool.submit(handler).result() == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, inherited)


@pytest.mark.parametrize("kind", [KilledWorker, CancelledError])
def test_what_fails_is_named(kind, monkeypatch):
    with (
        pytest.raises(BuildError, match="dask://a:1: its workers die repeatedly"),
        open_engine("dask://a:1", None),
    ):
        raise kind()
    with (
        pytest.raises(BuildError, match=r"dask://refused:1: no Dask scheduler answers \(refused\)"),
        open_engine("dask://refused:1", None),
    ):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BuildError, match="Dask is not installed"), open_engine("dask", None):
        pass
