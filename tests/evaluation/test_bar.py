"""A model on ImageNet-C-bar: its mean error, its report and the published results beside it."""

import evaluate
import numpy as np
import pytest

from imagenet_cp.build.plan import build
from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation import references
from imagenet_cp.evaluation.comparison import compare
from imagenet_cp.evaluation.evaluation import Evaluation
from imagenet_cp.evaluation.paper_tables import format_tables, make_table
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import open_source


def bright(images):
    """Predict the first label for bright images, and the second for dark ones."""
    means = np.array([np.asarray(image).mean() for image in images])
    return np.eye(1000)[np.where(means > 128, 0, 100)]


@pytest.fixture(scope="module")
def built(labelled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bar")
    build("imagenet_c_bar", open_source(labelled), folder / "built", workers_count=1)
    return folder / "built"


def test_a_model_is_scored_and_reported(built, labelled, tmp_path):
    result = evaluate_model(bright, imagenet_c_bar=built)
    result.write_report(tmp_path / "report")
    scores = result.metrics["c_bar"]
    assert (
        list(scores["error"]) == list(references.test_parts("c_bar", "imagenet_c_bar"))
        and scores["missing"] == []
    )
    assert scores["mean_error"] == pytest.approx(np.mean(list(scores["error"].values())))
    assert "benchmark:imagenet_c_bar|n:4|normaliser:none" in scores["signature"]
    low, high = result.intervals["c_bar"]["mean_error"]
    assert low <= scores["mean_error"] <= high
    assert result.calibration["c_bar_ece"]["mean"] is not None and "ece" not in result.calibration
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "ResNet-50 + AugMix" in page and "mean error, ImageNet-C-bar" in page and "Mintun" in page
    assert "sparkles" in page and "gaussian" not in page and "mCE" not in page
    assert Evaluation.from_json(tmp_path / "report" / "results.json").metrics == result.metrics
    assert evaluate_model(bright, imagenet_c=built).metrics == result.metrics  # as ImageNet-C at another size

    part = evaluate_model(bright, source=labelled, benchmarks=["imagenet_c_bar"], configs=["sparkles"])
    assert part.metrics["c_bar"]["mean_error"] is None and len(part.metrics["c_bar"]["missing"]) == 45
    assert part.metrics["c_bar"]["error"]["sparkles"] == scores["error"]["sparkles"]
    assert set(compare({"one": result, "two": result}).models) == {"one", "two"}
    with pytest.raises(
        UsageError, match="pass the build of imagenet_c_bar as imagenet_c_bar, not as the other"
    ):
        evaluate_model(bright, imagenet_p=built)


def test_the_numbers_are_those_of_the_metric(built):
    result = evaluate_model(bright, imagenet_c_bar=built, configs=["sparkles", "perlin_noise_2", "clean"])
    mce = evaluate.load("mce")
    counts = result.counts["c_bar"]
    for config, wrong in counts.columns.items():
        name, _, severity = config.rpartition("_")
        mce.add_batch(
            predictions=wrong.astype(int).tolist(),
            references=[0] * len(wrong),
            corruption=[name or "clean"] * len(wrong),
            severity=[int(severity) if name else 0] * len(wrong),
        )
    expected = mce.compute(benchmark="imagenet_c_bar")
    found = result.metrics["c_bar"]
    for key in ("error", "clean_error", "missing", "num_examples", "mean_error"):
        assert found[key] == expected[key]


def test_imagenet_c_and_c_bar_are_side_by_side(labelled, tmp_path):
    configs = ["fog", "sparkles", "clean"]
    both = evaluate_model(
        bright, source=labelled, benchmarks=["imagenet_c", "imagenet_c_bar"], configs=configs, out=tmp_path
    )
    assert list(both.metrics) == list(both.counts) == ["mce", "c_bar"]
    assert both.metrics["mce"]["clean_error"] == both.metrics["c_bar"]["clean_error"]
    alone = evaluate_model(bright, source=labelled, benchmarks=["imagenet_c_bar"], configs=configs[1:])
    assert both.metrics["c_bar"] == alone.metrics["c_bar"] and set(both.calibration) >= {"ece", "c_bar_ece"}
    both.write_report(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Errors on imagenet_c_bar as a table" in page and "imagenet_c and imagenet_c_bar" in page
    assert "leaderboard" in page and "ResNet-50 + AugMix" in page
    assert page.count("<h2>clean error</h2>") == 1
    table = make_table({"bright": both}, ("clean_error", "mean_error", "c_bar", "c_bar_error"))
    assert len(table.columns) == 3 + 10 and len(table.notes) == 2
    assert format_tables({"bright": both}, "markdown").count("| Model |") == 2
    assert "| Model | Error | mean error | C-bar mean error | Obscuring: Blue noise sample" in format_tables(
        {"bright": both}, "markdown"
    )
    names = set(both.to_dataframe().metric)
    assert {"mean_error", "c_bar_mean_error", "ece", "c_bar_ece"} <= names
    assert set(compare({"one": both, "two": alone}).images) == {"c_bar"}
    with pytest.raises(
        ValueError, match="imagenet_c and cifar10_c are of one kind; evaluate on one at a time"
    ):
        evaluate_model(bright, source=labelled, benchmarks=["imagenet_c", "cifar10_c"], configs=["fog_1"])


def test_published_results_average_to_their_means():
    for benchmark in ("imagenet_c_bar", "cifar10_c_bar"):
        for row in references.published_bar(benchmark).values():
            assert np.mean(row["error"]) == pytest.approx(row["c_bar"], abs=0.11)
            assert len(row["error"]) == len(references.test_parts("c_bar", benchmark))
    assert references.published_bar("imagenet_c") == {}
