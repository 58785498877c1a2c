"""Several models beside each other: their scores on the same images, and by how much they differ from the first's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...resources import METRICS
from .. import statistics as bootstrap
from ..references import benchmark_of, leaves, replaced, scores
from ..result import Counts, Evaluation
from .table import dataframe

if TYPE_CHECKING:
    import pandas as pd

#: Parts of a signature that two data sets may differ in and still have images in common.
_EXTENT = ("n", "missing")


class Difference(NamedTuple):
    """By how much a score exceeds the first model's.

    Attributes
    ----------
    value : float
        In the unit of the score.
    low, high : float
        Its 95 % interval, by a paired bootstrap.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Models on the images that all of them have.

    Attributes
    ----------
    models : dict
        Name -> `Evaluation`, its scores computed anew on the common images.
    differences : dict
        Name of every model but the first -> metric -> the scores, with a `Difference` in the place of every number;
        None where one of the two has none.
    images : dict
        Metric -> how many images are common, and how many the largest evaluation has.
    """

    models: Mapping[str, Evaluation]
    differences: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, tuple[int, int]]

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows of every model's `Evaluation.to_dataframe`.

        Returns
        -------
        pandas.DataFrame
            With the columns ``model`` in front, and ``difference``, ``difference_low`` and ``difference_high`` at the
            end: by how much the value exceeds the first model's.
        """
        import pandas as pd

        tables = []
        for name, model in self.models.items():
            table = dataframe(model)
            table.insert(0, "model", name)
            found = [
                difference or (None, None, None)
                for metric in model.metrics
                for _, difference in leaves(
                    self.differences.get(name, {}).get(metric, _nothing(model.intervals[metric]))
                )
            ]
            columns = np.array(found, np.float64)
            for place, column in enumerate(("difference", "difference_low", "difference_high")):
                table[column] = columns[:, place]
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def compare(models: Mapping[str, Evaluation]) -> Comparison:
    """Compare models on the images they have in common.

    Parameters
    ----------
    models : dict
        Name for people -> `Evaluation`, two or more. The others are compared with the first.

    Returns
    -------
    Comparison
        Each draw of the bootstrap is of the same images for all models.

    Raises
    ------
    ValueError
        They are of different data, or have no metric or no image in common.
    """
    if len(models) < 2:
        raise ValueError("a comparison takes two evaluations or more")
    metrics = [m for m in METRICS if sum(m in model.metrics for model in models.values()) > 1]
    for name, model in models.items():
        if not set(metrics) & set(model.metrics):
            raise ValueError(f"{' and '.join(models)}: {name} has no metric in common with another")
    kept: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in models}
    spans: dict[str, dict[str, Any]] = {name: {} for name in models}
    differences: dict[str, dict[str, Any]] = {name: {} for name in list(models)[1:]}
    counts: dict[str, dict[str, Counts]] = {name: {} for name in models}
    images = {}
    for metric in metrics:
        having = {name: model for name, model in models.items() if metric in model.metrics}
        _same_data(metric, having)
        common = _common([model.counts[metric] for model in having.values()])
        if not any((column >= 0).any() for column in common[0].counts.values()):
            raise ValueError(f"{' and '.join(having)} have no image of {metric} in common")
        most = max(len(model.counts[metric].image_ids) for model in having.values())
        images[metric] = (len(common[0].image_ids), most)
        first: tuple[dict[str, Any], bootstrap.Replicates] | None = None
        for (name, model), counted in zip(having.items(), common, strict=True):
            benchmark = benchmark_of(model.metrics[metric])
            counts[name][metric] = counted
            result = scores(metric, benchmark, bootstrap.measured(counted))
            drawn = bootstrap.replicates(metric, benchmark, counted)
            kept[name][metric] = {**model.metrics[metric], **result}
            spans[name][metric] = bootstrap.intervals(result, drawn)
            if name == next(iter(models)):
                first = result, drawn
            elif first:
                differences[name][metric] = _differences(result, drawn, *first)
    found = {}
    for name, model in models.items():
        found[name] = replace(model, metrics=kept[name], counts=counts[name])
        found[name].__dict__["intervals"] = spans[name]  # computed above, from the draws that are compared
    return Comparison(found, differences, images)


def _common(counts: Sequence[Counts]) -> list[Counts]:
    """Leave the images that all have, and of a config that several have what all of these have."""
    ids = set.intersection(*(set(one.image_ids) for one in counts))
    kept = [one.only(ids) for one in counts]
    there: dict[str, Any] = {}
    for one in kept:
        for config, column in one.counts.items():
            there[config] = (column >= 0) & there.get(config, True)
    return [
        replace(
            one,
            counts={
                config: np.where(there[config], column, -1).astype(np.int16)
                for config, column in one.counts.items()
            },
        )
        for one in kept
    ]


def _differences(
    result: dict[str, Any],
    drawn: bootstrap.Replicates,
    first: dict[str, Any],
    first_drawn: bootstrap.Replicates,
) -> Any:
    base = dict(leaves(first))
    found: dict[tuple[Any, ...], Difference | None] = {}
    for place, value in leaves(result):
        found[place] = None
        other = base.get(place)
        if value is not None and other is not None:
            span = bootstrap.interval(drawn[place] - first_drawn[place])
            found[place] = span and Difference(value - other, *span)
    return replaced(result, found)


def _nothing(tree: Any) -> Any:
    return replaced(tree, {place: None for place, _ in leaves(tree)})


def _same_data(metric: str, models: Mapping[str, Evaluation]) -> None:
    signatures = {name: str(model.metrics[metric]["signature"]) for name, model in models.items()}
    kept = {
        name: [part for part in text.split("|") if part.partition(":")[0] not in _EXTENT]
        for name, text in signatures.items()
    }
    first = next(iter(kept))
    for name in kept:
        if kept[name] != kept[first]:
            raise ValueError(
                f"{first} and {name} are not of the same data, {signatures[first]} and {signatures[name]}: "
                "only scores on the same data can be compared"
            )
