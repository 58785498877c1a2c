"""Scores as a table with one number per row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .references import OF_IMAGES, PREFIX, alexnet, benchmark_name, flatten
from .results import Results

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("metric", "corruption", "severity", "perturbation", "value", "alexnet", "low", "high")


def to_dataframe(results: Results) -> pd.DataFrame:
    """Tabulate every score as a row; see `Evaluation.to_dataframe`."""
    import pandas as pd

    table = pd.DataFrame(_rows(results), columns=list(COLUMNS))
    numbers = dict.fromkeys(("value", "alexnet", "low", "high"), "float64")
    return table.astype({"severity": "Int64", **numbers})


def _rows(results: Results) -> Iterator[tuple[Any, ...]]:
    for metric, result in results.metrics.items():
        baseline = dict(flatten(alexnet(metric, benchmark_name(result))))
        intervals = dict(flatten(results.intervals[metric]))
        for path, value in flatten({key: result[key] for key in results.intervals[metric]}):
            name, part, level = (*path, None, None)[:3]
            name = f"{PREFIX[metric]}{name}"
            if isinstance(part, int):
                part, level = None, part
            corruption, perturbation = (part, None) if metric in OF_IMAGES else (None, part)
            severity = None if level is None else level + 1
            low, high = intervals[path] or (None, None)
            yield name, corruption, severity, perturbation, value, baseline.get(path), low, high
    for name, scores in results.calibration.items():
        for key, metric in {"mean": name, "mean_all": f"{name}_all", "clean": f"clean_{name}"}.items():
            if key in scores:
                yield metric, None, None, None, scores[key], None, None, None
        for corruption, values in scores["cells"].items():
            for severity, value in enumerate(values, 1):
                yield name, corruption, severity, None, value, None, None, None
