import json
import warnings
from pathlib import Path

import datasets
import evaluate
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

METRICS = Path(__file__).parents[2] / "metrics"
PUBLISHED = json.loads((METRICS / "mfr" / "published.json").read_text())
TABLE = {name: row for name, row in PUBLISHED.items() if "fr" in row}
FRAMES = {"translate": 41}


@pytest.fixture
def mfr(load):
    return load("mfr")


def sequences(name, probability, noise, n=100, frames=None):
    """Return n sequences of which the fraction ``probability`` of the pairs flip."""
    pairs = (frames or FRAMES.get(name, 31)) - 1
    flip = np.arange(n * pairs).reshape(n, pairs) < round(probability * n * pairs)
    change = flip if noise else np.cumsum(flip, axis=1) % 2
    return np.concatenate([np.zeros((n, 1), int), change.astype(int)], axis=1)


def add_all(metric, formulas, probabilities, n=100, frames=None):
    for name, probability in probabilities.items():
        predictions = sequences(name, probability, name in formulas.NOISE, n, (frames or {}).get(name))
        metric.add_batch(predictions=predictions, perturbation=[name] * n)


def tilt(*changes):
    """Return 31 class ids: 0, but those given as frame=id."""
    ids = [0] * 31
    for frame, value in changes:
        ids[frame] = value
    return ids


def slow(predictions, perturbation, difficulty):
    """Flip probabilities, straight from the definition."""
    of = {}
    for ids, name in zip(predictions, perturbation, strict=True):
        flips = []
        for j in range(len(ids)):
            if name.endswith("_noise"):
                if j > 0:
                    flips.append(ids[j] != ids[0])
            elif j >= difficulty:
                flips.append(ids[j] != ids[j - difficulty])
        of.setdefault(name, []).append(sum(flips) / len(flips))
    return {name: sum(values) / len(values) for name, values in of.items()}


def test_alexnet_scores_100(mfr, formulas):
    add_all(mfr, formulas, formulas.ALEXNET["mfr"], n=10_000)
    result = mfr.compute(strict=True)
    assert result["mfr"] == pytest.approx(100, abs=1e-9)
    assert result["fr"] == pytest.approx(dict.fromkeys(formulas.ALEXNET["mfr"], 100), abs=1e-9)
    assert result["flip_probability"] == pytest.approx(formulas.ALEXNET["mfr"], abs=1e-12)
    assert result["missing"] == [] and result["num_sequences"] == 140_000
    assert result["signature"] == "mfr|benchmark:imagenet_p|difficulty:1|n:10000|normaliser:alexnet|version:1"
    assert list(result) == ["mfr", "fr", "flip_probability", "missing", "num_sequences", "signature"]


@pytest.mark.parametrize("model", TABLE)
def test_published_tables(mfr, formulas, model):
    row = TABLE[model]
    rates = dict(zip(formulas.PERTURBATIONS, row["fr"], strict=True))
    add_all(
        mfr,
        formulas,
        {name: rate / 100 * formulas.ALEXNET["mfr"][name] for name, rate in rates.items()},
        n=2000,
    )
    result = mfr.compute()
    assert result["fr"] == pytest.approx(rates, abs=0.05)
    misprint = 0.4 if model == "VGG-19+BN" else 0  # its printed mean is not that of its printed cells
    assert result["mfr"] == pytest.approx(row["mfr"], abs=0.5 + misprint)


@pytest.mark.parametrize(
    "name, ids, difficulty, flips, pairs",
    [
        ("tilt", tilt(), 1, 0, 30),
        ("tilt", tilt((30, 1)), 1, 1, 30),
        ("tilt", tilt((5, 1)), 1, 2, 30),
        ("tilt", tilt((5, 1), (6, 1)), 1, 2, 30),
        ("tilt", tilt((5, 1), (6, 2)), 1, 3, 30),
        ("tilt", tilt((5, 1)), 2, 2, 29),
        ("tilt", tilt((5, 1), (7, 1)), 2, 2, 29),
        ("tilt", tilt((30, 1), (28, 1)), 3, 2, 28),
        ("tilt", tilt((0, 1)), 1, 1, 30),
        ("shot_noise", tilt((0, 1)), 1, 30, 30),
        ("shot_noise", tilt((5, 1)), 1, 1, 30),
        ("shot_noise", tilt((5, 1), (6, 1)), 2, 2, 30),
        ("gaussian_noise", tilt((5, 1), (6, 2)), 3, 2, 30),
        ("translate", tilt((5, 1)) + [0] * 10, 1, 2, 40),
    ],
)
def test_by_hand(mfr, name, ids, difficulty, flips, pairs):
    result = mfr.compute(predictions=[ids], perturbation=[name], difficulty=difficulty)
    assert result["flip_probability"][name] == flips / pairs
    assert f"|difficulty:{difficulty}|" in result["signature"]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), difficulty=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_against_the_definition(data, difficulty, seed):
    metric = evaluate.load(str(METRICS / "mfr"))
    known = ["gaussian_noise", "speckle_noise", "tilt", "translate", "shear"]
    rng = np.random.default_rng(seed)
    predictions, perturbation = [], []
    for names in data.draw(
        st.lists(st.lists(st.sampled_from(known), min_size=1, max_size=6), min_size=1, max_size=3)
    ):
        batch = [rng.integers(0, 3, FRAMES.get(name, 31)).tolist() for name in names]
        metric.add_batch(predictions=batch, perturbation=names, difficulty=difficulty)
        predictions += batch
        perturbation += names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unequal sizes
        result = metric.compute()
    expected = slow(predictions, perturbation, difficulty)
    assert {k: v for k, v in result["flip_probability"].items() if v is not None} == pytest.approx(expected)


def test_an_incomplete_set_gives_its_parts_and_no_mfr(mfr, formulas):
    add_all(mfr, formulas, {"tilt": 0.1, "shear": 0.2})
    result = mfr.compute()
    assert result["mfr"] is None
    assert result["fr"]["tilt"] == pytest.approx(100 * 0.1 / 0.0705)
    assert result["fr"]["shear"] == pytest.approx(100 * 0.2 / 0.10658)
    assert result["fr"]["snow"] is None and result["flip_probability"]["snow"] is None
    assert result["missing"] == [name for name in formulas.PERTURBATIONS if name != "tilt"]
    assert "|missing:9|" in result["signature"]


def test_strict_names_what_is_missing_and_loses_nothing(mfr, formulas):
    add_all(mfr, formulas, {name: 0.1 for name in formulas.PERTURBATIONS if name not in ("tilt", "snow")})
    with pytest.raises(ValueError, match="imagenet_p lacks 2 of 10 perturbations: snow, tilt"):
        mfr.compute(strict=True)
    add_all(mfr, formulas, {"tilt": 0.1, "snow": 0.1})
    result = mfr.compute(strict=True)
    assert result["num_sequences"] == 1000
    assert result["flip_probability"] == pytest.approx(dict.fromkeys(formulas.PERTURBATIONS, 0.1))


def test_extra_perturbations_never_enter_the_mean(mfr, formulas):
    add_all(
        mfr,
        formulas,
        dict.fromkeys(formulas.ALEXNET["mfr"], 0.5) | dict.fromkeys(formulas.PERTURBATIONS, 0.1),
    )
    result = mfr.compute()
    assert result["mfr"] == pytest.approx(
        np.mean([10 / formulas.ALEXNET["mfr"][name] for name in formulas.PERTURBATIONS])
    )
    assert len(result["fr"]) == 14


def test_perturbations_of_unequal_size_are_named(mfr):
    names = ["tilt"] * 3 + ["snow"] * 2 + ["scale"] * 3
    mfr.add_batch(predictions=[tilt()] * 8, perturbation=names)
    with pytest.warns(UserWarning, match="most have 3 rows, but snow has 2"):
        assert "|n:2-3|" in mfr.compute()["signature"]


@pytest.mark.parametrize("benchmark", ["cifar10_p", "cifar100_p"])
def test_cifar_is_not_normalised_and_has_spatter_for_snow(mfr, formulas, benchmark):
    frames = {"motion_blur": 21, "translate": 16}
    test = [name if name != "snow" else "spatter" for name in formulas.PERTURBATIONS]
    add_all(mfr, formulas, {name: 0.1 for name in test if name in frames}, frames=frames)
    add_all(mfr, formulas, {name: 0.2 for name in test if name not in frames})
    result = mfr.compute(benchmark=benchmark, strict=True)
    assert result["mfr"] == pytest.approx(18)
    assert result["fr"]["spatter"] == pytest.approx(20)
    assert result["missing"] == []
    assert result["signature"].startswith(f"mfr|benchmark:{benchmark}|difficulty:1|n:100|normaliser:none|")


def test_tiny_imagenet_has_31_frames_everywhere(mfr, formulas):
    add_all(mfr, formulas, dict.fromkeys(formulas.PERTURBATIONS, 0.1), frames={"translate": 31})
    with pytest.raises(ValueError, match=r"row 600 has 31 frames, but translate of imagenet_p has 41"):
        mfr.compute()
    assert mfr.compute(benchmark="tiny_imagenet_p")["mfr"] == pytest.approx(10)


def test_inception_size_keeps_alexnet(mfr, formulas):
    add_all(mfr, formulas, dict.fromkeys(formulas.PERTURBATIONS, 0.1))
    expected = np.mean([10 / formulas.ALEXNET["mfr"][name] for name in formulas.PERTURBATIONS])
    assert mfr.compute(benchmark="imagenet_p_299")["mfr"] == pytest.approx(expected)


def test_dataset_columns(mfr):
    features = datasets.Features(perturbation=datasets.Value("string"), difficulty=datasets.Value("int8"))
    columns = {"perturbation": ["shot_noise", "gaussian_noise"], "difficulty": [2, 2]}
    table = datasets.Dataset.from_dict(columns, features)
    mfr.add_batch(
        predictions=[tilt(), tilt((1, 1))], perturbation=table["perturbation"], difficulty=table["difficulty"]
    )
    mfr.add_batch(predictions=[tilt()], perturbation=["tilt"], difficulty=2)
    result = mfr.compute()
    assert result["num_sequences"] == 3
    assert result["flip_probability"]["gaussian_noise"] == 1 / 30


@pytest.mark.parametrize("kind", ["lists", "arrays", "array", "int8", "object", "tuples", "column", "arrow"])
def test_predictions_of_every_kind(mfr, kind):
    ids = [tilt((30, 1)), tilt()]
    predictions = {
        "lists": ids,
        "tuples": tuple(map(tuple, ids)),
        "arrays": [np.array(i) for i in ids],
        "array": np.array(ids),
        "int8": np.array(ids, np.int8),
        "object": np.array([*map(np.array, ids), None], object)[:2],
        "column": datasets.Dataset.from_dict({"p": ids})["p"],
        "arrow": pa.array(ids),
    }[kind]
    assert (
        mfr.compute(predictions=predictions, perturbation=["tilt"] * 2)["flip_probability"]["tilt"] == 1 / 60
    )


def test_one_sequence_at_a_time(mfr):
    mfr.add(prediction=tilt((30, 1)), perturbation="tilt")
    mfr.add(prediction=np.array(tilt()), perturbation="tilt", difficulty=1)
    assert mfr.compute()["flip_probability"]["tilt"] == 1 / 60
    mfr.add(prediction=tilt((30, 1)), perturbation="tilt", difficulty=2)
    assert "|difficulty:2|" in mfr.compute()["signature"]


def test_difficulties_are_not_mixed(mfr):
    mfr.add_batch(predictions=[tilt()], perturbation=["tilt"], difficulty=[1])
    mfr.add_batch(predictions=[tilt()], perturbation=["shot_noise"], difficulty=[2])
    message = r"row 0 \(tilt\) holds 1, row 1 \(shot_noise\) 2; score one difficulty at a time.*difficulty=2"
    with pytest.raises(ValueError, match=message):
        mfr.compute()
    assert len(mfr) == 2


def test_class_ids_of_another_benchmark_are_an_error(mfr):
    mfr.add_batch(predictions=[tilt(), tilt((3, 532))], perturbation=["tilt"] * 2)
    with pytest.raises(ValueError, match=r"predictions: row 1 holds 532; cifar10_p has class ids 0 to 9"):
        mfr.compute(benchmark="cifar10_p")
    assert mfr.compute(benchmark="cifar10_p", num_classes=533)["num_sequences"] == 2


GOOD = {"predictions": [tilt(), tilt(), tilt()], "perturbation": ["tilt", "snow", "tilt"]}
BAD = {
    "ragged": ({"predictions": [tilt(), tilt()[:30], tilt()]}, r"row 1 has 30 frames, but snow has 31"),
    "translate": ({"perturbation": ["tilt", "snow", "rotate"], "predictions": [tilt(), tilt(), tilt() + [0] * 10]},
                  "row 2 has 41 frames, but rotate has 31"),
    "no frames": ({"predictions": [[], [], []]}, "row 0 has 0 frames"),
    "floats": ({"predictions": [tilt(), tilt((3, 1.7)), tilt()]}, r"^predictions: row 1, frame 3 holds 1\.7 \(float\)"),
    "float array": ({"predictions": np.zeros((3, 31))}, "row 0, frame 0 holds .*0.0"),
    "bool": ({"predictions": [tilt(), tilt((3, True)), tilt()]}, r"row 1, frame 3 holds True"),
    "none": ({"predictions": [tilt(), tilt((3, None)), tilt()]}, r"row 1, frame 3 holds None"),
    "no list": ({"predictions": [tilt(), None, tilt()]}, r"row 1 holds None, but it should be a list"),
    "logits": ({"predictions": np.zeros((3, 31, 1000))}, r"shape \(3, 31, 1000\).*argmax"),
    "logit lists": ({"predictions": [[[0.1, 0.9]] * 31] * 3}, r"row 0, frame 0 holds \[0\.1, 0\.9\].*argmax"),
    "logit arrays": ({"predictions": [np.zeros((31, 9))] * 3}, r"row 0, frame 0 holds array.*argmax"),
    "masked": ({"predictions": [np.ma.masked_array(tilt(), tilt((3, 1)))] * 3}, "predictions: row 0 is a masked array"),
    "dict": ({"predictions": [dict.fromkeys(range(31), 0)] * 3}, "predictions: row 0 is a dict"),
    "flat ids": ({"predictions": [1, 2, 3]}, "row 0 holds 1, but it should be a list"),
    "flat array": ({"predictions": np.array([1, 2, 3])}, r"shape \(3,\), but a row is a sequence"),
    "text": ({"predictions": ["tilt"] * 3}, "row 0 holds 'tilt'"),
    "negative": ({"predictions": [tilt(), tilt(), tilt((30, -1))]}, "row 2, frame 30 holds -1; class ids start at 0"),
    "unknown": ({"perturbation": ["tilt", "tlit", "tilt"]}, "perturbation: row 1 holds 'tlit'; did you mean tilt"),
    "tilt_2": ({"perturbation": ["tilt", "snow", "tilt_2"]},
               "perturbation: row 2 holds 'tilt_2'; the name is 'tilt', and 2 has a column of its own"),
    "corruption": ({"perturbation": ["fog"] * 3}, "row 0 holds 'fog'; known: gaussian_noise"),
    "bare string": ({"perturbation": "tilt"}, r"perturbation is one value, 'tilt'"),
    "missing": ({"perturbation": None}, "perturbation is missing"),
    "length": ({"perturbation": ["tilt"] * 2}, "unequal length.*row 2 has no perturbation"),
    "difficulty 0": ({"difficulty": 0}, "difficulty: row 0 holds 0; difficulties are 1, 2 and 3"),
    "difficulty 4": ({"difficulty": [1, 4, 1]}, "difficulty: row 1 holds 4"),
    "difficulty 1.5": ({"difficulty": 1.5}, "difficulty: row 0 holds 1.5"),
    "difficulty True": ({"difficulty": True}, "difficulty: row 0 holds True"),
    "difficulty text": ({"difficulty": "2"}, "difficulty is one value, '2'"),
    "difficulty short": ({"difficulty": [1, 1]}, "row 2 has no difficulty"),
}  # fmt: skip


@pytest.mark.parametrize("bad, message", BAD.values(), ids=BAD)
def test_bad_columns(mfr, bad, message):
    with pytest.raises(ValueError, match=message):
        mfr.compute(**{**GOOD, **bad})
    with pytest.raises(ValueError, match=message):
        mfr.add_batch(**{**GOOD, **bad})
    assert len(mfr) == 0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"benchmark": "imagenet_c"}, "unknown benchmark 'imagenet_c'; did you mean imagenet_p"),
        ({"benchmark": ["imagenet_p"]}, "unknown benchmark"),
        ({"recipe": "cifar10_p|recipe:1"}, "but benchmark='imagenet_p'; pass the benchmark of the data"),
        ({"difficulty": 2}, "pass it there, as in add_batch"),
    ],
)
def test_bad_options(mfr, options, message):
    mfr.add_batch(**GOOD)
    with pytest.raises(ValueError, match=message):
        mfr.compute(**options)
    assert len(mfr) == 3


def test_nothing_to_score(mfr):
    with pytest.raises(ValueError, match="nothing to score"):
        mfr.compute()
