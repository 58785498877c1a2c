"""The number of cores respects the affinity mask and the quota of a container."""

import os

import pytest

from imagenet_cp.jobs import cores


@pytest.fixture
def group(tmp_path, monkeypatch):
    """A control group of this process, two levels deep."""
    (tmp_path / "cgroup").write_text("1:cpu:/\n0::/system/job\n")
    monkeypatch.setattr(cores, "_OWN_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "_GROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", {0: set(range(16))}.__getitem__, raising=False)
    (tmp_path / "system" / "job").mkdir(parents=True)
    return tmp_path


def test_affinity_counts(group):
    assert cores.available_cores() == 16


@pytest.mark.parametrize(
    ("quotas", "count"),
    [
        ({"system/job": "max 100000"}, 16),
        ({"system/job": "200000 100000"}, 2),
        ({"system/job": "50000 100000"}, 1),
        ({"system/job": "max 100000", "system": "250000 100000"}, 3),
        ({"": "300000 100000"}, 3),
        ({"system": "9900000 100000"}, 16),
    ],
)
def test_the_smallest_quota_counts(group, quotas, count):
    for name, text in quotas.items():
        (group / name / "cpu.max").write_text(text)
    assert cores.available_cores() == count


def test_systems_without_affinity_or_groups(group, monkeypatch):
    (group / "cgroup").unlink()
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.available_cores() == 1
