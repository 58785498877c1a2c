"""A model on ImageNet-C-bar: its mean error, its report and the published results beside it."""

import numpy as np
import pytest

from imagenet_cp.build.plan import build
from imagenet_cp.evaluation import references
from imagenet_cp.evaluation.comparison import compare
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import open_source


def bright(images):
    """Predict the first label for bright images, and the second for dark ones."""
    means = np.array([np.asarray(image).mean() for image in images])
    return np.eye(1000)[np.where(means > 128, 0, 100)]


def test_a_model_is_scored_and_reported(labelled, tmp_path):
    build("imagenet_c_bar", open_source(labelled), tmp_path / "built", workers_count=1)
    result = evaluate_model(bright, imagenet_c=tmp_path / "built")
    result.write_report(tmp_path / "report")
    scores = result.metrics["mce"]
    assert (
        list(scores["error"]) == list(references.test_parts("mce", "imagenet_c_bar"))
        and scores["missing"] == []
    )
    assert scores["mce"] == pytest.approx(100 * np.mean(list(scores["error"].values())))
    assert "benchmark:imagenet_c_bar|n:4|normaliser:none" in scores["signature"]
    low, high = result.intervals["mce"]["mce"]
    assert low <= scores["mce"] <= high
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "ResNet-50 + AugMix" in page and "mean error, ImageNet-C-bar" in page and "Mintun" in page
    assert "sparkles" in page and "gaussian" not in page

    part = evaluate_model(bright, source=labelled, benchmarks=["imagenet_c_bar"], configs=["sparkles"])
    assert part.metrics["mce"]["mce"] is None and len(part.metrics["mce"]["missing"]) == 45
    assert part.metrics["mce"]["error"]["sparkles"] == scores["error"]["sparkles"]
    assert set(compare({"one": result, "two": result}).models) == {"one", "two"}


def test_published_results_average_to_their_means():
    for benchmark in ("imagenet_c_bar", "cifar10_c_bar"):
        for row in references.published_bar(benchmark).values():
            assert np.mean(row["error"]) == pytest.approx(row["c_bar"], abs=0.11)
            assert len(row["error"]) == len(references.test_parts("mce", benchmark))
    assert references.published_bar("imagenet_c") == {}
