"""Evaluations as files and tables."""

import json

import numpy as np
import pytest
from evaluation_samples import compute, evaluation, mce_counts, sequence_counts

from imagenet_cp import metrics
from imagenet_cp.evaluation.evaluation import Evaluation
from imagenet_cp.evaluation.references import alexnet, compute_scores, published
from imagenet_cp.evaluation.results import Example
from imagenet_cp.resources import METRICS, metrics_folder


@pytest.fixture(scope="module")
def result():
    return evaluation(
        images=60,
        sequences=30,
        examples=(Example("fog_3", "ILSVRC2012_val_00000001", 3, 5, 0.25, b"\x89PNG not really"),),
    )


@pytest.fixture(scope="module")
def file(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "results.json"
    result.to_json(path)
    return path


def test_round_trip(result, file):
    again = Evaluation.from_json(file)
    for name in ("model", "signature", "metrics", "classes", "examples", "command", "versions"):
        assert getattr(again, name) == getattr(result, name), name
    for metric, counts in result.counts.items():
        found = again.counts[metric]
        assert (found.image_ids, found.pairs) == (counts.image_ids, counts.pairs)
        assert list(found.columns) == list(counts.columns)
        for config, column in counts.columns.items():
            assert found.columns[config].dtype == np.int16
            np.testing.assert_array_equal(found.columns[config], column)
    assert again.to_json() == result.to_json()


def test_the_counts_give_the_scores_of_the_metric(result):
    for metric, found in result.metrics.items():
        benchmark = "imagenet_c" if metric == "mce" else "imagenet_p"
        counted = compute_scores(metric, benchmark, result.counts[metric].means())
        assert counted == {key: found[key] for key in counted}


@pytest.mark.parametrize("metric", METRICS)
def test_so_they_do_when_parts_are_missing(metric):
    if metric == "mce":
        counted = mce_counts(20, configs=["clean", "fog_3", "saturate_1"])
    else:
        counted = sequence_counts(metric, 10, configs=["tilt", "shear", "gaussian_noise"])
    found = compute(metric, counted)
    again = compute_scores(metric, "imagenet_c" if metric == "mce" else "imagenet_p", counted.means())
    assert found[metric] is None
    assert again == {key: found[key] for key in again}


def test_alexnet_scores_100():
    for metric in METRICS:
        found = alexnet(metric, "imagenet_c" if metric == "mce" else "imagenet_p")
        assert found[metric] == pytest.approx(100)
    assert alexnet("mce", "cifar10_c") == {}


def test_published_results_agree_with_each_other_and_say_where_they_are_from():
    rows = published()
    assert len(rows) == 27
    assert rows["ResNet-50"]["source"][:2] == ["Table 1", "Table 2"]
    assert {"ce", "relative_ce", "fr", "t5d"} <= set(rows["SqueezeNet"])
    for metric in METRICS:
        path = metrics_folder() / metric / "published.json"
        with open(path, encoding="utf-8") as opened:
            for name, row in json.load(opened).items():
                assert row["source"] and row["clean_error"] in (None, rows[name].get("clean_error")), name


def test_dataframe(result, tmp_path):
    table = result.to_dataframe()
    assert list(table) == [
        "metric",
        "corruption",
        "severity",
        "perturbation",
        "value",
        "alexnet",
        "low",
        "high",
    ]
    assert len(table) == 1 + 1 + 4 + 5 + 19 * 2 + 95 * 2 + 1 + 2 * (1 + 14 + 14)
    means = table[table.metric == "mean_error_by_severity"]
    assert means.severity.tolist() == [1, 2, 3, 4, 5] and means.corruption.isna().all()
    row = table[(table.metric == "error") & (table.corruption == "fog") & (table.severity == 3)].iloc[0]
    assert row.value == result.metrics["mce"]["error"]["fog"][2]
    assert row.alexnet == metrics.ALEXNET["mce"]["fog"][2]
    assert row.low <= row.value <= row.high
    row = table[(table.metric == "fr") & (table.perturbation == "tilt")].iloc[0]
    assert (row.value, row.alexnet) == (result.metrics["mfr"]["fr"]["tilt"], 100)
    assert (row.low, row.high) == result.intervals["mfr"]["fr"]["tilt"]
    result.to_csv(tmp_path / "results.csv")
    assert len((tmp_path / "results.csv").read_text().splitlines()) == len(table) + 1


def changed(file, tmp_path, change):
    found = json.loads(file.read_text())
    change(found)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(found))
    return path


def _other_score(found):
    found["metrics"]["mce"]["error"]["fog"][2] = 0.001


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found.update(format="something"), "not a results.json"),
        (lambda found: found.update(version=2), "of format 2"),
        (lambda found: found.pop("counts"), "corrupt.*'counts' is missing"),
        (lambda found: found["counts"].pop("mfr"), "corrupt.*not of the same metrics"),
        (lambda found: found["counts"]["mce"].update(counts="AAAA"), "corrupt"),
        (lambda found: found["counts"]["mce"].update(counts="%"), "corrupt"),
        (lambda found: found["counts"]["mce"]["configs"].pop(), "corrupt"),
        (lambda found: found["counts"]["mce"].update(images=3), "corrupt.*do not fit"),
        (lambda found: found["metrics"]["mce"].update(signature="mce|benchmark:mine"), "corrupt.*'mine'"),
        (lambda found: found.update(metrics=[]), "corrupt"),
        (_other_score, "corrupt.*error fog 2 is 0.001, but the counts give"),
    ],
)
def test_files_that_are_no_results(file, tmp_path, change, said):
    with pytest.raises(ValueError, match=f"changed.json: .*{said}"):
        Evaluation.from_json(changed(file, tmp_path, change))


def test_files_that_cannot_be_read(file, tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: no such file"):
        Evaluation.from_json(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text(file.read_text()[:5000])
    with pytest.raises(ValueError, match=r"cut\.json: not JSON, or cut short"):
        Evaluation.from_json(tmp_path / "cut.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"list\.json: not a results"):
        Evaluation.from_json(tmp_path / "list.json")
