"""Evaluations as files and tables."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from toy_evaluations import compute, evaluation, mce_counts, sequence_counts, with_plain_means

from imagenet_cp import metrics
from imagenet_cp.evaluation import references, results_json
from imagenet_cp.evaluation.counts import Counts
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
    header, *rows = (tmp_path / "results.csv").read_text().splitlines()
    assert header == ",".join(table) and len(rows) == len(table)


def test_dataframe_of_plain_means_and_calibration():
    cells = {"dust": [0.25, None, 0.5], "fog": [0.75]}
    scores = {
        "custom_ece": {"mean": 0.5, "clean": None, "cells": cells},
        "nll": {"mean_all": 3.0, "cells": {}},
    }
    made = with_plain_means("custom", ["clean", "dust_1", "dust_3"], calibration=scores)
    table = made.to_dataframe()
    result = made.metrics["custom"]
    names = ["mean_error", "mean_accuracy", *["mean_error_by_severity"] * 3, "mean_error_by_corruption"]
    names += [*["error"] * 3, "clean_error"]
    assert table.metric.tolist() == [
        *(f"custom_{name}" for name in names),
        *("custom_ece", "clean_custom_ece", *["custom_ece"] * 4, "nll_all"),
    ]
    errors = table[table.metric == "custom_error"]
    assert errors.severity.tolist() == [1, 2, 3] and set(errors.corruption) == {"dust"}
    assert errors.value.iloc[2] == result["error"]["dust"][2] and math.isnan(errors.value.iloc[1])
    assert (
        math.isnan(errors.low.iloc[1])
        and errors.low.iloc[2] == made.intervals["custom"]["error"]["dust"][2].low
    )
    assert (table[["value", "alexnet", "low", "high"]].dtypes == "float64").all()
    assert table.perturbation.isna().all() and table.alexnet.isna().all()
    rest = table[table.metric.str.contains("ece|nll")]
    assert rest.value.fillna(-1).tolist() == [0.5, -1, 0.25, -1, 0.5, 0.75, 3]
    assert rest.severity.fillna(0).tolist() == [0, 0, 1, 2, 3, 1, 0]
    assert rest.corruption.fillna("").tolist() == ["", "", "dust", "dust", "dust", "fog", ""]


def changed(file, tmp_path, change):
    found = json.loads(file.read_text())
    change(found)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(found))
    return path


def _other_ids(found, change):
    packed = found["counts"]["mce"]
    ids = json.loads(results_json._decompress(packed["image_ids"]))
    packed["image_ids"] = results_json._compress(json.dumps(change(ids)).encode())


def _scale(found, factor):
    found["metrics"]["mfr"]["mfr"] *= factor


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
        (
            lambda found: found["counts"]["mce"].update(counts="%" + found["counts"]["mce"]["counts"]),
            "corrupt",
        ),
        (lambda found: found["examples"][0].update(picture="%" + found["examples"][0]["picture"]), "corrupt"),
        (lambda found: found["counts"]["mce"].update(type="<i4"), "corrupt.*do not fit"),
        (lambda found: _other_ids(found, lambda ids: ids[::-1]), "corrupt.*do not fit"),
        (lambda found: _other_ids(found, lambda ids: [ids[0], *ids[:-1]]), "corrupt.*do not fit"),
        (lambda found: found["counts"]["mfr"]["pairs"].pop(), "corrupt"),
        (lambda found: found["counts"]["mfr"]["pairs"].append(30), "corrupt"),
        (lambda found: found.update(metrics={}, counts={}), "corrupt.*not of the same metrics"),
        (lambda found: found["metrics"]["mce"].pop("error"), "corrupt.*'error' is missing"),
        (
            lambda found: found["metrics"]["mce"].update(mce=None),
            "corrupt.*mce is None, but the counts give [0-9]",
        ),
        (lambda found: _scale(found, 1 + 1.05e-9), "corrupt.*mfr is .*, but the counts give"),
        (
            lambda found: found["metrics"]["mce"].update(signature="mce|benchmark:mine"),
            "corrupt.*mce is of an unknown benchmark, 'mine'",
        ),
        (lambda found: found.update(metrics=[]), "corrupt"),
        (_other_score, "corrupt.*error fog 2 is 0.001, but the counts give"),
    ],
)
def test_files_that_are_no_results(file, tmp_path, change, said):
    with pytest.raises(ValueError, match=f"changed.json: .*{said}"):
        Evaluation.from_json(changed(file, tmp_path, change))


def test_files_of_previous_versions(file, result, tmp_path):
    def change(found):
        for name in ("scores", "calibration", "intervals"):
            found.pop(name)
        found["versions"] = None
        found["metrics"]["mce"].pop("mean_error_by_severity")
        _scale(found, 1 + 0.95e-9)

    again = Evaluation.from_json(changed(file, tmp_path, change))
    assert (again.scores, again.calibration, again.versions) == ("", {}, None)
    assert set(again.metrics["mce"]) == set(result.metrics["mce"])


def test_the_text_of_results(result, file):
    text = file.read_text(encoding="utf-8")
    assert text.startswith(
        '{\n "format": "imagenet-cp evaluation",\n "version": 1,\n "model": "timm:resnet50",'
    )
    assert list(json.loads(text))[-3:] == ["classes", "examples", "counts"]
    named = replace(result, classes=("caf\xe9",), calibration={"ece": {"mean": math.nan}})
    with pytest.raises(ValueError, match="JSON compliant"):
        results_json.dumps(named)
    assert '"caf\xe9"' in results_json.dumps(replace(named, calibration={}))


def test_what_is_missing_stays_missing(tmp_path):
    ece = {"c_bar_ece": {"mean": None, "clean": 0.5, "cells": {}}}
    part = with_plain_means("c_bar", ["clean", "plasma_noise_1"], scores="logits", calibration=ece)
    part.to_json(tmp_path / "results.json")
    again = Evaluation.from_json(tmp_path / "results.json")
    assert (again.metrics, again.scores, again.calibration) == (part.metrics, "logits", ece)
    assert part.to_dataframe().metric.iloc[0] == "c_bar_mean_error"
    text = (tmp_path / "results.json").read_text()
    found = json.loads(text)
    found["metrics"]["c_bar"]["clean_error"] = 2
    (tmp_path / "changed.json").write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"clean_error is 2, but the counts give 0\."):
        Evaluation.from_json(tmp_path / "changed.json")
    (tmp_path / "changed.json").write_text(text.replace('"mean_error": null', '"mean_error": 0.5', 1))
    with pytest.raises(ValueError, match=r"mean_error is 0\.5, but the counts give None"):
        Evaluation.from_json(tmp_path / "changed.json")


@pytest.mark.parametrize(("most", "kind"), [(0, "<i1"), (127, "<i1"), (128, "<i2"), (300, "<i2")])
def test_counts_are_packed_in_one_byte_where_they_fit(most, kind):
    counts = Counts(("a", "b"), {"tilt": np.array([-1, most], np.int16)}, {"tilt": 30})
    packed = results_json._pack_counts(counts)
    assert packed["type"] == kind and packed["images"] == 2
    again = results_json._unpack_counts(packed)
    assert again.columns["tilt"].tolist() == [-1, most] and again.pairs == {"tilt": 30}
    empty = results_json._pack_counts(Counts((), {"tilt": np.zeros(0, np.int16)}, {"tilt": 30}))
    assert empty["type"] == "<i1" and results_json._unpack_counts(empty).image_ids == ()


def test_counts_of_some_images():
    columns = {"a": np.array([1, 0, -1, 1], np.int16), "b": np.array([-1, -1, 5, -1], np.int16)}
    counts = Counts(("p", "q", "r", "s"), columns, {"a": 1, "b": 2})
    assert counts.means() == {"a": 2 / 3, "b": 2.5}
    few = counts.select({"q", "s", "t"})
    assert few.select(()).select({"q"}).means() == {"a": None, "b": None}
    assert few.image_ids == ("q", "s") and few.means() == {"a": 0.5, "b": None} and few.pairs == counts.pairs


def test_parts_and_names_of_benchmarks():
    def result(**fields):
        return {"signature": "|".join(["m", *(f"{name}:{value}" for name, value in fields.items())])}

    assert references.part_of(result(part="1234/50000")) == "1,234 of 50,000 images"
    for part in ("a/5", "5/a", "5"):
        assert references.part_of(result(part=part)) == ""
    assert references.part_of(result()) == references.benchmark_name(result()) == ""
    assert references.data_name(result(benchmark="imagenet_c")) == "imagenet_c"
    assert references.data_name({**result(benchmark="custom"), "name": "mine"}) == "mine"
    for metric, benchmark, known, normalized in (
        ("mce", "imagenet_c", True, True),
        ("mce", "cifar10_c", True, False),
        ("c_bar", "imagenet_c_bar", True, False),
        ("custom", "anything", True, False),
        ("mfr", "imagenet_p", True, True),
        ("mfr", "imagenet_c", False, None),
    ):
        assert references.is_benchmark(metric, benchmark) is known
        if normalized is not None:
            assert references.is_normalized(metric, benchmark) is normalized
    assert references.all_parts("c_bar") == () and len(references.all_parts("mce")) == 19
    bar = references.published_bar("imagenet_c_bar")
    assert (
        bar
        and all(len(row["error"]) == 10 for row in bar.values())
        and references.published_bar("imagenet_c") == {}
    )


def test_means_over_what_was_measured():
    mean = references.mean_over
    assert mean({"a": [0.25, 0.75], "b": [0.5]}, ["a", "b"]) == 0.5
    assert mean({"a": [0.25, None]}, ["a"]) is None and mean({"a": [0.25]}, ["a", "b"]) is None
    assert mean({}, []) is None and mean({"a": []}, ["a"]) is None
    own = compute_scores("custom", "custom", {"dust_1": 0.5, "dust_3": 0.25, "fog_1": 0.75, "clean": 0.125})
    assert own == {
        "mean_error": 0.5,
        "mean_accuracy": 0.5,
        "mean_error_by_severity": [0.625, None, 0.25],
        "mean_error_by_corruption": {"dust": 0.375, "fog": 0.75},
        "error": {"dust": [0.5, None, 0.25], "fog": [0.75, None, None]},
        "clean_error": 0.125,
    }
    quarter = compute_scores("custom", "custom", {"dust_1": 0.25})
    assert quarter["mean_accuracy"] == 0.75 and quarter["clean_error"] is None
    bar = compute_scores("c_bar", "imagenet_c_bar", {f"plasma_noise_{s}": s / 8 for s in range(1, 6)})
    assert bar["mean_error"] is bar["mean_accuracy"] is None and len(bar["error"]) == 10
    assert (
        bar["mean_error_by_corruption"]["plasma_noise"] == 0.375
        and bar["mean_error_by_severity"] == [None] * 5
    )
    new = compute_scores("mce", "imagenet_c", {"my_dust_2": 0.5})["error"]
    assert list(new)[-1] == "my_dust" and new["my_dust"] == [None, 0.5, None, None, None]
    assert compute_scores("custom", "custom", {"clean": 0.5})["mean_error_by_severity"] == []


def test_configs_that_are_missing():
    bar = with_plain_means("c_bar", [f"plasma_noise_{s}" for s in (1, 2, 4)]).metrics["c_bar"]
    missing = references.missing_configs("c_bar", bar)
    assert [name for name in missing if name.startswith("plasma")] == [
        "plasma_noise_3",
        "plasma_noise_5",
    ] and len(missing) == 47
    assert references.missing_configs("custom", with_plain_means("custom", ["a_1"]).metrics["custom"]) == []
    raw = dict.fromkeys(references.test_parts("mfr", "imagenet_p"), 0.5) | {"tilt": None}
    found = {"flip_probability": raw, "signature": "mfr|benchmark:imagenet_p"}
    assert references.missing_configs("mfr", found) == ["tilt"]


def test_the_mean_of_what_was_measured():
    made = with_plain_means("custom", ["dust_1", "dust_3"])
    errors = [error for error in made.metrics["custom"]["error"]["dust"] if error is not None]
    assert made.mean_of_measured("custom") == (sum(errors) / 2, 2)
    assert with_plain_means("custom", ["clean"]).mean_of_measured("custom") is None


def test_files_that_cannot_be_read(file, tmp_path):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"deep\.json: not JSON, or cut short"):
        Evaluation.from_json(tmp_path / "deep.json")
    (tmp_path / "folder.json" / "results.json").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"results\.json: cannot be read \(Is a directory\)|Permission"):
        results_json.load(tmp_path / "folder.json" / "results.json")
    with pytest.raises(ValueError, match=r"none\.json: no such file"):
        Evaluation.from_json(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text(file.read_text()[:5000])
    with pytest.raises(ValueError, match=r"cut\.json: not JSON, or cut short"):
        Evaluation.from_json(tmp_path / "cut.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"list\.json: not a results"):
        Evaluation.from_json(tmp_path / "list.json")
