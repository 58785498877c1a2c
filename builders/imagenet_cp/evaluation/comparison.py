"""Comparison of models on their common images, with paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..benchmarks.signature import Signature
from ..errors import UsageError, suggest
from .counts import Counts
from .dataframe import to_dataframe
from .intervals import Difference, holm, score_differences
from .references import OF_IMAGES, RAW_KEY, benchmark_name, compute_scores, flatten, unflatten
from .results import Results

if TYPE_CHECKING:
    import pandas as pd

#: Fields of a signature that may differ between data sets with common images.
_EXTENT = ("n", "missing", "part")


@dataclass(frozen=True)
class Comparison:
    """Scores of several models on their common images.

    Attributes
    ----------
    models : dict
        Name -> `Results`, its scores recomputed on the common images.
    differences : dict
        Name of every model but the base -> metric -> the scores, with a `Difference` in place of every number; None
        where either model lacks the score. Its p-value is adjusted by Holm's method for the number of models that are
        compared with the base in this score.
    images : dict
        Metric -> number of common images, and number of images of the largest evaluation.
    base : str
        Name of the model that the differences are to.
    """

    models: Mapping[str, Results]
    differences: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, tuple[int, int]]
    base: str

    def to_dataframe(self) -> pd.DataFrame:
        """Tabulate the scores of all models.

        Returns
        -------
        pandas.DataFrame
            The columns of `Evaluation.to_dataframe` after ``model``, and before ``difference``, ``difference_low``,
            ``difference_high`` and ``p_value``: the difference of the value to the base's, its interval, and Holm's
            p-value.
        """
        import pandas as pd

        tables = []
        for name, model in self.models.items():
            table = to_dataframe(model)
            table.insert(0, "model", name)
            differences = [
                difference or (None, None, None, None)
                for metric, intervals in model.intervals.items()
                for _, difference in flatten(
                    self.differences.get(name, {}).get(metric) or unflatten(intervals, {})
                )
            ]
            # Scores of calibration, which come last, have no differences.
            differences += [(None, None, None, None)] * (len(table) - len(differences))
            table[["difference", "difference_low", "difference_high", "p_value"]] = np.array(
                differences, np.float64
            )
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def compare(models: Mapping[str, Results], base: str | None = None) -> Comparison:
    """Compare models on their common images.

    Parameters
    ----------
    models : dict
        Display name -> `Results`, two or more.
    base : str, optional
        Name of the model that differences are to; by default the first.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        The models are of different data, or have no metric or no image in common; the base is none of them.
    """
    base = next(iter(models), "") if base is None else base
    if base not in models:
        raise UsageError(f"there is no model {base!r}{suggest(base, models)}")
    if len(models) < 2:
        raise UsageError("a comparison needs two evaluations or more")
    restricted, images = restrict_to_common(models)
    differences: dict[str, dict[str, Any]] = {name: {} for name in models if name != base}
    for metric in images:
        if metric in restricted[base].metrics:
            compared = {name: model for name, model in restricted.items() if metric in model.metrics}
            for name, found in _differences(metric, compared, base).items():
                differences[name][metric] = unflatten(compared[name].intervals[metric], found)
    return Comparison(restricted, differences, images, base)


def restrict_to_common(
    models: Mapping[str, Results],
) -> tuple[dict[str, Results], dict[str, tuple[int, int]]]:
    """Recompute the scores of two models or more on their common images.

    Parameters
    ----------
    models : dict
        Display name -> `Results`.

    Returns
    -------
    dict
        Name -> `Results` of the metrics that several models have, on the images of all of these.
    dict
        Metric -> number of common images, and number of images of the largest evaluation.

    Raises
    ------
    ValueError
        The models are of different data, or have no metric or no image in common.
    """
    metrics = [m for m in RAW_KEY if sum(m in model.metrics for model in models.values()) > 1]
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
        for (name, model), own in zip(compared.items(), common, strict=True):
            result = model.metrics[metric]
            counts[name][metric] = own
            scores[name][metric] = {**result, **compute_scores(metric, benchmark_name(result), own.means())}
    restricted = {
        name: replace(
            model,
            metrics=scores[name],
            counts=counts[name],
            calibration=model.calibration if _is_whole(model, counts[name]) else {},
        )
        for name, model in models.items()
    }
    return restricted, images


def _restrict(counts: Sequence[Counts]) -> list[Counts]:
    """Restrict counts to the images common to all models, per config."""
    ids = set.intersection(*(set(one.image_ids) for one in counts))
    selected = [one.select(ids) for one in counts]
    present: dict[str, Any] = {}
    for one in selected:
        for config, column in one.columns.items():
            present[config] = (column >= 0) & present.get(config, True)
    return [
        replace(one, columns={c: np.where(present[c], n, np.int16(-1)) for c, n in one.columns.items()})
        for one in selected
    ]


def _is_whole(model: Results, restricted: Mapping[str, Counts]) -> bool:
    """True if no prediction was left out, as calibration is known for all of them only."""
    rows = {
        sum(int((c >= 0).sum()) for m, one in counts.items() if m in OF_IMAGES for c in one.columns.values())
        for counts in (model.counts, restricted)
    }
    return len(rows) == 1


def _differences(
    metric: str, models: Mapping[str, Results], base: str
) -> dict[str, dict[tuple[Any, ...], Difference]]:
    """Differences of all models to the base by the paths of the scores, with Holm's p-values."""
    benchmark = benchmark_name(models[base].metrics[metric])
    other = models[base].counts[metric]
    found = {
        name: score_differences(metric, benchmark, model.counts[metric], other)
        for name, model in models.items()
        if name != base
    }
    for path in dict.fromkeys(path for differences in found.values() for path in differences):
        compared = {name: differences[path] for name, differences in found.items() if path in differences}
        for name, p in holm({name: one.p_value for name, one in compared.items()}).items():
            found[name][path] = compared[name]._replace(p_value=p)
    return found


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
