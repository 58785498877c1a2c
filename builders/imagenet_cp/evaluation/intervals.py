"""Confidence intervals of scores, and of differences of scores, from the counts per image.

Every score is a weighted sum of the means of the configs. Images are the sample: an image's errors in all configs are
correlated, so the variance of a score is that of the images' weighted sums. It follows from the sums of products of the
counts, without drawing images again.

- A score whose weights have one sign lies in a known range, and so behaves like a proportion. Its interval is
  Wilson's (1927) at the effective sample size, the number of independent trials with the same variance (Kish 1965;
  Franco et al., Journal of Survey Statistics and Methodology 2019). For one config of ImageNet-C that is the number of
  images and the interval is Wilson's own; a mean over configs has Student's quantile in place of the normal one.
- Any other score, such as relative mCE, has Student's interval.
- A difference of two models has Student's interval for the images' differences. For one config of ImageNet-C it is that
  of Agresti and Min (Statistics in Medicine 2005), with half an image more for each pair of right and wrong.

``tests/benchmarks/results/intervals.md`` shows how often the intervals cover.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from .counts import Counts
from .references import OF_IMAGES, compute_scores, flatten, unflatten

_LEVEL = 0.975
#: Number of images below which intervals of means may cover less than they state.
FEW = 20
#: Largest mean of a config.
_LARGEST = {**dict.fromkeys(OF_IMAGES, 1), "mfr": 1, "mt5d": 15}
#: Variance, relative to the squared range of a score, that is rounding.
_ROUNDING = 1e-18

Path = tuple[Any, ...]


class Interval(NamedTuple):
    """A 95 % confidence interval.

    Attributes
    ----------
    low, high : float
        Its ends, in the unit of the score.
    """

    low: float
    high: float


class Difference(NamedTuple):
    """Difference of a score to that of another model on the same images.

    Attributes
    ----------
    value : float
        In the unit of the score.
    low, high : float
        Its 95 % confidence interval.
    p_value : float
        Of the paired test whether the scores are equal, two-sided.
    """

    value: float
    low: float
    high: float
    p_value: float


class _Moments(NamedTuple):
    """Scores with the variance and the range of each.

    Attributes
    ----------
    value, variance, low, high : ndarray of float64, shape (scores,)
        The score, its variance with the number of images as the divisor, and its range.
    images : ndarray of float64, shape (scores,)
        Number of images, of the config with the fewest.
    is_cell : ndarray of bool, shape (scores,)
        True for the score of one config with right or wrong predictions.
    is_proportion : ndarray of bool, shape (scores,)
        True for weights of one sign.
    """

    value: NDArray[np.float64]
    variance: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    images: NDArray[np.float64]
    is_cell: NDArray[np.bool_]
    is_proportion: NDArray[np.bool_]


def score_intervals(metric: str, benchmark: str, counts: Counts) -> dict[str, Any]:
    """Compute the interval of every score.

    Parameters
    ----------
    metric, benchmark : str
        Such as ``"mce"`` and ``"imagenet_c"``.
    counts : Counts
        Counts of the metric per image.

    Returns
    -------
    dict
        The scores of `compute_scores` with an `Interval` in place of every number, and None in place of None.
    """
    paths, scores = _moments(metric, benchmark, counts)
    quantile = _quantile(scores)
    width = quantile * np.sqrt(scores.variance * scores.images / np.maximum(scores.images - 1, 1))
    ends = np.clip([scores.value - width, scores.value + width], scores.low, scores.high)
    proportion = scores.is_proportion | (scores.variance == 0)
    ends = np.where(proportion, _wilson(scores, quantile), ends)
    found = dict(zip(paths, map(Interval, *ends.tolist()), strict=True))
    intervals: dict[str, Any] = unflatten(compute_scores(metric, benchmark, counts.means()), found)
    return intervals


def score_differences(metric: str, benchmark: str, counts: Counts, other: Counts) -> dict[Path, Difference]:
    """Compute how much the scores of a model exceed those of another, whose counts are of the same images.

    Parameters
    ----------
    metric, benchmark : str
        Such as ``"mce"`` and ``"imagenet_c"``.
    counts, other : Counts
        With the same images in each config.

    Returns
    -------
    dict
        Path in the result, such as ``("ce", "fog")`` -> `Difference`.
    """
    paths, scores = _moments(metric, benchmark, counts, other)
    value, images, cell = scores.value, scores.images, scores.is_cell
    reach = (scores.high - scores.low) / 2
    quantile = _quantile(scores)
    # Two more images: half an image in each of the four cells of the table of right and wrong predictions.
    more = np.where(cell, 2, 0)
    center = value * images / (images + more)
    squares = images * (images * scores.variance + value**2) + np.where(cell, reach**2, 0)
    error = np.sqrt(
        np.maximum(squares / (images + more) - center**2, 0) / np.maximum(images + more - ~cell, 1)
    )
    # If all images differ alike, the remaining ones may not: the limit is that of no event in so many images.
    alike = np.where(value == 0, 0, reach * quantile / (images + quantile**2))
    error = np.where((scores.variance == 0) & ~cell, alike, error)
    ratio = np.divide(np.abs(center), error, out=np.zeros_like(error), where=error > 0)
    p = 2 * stdtr(np.where(cell, np.inf, np.maximum(images - 1, 1)), -ratio)
    ends = (value, center - quantile * error, center + quantile * error, p)
    return dict(zip(paths, map(Difference, *(end.tolist() for end in ends)), strict=True))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values for the number of comparisons (Holm, Scandinavian Journal of Statistics 1979)."""
    adjusted, largest = {}, 0.0
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, p * (len(p_values) - i)))
        adjusted[name] = largest
    return adjusted


def _quantile(scores: _Moments) -> NDArray[np.float64]:
    student: NDArray[np.float64] = stdtrit(np.maximum(scores.images - 1, 1), _LEVEL)
    return np.where(scores.is_cell, ndtri(_LEVEL), student)


def _wilson(scores: _Moments, quantile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilson's interval of scores in a range, at the effective sample size; shape (2, scores)."""
    span = scores.high - scores.low
    share = np.clip((scores.value - scores.low) / span, 0, 1)
    spread, variance = share * (1 - share), scores.variance / span**2
    size = np.divide(spread, variance, out=scores.images.copy(), where=(variance > 0) & (spread > 0))
    center = (share + quantile**2 / (2 * size)) / (1 + quantile**2 / size)
    width = quantile * np.sqrt(spread / size + quantile**2 / (4 * size**2)) / (1 + quantile**2 / size)
    ends: NDArray[np.float64] = scores.low + span * np.clip([center - width, center + width], 0, 1)
    return ends


def _moments(
    metric: str, benchmark: str, counts: Counts, other: Counts | None = None
) -> tuple[list[Path], _Moments]:
    """Moments of all scores, or of their differences to another model's."""
    columns = counts.columns
    shared = columns if other is None else other.columns
    configs = tuple(config for config, column in columns.items() if config in shared and (column >= 0).any())
    paths, base, weights = _linear(metric, benchmark, configs)
    pairs = np.array([counts.pairs[config] for config in configs], np.float64)
    table = np.stack([columns[config] for config in configs], axis=1)
    present = (table >= 0).astype(np.float64)
    if other is not None:
        table = table - np.stack([other.columns[config] for config in configs], axis=1)
        base = np.zeros_like(base)
    table = np.where(present > 0, table, 0).astype(np.float64)
    # All sums are of whole numbers, so exact.
    images = present.sum(axis=0)
    means = table.sum(axis=0) / images
    products, cross = table.T @ table, table.T @ present * means
    covariance = products - cross - cross.T + np.outer(means, means) * (present.T @ present)
    covariance /= np.outer(images * pairs, images * pairs)
    least = _LARGEST[metric] * (0 if other is None else -1)
    ends = np.sort(np.stack([weights * least, weights * _LARGEST[metric]]), axis=0).sum(axis=1) + base
    low, high = ends
    variance = np.einsum("jp,jk,kp->p", weights, covariance, weights, optimize=True)
    variance[variance < _ROUNDING * (high - low) ** 2] = 0
    used = weights != 0
    return paths, _Moments(
        base + (means / pairs) @ weights,
        variance,
        low,
        high,
        np.where(used, images[:, None], np.inf).min(axis=0),
        (used.sum(axis=0) == 1) & (metric in OF_IMAGES),
        np.logical_or((weights >= 0).all(axis=0), (weights <= 0).all(axis=0)),
    )


@functools.lru_cache(maxsize=64)
def _linear(
    metric: str, benchmark: str, configs: Sequence[str]
) -> tuple[list[Path], NDArray[np.float64], NDArray[np.float64]]:
    """Paths of the scores that the configs suffice for, their constants and their weights, (configs, scores)."""

    def scores(means: NDArray[np.float64]) -> NDArray[np.float64]:
        tree = compute_scores(metric, benchmark, dict(zip(configs, means.tolist(), strict=True)))
        return np.array([value for _, value in flatten(tree)], np.float64)

    zero = np.zeros(len(configs))
    base = scores(zero)
    weights = np.array([scores(row) for row in np.eye(len(configs))]) - base
    paths = [path for path, _ in flatten(compute_scores(metric, benchmark, dict.fromkeys(configs, 0.0)))]
    defined = ~np.isnan(base)
    paths = [path for path, known in zip(paths, defined, strict=True) if known]
    return paths, base[defined], weights[:, defined]
