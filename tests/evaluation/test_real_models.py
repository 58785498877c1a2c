"""Real classifiers with their published weights: off by default, for they are downloaded; `.ci/run` turns it on.

Twenty images show that the machinery works, not how good the models are.
"""

import functools
import json
import os

import evaluate
import numpy as np
import pytest
from prediction_tables import predictions

from imagenet_cp.errors import SourceError

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
    assert lite0["c_bar"] < squeezenet["c_bar"]


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


@pytest.mark.parametrize("layout", ["wnids", "numbers", "sorted_names", "permuted_model"])
def test_labels_of_any_layout_give_the_same_error(layout, real_models, tmp_path):
    """EfficientNet-Lite0 on 20 labelled photographs."""
    from imagenet_cp.evaluation.run import evaluate_model
    from imagenet_cp.sources import classes as imagenet

    real_models.photographs(tmp_path)
    root = tmp_path / "all"
    names = {
        "numbers": [str(label) for label in range(1000)],
        "sorted_names": [name.replace("/", " or ") for name in imagenet.full_names()],
    }.get(layout, imagenet.wnids())
    for label, wnid in enumerate(imagenet.wnids()):
        (root / wnid).mkdir(exist_ok=True)
        (root / wnid).rename(
            root / (f"{names[label]} {wnid}" if names.count(names[label]) > 1 else names[label])
        )
    model, labels = real_models.lite0, ()
    if layout == "permuted_model":
        order = np.array(sorted(range(1000), key=lambda label: imagenet.full_names()[label]))
        model = functools.partial(permuted, real_models.lite0, order)
        labels = [imagenet.full_names()[label] for label in order]
        options = {"source": root, "benchmarks": ["imagenet_c"], "configs": ["clean"]}
        with pytest.raises(
            SourceError, match="17 would be if its outputs were the classes in the order of their"
        ):
            evaluate_model(model, **options)
    made = evaluate_model(model, source=root, benchmarks=["imagenet_c"], configs=["clean"], labels=labels)
    golden = json.loads(real_models.GOLDEN.read_text())["lite0"]["clean_error"]
    assert made.metrics["mce"]["clean_error"] == golden


def permuted(model, order, images):
    return model(images)[:, order]
