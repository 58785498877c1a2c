"""Class ids from a model's scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def top5(logits: ArrayLike) -> NDArray[np.int64]:
    """Return the five best class ids of every frame, best first: what mT5D takes.

    Parameters
    ----------
    logits : array_like, shape (..., classes)
        Scores such as logits or probabilities, at least five classes; usually (frames, classes). A torch tensor on
        the CPU will do.

    Returns
    -------
    ndarray of int64, shape (..., 5)
        Of equal scores the lower class id comes first, as in the authors' evaluation.

    Raises
    ------
    ValueError
        Fewer than five classes, or a score that is no number.

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
