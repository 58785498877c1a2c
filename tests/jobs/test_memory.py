"""Fewer workers start where memory is short, and a notice gives their number."""

import pytest

from imagenet_cp import notices
from imagenet_cp.jobs import cores, memory


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine of 16 cores and 64 GB, with a control group."""
    (tmp_path / "meminfo").write_text(
        "MemTotal: 99000000 kB\nMemAvailable: 62500000 kB\nHugePages_Total: 0\n"
    )
    (tmp_path / "cgroup").write_text("0::/job\n")
    (tmp_path / "job").mkdir()
    monkeypatch.setattr(memory, "_SYSTEM", tmp_path / "meminfo")
    monkeypatch.setattr(cores, "_OWN_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "available_cores", lambda: 16)
    notices.notice.cache_clear()
    return tmp_path


def limit(folder, most):
    for name, text in (
        ("max", most),
        ("current", "3000000000"),
        ("stat", "anon 1\ninactive_file 1000000000"),
    ):
        (folder / "job" / f"memory.{name}").write_text(f"{text}\n")


def test_enough_memory_for_all_cores(system, capsys):
    assert memory.available_memory() == 64_000_000_000
    assert memory.default_workers() == 16 and not capsys.readouterr().err


@pytest.mark.parametrize(("most", "workers"), [("max", 16), ("5000000000", 5), ("2100000000", 1)])
def test_the_limit_of_a_container_counts(system, most, workers, capsys):
    limit(system, most)
    assert memory.default_workers() == workers
    assert bool(capsys.readouterr().err) == (workers < 16)


def test_above_the_limit_no_memory_is_available(system):
    limit(system, "1000000000")
    assert memory.available_memory() == 0 and memory.default_workers() == 1


def test_the_notice_says_how_many_and_why(system, capsys):
    limit(system, "5000000000")
    memory.default_workers()
    said = capsys.readouterr().err
    assert said == (
        "imagenet-cp: 5 workers on 16 cores, since only 3.0 GB of memory is available; --workers sets another number\n"
    )


def test_processes_of_another_kind_have_their_own_need_and_option(system, capsys):
    assert memory.default_workers("process", 4_000_000_000) == 16
    limit(system, "9000000000")
    assert memory.default_workers("process", 4_000_000_000) == 1
    assert capsys.readouterr().err == (
        "imagenet-cp: 1 process on 16 cores, since only 7.0 GB of memory is available; --processes sets another "
        "number\n"
    )


def test_systems_without_these_files(system):
    (system / "meminfo").unlink()
    assert memory.available_memory() is None and memory.default_workers() == 16
