"""Evaluating a model: the same scores however the data are made; predictions are reused, never mixed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version

import evaluate
import numpy as np
import pytest
import toy_models
from prediction_tables import predictions
from scipy.special import softmax
from toy_models import by_colour, by_contrast, exhausted, of_999, only_299, with_nan

import imagenet_cp
from imagenet_cp.build.plan import build
from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.evaluation import run
from imagenet_cp.evaluation.evaluation import Evaluation
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.preprocessors import PREPROCESSORS, clahe
from imagenet_cp.evaluation.run import evaluate_model, evaluate_models
from imagenet_cp.perturbations import NOISE
from imagenet_cp.sources import open_source

CONFIGS = ["fog_3", "brightness", "gaussian_noise", "clean", "tilt"]


@pytest.fixture(scope="module")
def kept(folders, tmp_path_factory):
    """An evaluation on both builds, and the folder of its predictions."""
    out = tmp_path_factory.mktemp("kept")
    return evaluate_model(by_colour, **folders, out=out), out


def same(one, other):
    """Compare everything of two evaluations."""
    for metric, counts in one.counts.items():
        np.testing.assert_equal(counts.columns, other.counts[metric].columns)
    return replace(one, counts={}) == replace(other, counts={}) and one.counts.keys() == other.counts.keys()


def test_predictions_are_those_of_the_model(kept, folders):
    """Decode the build with datasets, ask the model one by one, and compare every prediction."""
    from datasets import load_dataset

    _, out = kept
    for row in load_dataset(str(folders["imagenet_c"]), "fog_3", split="validation", streaming=True):
        table = predictions(out)["imagenet_c/fog_3"].to_pylist()
        made = next(one for one in table if one["image_id"] == row["image_id"])
        scores = by_colour(np.asarray(row["image"])[None])[0]
        assert made["prediction"] == imagenet_cp.top5(scores).tolist() and made["label"] == row["label"]
        probabilities = softmax(scores.astype(np.float64))
        assert made["probability"] == pytest.approx(probabilities[made["prediction"]], rel=1e-6)
        assert made["label_probability"] == pytest.approx(probabilities[row["label"]], rel=1e-6)
        assert made["sum_of_squares"] == pytest.approx((probabilities**2).sum(), rel=1e-6)
        assert made["margin"] == pytest.approx(np.diff(np.sort(scores)[-2:])[0], rel=1e-5)
    for row in load_dataset(str(folders["imagenet_p"]), "tilt", split="validation", streaming=True):
        table = predictions(out)["imagenet_p/tilt"].to_pylist()
        made = next(one for one in table if one["image_id"] == row["image_id"])
        scores = by_colour(np.stack([np.asarray(frame) for frame in row["sequence"]]))
        assert made["prediction"] == imagenet_cp.top5(scores).tolist()


def test_the_kind_of_scores_is_recognized_or_given(kept, folders, tmp_path):
    made, out = kept
    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"], "identity": "1"}
    again = evaluate_model(lambda images: softmax(by_colour(images), axis=1), **options, out=tmp_path / "p")
    assert (made.scores, again.scores) == ("logits", "probabilities") and "|scores:" not in again.signature
    for name in ("probability", "label_probability", "sum_of_squares"):
        one, other = (
            predictions(folder)["imagenet_c/fog_3"][name].to_pylist() for folder in (out, tmp_path / "p")
        )
        np.testing.assert_allclose(one, other, rtol=1e-5)
    with pytest.raises(SourceError, match=r"fog_3, row \w+: .*no probabilities .*--scores logits"):
        evaluate_model(by_colour, **options, scores="probabilities")
    named = evaluate_model(by_colour, **options, scores="logits")
    assert named.scores == "logits" and named.signature.endswith("|scores:logits")
    with pytest.raises(ValueError, match="unknown kind of scores 'odds'; known: auto, logits, probabilities"):
        evaluate_model(by_colour, **options, scores="odds")


def test_scores_are_those_of_the_metrics(kept):
    made, out = kept
    mce = evaluate.load("mce")
    for path, table in predictions(out).items():
        if "imagenet_c/" in path:
            name, _, severity = path.split("/")[-1].rpartition("_")
            mce.add_batch(
                predictions=[best for best, *_ in table["prediction"].to_pylist()],
                references=table["label"],
                corruption=[name or "clean"] * len(table),
                severity=[int(severity) if name else 0] * len(table),
            )
    expected = mce.compute(recipe="imagenet_c|recipe:1|profile:imagenet|seed:0|jpeg:85|part:4/50000")
    assert made.metrics["mce"] == expected and expected["mce"] is None and expected["ce"]["brightness"] > 0
    mfr, mt5d = evaluate.load("mfr"), evaluate.load("mt5d")
    for name in ("tilt", "gaussian_noise"):
        five = np.array(predictions(out)[f"imagenet_p/{name}"]["prediction"].to_pylist())
        mfr.add_batch(predictions=five[:, :, 0], perturbation=[name] * len(five))
        mt5d.add_batch(predictions=five, perturbation=[name] * len(five))
    assert made.metrics["mfr"]["flip_probability"] == mfr.compute()["flip_probability"]
    assert made.metrics["mt5d"]["unnormalised_t5d"] == mt5d.compute()["unnormalised_t5d"]


def test_calibration_is_that_of_the_stored_probabilities(kept):
    made, out = kept
    assert made.calibration.keys() == {"top5_error", "ece", "adaptive_ece", "nll", "brier", "aurc"}
    table = predictions(out)["imagenet_c/fog_3"].to_pydict()
    ece = made.calibration["ece"]
    assert ece["cells"]["fog"][2] is not None and ece["cells"]["fog"][0] is None and ece["mean"] is None
    assert made.calibration["nll"]["cells"]["fog"][2] == pytest.approx(
        -np.log(table["label_probability"]).mean()
    )
    right = [label in best for label, best in zip(table["label"], table["prediction"], strict=True)]
    assert made.calibration["top5_error"]["cells"]["fog"][2] == pytest.approx(1 - np.mean(right))
    assert made.calibration["brier"]["clean"] > 0
    rows = made.to_dataframe()
    assert (
        rows[(rows.metric == "ece") & (rows.corruption == "fog") & (rows.severity == 3)].value.notna().all()
    )
    assert rows[rows.metric == "clean_brier"].value.item() == made.calibration["brier"]["clean"]


def test_counts_give_the_scores_again(kept):
    made, _ = kept
    for metric, key in (("mce", "error"), ("mfr", "flip_probability"), ("mt5d", "unnormalised_t5d")):
        counts = made.counts[metric]
        assert len(counts.image_ids) == 4 == len(set(counts.image_ids))
        for config, of_config in counts.columns.items():
            mean = of_config.mean() / counts.pairs[config]
            if metric == "mce":
                name, _, severity = config.rpartition("_")
                scored = made.metrics["mce"]
                expected = scored["error"][name][int(severity) - 1] if name else scored["clean_error"]
            else:
                expected = made.metrics[metric][key][config]
                assert counts.pairs[config] == 30
            assert mean == pytest.approx(expected, rel=1e-12)
    assert "gaussian_noise" in NOISE and made.metrics["mfr"]["flip_probability"]["gaussian_noise"] > 0


def infinite(images):
    return np.where(np.arange(1000) == 7, -np.inf, by_colour(images))


def huge(images):
    return (np.sign(by_colour(images)) * 6e4).astype(np.float16)


def test_finite_scores_never_have_infinite_margins(folders):
    made = evaluate_model(huge, imagenet_c=folders["imagenet_c"], configs=["fog_3"])
    assert "Infinity" not in made.to_json() and all(np.isfinite(one.margin) for one in made.examples)


def test_a_failed_page_costs_no_predictions(folders, tmp_path, monkeypatch):
    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"], "out": tmp_path}
    made = evaluate_model(by_colour, **options)
    monkeypatch.setattr(Evaluation, "intervals", property(lambda self: {"mce": float("nan")}))
    with pytest.raises(ValueError, match="JSON"):
        made.write_report(tmp_path)
    monkeypatch.undo()
    told = []
    again = evaluate_model(by_colour, **options, progress=lambda *said: told.append(said))
    assert same(again, made) and not told


def test_on_the_fly_equals_from_disk(kept, labelled, tmp_path):
    made, out = kept
    again = evaluate_model(
        by_colour,
        source=labelled,
        configs=["fog_3", "brightness", "gaussian_noise", "clean", "tilt"],
        out=tmp_path,
    )
    here, there = predictions(tmp_path), predictions(out)
    assert here.keys() >= there.keys()
    assert all(here[path].equals(there[path]) for path in there)
    for name in ("tilt", "gaussian_noise"):
        assert again.metrics["mfr"]["fr"][name] == made.metrics["mfr"]["fr"][name]
    assert not list(tmp_path.rglob("*.JPEG")) and {
        path.suffix for path in tmp_path.rglob("*") if path.is_file()
    } == {".parquet"}


def test_a_second_run_asks_the_model_only_for_a_few_rows(kept, folders):
    made, out = kept
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    told = []
    assert same(evaluate_model(by_colour, **folders, out=out, progress=lambda *said: told.append(said)), made)
    assert told == [] and times == {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}


def test_no_model_is_asked_before_there_are_data(folders):
    asked = []

    def model(images):
        asked.append(images.shape)
        return by_colour(images)

    evaluate_model(model, imagenet_c=folders["imagenet_c"], configs=["fog_3"])
    one, first, batch = asked  # one image tells the number of outputs, four their order
    assert (one[0], first, batch) == (1, (4, 224, 224, 3), (4, 224, 224, 3))


def linear(weights):
    """A model whose name says nothing of its weights."""
    return lambda images: images.mean(axis=(1, 2)) @ weights


def test_models_of_one_name_are_told_apart(folders, tmp_path):
    """Epochs of one linear model, edited functions and preprocessors: their scores are never those of another."""
    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"]}
    weights = np.random.RandomState(0).normal(size=(3, 1000))
    evaluate_model(linear(weights), **options, out=tmp_path)
    evaluate_model(linear(weights.copy()), **options, out=tmp_path)
    with pytest.raises(BuildError, match="never mixed"):
        evaluate_model(linear(weights + 1e-9), **options, out=tmp_path)
    with pytest.raises(BuildError, match="never mixed"):
        evaluate_model(linear(weights), **options, out=tmp_path, preprocess=lambda image: image)
    for strength in (2, 3):
        out = tmp_path / "preprocessed"

        def darken(image, strength=strength):
            return image // strength

        if strength == 2:
            evaluate_model(by_colour, **options, out=out, preprocess=darken)
        else:
            with pytest.raises(BuildError, match=r"preprocess:.*darken\|preprocess_id:"):
                evaluate_model(by_colour, **options, out=out, preprocess=darken)


def test_an_invisible_model_is_resumed_only_if_the_user_says_so(folders, tmp_path):
    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"], "out": tmp_path}
    session = (item for item in ())  # as invisible as an object of a C library
    weights = [1]

    def model(images):
        return by_colour(images) * weights[0] + 0 * len(list(session))

    made = evaluate_model(model, **options)
    with pytest.raises(BuildError, match=r"parts that Python cannot see.*--resume \(resume=True\)"):
        evaluate_model(model, **options)
    assert same(evaluate_model(model, **options, resume=True), made)
    options["out"] = tmp_path / "named"
    made = evaluate_model(model, **options, identity="epoch 1")
    assert same(evaluate_model(model, **options, identity="epoch 1"), made)
    with pytest.raises(BuildError, match="never mixed"):
        evaluate_model(model, **options, identity="epoch 2")
    weights[0] = -1
    with pytest.raises(BuildError, match=r"parquet: .*model now predicts other classes or margins .* fog_3"):
        evaluate_model(model, **options, identity="epoch 1")
    weights[0] = 1.2
    with pytest.raises(BuildError, match="other classes or margins"):
        evaluate_model(model, **options, identity="epoch 1")


def test_an_identity_stands_for_an_invisible_preprocessor_too(folders, tmp_path):
    session = (item for item in ())

    def darken(image):
        return image // 2 + len(list(session))

    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"], "limit": 1, "out": tmp_path}
    made = evaluate_model(by_colour, **options, preprocess=darken, identity="1", command="again")
    assert same(evaluate_model(by_colour, **options, preprocess=darken, identity="1", command="again"), made)
    assert made.signature.endswith("darken") and made.command == "again"


def test_versions_are_of_the_libraries_that_are_imported(folders, monkeypatch):
    monkeypatch.setattr(run, "_LIBRARIES", ("imagenet-cp", "numpy", "never_imported"))
    made = evaluate_model(by_colour, imagenet_c=folders["imagenet_c"], configs=["fog_3"], limit=1)
    assert made.versions == {"imagenet-cp": version("imagenet-cp"), "numpy": np.__version__}


def test_what_is_missing_is_made_again_and_nothing_else(kept, folders, tmp_path):
    _, out = kept
    shutil.copytree(out, tmp_path / "out")
    (lost,) = tmp_path.glob("out/predictions/imagenet_c/*")
    before = lost.read_bytes()
    lost.unlink()
    told = []
    evaluate_model(by_colour, **folders, out=tmp_path / "out", progress=lambda *said: told.append(said))
    assert {title for title, *_ in told} <= {"evaluating", "compiling kernels"}
    steps = [step for title, *step in told if title == "evaluating"]
    done, total = steps[-1]
    assert done == total > 32 and steps[0][0] > total - 32  # the 32 that were lost come last
    assert lost.read_bytes() == before


def test_models_and_data_are_never_mixed(kept, folders, labelled, tmp_path):
    _, out = kept
    with pytest.raises(
        BuildError, match=r"predictions with model 'model:by_colour.*by_contrast.*choose another"
    ):
        evaluate_model(by_contrast, **folders, out=out)
    with pytest.raises(BuildError, match="never mixed"):
        evaluate_model(Model("by_colour", by_contrast), **folders, out=out)
    with pytest.raises(BuildError, match="preprocess:clahe"):
        evaluate_model(by_colour, **folders, out=out, preprocess="clahe")
    build("imagenet_c", open_source(labelled), tmp_path / "imagenet_c", ["fog_3"], seed=1, workers_count=1)
    with pytest.raises(BuildError, match=r"seed:0.*seed:1"):
        evaluate_model(by_colour, imagenet_c=tmp_path / "imagenet_c", out=out)


def test_what_another_process_wrote_meanwhile_is_not_overwritten(kept, folders, tmp_path):
    def another(config, done, total):
        if done == 0:
            evaluate_model(by_contrast, **options)

    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"], "out": tmp_path}
    with pytest.raises(BuildError, match=r"by_contrast.*not 'model:by_colour"):
        evaluate_model(by_colour, **options, progress=another)
    assert evaluate_model(by_contrast, **options).model == "by_contrast"


def test_a_damaged_file_is_named(kept, folders, tmp_path):
    shutil.copytree(kept[1], tmp_path / "out")
    (file,) = tmp_path.glob("out/predictions/imagenet_p/*")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(BuildError, match=r"[0-9a-f]\.parquet: corrupt.*delete it"):
        evaluate_model(by_colour, **folders, out=tmp_path / "out")


def test_batches_do_not_change_predictions(kept, folders, tmp_path):
    for size in (1, 33, 1000):
        out = tmp_path / str(size)
        evaluate_model(by_colour, **folders, out=out, batch_size=size, threads=3)
        assert all(
            table.equals(kept_table)
            for table, kept_table in zip(
                predictions(out).values(), predictions(kept[1]).values(), strict=True
            )
        )


def test_killed_midway_the_same_command_goes_on(kept, folders, tmp_path):
    made, _ = kept
    program = (
        "import sys, time, toy_models; from imagenet_cp.evaluation.run import evaluate_models\n"
        "slow = lambda *said: time.sleep(0.1)\n"
        "evaluate_models([toy_models.by_colour], imagenet_c=sys.argv[1], imagenet_p=sys.argv[2], out=sys.argv[3],"
        " images_per_unit=1, progress=slow)"
    )
    here = os.path.dirname(toy_models.__file__)
    command = [sys.executable, "-c", program, *map(str, folders.values()), str(tmp_path)]
    running = subprocess.Popen(command, cwd=here)
    while len(list(tmp_path.glob("predictions/*/[!.]*"))) < 3:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    finished = {path: path.read_bytes() for path in tmp_path.glob("predictions/*/[!.]*")}
    name = min(finished).name.replace("000000-000001", "000003-000004")
    (tmp_path / f"predictions/imagenet_c/.{name}.0123abcd.tmp").write_bytes(b"half")
    assert 3 <= len(finished) < 8
    again = evaluate_models([by_colour], **folders, out=tmp_path, images_per_unit=1)
    assert same(again.evaluations["by_colour"], made)
    assert all(path.read_bytes() == before for path, before in finished.items())
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (of_999, r"of_999 gives 999 scores per image, but the data set has 1,000 classes; add --labels"),
        (
            with_nan,
            r"gaussian_noise_1, row \w+: with_nan gives scores that are not finite \(NaN or infinity\)",
        ),
        (infinite, r"infinite gives scores that are not finite"),
        (only_299, r"only_299 fails on uint8 images of shape 1x224x224x3: ValueError: expected 299x299"),
        (
            exhausted,
            "OutOfMemoryError: CUDA out of memory. Give a smaller --batch-size .* or fewer --processes",
        ),
        (lambda images: by_colour(images).argmax(axis=1), r"gives int64 of shape \(1,\) for 1 images"),
        (lambda images: by_colour(images[:1]), r"of shape \(1, 1000\) for 4 images"),
        (lambda images: np.tile(by_colour(images), 22)[:, :21841], "gives 21,841 scores"),
    ],
)
def test_models_that_do_not_fit_are_refused(model, error, folders, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm.data", None)  # which has the classes of models of larger parts
    with pytest.raises(SourceError, match=error):
        evaluate_model(model, **folders)


def test_a_model_of_another_size_gets_resized_images_and_the_signature_says_so(folders):
    made = evaluate_model(
        Model("of_299", only_299, side=299), imagenet_c=folders["imagenet_c"], configs=["fog_3"]
    )
    assert "|input:299" in made.signature and made.metrics["mce"]["error"]["fog"][2] is not None


def test_preprocessors_are_applied_and_named(folders):
    seen = []

    def watch(images):
        seen.append(images)
        return by_colour(images)

    options = {"imagenet_c": folders["imagenet_c"], "configs": ["fog_3"], "check": False}
    plain = evaluate_model(watch, **options, identity="1")
    pytest.importorskip("cv2", exc_type=ImportError)
    for chosen, name in (("clahe", "clahe"), ("toy_models:darken", "toy_models:darken"), (clahe, "clahe")):
        made = evaluate_model(watch, **options, preprocess=chosen, identity="1")
        assert made.signature == f"{plain.signature}|preprocess:{name}"
    first, *rest = (images for images in seen if len(images) > 1)
    assert np.array_equal(rest[0], [clahe(image) for image in first]) and np.array_equal(rest[1], first // 2)


def test_clahe_raises_contrast_and_leaves_its_input_alone():
    pytest.importorskip("cv2", exc_type=ImportError)
    dull = np.random.RandomState(0).randint(100, 140, (224, 224, 3)).astype(np.uint8)
    before = dull.copy()
    made = clahe(dull)
    assert made.dtype == np.uint8 and made.shape == dull.shape and np.array_equal(dull, before)
    assert made.std() > 1.3 * dull.std()


def test_non_local_means_removes_noise_and_leaves_its_input_alone():
    flat = np.full((64, 64, 3), 128.0)
    flat[:, 32:] = 60
    noisy = (flat + np.random.RandomState(0).normal(0, 12, flat.shape)).clip(0, 255).astype(np.uint8)
    before = noisy.copy()
    made = PREPROCESSORS["non_local_means"](noisy)
    assert abs(made.mean() - noisy.mean()) < 0.1
    assert made.dtype == np.uint8 and made.shape == noisy.shape and np.array_equal(noisy, before)
    assert np.abs(made - flat).mean() < 0.5 * np.abs(noisy - flat).mean()
    assert np.array_equal(
        PREPROCESSORS["non_local_means"](np.full((32, 32, 3), 7, np.uint8)), np.full((32, 32, 3), 7)
    )


def test_non_local_means_have_patches_of_5_in_a_window_of_13():
    """Values of scikit-image 0.26, from which other patches, windows and strengths are 5 levels away or more."""
    y, x = np.mgrid[:16, :16]
    stripes = 50 + 90 * np.stack([x * y // 9 % 2, x // 3 % 2, y // 3 % 2], axis=2)
    image = (stripes + np.random.RandomState(0).randint(0, 60, stripes.shape)).astype(np.uint8)
    denoised = PREPROCESSORS["non_local_means"](image)
    expected = [
        [81, 86, 94, 103, 114, 129, 132, 119, 130, 91, 84, 108, 126, 112, 142, 137],
        [85, 86, 90, 150, 148, 145, 82, 80, 100, 155, 154, 154, 100, 74, 97, 172],
    ]
    np.testing.assert_allclose([denoised[2, :, 0], denoised[10, :, 1]], expected, atol=1)


def test_clahe_is_opencvs_with_a_limit_of_2_and_8_tiles():
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    image = np.random.RandomState(0).randint(60, 90, (224, 224, 3)).astype(np.uint8)
    lightness, *colour = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    lab = cv2.merge([cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(lightness), *colour])
    assert np.array_equal(clahe(image), cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
    assert not np.array_equal(clahe(image, clip_limit=4.0), clahe(image))


def test_examples_are_the_surest_mistakes(kept):
    """One of every corruption, each of another image."""
    made, out = kept
    assert len({one.image_id for one in made.examples}) == len(made.examples) > 1
    assert len({one.config.split("_")[0] for one in made.examples}) == len(made.examples)
    surest = made.examples[0]
    margins = [
        row["margin"]
        for table in predictions(out).values()
        if "margin" in table.column_names
        for row in table.to_pylist()
        if row["prediction"][0] != row["label"]
    ]
    assert surest.margin == max(margins) and list(made.examples) == sorted(
        made.examples, key=lambda one: -one.margin
    )
    assert all(one.picture.startswith((b"\xff\xd8", b"\x89PNG")) for one in made.examples)
    assert made.classes[0] == "tench" and len(made.classes) == 1000


def test_nothing_to_evaluate_on_is_an_error(folders, labelled, tmp_path):
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        evaluate_model(by_colour, imagenet_c=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no build"):
        evaluate_model(by_colour, imagenet_c=tmp_path)
    with pytest.raises(UsageError, match="nothing to evaluate on: name a build, a source, or other configs"):
        evaluate_model(by_colour, benchmarks=[])
    with pytest.raises(UsageError, match=r"a layout is of the paths in data: give --data \(data=\) too"):
        evaluate_model(by_colour, layout="{file}")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file: a file; name a folder with -o"):
        evaluate_model(by_colour, source=labelled, out=tmp_path / "file")
    with pytest.raises(ValueError, match="not both"):
        evaluate_model(by_colour, **folders, source=labelled)
    with pytest.raises(ValueError, match=r"no config 'fgo_3'; did you mean fog_3"):
        evaluate_model(by_colour, **folders, configs="fgo_3")
    with pytest.raises(SourceError, match="'snow_1' is missing"):
        evaluate_model(by_colour, imagenet_c=folders["imagenet_c"], configs=["snow"])
    with pytest.raises(ValueError, match="pass the build of imagenet_c as imagenet_c"):
        evaluate_model(by_colour, imagenet_p=folders["imagenet_c"])
    with pytest.raises(ValueError, match="difficulty 1"):
        evaluate_model(by_colour, source=labelled, configs=["shot_noise_2"], benchmarks=["imagenet_p"])
    with pytest.raises(ValueError, match="pass the build of imagenet_c as imagenet_c"):
        evaluate_model(by_colour, imagenet_c=folders["imagenet_c"], imagenet_p=folders["imagenet_c"])


def test_predictions_that_are_deleted_meanwhile_are_named(folders, tmp_path):
    def delete(title, done, total):
        assert total == (4 if title == "evaluating" else 0)
        for file in tmp_path.glob("predictions/*/[!.]*"):
            file.unlink()

    options = {
        "imagenet_c": folders["imagenet_c"],
        "configs": ["fog_3"],
        "out": tmp_path,
        "images_per_unit": 2,
    }
    with pytest.raises(BuildError, match="predictions have been deleted; run the same evaluation again"):
        evaluate_models([by_colour], **options, progress=delete)


def test_sequences_alone_are_generated_by_default_without_clean_images(labelled, monkeypatch):
    """ImageNet-P has no config of them."""
    opened = []
    monkeypatch.setattr(
        "imagenet_cp.evaluation.run.plan_units", lambda found, *rest: opened.extend(found) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        evaluate_model(by_colour, source=labelled, benchmarks=["imagenet_p"])
    assert [len(rows.cells) for rows in opened[0].data] == [10]


def test_files_of_two_recipes_in_a_folder_are_refused(folders, labelled, tmp_path):
    shutil.copytree(folders["imagenet_c"], tmp_path / "imagenet_c")
    build("imagenet_c", open_source(labelled), tmp_path / "other", ["fog_3"], seed=1, workers_count=1)
    shutil.copytree(tmp_path / "other/data/fog_3", tmp_path / "imagenet_c/data/fog_3", dirs_exist_ok=True)
    with pytest.raises(SourceError, match=r"made by .*seed:1"):
        evaluate_model(by_colour, imagenet_c=tmp_path / "imagenet_c")


def test_an_evaluation_of_a_build_on_video_is_possible(labelled, tmp_path):
    pytest.importorskip("av")
    build("imagenet_p", open_source(labelled), tmp_path / "p", ["brightness"], codec="h264", workers_count=1)
    made = evaluate_model(by_colour, imagenet_p=tmp_path / "p")
    assert made.metrics["mfr"]["flip_probability"]["brightness"] is not None
    assert "h264" in made.metrics["mfr"]["signature"]


def test_a_limit_takes_the_first_images_and_is_named(kept, folders, labelled, tmp_path):
    limited = evaluate_model(by_colour, **folders, limit=2, out=tmp_path)
    assert {len(counts.image_ids) for counts in limited.counts.values()} == {2}
    assert all("|limit:2" in result["signature"] for result in limited.metrics.values())
    assert limited.counts["mce"].image_ids == kept[0].counts["mce"].image_ids[:2]
    with pytest.raises(BuildError):
        evaluate_model(by_colour, **folders, out=tmp_path)
    same_images = evaluate_model(by_colour, source=labelled, configs=["fog_3", "tilt"], limit=2)
    assert same_images.counts["mfr"].image_ids == limited.counts["mfr"].image_ids
    assert (
        evaluate_model(by_colour, imagenet_c=folders["imagenet_c"], limit=9).metrics["mce"]
        == kept[0].metrics["mce"]
    )


def test_the_terminal_names_what_is_missing(folders, tmp_path, command):
    shutil.copytree(folders["imagenet_c"], tmp_path / "imagenet_c")
    shutil.rmtree(tmp_path / "imagenet_c" / "data" / "clean")
    for arguments, code, says in (
        (["imagenet_c", "--configs", "fog_3"], 0, "relative mCE: none, since the config clean is missing"),
        (["imagenet_c", "--configs", "fog_3"], 0, "% over 1 config"),
        (
            ["imagenet_c"],
            1,
            "data/clean/validation-00000-of-00002.parquet: missing. Run the same build command",
        ),
        (["./typo"], 2, "./typo: no such folder"),
    ):
        run = command(
            "evaluate", "toy_models:by_colour", "--limit", 1, "--imagenet-c", *arguments, cwd=tmp_path
        )
        assert run.returncode == code and says in run.stdout + run.stderr


def test_sequences_of_fewer_than_five_classes_are_refused_at_once(class_folder):
    with pytest.raises(ValueError, match=r"five best classes, but there are 2; .*--benchmarks imagenet_c"):
        evaluate_model(by_colour, source=class_folder, configs=["tilt"])
