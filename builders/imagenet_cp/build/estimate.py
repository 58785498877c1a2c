"""What a build will cost, from a quick measurement on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .parquet import nbytes
from .plan import Plan

#: Photographs that are measured.
_SAMPLE = 6


@dataclass(frozen=True)
class Cost:
    """What one config, or a whole build, comes to.

    Attributes
    ----------
    files, rows : int
        Parquet files and their rows.
    gigabytes : float
        Size of all files, in 10^9 bytes.
    cpu_hours : float
        Time of one core.
    """

    files: int
    rows: int
    gigabytes: float
    cpu_hours: float


def estimate(plan: Plan) -> tuple[dict[str, Cost], Cost]:
    """Measure a few photographs and extrapolate.

    Parameters
    ----------
    plan : Plan
        From `imagenet_cp.build.plan.new_plan`.

    Returns
    -------
    dict of str to Cost
        Of every cell, by the name of its config, without the decoding that all share.
    Cost
        Of everything, with it.

    Raises
    ------
    SourceError
        A photograph that was to be measured cannot be read.
    """
    items = plan.source.items
    chosen = items[:: max(1, len(items) // _SAMPLE)][:_SAMPLE]
    shared = 0.0
    seconds = dict.fromkeys(plan.cells, 0.0)
    size = dict.fromkeys(plan.cells, 0)
    for place, item in enumerate((chosen[0], *chosen)):
        warm = place > 0  # the first round only compiles and fills caches
        begun = time.process_time()
        clean = plan.benchmark.prepare(plan.source.reader.read(item), item.location, plan.recipe.size)
        shared += warm * (time.process_time() - begun)
        for cell in plan.cells:
            begun = time.process_time()
            row = plan.benchmark.row(plan.recipe, cell, clean, item)
            seconds[cell] += warm * (time.process_time() - begun)
            size[cell] += warm * sum(map(nbytes, row.values()))
    scale = len(items) / len(chosen)
    costs = {
        cell.config: Cost(len(plan.todo), len(items), size[cell] * scale / 1e9, seconds[cell] * scale / 3600)
        for cell in plan.cells
    }
    total = Cost(
        sum(cost.files for cost in costs.values()),
        sum(cost.rows for cost in costs.values()),
        sum(cost.gigabytes for cost in costs.values()),
        sum(cost.cpu_hours for cost in costs.values()) + shared * scale / 3600,
    )
    return costs, total
