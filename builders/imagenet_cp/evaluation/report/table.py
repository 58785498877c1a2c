"""The scores of an evaluation as a table with one number a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..references import alexnet, benchmark_of, leaves

if TYPE_CHECKING:
    import pandas as pd

    from ..result import Evaluation

COLUMNS = ("metric", "corruption", "severity", "perturbation", "value", "alexnet", "low", "high")


def dataframe(evaluation: Evaluation) -> pd.DataFrame:
    """Return every score as a row; see `Evaluation.to_dataframe`."""
    import pandas as pd

    table = pd.DataFrame(_rows(evaluation), columns=list(COLUMNS))
    table["severity"] = table["severity"].astype("Int64")
    numbers = ["value", "alexnet", "low", "high"]
    table[numbers] = table[numbers].astype("float64")
    return table


def _rows(evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    for metric, result in evaluation.metrics.items():
        base = dict(leaves(alexnet(metric, benchmark_of(result))))
        found = evaluation.intervals[metric]
        spans = dict(leaves(found))
        for place, value in leaves({key: result[key] for key in found}):
            name, part, level = (*place, None, None)[:3]
            corruption, perturbation = (part, None) if metric == "mce" else (None, part)
            severity = None if level is None else level + 1
            low, high = spans[place] or (None, None)
            yield name, corruption, severity, perturbation, value, base.get(place), low, high
