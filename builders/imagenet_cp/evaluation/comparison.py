"""Comparison of models on their common images, with a paired bootstrap of the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..benchmarks.signature import Signature
from ..resources import METRICS
from . import bootstrap
from .counts import Counts
from .dataframe import to_dataframe
from .references import benchmark_name, compute_scores, flatten, unflatten
from .results import Results

if TYPE_CHECKING:
    import pandas as pd

#: Fields of a signature that may differ between data sets with common images.
_EXTENT = ("n", "missing", "part")


class Difference(NamedTuple):
    """Difference of a score to the first model's.

    Attributes
    ----------
    value : float
        In the unit of the score.
    low, high : float
        Its 95 % confidence interval, by a paired bootstrap.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Scores of several models on their common images.

    Attributes
    ----------
    models : dict
        Name -> `Results`, its scores recomputed on the common images.
    differences : dict
        Name of every model but the first -> metric -> the scores, with a `Difference` in place of every number;
        None where either model lacks the score.
    images : dict
        Metric -> number of common images, and number of images of the largest evaluation.
    """

    models: Mapping[str, Results]
    differences: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, tuple[int, int]]

    def to_dataframe(self) -> pd.DataFrame:
        """Tabulate the scores of all models.

        Returns
        -------
        pandas.DataFrame
            The columns of `Evaluation.to_dataframe` after ``model``, and before ``difference``, ``difference_low``
            and ``difference_high``: the difference of the value to the first model's.
        """
        import pandas as pd

        tables = []
        for name, model in self.models.items():
            table = to_dataframe(model)
            table.insert(0, "model", name)
            differences = [
                difference or (None, None, None)
                for metric, intervals in model.intervals.items()
                for _, difference in flatten(
                    self.differences.get(name, {}).get(metric) or unflatten(intervals, {})
                )
            ]
            table[["difference", "difference_low", "difference_high"]] = np.array(differences, np.float64)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def compare(models: Mapping[str, Results]) -> Comparison:
    """Compare models on their common images.

    Parameters
    ----------
    models : dict
        Display name -> `Results`, two or more. Differences are to the first.

    Returns
    -------
    Comparison
        Each bootstrap draw is of the same images for all models.

    Raises
    ------
    ValueError
        The models are of different data, or have no metric or no image in common.
    """
    if len(models) < 2:
        raise ValueError("a comparison needs two evaluations or more")
    metrics = [m for m in METRICS if sum(m in model.metrics for model in models.values()) > 1]
    for name, model in models.items():
        if not set(metrics) & set(model.metrics):
            raise ValueError(f"{' and '.join(models)}: {name} has no metric in common with another")
    scores: dict[str, dict[str, Any]] = {name: {} for name in models}
    counts: dict[str, dict[str, Counts]] = {name: {} for name in models}
    images = {}
    for metric in metrics:
        compared = {name: model for name, model in models.items() if metric in model.metrics}
        _check_same_data(metric, compared)
        common = _restrict([model.counts[metric] for model in compared.values()])
        if not any((column >= 0).any() for column in common[0].columns.values()):
            raise ValueError(f"{' and '.join(compared)} have no image of {metric} in common")
        most = max(len(model.counts[metric].image_ids) for model in compared.values())
        images[metric] = (len(common[0].image_ids), most)
        for (name, model), restricted in zip(compared.items(), common, strict=True):
            result = model.metrics[metric]
            counts[name][metric] = restricted
            scores[name][metric] = {
                **result,
                **compute_scores(metric, benchmark_name(result), restricted.means()),
            }
    restricted_models = {
        name: replace(model, metrics=scores[name], counts=counts[name]) for name, model in models.items()
    }
    first, *others = restricted_models
    differences = {
        name: {
            metric: _subtract(metric, restricted_models[name], restricted_models[first])
            for metric in metrics
            if metric in scores[name] and metric in scores[first]
        }
        for name in others
    }
    return Comparison(restricted_models, differences, images)


def _restrict(counts: Sequence[Counts]) -> list[Counts]:
    """Restrict counts to the images common to all models, per config."""
    ids = set.intersection(*(set(one.image_ids) for one in counts))
    selected = [one.select(ids) for one in counts]
    present: dict[str, Any] = {}
    for one in selected:
        for config, column in one.columns.items():
            present[config] = (column >= 0) & present.get(config, True)
    return [
        Counts(
            one.image_ids,
            {c: np.where(present[c], n, np.int16(-1)) for c, n in one.columns.items()},
            one.pairs,
        )
        for one in selected
    ]


def _subtract(metric: str, model: Results, first: Results) -> Any:
    """Scores of a model with a `Difference` in place of every number."""
    scores, base = (dict(flatten(one.metrics[metric])) for one in (model, first))
    drawn, base_drawn = (one.replicates[metric] for one in (model, first))
    differences: dict[tuple[Any, ...], Difference | None] = {}
    for path in drawn:
        if scores[path] is not None and base.get(path) is not None:
            interval = bootstrap.percentile_interval(drawn[path] - base_drawn[path])
            differences[path] = interval and Difference(scores[path] - base[path], *interval)
    return unflatten(model.intervals[metric], differences)


def _check_same_data(metric: str, models: Mapping[str, Results]) -> None:
    signatures = {name: str(model.metrics[metric]["signature"]) for name, model in models.items()}
    fields = {
        name: {key: value for key, value in Signature.parse(text).fields.items() if key not in _EXTENT}
        for name, text in signatures.items()
    }
    first = next(iter(models))
    for name in models:
        if fields[name] != fields[first]:
            raise ValueError(
                f"{first} and {name} are not of the same data, {signatures[first]} and {signatures[name]}: "
                "only scores on the same data can be compared"
            )
