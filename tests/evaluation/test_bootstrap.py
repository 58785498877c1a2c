"""The bootstrap against a plain one, and against what must come out."""

import dataclasses

import numpy as np
import pytest
from evaluation_samples import mce_counts, sequence_counts

from imagenet_cp import metrics
from imagenet_cp.evaluation import bootstrap
from imagenet_cp.evaluation.counts import Counts
from imagenet_cp.evaluation.references import alexnet, compute_scores

REPLICATES = bootstrap.REPLICATES  # of which a fixture makes fewer


def plain_mce(counts, number):
    """MCE and relative mCE of redrawn images, one image after the other."""
    random = np.random.RandomState(np.random.SFC64(0))
    base, images = metrics.ALEXNET["mce"], len(counts.image_ids)
    found = []
    for _ in range(number):
        drawn = random.randint(0, images, images)

        def error(config, drawn=drawn):
            there = [counts.columns[config][i] for i in drawn if counts.columns[config][i] >= 0]
            return sum(map(int, there)) / len(there)

        ce, relative = [], []
        for name in metrics.CORRUPTIONS:
            errors = [error(f"{name}_{s}") for s in range(1, 6)]
            ce.append(100 * sum(errors) / sum(base[name]))
            excess = sum(errors) / 5 - error("clean")
            relative.append(100 * excess / (sum(base[name]) / 5 - metrics.ALEXNET_CLEAN))
        found.append((sum(ce) / 15, sum(relative) / 15))
    return np.array(found)


def with_gaps(counts):
    """The same without some images in some configs."""
    random = np.random.default_rng(5)
    columns = dict(counts.columns)
    for config in list(columns)[::7]:
        columns[config] = np.where(random.random(len(columns[config])) < 0.1, -1, columns[config])
    return dataclasses.replace(counts, columns=columns)


def test_it_equals_a_plain_one():
    counts = with_gaps(mce_counts(50))
    found = bootstrap.replicates("mce", "imagenet_c", counts, 12)
    expected = plain_mce(counts, 12)
    np.testing.assert_allclose(found["mce",], expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(found["relative_mce",], expected[:, 1], rtol=1e-12)


@pytest.mark.parametrize("metric", ["mfr", "mt5d"])
def test_sequences_are_drawn_with_all_their_perturbations(metric):
    counts = sequence_counts(metric, 40)
    found = bootstrap.replicates(metric, "imagenet_p", counts, 8)
    random = np.random.RandomState(np.random.SFC64(0))
    for i in range(8):
        drawn = random.randint(0, 40, 40)
        values = {
            name: float(c[drawn].sum()) / (40 * counts.pairs[name]) for name, c in counts.columns.items()
        }
        assert found[metric,][i] == pytest.approx(
            compute_scores(metric, "imagenet_p", values)[metric], rel=1e-12
        )


def test_a_drawn_set_does_not_depend_on_the_number_of_draws_or_their_blocks(monkeypatch):
    counts = mce_counts(30)
    found = bootstrap.replicates("mce", "imagenet_c", counts, 30)["mce",]
    monkeypatch.setattr(bootstrap, "_BLOCK", 7)
    np.testing.assert_array_equal(bootstrap.replicates("mce", "imagenet_c", counts, 30)["mce",], found)
    np.testing.assert_array_equal(bootstrap.replicates("mce", "imagenet_c", counts, 20)["mce",], found[:20])


def test_no_mean_without_all_parts():
    counts = mce_counts(40, configs=["clean", *(f"fog_{s}" for s in range(1, 6)), "snow_1"])
    result = compute_scores("mce", "imagenet_c", counts.means())
    spans = bootstrap.score_intervals(result, bootstrap.replicates("mce", "imagenet_c", counts, 50))
    assert spans["mce"] is None and spans["relative_mce"] is None and spans["ce"]["snow"] is None
    assert spans["ce"]["fog"].low <= result["ce"]["fog"] <= spans["ce"]["fog"].high
    assert spans["error"]["snow"][0] and spans["error"]["snow"][1] is None
    assert spans["clean_error"].low < result["clean_error"] < spans["clean_error"].high


def test_a_draw_may_have_no_image_of_a_config():
    counts = Counts(("a", "b"), {"clean": np.array([1, -1], np.int16)}, {"clean": 1})
    drawn = bootstrap.replicates("mce", "imagenet_c", counts, 40)["clean_error",]
    assert np.isnan(drawn).any() and set(drawn[~np.isnan(drawn)]) == {1.0}
    assert bootstrap.percentile_interval(drawn) == (1, 1)


def test_one_image_has_an_interval_of_no_width():
    counts = mce_counts(1)
    assert len(set(bootstrap.replicates("mce", "imagenet_c", counts, 20)["mce",])) == 1


def test_an_interval_is_the_middle_95_percent_of_2000_draws():
    assert bootstrap.percentile_interval(np.arange(2001.0)) == (50, 1950)
    assert REPLICATES == 2000


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    error, tries, held = 0.3, 60, 0
    for _ in range(tries):
        counts = Counts(
            tuple(map(str, range(150))),
            {"tilt": (random.random(150) < error).astype(np.int16)},
            {"tilt": 1},
        )
        drawn = bootstrap.replicates("mfr", "imagenet_p", counts, 300)
        low, high = bootstrap.percentile_interval(drawn["flip_probability", "tilt"])
        held += low <= error <= high
    assert 0.85 <= held / tries <= 1
    # The width of a binomial: 2 * 1.96 * sqrt(0.3 * 0.7 / 150) = 0.147.
    assert high - low == pytest.approx(0.147, rel=0.25)


def test_alexnet_is_what_the_metrics_divide_by():
    assert alexnet("mt5d", "imagenet_p")["unnormalised_t5d"] == metrics.ALEXNET["mt5d"]
