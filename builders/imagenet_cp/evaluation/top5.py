"""The five best classes of a model's logits."""

from __future__ import annotations

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
    return np.argsort(-scores, axis=-1, kind="stable")[..., :5]
