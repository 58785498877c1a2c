"""Division of units into groups of cells, so that all workers have work until the end of a build.

The files of a build are those of whole slices, so more workers than slices would idle, and so would most workers in a
last round of few slices. A slice is therefore built by several units, each of which decodes its images and writes the
files of some of its cells. The division depends on the number of workers, the files do not.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .units import Unit

#: Time to read, decode and resize an image, relative to that of one of its cells (tests/benchmarks/results/build.md).
_DECODING = 4
_MAX_GROUPS = 8


def divide(units: Sequence[Unit], workers: int) -> list[Unit]:
    """Divide units into as many groups of cells as finish soonest.

    Parameters
    ----------
    units : sequence of Unit
        Each for all its cells.
    workers : int
        Number of processes that run them.

    Returns
    -------
    list of Unit
        The longest first.
    """
    full_rounds = len(units) // workers * workers
    divisions = (
        _grouped(units, whole, groups)
        for groups, whole in itertools.product(range(1, _MAX_GROUPS + 1), {full_rounds, 0})
    )
    return min(divisions, key=lambda division: makespan(map(_cost, division), workers))


def makespan(costs: Iterable[float], workers: int) -> float:
    """Time until the last of some jobs is finished, if a worker that is free takes the next one."""
    ends = [0.0] * workers
    for cost in costs:
        heapq.heapreplace(ends, ends[0] + cost)
    return max(ends)


def _grouped(units: Sequence[Unit], whole: int, groups: int) -> list[Unit]:
    """Divide all but the first ``whole`` units; neighbouring cells, which take similar times, go to all groups."""
    divided = [
        replace(unit, cells=unit.cells[group::groups])
        for unit in units[whole:]
        for group in range(min(groups, len(unit.cells)))
    ]
    return sorted([*units[:whole], *divided], key=_cost, reverse=True)


def _cost(unit: Unit) -> float:
    return len(unit.items) * (len(unit.cells) + _DECODING)
