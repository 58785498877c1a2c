"""Calibration against slow definitions, and against torchmetrics and scikit-learn where they are installed."""

import math
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from imagenet_cp import corruptions
from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.evaluation import calibration


@pytest.fixture
def probabilities():
    """Probabilities of 300 images of six classes, some of them tied, and labels."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(300, 6)).round(1)
    labels = random.integers(0, 6, 300)
    scores[np.arange(300), labels] += random.normal(1, 1, 300).round(1)
    values = np.exp(scores)
    return values / values.sum(axis=1, keepdims=True), labels


@pytest.fixture
def confident(probabilities):
    values, labels = probabilities
    return values.max(axis=1), (values.argmax(axis=1) == labels).astype(float)


def test_expected_calibration_error(confident):
    expected = 0
    for b in range(15):
        members = [(c, r) for c, r in zip(*confident, strict=True) if b / 15 < c <= (b + 1) / 15]
        if members:
            accuracy = sum(r for _, r in members) / len(members)
            confidence = sum(c for c, _ in members) / len(members)
            expected += len(members) / 300 * abs(accuracy - confidence)
    assert calibration.expected_calibration_error(*confident) == pytest.approx(expected, rel=1e-12)
    certain = np.array([1.0, 1.0]), np.array([1.0, 0.0])
    assert calibration.expected_calibration_error(*certain) == 0.5
    doubtful = np.array([0.05, 0.1, 1 / 15]), np.array([1.0, 0.0, 0.0])  # the first bin ends at 1/15
    expected = (abs(1 - 0.05 - 1 / 15) + 0.1) / 3
    assert calibration.expected_calibration_error(*doubtful) == pytest.approx(expected, rel=1e-12)


def test_adaptive_calibration_error():
    random = np.random.default_rng(1)
    confidence, correct = random.random(100), random.integers(0, 2, 100).astype(float)
    ordered = sorted(zip(confidence, correct, strict=True))
    bins, start = [], 0
    for b in range(15):
        size = 7 if b < 10 else 6
        bins.append(ordered[start : start + size])
        start += size
    expected = sum(abs(sum(r - c for c, r in members)) for members in bins) / 100
    assert calibration.adaptive_calibration_error(confidence, correct) == pytest.approx(expected, rel=1e-12)


def test_area_under_risk_coverage():
    random = np.random.default_rng(1)
    confidence, correct = random.random(50), random.integers(0, 2, 50).astype(float)
    ordered = sorted(zip(-confidence, correct, strict=True))
    expected = sum(sum(1 - r for _, r in ordered[:k]) / k for k in range(1, 51)) / 50
    assert calibration.area_under_risk_coverage(confidence, correct) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "score", ["expected_calibration_error", "adaptive_calibration_error", "area_under_risk_coverage"]
)
def test_the_order_of_images_does_not_matter(score, confident):
    compute = getattr(calibration, score)
    order = np.random.default_rng(2).permutation(300)
    shuffled = (values[order] for values in confident)
    assert compute(*shuffled) == pytest.approx(compute(*confident), rel=1e-12)


def test_images_of_equal_confidence_count_with_their_mean():
    equal = np.full(4, 0.75), np.array([1.0, 0.0, 1.0, 1.0])
    assert calibration.adaptive_calibration_error(*equal) == 0
    assert calibration.area_under_risk_coverage(*equal) == 0.25


def test_likelihood_and_brier_score(probabilities):
    values, labels = probabilities
    nll = sum(-math.log(row[label]) for row, label in zip(values, labels, strict=True)) / 300
    brier = sum(
        sum((p - (i == label)) ** 2 for i, p in enumerate(row))
        for row, label in zip(values, labels, strict=True)
    )
    of_label = values[np.arange(300), labels]
    assert calibration.negative_log_likelihood(of_label) == pytest.approx(nll, rel=1e-12)
    assert calibration.brier_score(of_label, (values**2).sum(axis=1)) == pytest.approx(brier / 300, rel=1e-12)
    assert calibration.negative_log_likelihood(np.zeros(1)) == pytest.approx(103.28, abs=0.01)


def test_the_scores_of_a_config():
    table = pa.table(
        {
            "label": pa.array([3, 5], pa.int32()),
            "prediction": pa.array([[3, 1, 2, 4, 0], [1, 2, 3, 4, 0]], pa.list_(pa.int32(), 5)),
            "probability": pa.array(
                [[0.5, 0.2, 0.1, 0.1, 0.1], [0.9, 0.1, 0, 0, 0]], pa.list_(pa.float32(), 5)
            ),
            "label_probability": pa.array([0.5, 0], pa.float32()),
            "sum_of_squares": pa.array([0.32, 0.82], pa.float32()),
        }
    )
    found = calibration.config_scores(table)
    assert found["top5_error"] == 0.5
    assert found["nll"] == pytest.approx((-math.log(0.5) - math.log(2.0**-149)) / 2)
    assert found["ece"] == pytest.approx(0.7) and found["adaptive_ece"] == pytest.approx(0.7)
    assert found["brier"] == pytest.approx((0.32 + 1.82) / 2) and found["aurc"] == pytest.approx(0.75)


@pytest.fixture
def scores_of(monkeypatch):
    """Scores of configs, each of which is its number, by the name and the level; None for an empty table."""

    def scores_of(dataset, values, kind=None):
        cells = [Cell(f"{name}_{level}", name, level) for name, level in values]
        tables = dict(zip((cell.config for cell in cells), values.values(), strict=True))
        monkeypatch.setattr(calibration, "config_scores", lambda table: {"ece": table[0]})
        benchmark = BENCHMARKS.get(dataset, SimpleNamespace(dataset=dataset, kind="corruptions"))
        rows = SimpleNamespace(cells=cells, benchmark=benchmark, sequences=False)
        return calibration.calibration_scores(
            rows, {name: [] if x is None else [x] for name, x in tables.items()}
        )

    return scores_of


def test_means_of_all_configs(scores_of):
    values = {(name, s): s for name in corruptions.TEST for s in range(1, 6)}
    extra = {(name, s): 10 for name in corruptions.EXTRA for s in range(1, 6)}
    found = scores_of("imagenet_c", {("clean", 0): 7, **values, **extra})["ece"]
    assert found["mean"] == 3 and found["mean_all"] == (15 * 3 + 4 * 10) / 19 and found["clean"] == 7
    assert list(found["cells"]) == [*corruptions.TEST, *corruptions.EXTRA]
    assert found["cells"]["fog"] == [1, 2, 3, 4, 5]
    found = scores_of("imagenet_c", {**values, ("fog", 3): None})["ece"]
    assert found["mean"] is found["mean_all"] is found["clean"] is None
    assert found["cells"]["fog"] == [1, 2, None, 4, 5]
    for dataset in ("imagenet_c", "custom"):
        assert scores_of(dataset, {("clean", 0): None}) == {}


def test_means_of_other_data(scores_of):
    values = {(name, s): s for name in corruptions.BAR for s in range(1, 6)}
    found = scores_of("imagenet_c_bar", values)
    cells = {name: [1, 2, 3, 4, 5] for name in corruptions.BAR}
    assert found == {"c_bar_ece": {"mean": 3, "clean": None, "cells": cells}}
    found = scores_of("custom", {("clean", 0): 1, ("dust", 1): 2, ("dust", 3): 4, ("fog", 1): 9})[
        "custom_ece"
    ]
    cells = {"dust": [2, None, 4], "fog": [9, None, None]}
    assert found == {"mean": 5, "clean": 1, "cells": cells}
    assert scores_of("custom", {("clean", 0): 1})["custom_ece"] == {"mean": None, "clean": 1, "cells": {}}


def test_torchmetrics_agrees(probabilities, confident):
    torchmetrics = pytest.importorskip("torchmetrics.classification")
    import torch

    values, labels = probabilities
    metric = torchmetrics.MulticlassCalibrationError(6, n_bins=15, norm="l1")
    expected = metric(torch.tensor(values), torch.tensor(labels)).item()
    assert calibration.expected_calibration_error(*confident) == pytest.approx(expected, abs=1e-6)


def test_scikit_learn_agrees(probabilities):
    sklearn = pytest.importorskip("sklearn.metrics")
    values, labels = probabilities
    of_label = values[np.arange(300), labels]
    expected = sklearn.log_loss(labels, values)
    assert calibration.negative_log_likelihood(of_label) == pytest.approx(expected, rel=1e-9)
    expected = sklearn.brier_score_loss(labels, values, labels=range(6), scale_by_half=False)
    assert calibration.brier_score(of_label, (values**2).sum(axis=1)) == pytest.approx(expected, rel=1e-9)
