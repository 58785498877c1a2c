"""Estimate of the size and time of a build, from a quick measurement on this machine."""

from __future__ import annotations

import time
from typing import NamedTuple

from .parquet import nbytes
from .plan import Plan

#: Number of images that are measured.
_SAMPLE = 6


class Cost(NamedTuple):
    """Size and time of one config or of a whole build.

    Attributes
    ----------
    files, rows : int
        Number of Parquet files and of rows.
    gigabytes : float
        Size of all files, in 10^9 bytes.
    cpu_hours : float
        Time on one core.
    """

    files: int
    rows: int
    gigabytes: float
    cpu_hours: float


def estimate(plan: Plan) -> tuple[dict[str, Cost], Cost]:
    """Measure a few images and extrapolate.

    Parameters
    ----------
    plan : Plan
        From `imagenet_cp.build.plan.new_plan`.

    Returns
    -------
    dict of str to Cost
        Config -> cost of its cell, without the decoding, which all cells share.
    Cost
        Total, including the decoding.

    Raises
    ------
    SourceError
        One of the measured images cannot be read.
    """
    items = plan.source.items
    chosen = items[:: max(1, len(items) // _SAMPLE)][:_SAMPLE]
    shared = 0.0
    seconds = dict.fromkeys(plan.cells, 0.0)
    size = dict.fromkeys(plan.cells, 0)
    for index, item in enumerate((chosen[0], *chosen)):
        warm = index > 0  # the first round only compiles and fills caches
        start = time.process_time()
        _, clean = plan.benchmark.load(plan.source.reader, item, plan.recipe.size)
        shared += warm * (time.process_time() - start)
        for cell in plan.cells:
            start = time.process_time()
            row = plan.benchmark.row(plan.recipe, cell, clean, item)
            seconds[cell] += warm * (time.process_time() - start)
            size[cell] += warm * sum(map(nbytes, row.values()))
    scale = len(items) / len(chosen)
    costs = {
        cell.config: Cost(len(plan.todo), len(items), size[cell] * scale / 1e9, seconds[cell] * scale / 3600)
        for cell in plan.cells
    }
    files, rows, gigabytes, hours = (sum(column) for column in zip(*costs.values(), strict=True))
    return costs, Cost(files, rows, gigabytes, hours + shared * scale / 3600)
