"""How far a score could be off: percentile bootstrap over images or sequences (Efron & Tibshirani 1993, chapter 13).

An image is drawn with everything that was predicted for it in all configs, for its errors there go together. The
draws are those of NumPy's frozen RandomState, and sums are of whole numbers: the same result on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.random import SFC64, RandomState
from numpy.typing import NDArray

from .references import leaves, replaced, scores
from .result import Counts

REPLICATES = 2000
SEED = 0
_BLOCK = 100  # replicates at a time: 40 MB of draws for 50,000 images
_TAIL = 0.025

Replicates = dict[tuple[Any, ...], NDArray[np.float64]]


class Interval(NamedTuple):
    """A 95 % interval.

    Attributes
    ----------
    low, high : float
        Its ends, in the unit of the score.
    """

    low: float
    high: float


def measured(counts: Counts) -> dict[str, float | None]:
    """Return config -> its error, flip probability or distance; None where it has no image."""
    found: dict[str, float | None] = {}
    for config, column in counts.counts.items():
        there = column >= 0
        pairs = int(there.sum()) * counts.pairs[config]
        found[config] = int(column[there].sum(dtype=np.int64)) / pairs if pairs else None
    return found


def replicates(metric: str, benchmark: str, counts: Counts, number: int | None = None) -> Replicates:
    """Compute all scores of a metric on images drawn with replacement, again and again.

    Parameters
    ----------
    metric, benchmark : str
        Such as ``"mce"`` and ``"imagenet_c"``.
    counts : Counts
        What was counted in every image.
    number : int, optional
        How many times; `REPLICATES` by default. As the draws depend on nothing but the number of images, replicate i
        of two models on the same images is of the same draw: their differences are paired.

    Returns
    -------
    dict
        Place in the result, such as ``("ce", "fog")`` -> ndarray of float64, shape (number,), NaN where there is no
        such score, as when a draw has no image of a config.
    """
    configs = [config for config, column in counts.counts.items() if (column >= 0).any()]
    columns = {config: np.asarray(counts.counts[config], np.float64) for config in configs}
    gaps = [config for config in configs if (columns[config] < 0).any()]
    table = np.stack([np.maximum(columns[config], 0) for config in configs], axis=1)
    present = np.stack([columns[config] >= 0 for config in gaps], axis=1).astype(np.float64) if gaps else None
    images = len(counts.image_ids)
    pairs = np.array([counts.pairs[config] for config in configs], np.float64)
    results = []
    for drawn in _draws(images, number or REPLICATES):
        rows = np.full((len(drawn), len(configs)), float(images))
        if present is not None:
            rows[:, [configs.index(config) for config in gaps]] = drawn @ present
        with np.errstate(invalid="ignore"):
            errors = (drawn @ table) / (rows * pairs)
        results += [
            scores(metric, benchmark, dict(zip(configs, row, strict=True))) for row in errors.tolist()
        ]
    places = [place for place, _ in leaves(results[0])]
    values = np.array([[value for _, value in leaves(result)] for result in results], np.float64)
    return dict(zip(places, values.T, strict=True))


def _draws(images: int, number: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each image was drawn, in blocks of shape (replicates, images)."""
    random = RandomState(SFC64(SEED))
    for start in range(0, number, _BLOCK):
        drawn = [random.randint(0, images, images) for _ in range(start, min(start + _BLOCK, number))]
        yield np.stack([np.bincount(draw, minlength=images) for draw in drawn]).astype(np.float64)


def interval(values: NDArray[np.float64]) -> Interval | None:
    """Return the middle 95 % of replicates, from one of them to another; None if there are none."""
    there = np.sort(values[~np.isnan(values)])
    if not there.size:
        return None
    last = there.size - 1
    low, high = int(_TAIL * last), last - int(_TAIL * last)
    return Interval(float(there[low]), float(there[high]))


def intervals(result: Mapping[str, Any], drawn: Replicates) -> dict[str, Any]:
    """Return an interval in the place of every number of a metric's scores; None where the number is None."""
    places = {place[0] for place in drawn}
    kept = {key: value for key, value in result.items() if key in places}
    known = dict(leaves(kept))
    found = {place: None if known[place] is None else interval(drawn[place]) for place in known}
    filled: dict[str, Any] = replaced(kept, found)
    return filled
