"""Intervals against plain formulas on images' sums, and against what must come out."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from toy_evaluations import mce_counts, sequence_counts

from imagenet_cp import metrics
from imagenet_cp.evaluation.counts import Counts
from imagenet_cp.evaluation.intervals import holm, score_differences, score_intervals
from imagenet_cp.evaluation.references import alexnet


def image_mce(counts):
    """Contribution of every image to mCE, one config after the other."""
    total = np.zeros(len(counts.image_ids))
    for name in metrics.CORRUPTIONS:
        base = sum(metrics.ALEXNET["mce"][name])
        for s in range(1, 6):
            total += 100 * counts.columns[f"{name}_{s}"] / base / 15
    return total


def wilson(share, size, quantile):
    """Wilson's interval: the proportions p with (share - p)^2 = quantile^2 p (1 - p) / size."""
    a, b, c = 1 + quantile**2 / size, -2 * share - quantile**2 / size, share**2
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def with_gaps(counts):
    """The same without some images in some configs."""
    random = np.random.default_rng(5)
    columns = dict(counts.columns)
    for config in list(columns)[::7]:
        columns[config] = np.where(random.random(len(columns[config])) < 0.1, -1, columns[config])
    return dataclasses.replace(counts, columns=columns)


def test_one_config_has_wilsons_interval():
    counts = mce_counts(60)
    found = score_intervals("mce", "imagenet_c", counts)
    expected = stats.binomtest(int(counts.columns["fog_3"].sum()), 60).proportion_ci(method="wilson")
    assert found["error"]["fog"][2] == pytest.approx(expected, rel=1e-9)
    assert found["ce_by_severity"]["fog"][2] == pytest.approx(
        np.array(expected) * 100 / alexnet("mce", "imagenet_c")["error"]["fog"][2], rel=1e-9
    )


@pytest.mark.parametrize("errors", [0, 8])
def test_no_errors_in_8_images_is_no_certainty(errors):
    counts = Counts(
        tuple("abcdefgh"), {"clean": np.repeat([1, 0], [errors, 8 - errors]).astype(np.int16)}, {"clean": 1}
    )
    low, high = score_intervals("mce", "imagenet_c", counts)["clean_error"]
    assert high - low == pytest.approx(0.324, abs=1e-3) and (low == 0 or high == 1)
    flawless = mce_counts(8)
    zeros = {config: column * 0 for config, column in flawless.columns.items()}
    found = score_intervals("mce", "imagenet_c", dataclasses.replace(flawless, columns=zeros))
    assert found["mce"].low == 0 and found["mce"].high > 30 and found["mean_error"].high > 0.3
    assert found["relative_mce"].low < 0 < found["relative_mce"].high


def test_no_error_added_in_37_images_is_no_certainty():
    counts = mce_counts(37)
    same = dict.fromkeys(counts.columns, counts.columns["clean"])
    found = score_intervals("mce", "imagenet_c", dataclasses.replace(counts, columns=same))
    low, high = found["relative_mce"]
    assert low < -100 and high == pytest.approx(-low)


def test_a_mean_has_wilsons_interval_at_the_effective_sample_size():
    counts = mce_counts(50)
    sums = image_mce(counts)
    most = image_mce(dataclasses.replace(counts, columns={c: np.ones(50) for c in counts.columns})).mean()
    share = sums.mean() / most
    size = share * (1 - share) / (sums.var() / most**2 / 50)
    expected = most * np.array(wilson(share, size, stats.t.ppf(0.975, 49)))
    found = score_intervals("mce", "imagenet_c", counts)
    assert found["mce"] == pytest.approx(expected, rel=1e-9)
    accuracy, error = found["mean_accuracy"], found["mean_error"]
    assert (accuracy.low, accuracy.high) == pytest.approx((1 - error.high, 1 - error.low))


@pytest.mark.parametrize(("metric", "most"), [("mfr", 1), ("mt5d", 15)])
def test_scores_of_sequences_reach_from_no_change_to_the_most(metric, most):
    counts = sequence_counts(metric, 8)
    still = dataclasses.replace(counts, columns={c: column * 0 for c, column in counts.columns.items()})
    largest = sum(100 * most / metrics.ALEXNET[metric][name] for name in metrics.PERTURBATIONS) / 10
    low, high = score_intervals(metric, "imagenet_p", still)[metric]
    assert low == 0 and high == pytest.approx(largest * wilson(0, 8, stats.t.ppf(0.975, 7))[1], rel=1e-9)


@pytest.mark.parametrize("images", [2, 50])
def test_relative_mce_has_students_interval(images):
    counts = mce_counts(images)
    if images == 2:  # far within the range of the score
        columns = {config: column * 0 for config, column in counts.columns.items()}
        counts = dataclasses.replace(counts, columns={**columns, "fog_1": np.array([1, 0], np.int16)})
    total = np.zeros(images)
    for name in metrics.CORRUPTIONS:
        mean = np.mean([counts.columns[f"{name}_{s}"] for s in range(1, 6)], axis=0)
        base = np.mean(metrics.ALEXNET["mce"][name]) - metrics.ALEXNET_CLEAN
        total += 100 * (mean - counts.columns["clean"]) / base / 15
    expected = stats.t.interval(0.95, images - 1, total.mean(), stats.sem(total))
    assert score_intervals("mce", "imagenet_c", counts)["relative_mce"] == pytest.approx(expected, rel=1e-9)


def test_images_missing_from_some_configs():
    """As the images' influences, each config with its own number of images."""
    counts = with_gaps(mce_counts(80))
    influence, means = np.zeros(80), 0
    for name in metrics.CORRUPTIONS:
        for s in range(1, 6):
            column, weight = counts.columns[f"{name}_{s}"], 100 / sum(metrics.ALEXNET["mce"][name]) / 15
            present = column >= 0
            mean = column[present].mean()
            influence += np.where(present, weight * (column - mean) / present.sum(), 0)
            means += weight * mean
    other = mce_counts(80, skill=0.6, seed=4)
    other = dataclasses.replace(
        other, columns={c: np.where(counts.columns[c] < 0, -1, x) for c, x in other.columns.items()}
    )
    low, high = score_intervals("mce", "imagenet_c", counts)["mce"]
    assert low < means < high
    fewest = min(int((column >= 0).sum()) for column in counts.columns.values())
    width = stats.t.ppf(0.975, fewest - 1) * math.sqrt((influence**2).sum())
    assert (high - low) / 2 == pytest.approx(width, rel=0.05)
    first = counts.columns["gaussian_noise_1"]
    wrong, present = int((first == 1).sum()), int((first >= 0).sum())
    expected = stats.binomtest(wrong, present).proportion_ci(method="wilson")
    error = score_intervals("mce", "imagenet_c", counts)["error"]["gaussian_noise"][0]
    assert present < 80 and error == pytest.approx(expected, rel=1e-9)
    assert score_differences("mce", "imagenet_c", counts, other)["mce",].value > 0


@pytest.mark.parametrize("metric", ["mfr", "mt5d"])
def test_paired_differences_are_students(metric):
    one, other = sequence_counts(metric, 40), sequence_counts(metric, 40, skill=0.5, seed=3)

    def sums(counts):
        names = metrics.PERTURBATIONS
        unit = {name: metrics.ALEXNET[metric][name] * counts.pairs[name] / 100 for name in names}
        return sum(counts.columns[name] / unit[name] for name in names) / len(names)

    expected = stats.ttest_rel(sums(one), sums(other))
    found = score_differences(metric, "imagenet_p", one, other)[metric,]
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert found[1:3] == pytest.approx(expected.confidence_interval(), rel=1e-6)


def test_the_difference_of_one_config_is_agresti_and_mins():
    one, other = mce_counts(40), mce_counts(40, skill=0.4, seed=3)
    differences = score_differences("mce", "imagenet_c", one, other)
    found = differences["error", "fog", 2]
    a, b = one.columns["fog_3"], other.columns["fog_3"]
    more, less = ((a > b).sum() + 0.5, (a < b).sum() + 0.5)
    center = (more - less) / 42
    width = 1.959964 * math.sqrt((more + less) - (more - less) ** 2 / 42) / 42
    assert found.value == pytest.approx((a - b).mean())
    assert found[1:3] == pytest.approx((center - width, center + width), rel=1e-6)
    percent = 100 / alexnet("mce", "imagenet_c")["error"]["fog"][2]
    ratio = differences["ce_by_severity", "fog", 2]
    assert ratio[:3] == pytest.approx([percent * number for number in found[:3]], rel=1e-9)
    assert ratio.p_value == pytest.approx(found.p_value)


def test_if_all_images_differ_alike_the_next_may_not():
    """The limit is Wilson's of no event in so many images."""
    counts = mce_counts(30)
    right, wrong = (
        dataclasses.replace(counts, columns={c: np.full(30, n, np.int16) for c in counts.columns})
        for n in (0, 1)
    )
    quantile = stats.t.ppf(0.975, 29)
    found = score_differences("mce", "imagenet_c", wrong, right)
    for path in (("mce",), ("mean_error",), ("ce", "fog")):
        value, low, high, p = found[path]
        width = value * wilson(0, 30, quantile)[1]
        assert value > 0 and (low, high) == pytest.approx((value - width, value + width), rel=1e-9)
        assert p == pytest.approx(2 * stats.t.sf(quantile * value / width, 29), rel=1e-6)
    same = score_differences("mce", "imagenet_c", wrong, wrong)
    assert same["mce",] == same["relative_mce",] == (0, 0, 0, 1)


def test_no_mean_without_all_parts():
    counts = mce_counts(40, configs=["clean", *(f"fog_{s}" for s in range(1, 6)), "snow_1"])
    spans = score_intervals("mce", "imagenet_c", counts)
    assert spans["mce"] is None and spans["relative_mce"] is None and spans["ce"]["snow"] is None
    assert spans["ce"]["fog"].low <= spans["ce"]["fog"].high
    assert spans["error"]["snow"][0] and spans["error"]["snow"][1] is None


@pytest.mark.parametrize("metric", ["mce", "mfr"])
def test_one_image_tells_nearly_nothing(metric):
    counts = mce_counts(1) if metric == "mce" else sequence_counts("mfr", 1)
    low, high = score_intervals(metric, "imagenet_c" if metric == "mce" else "imagenet_p", counts)[metric]
    assert high > 2 * low


def test_configs_without_images_and_those_of_one_model_have_no_score():
    counts = mce_counts(20, configs=["clean", "fog_1", "fog_2"])
    columns = {**counts.columns, "fog_2": np.full(20, -1, np.int16)}
    fewer = dataclasses.replace(counts, columns=columns)
    assert score_intervals("mce", "imagenet_c", fewer)["error"]["fog"][:2][1] is None
    other = dataclasses.replace(counts, columns={name: columns[name] for name in ("fog_1", "fog_2")})
    paths = score_differences("mce", "imagenet_c", fewer, other)
    assert ("error", "fog", 0) in paths and not {("clean_error",), ("error", "fog", 1)} & set(paths)


def test_holm():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.7}) == {"a": 0.7} and holm({"a": 0.6, "b": 0.9}) == {"a": 1, "b": 1}
