"""Scores as evaluation results of the Hub."""

import evaluate
import numpy as np
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries  # what the Hub's own client reads such files with

import imagenet_cp
from imagenet_cp.hub.model_results import benchmark_file, evaluation_results, write_evaluation_results
from imagenet_cp.hub.registration import metrics_folder


@pytest.fixture(scope="module")
def mce():
    """A whole score: class 0 is always right, but at severity 5."""
    names = imagenet_cp.corruptions.TEST
    rows = [(name, severity) for name in names for severity in range(1, 6)] + [("clean", 0)]
    metric = evaluate.load(str(metrics_folder() / "mce"))
    return metric.compute(
        predictions=[int(severity == 5) for _, severity in rows],
        references=[0] * len(rows),
        corruption=[name for name, _ in rows],
        severity=[severity for _, severity in rows],
    )


def test_a_score_goes_to_the_file_and_comes_back(mce, tmp_path):
    file = write_evaluation_results(
        mce,
        "user/imagenet_c",
        tmp_path,
        revision="0" * 40,
        date="2025-01-31",
        source_url="https://example.org",
    )
    assert file == tmp_path / ".eval_results" / "imagenet_c_mce.yaml"
    entries = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert [(entry.dataset_id, entry.task_id, entry.value) for entry in entries] == [
        ("user/imagenet_c", "mce", mce["mce"]),
        ("user/imagenet_c", "relative_mce", mce["relative_mce"]),
        ("user/imagenet_c", "mean_accuracy", pytest.approx(80)),
    ]
    assert {entry.notes for entry in entries} == {mce["signature"]}
    write_evaluation_results(mce, "user/imagenet_c", tmp_path, source_url="https://a.org", source_name="Zoë")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("- dataset:\n    id: user/") and "Zoë" in text
    for entry in entries:
        assert entry.dataset_revision == "0" * 40 and entry.source_url == "https://example.org"
        assert str(entry.date) == "2025-01-31" and entry.source_name is None
    assert {entry.source_name for entry in parse_eval_result_entries(yaml.safe_load(text))} == {"Zoë"}
    write_evaluation_results(mce, "user/imagenet_c", tmp_path)
    assert len(list((tmp_path / ".eval_results").iterdir())) == 1


def test_without_clean_images_there_is_no_relative_mce(mce):
    entries = evaluation_results({**mce, "relative_mce": None}, "user/imagenet_c")
    assert [entry.task_id for entry in entries] == ["mce", "mean_accuracy"]


def test_the_tasks_of_a_benchmark_are_those_of_the_results(mce):
    for dataset, tasks in (
        ("imagenet_c", ["mean_accuracy", "mce", "relative_mce"]),
        ("imagenet_c_bar", ["mean_accuracy", "mean_error"]),
        ("imagenet_p", ["mfr", "mt5d"]),
    ):
        fields = yaml.safe_load(benchmark_file(dataset))
        assert next(iter(fields)) == "name" and len(benchmark_file(dataset).splitlines()[1]) > 80
        assert [task["id"] for task in fields["tasks"]] == tasks
        assert fields["tasks"][0] == {"id": tasks[0], "config": "test", "split": "validation"}
        assert fields.keys() == {"name", "description", "evaluation_framework", "tasks"}
        assert (fields["name"], fields["evaluation_framework"]) == (dataset, "imagenet-cp")
    assert {entry.task_id for entry in evaluation_results(mce, "user/imagenet_c")} <= {
        task["id"] for task in yaml.safe_load(benchmark_file("imagenet_c"))["tasks"]
    }


@pytest.mark.parametrize(
    "scores", [{"signature": "means|n:1"}, {"mce": 55.0, "signature": "mce|benchmark:imagenet_c_bar|n:1"}]
)
def test_the_score_of_imagenet_c_bar_and_of_other_data_is_the_mean_error(scores, tmp_path):
    scores = {"mean_error": 0.25, "mean_accuracy": 0.75, **scores}
    entries = evaluation_results(scores, "user/a")
    assert [(entry.task_id, entry.value) for entry in entries] == [("mean_error", 25), ("mean_accuracy", 75)]
    assert write_evaluation_results(scores, "user/a", tmp_path).name == "a_mean_error.yaml"


@pytest.mark.parametrize("metric", ["mfr", "mt5d"])
def test_the_other_metrics_and_numpy_numbers(metric):
    scores = {metric: np.float64(58.0), "signature": f"{metric}|benchmark:imagenet_p"}
    [entry] = imagenet_cp.results.evaluation_results(scores, "user/imagenet_p")
    assert (entry.task_id, entry.value, type(entry.value)) == (metric, 58.0, float)


@pytest.mark.parametrize(
    ("change", "dataset_id", "says"),
    [
        (
            {"mce": None, "missing": ["fog_3"]},
            "user/imagenet_c",
            r"parts of the benchmark are missing: fog_3;",
        ),
        ({"mce": None, "missing": list("abcdef")}, "user/imagenet_c", r"a, b, c, d, e, \.\.\.;"),
        ({"signature": ""}, "user/imagenet_c", "with its signature"),
        ({"mfr": 1.0}, "user/imagenet_c", "the result of compute"),
        ({"mce": float("nan")}, "user/imagenet_c", "not a score"),
        ({}, "imagenet_c", "user/name"),
    ],
)
def test_what_is_no_whole_score_is_refused(mce, change, dataset_id, says):
    with pytest.raises(ValueError, match=says):
        evaluation_results({**mce, **change}, dataset_id)


def test_a_folder_that_is_not_there_is_named(mce, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        write_evaluation_results(mce, "user/imagenet_c", tmp_path / "nowhere")


def test_the_example_in_the_docstring():
    import doctest

    from imagenet_cp import results

    assert doctest.testmod(results).failed == 0


@pytest.mark.parametrize(("count", "end"), [(5, "e; "), (6, "e, ...; ")])
def test_five_missing_configs_are_named(count, end):
    scores = {"mce": None, "missing": list("abcdef")[:count], "signature": "mce|n:1"}
    with pytest.raises(ValueError, match=f"mce is None, .*missing: a, b, c, d, {end}"):
        evaluation_results(scores, "user/imagenet_c")
