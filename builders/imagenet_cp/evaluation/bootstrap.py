"""Confidence intervals of scores: percentile bootstrap over images (Efron & Tibshirani 1993, chapter 13).

An image is drawn with its predictions in all configs, because its errors there are correlated. The draws are those of
NumPy's frozen RandomState, and sums are of whole numbers: the same result on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.random import SFC64, RandomState
from numpy.typing import NDArray

from .counts import Counts
from .references import compute_scores, flatten, unflatten

REPLICATES = 2000
SEED = 0
_BLOCK = 100  # replicates at a time: 40 MB of draws for 50,000 images
_TAIL = 0.025

Replicates = dict[tuple[Any, ...], NDArray[np.float64]]


class Interval(NamedTuple):
    """A 95 % confidence interval.

    Attributes
    ----------
    low, high : float
        Its ends, in the unit of the score.
    """

    low: float
    high: float


def replicates(metric: str, benchmark: str, counts: Counts, number: int | None = None) -> Replicates:
    """Compute all scores of a metric on images drawn with replacement.

    Parameters
    ----------
    metric, benchmark : str
        Such as ``"mce"`` and ``"imagenet_c"``.
    counts : Counts
        Counts of the metric per image.
    number : int, optional
        Number of replicates; `REPLICATES` by default. The draws depend only on the number of images, so replicate i
        of two models on the same images is of the same draw: their differences are paired.

    Returns
    -------
    dict
        Path in the result, such as ``("ce", "fog")`` -> ndarray of float64, shape (number,), NaN where the score is
        undefined, as in a draw without any image of a config.
    """
    configs = [config for config, column in counts.columns.items() if (column >= 0).any()]
    table = np.stack([counts.columns[config] for config in configs], axis=1)
    gaps = np.flatnonzero((table < 0).any(axis=0))
    present = (table[:, gaps] >= 0).astype(np.float64)
    table = np.maximum(table, 0).astype(np.float64)
    images = len(counts.image_ids)
    pairs = np.array([counts.pairs[config] for config in configs], np.float64)
    results = []
    for drawn in _draws(images, number or REPLICATES):
        rows = np.full((len(drawn), len(configs)), float(images))
        rows[:, gaps] = drawn @ present
        with np.errstate(invalid="ignore"):
            means = (drawn @ table) / (rows * pairs)
        results += [
            compute_scores(metric, benchmark, dict(zip(configs, row, strict=True))) for row in means.tolist()
        ]
    paths = [path for path, _ in flatten(results[0])]
    values = np.array([[value for _, value in flatten(result)] for result in results], np.float64)
    return dict(zip(paths, values.T, strict=True))


def _draws(images: int, number: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each image was drawn, in blocks of shape (replicates, images)."""
    random = RandomState(SFC64(SEED))
    for start in range(0, number, _BLOCK):
        drawn = [random.randint(0, images, images) for _ in range(start, min(start + _BLOCK, number))]
        yield np.stack([np.bincount(draw, minlength=images) for draw in drawn]).astype(np.float64)


def percentile_interval(values: NDArray[np.float64]) -> Interval | None:
    """Middle 95 % of replicates, from one of them to another; None without any."""
    ordered = np.sort(values[~np.isnan(values)])
    if not ordered.size:
        return None
    tail = int(_TAIL * (ordered.size - 1))
    return Interval(float(ordered[tail]), float(ordered[-1 - tail]))


def score_intervals(result: Mapping[str, Any], drawn: Replicates) -> dict[str, Any]:
    """Scores of a result with an `Interval` in place of every number, and None in place of None."""
    keys = {path[0] for path in drawn}
    scores = {key: value for key, value in result.items() if key in keys}
    intervals: dict[str, Any] = unflatten(
        scores,
        {path: percentile_interval(drawn[path]) for path, value in flatten(scores) if value is not None},
    )
    return intervals
