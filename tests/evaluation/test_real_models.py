"""Real classifiers with their published weights: off by default, for they are downloaded; `.ci/run` turns it on.

Twenty images show that the machinery works, not how good the models are.
"""

import json
import os

import evaluate
import pytest
from prediction_tables import predictions

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def real_models():
    if "IMAGENET_CP_MODELS" not in os.environ:
        pytest.skip("IMAGENET_CP_MODELS names no folder with the models")
    import real_models

    return real_models


@pytest.fixture(scope="module")
def folder(real_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    real_models.evaluate_both(folder)
    return folder


def test_scores_repeat_exactly(real_models, folder):
    assert real_models.measured(folder) == json.loads(real_models.GOLDEN.read_text())


def test_the_better_model_is_well_ahead(real_models, folder):
    scores = real_models.measured(folder)
    lite0, squeezenet = scores["lite0"], scores["squeezenet"]
    assert lite0["clean_error"] < squeezenet["clean_error"]
    assert lite0["mce"] < squeezenet["mce"] - 15 and lite0["mfr"] < squeezenet["mfr"]


def test_the_report_says_what_the_metrics_say(folder):
    for model in ("lite0", "squeezenet"):
        mce = evaluate.load("mce")
        for name, table in predictions(folder / model).items():
            dataset, config = name.split("/")
            if dataset != "imagenet_c":
                continue
            corruption, _, severity = config.rpartition("_")
            mce.add_batch(
                predictions=[best for best, *_ in table["prediction"].to_pylist()],
                references=table["label"],
                corruption=[corruption or "clean"] * len(table),
                severity=[int(severity) if corruption else 0] * len(table),
            )
        expected = mce.compute()
        stored = json.loads((folder / model / "results.json").read_text())["metrics"]["mce"]
        assert {**stored, "signature": ""} == {**expected, "signature": ""}
        page = (folder / model / "index.html").read_text()
        assert f"{expected['mce']:.1f}" in page and "20 images" in page


def test_on_the_fly_equals_from_disk(real_models, folder, monkeypatch):
    from imagenet_cp.evaluation.run import evaluate_model

    configs = ["fog_3", "shot_noise_5", "clean", "tilt"]
    made = evaluate_model(
        real_models.lite0, source=folder / "few", configs=configs, out=folder / "fly", batch_size=32
    )
    assert made.metrics["mfr"]["flip_probability"]["tilt"] is not None
    for config in configs:
        dataset = "imagenet_p" if config == "tilt" else "imagenet_c"
        here, there = (predictions(folder / run)[f"{dataset}/{config}"] for run in ("fly", "lite0"))
        stored = dict(zip(there["image_id"].to_pylist(), there["prediction"].to_pylist(), strict=True))
        assert here["prediction"].to_pylist() == [stored[name] for name in here["image_id"].to_pylist()]
