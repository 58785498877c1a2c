"""Class probabilities of a model's scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Kinds of scores.
KINDS = ("logits", "probabilities")
#: Distance from 1 of a sum of probabilities that rounding to bfloat16 explains.
_ROUNDING = 0.01


def recognize_scores(scores: NDArray[Any]) -> str:
    """Recognize the kind of scores.

    Parameters
    ----------
    scores : ndarray of float, shape (N, classes)

    Returns
    -------
    str
        ``"probabilities"`` for rows from 0 to 1 that sum to 1 up to the rounding of half precision, else ``"logits"``.
    """
    return KINDS[bool(_are_probabilities(scores).all())]


def class_probabilities(scores: NDArray[Any], kind: str) -> NDArray[np.float32]:
    """Compute class probabilities: the softmax of logits, or probabilities over their sum.

    Parameters
    ----------
    scores : ndarray of float, shape (N, classes)
        Finite.
    kind : str
        One of `KINDS`.

    Returns
    -------
    ndarray of float32, shape (N, classes)

    Raises
    ------
    ValueError
        The scores are no probabilities.
    """
    values = scores.astype(np.float64)
    if kind == "logits":
        values = np.exp(values - values.max(axis=1, keepdims=True))
    elif not (valid := _are_probabilities(scores)).all():
        row = scores[int(np.argmin(valid))]
        raise ValueError(
            f"scores that are no probabilities (from {row.min():.3g} to {row.max():.3g}, their sum {row.sum():.3g}); "
            'add --scores logits (scores="logits"), or return the logits or the probabilities of every image'
        )
    probabilities: NDArray[np.float32] = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


def _are_probabilities(scores: NDArray[Any]) -> NDArray[np.bool_]:
    """True for rows of probabilities, shape (N,)."""
    sums = scores.sum(axis=1, dtype=np.float64)
    valid: NDArray[np.bool_] = (scores.min(axis=1) >= 0) & (np.abs(sums - 1) <= _ROUNDING)
    return valid
