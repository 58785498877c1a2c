"""Class ids from scores."""

import numpy as np
import pytest
from scipy.stats import rankdata

from imagenet_cp import top5


def test_ranks_are_ordinal_and_of_equal_scores_the_lower_class_comes_first():
    scores = np.random.default_rng(0).integers(0, 6, size=(200, 12)) / 4
    ranks = rankdata(-scores, method="ordinal", axis=1)
    assert np.array_equal(top5(scores), np.argsort(ranks, axis=1)[:, :5])


def test_unsigned_and_many_dimensional_scores_are_ranked_too():
    assert top5(np.arange(7, dtype=np.uint8)).tolist() == [6, 5, 4, 3, 2]
    assert top5([1, 2, 3, 4, 5]).tolist() == [4, 3, 2, 1, 0]
    assert top5(np.zeros((2, 3, 9))).shape == (2, 3, 5)


@pytest.mark.parametrize("scores", [np.zeros((3, 4)), 1.0, [[1, 2, np.nan, 4, 5]], [[1, 2, None, 4, 5]]])
def test_scores_that_cannot_be_ranked_are_refused(scores):
    with pytest.raises(ValueError, match=r"five classes|not a number"):
        top5(scores)
