"""The five best classes of a model's logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def top5(logits: ArrayLike) -> NDArray[np.int64]:
    """Rank the five best classes of every frame, best first, for mT5D.

    Parameters
    ----------
    logits : array_like, shape (..., classes)
        Logits or probabilities of at least five classes, usually (frames, classes); an array or a torch tensor on the
        CPU.

    Returns
    -------
    ndarray of int64, shape (..., 5)
        Class ids. Of equal scores the lower class id comes first, as in the authors' evaluation.

    Raises
    ------
    ValueError
        Fewer than five classes, or NaN.

    Examples
    --------
    >>> top5([[0.1, 0.3, 0.1, 0.2, 0.2, 0.1]]).tolist()
    [[1, 3, 4, 0, 2]]
    """
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim == 0 or scores.shape[-1] < 5:
        raise ValueError(
            f"scores of at least five classes are needed along the last axis, not the shape {scores.shape}"
        )
    if np.isnan(scores).any():
        where = tuple(int(axis[0]) for axis in np.nonzero(np.isnan(scores)))
        raise ValueError(f"the score at {where} is not a number")
    return rank_classes(scores, 5)


def rank_classes(scores: NDArray[Any], number: int) -> NDArray[np.int64]:
    """Rank the best classes, of equal scores the lower id first.

    Parameters
    ----------
    scores : ndarray of float, shape (..., classes)
        Without NaN.
    number : int
        Number of classes to rank, at most all.

    Returns
    -------
    ndarray of int64, shape (..., number)
        Class ids, the best first.
    """
    rows = scores.reshape(-1, scores.shape[-1])
    best = np.sort(np.argpartition(rows, -number, axis=1)[:, -number:], axis=1)
    values = np.take_along_axis(rows, best, axis=1)
    order = np.argsort(-values.astype(np.float64), axis=1, kind="stable")
    ranked = np.take_along_axis(best, order, axis=1)
    # Where more classes reach the last score, the partition may have chosen any of them.
    tied = np.flatnonzero((rows >= values.min(axis=1)[:, None]).sum(axis=1) > number)
    ranked[tied] = np.argsort(-rows[tied].astype(np.float64), axis=1, kind="stable")[:, :number]
    return ranked.reshape(*scores.shape[:-1], number)
