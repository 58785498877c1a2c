"""Lists, rows and scores of benchmarks, before any evaluation."""

import pytest

from imagenet_cp import metrics
from imagenet_cp.corruptions import BAR
from imagenet_cp.evaluation import references
from imagenet_cp.evaluation.references import compute_scores


def result_of(benchmark, **more):
    return {"signature": f"mce|benchmark:{benchmark}|n:4", **more}


def test_lists_of_corruptions():
    assert references.all_parts("c_bar") == () and len(references.all_parts("mce")) == 19
    assert references.test_parts("mce", "imagenet_c") == tuple(metrics.CORRUPTIONS)
    of_bar = references.test_parts("c_bar", "imagenet_c_bar")
    assert len(of_bar) == 10 and set(of_bar) < set(BAR)
    assert references.test_parts("custom", "custom") == ()
    assert references.tested_parts("custom", result_of("custom", error={"dust": []})) == ("dust",)
    assert references.tested_parts("mfr", result_of("imagenet_p")) == tuple(metrics.PERTURBATIONS)


def test_rows_have_five_severities_or_those_of_the_data():
    cells = {("a", 1): 0.1, ("a", 3): 0.3, ("b", 2): 0.2}
    rows, counted = references.severity_rows(cells, ["a", "b"], ())
    assert rows == {"a": [0.1, None, 0.3], "b": [None, 0.2, None]}
    assert counted == {"a": [0.1, 0.3], "b": [0.2]}
    rows, counted = references.severity_rows(cells, ["a"], ["a"])
    assert rows == counted == {"a": [0.1, None, 0.3, None, None]}
    assert references.severity_rows({}, ["a"], ()) == ({"a": []}, {"a": []})


def test_alexnets_scores_are_100_and_corruptions_without_its_errors_come_last():
    own = references.alexnet("mce", "imagenet_c")
    assert own["mce"] == own["relative_mce"] == pytest.approx(100) and len(own["error"]) == 19
    assert own["clean_error"] == metrics.ALEXNET_CLEAN
    found = compute_scores("mce", "imagenet_c", {"dust_2": 0.1, "fog_3": 0.2, "speckle_noise_1": 0.3})
    assert list(found["error"]) == [*metrics.CORRUPTIONS, "speckle_noise", "dust"]
    assert found["error"]["fog"] == [None, None, 0.2, None, None]
    assert found["error"]["dust"] == [None, 0.1, None, None, None] and found["clean_error"] is None
    found = compute_scores("mfr", "imagenet_p", {"tilt": 0.1, "speckle_noise": 0.2})
    assert list(found["flip_probability"]) == [
        name for name in metrics.ALEXNET["mfr"] if name in metrics.PERTURBATIONS or name == "speckle_noise"
    ]
    assert found["flip_probability"]["tilt"] == 0.1 and found["mfr"] is None
    assert references.alexnet("mfr", "imagenet_p")["mfr"] == pytest.approx(100)


def test_missing_configs_are_those_of_the_mean():
    names = [f"{name}_{s}" for name in metrics.CORRUPTIONS for s in range(1, 6)]
    result = compute_scores("mce", "imagenet_c", dict.fromkeys(names[2:], 0.5))
    assert references.missing_configs("mce", result | result_of("imagenet_c")) == names[:2]
    result = compute_scores("mfr", "imagenet_p", dict.fromkeys(metrics.PERTURBATIONS[1:], 0.5))
    assert references.missing_configs("mfr", result | result_of("imagenet_p")) == [metrics.PERTURBATIONS[0]]
    result = compute_scores("custom", "custom", {"a_1": 0.1, "a_3": 0.3})
    assert references.missing_configs("custom", result | result_of("custom")) == []


def test_published_results_of_a_model_are_merged():
    row = references.published()["ResNet-50"]
    assert (row["mce"], len(row["ce"]), len(row["fr"]), len(row["t5d"])) == (76.7, 15, 10, 10)
    assert len(row["source"]) == len(set(row["source"])) > 1
    assert all(value is not None for row in references.published().values() for value in row.values())
    assert references.published_bar("imagenet_c") == {}
    for benchmark in ("imagenet_c_bar", "cifar10_c_bar"):
        rows = references.published_bar(benchmark)
        assert rows and {len(row["error"]) for row in rows.values()} == {10}


def test_nested_scores_have_paths():
    tree = {"mce": 1, "error": {"fog": [2, None]}}
    leaves = [(("mce",), 1), (("error", "fog", 0), 2), (("error", "fog", 1), None)]
    assert list(references.flatten(tree)) == leaves
    assert references.unflatten(tree, dict(leaves)) == tree
    assert references.unflatten(tree, {("mce",): 3}) == {"mce": 3, "error": {"fog": [None, None]}}
