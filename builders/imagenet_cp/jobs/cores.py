"""Number of CPU cores available to this process."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


def available_cores() -> int:
    """Count the cores available to this process: those of its affinity mask, up to the CPU quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([cores, *_quotas()])


def control_groups() -> list[Path]:
    """List the folders of this process's control group (cgroup v2) and of its parents."""
    own = ""
    with contextlib.suppress(OSError):
        own = _OWN_GROUP.read_text().rpartition("0::/")[2].strip()
    return [_GROUPS / own, *(_GROUPS / own).parents]


def _quotas() -> Iterator[int]:
    """Yield the CPU quotas of the control groups, in cores."""
    for folder in control_groups():
        with contextlib.suppress(OSError, ValueError):  # no file, or "max 100000": no quota
            quota, period = map(int, (folder / "cpu.max").read_text().split())
            yield max(1, math.ceil(quota / period))
