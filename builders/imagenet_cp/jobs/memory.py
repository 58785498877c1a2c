"""Memory available to this process, and the number of workers that it allows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..notices import notice
from .cores import available_cores, control_groups

_SYSTEM = Path("/proc/meminfo")
#: Peak of a worker that writes all configs of ImageNet-C (tests/benchmarks/results/scale.md).
WORKER_MEMORY = 600_000_000


def default_workers(name: str = "worker", each: int = WORKER_MEMORY) -> int:
    """Count the available cores, or the processes that fit into the available memory if they are fewer.

    Parameters
    ----------
    name : str
        Name of such a process, whose plural is the option that sets their number.
    each : int
        Bytes that a process needs.
    """
    cores, memory = available_cores(), available_memory()
    if memory is None or memory >= cores * each:
        return cores
    fitting = max(1, memory // each)
    plural = name + ("es" if name.endswith("s") else "s")
    notice(
        f"{fitting} {name if fitting == 1 else plural} on {cores} cores, since only {memory / 1e9:.1f} GB of memory is "
        f"available; --{plural} sets another number"
    )
    return fitting


def available_memory() -> int | None:
    """Bytes that are available on this machine, up to the limits of the container; None if unknown."""
    return min([*_of_the_system(), *_limits()], default=None)


def _of_the_system() -> Iterator[int]:
    with contextlib.suppress(OSError, KeyError, ValueError):
        yield 1024 * int(_fields(_SYSTEM)["MemAvailable:"])


def _limits() -> Iterator[int]:
    """Yield the bytes left below the memory limits of this process's control group (cgroup v2) and of its parents."""
    for folder in control_groups():
        with contextlib.suppress(OSError, KeyError, ValueError):  # no file, or "max": no limit
            limit = int((folder / "memory.max").read_text())
            used = int((folder / "memory.current").read_text())
            # Cached files count as used, but are dropped when memory is needed.
            yield max(0, limit - used + int(_fields(folder / "memory.stat")["inactive_file"]))


def _fields(file: Path) -> dict[str, str]:
    return {line.split()[0]: line.split()[1] for line in file.read_text().splitlines()}
