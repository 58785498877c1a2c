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
PUBLISHED = json.loads((METRICS / "mt5d" / "published.json").read_text())
TABLE = {name: row for name, row in PUBLISHED.items() if "t5d" in row}
TOP = [1, 2, 3, 4, 5]


@pytest.fixture
def mt5d(load):
    return load("mt5d")


def sequences(distance, noise, n, frames):
    """Return n sequences whose top-5 distances add up to ``distance`` times the number of pairs.

    A pair is 15 apart when it has no class in common, 1 when only the fifth differs.
    """
    total = round(distance * n * (frames - 1))
    top = np.tile(np.array(TOP), (n, frames, 1))
    for row in range(n):
        left = total * (row + 1) // n - total * row // n
        steps = [15] * (left // 15) + [1] * (left % 15)
        assert len(steps) < frames
        now = top[row, 0]
        for frame, step in enumerate(steps, 1):
            now = (top[row, 0] if noise else now).copy()
            now[0 if step == 15 else 4 :] = np.arange(now[0 if step == 15 else 4 :].size) + 10 * frame
            top[row, frame] = now
        top[row, len(steps) + 1 :] = top[row, 0] if noise else now
    return top


def add_all(metric, formulas, distances, n=100):
    for name, distance in distances.items():
        frames = 41 if name == "translate" else 31
        metric.add_batch(
            predictions=sequences(distance, name in formulas.NOISE, n, frames), perturbation=[name] * n
        )


def tilt(*changes):
    """Return 31 times the same five classes, but other ones where frame=five is given."""
    frames = [TOP] * 31
    for frame, five in changes:
        frames[frame] = five
    return frames


def slow_distance(a, b):
    """Return the top-5 distance of two frames, straight from the definition."""
    rank = {five: place for place, five in enumerate(b, 1)}
    return sum(abs((i - 1) - min(rank.get(a[i - 1], 99) - 1, 5)) for i in range(1, 6))


def test_alexnet_scores_100(mt5d, formulas):
    add_all(mt5d, formulas, formulas.ALEXNET["mt5d"])
    result = mt5d.compute(strict=True)
    assert result["mt5d"] == pytest.approx(100, abs=1e-9)
    assert result["t5d"] == pytest.approx(dict.fromkeys(formulas.ALEXNET["mt5d"], 100), abs=1e-9)
    assert result["unnormalised_t5d"] == pytest.approx(formulas.ALEXNET["mt5d"], abs=1e-12)
    assert result["missing"] == [] and result["num_sequences"] == 1400
    assert result["signature"] == "mt5d|benchmark:imagenet_p|difficulty:1|n:100|normaliser:alexnet|version:1"
    assert list(result) == ["mt5d", "t5d", "unnormalised_t5d", "missing", "num_sequences", "signature"]


@pytest.mark.parametrize("model", TABLE)
def test_published_tables(mt5d, formulas, model):
    row = TABLE[model]
    printed = dict(zip(formulas.PERTURBATIONS, row["t5d"], strict=True))
    add_all(mt5d, formulas, {name: p / 100 * formulas.ALEXNET["mt5d"][name] for name, p in printed.items()})
    result = mt5d.compute()
    assert result["t5d"] == pytest.approx(printed, abs=0.05)
    assert result["mt5d"] == pytest.approx(row["mt5d"], abs=0.5)


# Entry i is the rank in b of the class ranked i in a (published with the definition of the distance).
RANKS = [
    ((1, 2, 3, 4, 5, 6, 7), 0),
    ((2, 1, 3, 4, 5, 6, 7), 2),
    ((3, 1, 2, 4, 5, 6, 7), 4),
    ((2, 3, 4, 5, 6, 7, 1), 5),
    ((1, 2, 3, 4, 6, 5, 7), 1),
    ((1, 2, 3, 4, 6, 7, 5), 1),
    ((1, 2, 3, 5, 6, 4, 7), 2),
    ((5, 4, 3, 2, 1, 6, 7), 12),
]


@pytest.mark.parametrize("ranks, distance", RANKS)
@pytest.mark.parametrize("name", ["tilt", "shot_noise"])
def test_rank_permutations(mt5d, formulas, name, ranks, distance):
    a = np.arange(7) + 100
    b = np.empty(7, int)
    b[np.array(ranks) - 1] = a
    frames = np.array([a[:5]] + [b[:5]] * 30)
    assert slow_distance(a[:5], b[:5]) == distance
    result = mt5d.compute(predictions=[frames], perturbation=[name])
    assert result["unnormalised_t5d"][name] == distance * (30 if name in formulas.NOISE else 1) / 30


SWAP = [2, 1, 3, 4, 5]
AWAY = [6, 7, 8, 9, 10]
CYCLE = [3, 1, 2, 4, 5]  # 4 from TOP, and TOP is 4 from it
SHIFT = [2, 3, 4, 5, 6]  # TOP's 1 is gone, the others are one place better


@pytest.mark.parametrize(
    "name, frames, difficulty, total, pairs",
    [
        ("tilt", tilt(), 1, 0, 30),
        ("tilt", tilt((30, SWAP)), 1, 2, 30),
        ("tilt", tilt((5, SWAP)), 1, 4, 30),
        ("tilt", tilt((5, SWAP), (6, SWAP)), 2, 8, 29),
        ("tilt", tilt((5, AWAY)), 1, 30, 30),
        ("tilt", tilt((30, SHIFT)), 1, 5 + 1 + 1 + 1 + 1, 30),
        ("tilt", tilt((0, SHIFT)), 1, 1 + 1 + 1 + 1 + 1, 30),  # the other way round it is less
        ("shot_noise", tilt((5, SWAP), (6, CYCLE)), 1, 6, 30),
        ("shot_noise", tilt((5, SWAP), (6, CYCLE)), 3, 6, 30),
        ("shot_noise", tilt((0, SHIFT)), 2, 150, 30),
        ("translate", tilt((5, AWAY)) + [TOP] * 10, 3, 30, 38),
    ],
)
def test_by_hand(mt5d, name, frames, difficulty, total, pairs):
    result = mt5d.compute(predictions=[frames], perturbation=[name], difficulty=difficulty)
    assert result["unnormalised_t5d"][name] == total / pairs


@settings(max_examples=40, deadline=None)
@given(data=st.data(), difficulty=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_against_the_definition(data, difficulty, seed):
    metric = evaluate.load(str(METRICS / "mt5d"))
    known = ["gaussian_noise", "speckle_noise", "tilt", "translate", "shear"]
    rng = np.random.default_rng(seed)
    of = {}
    for names in data.draw(
        st.lists(st.lists(st.sampled_from(known), min_size=1, max_size=5), min_size=1, max_size=3)
    ):
        batch = []
        for name in names:
            frames = [rng.permutation(7)[:5].tolist() for _ in range(41 if name == "translate" else 31)]
            earlier = [frames[0]] * 30 if name.endswith("noise") else frames[:-difficulty]
            later = frames[1:] if name.endswith("noise") else frames[difficulty:]
            of.setdefault(name, []).append(np.mean(list(map(slow_distance, earlier, later))))
            batch.append(frames)
        metric.add_batch(predictions=batch, perturbation=names, difficulty=difficulty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unequal sizes
        result = metric.compute()
    expected = {name: np.mean(values) for name, values in of.items()}
    assert {k: v for k, v in result["unnormalised_t5d"].items() if v is not None} == pytest.approx(expected)


def test_an_incomplete_set_gives_its_parts_and_no_mt5d(mt5d, formulas):
    add_all(mt5d, formulas, {"tilt": 1.0})
    with pytest.raises(ValueError, match="imagenet_p lacks 9 of 10 perturbations: gaussian_noise, "):
        mt5d.compute(strict=True)
    result = mt5d.compute()
    assert result["mt5d"] is None and result["t5d"]["snow"] is None
    assert result["t5d"]["tilt"] == pytest.approx(100 / 1.75)
    assert len(result["missing"]) == 9


def test_without_alexnet_it_is_a_distance(mt5d, formulas):
    for name in (set(formulas.PERTURBATIONS) - {"snow"}) | {"spatter"}:
        frames = {"motion_blur": 21, "translate": 16}.get(name, 31)
        mt5d.add_batch(predictions=[([TOP, SWAP] * 20)[:frames]], perturbation=[name])
    result = mt5d.compute(benchmark="cifar10_p", strict=True)
    assert "normaliser:none" in result["signature"]
    assert result["t5d"] == result["unnormalised_t5d"]
    assert result["t5d"]["tilt"] == 2


@pytest.mark.parametrize("kind", ["lists", "arrays", "array", "int16", "tuples", "column", "arrow"])
def test_predictions_of_every_kind(mt5d, kind):
    top = [tilt((30, SWAP)), tilt()]
    predictions = {
        "lists": top,
        "tuples": tuple(tuple(map(tuple, frames)) for frames in top),
        "arrays": [np.array(i) for i in top],
        "array": np.array(top),
        "int16": np.array(top, np.int16),
        "column": datasets.Dataset.from_dict({"p": top})["p"],
        "arrow": pa.array(top),
    }[kind]
    result = mt5d.compute(predictions=predictions, perturbation=["tilt"] * 2)
    assert result["unnormalised_t5d"]["tilt"] == pytest.approx(2 / 60)


def test_one_sequence_at_a_time(mt5d):
    mt5d.add(prediction=tilt((30, SWAP)), perturbation="tilt")
    mt5d.add(prediction=np.array(tilt()), perturbation="tilt", difficulty=1)
    assert mt5d.compute()["unnormalised_t5d"]["tilt"] == pytest.approx(2 / 60)


def test_class_ids_of_another_benchmark_are_an_error(mt5d):
    mt5d.add_batch(predictions=[tilt(), tilt((3, [1, 2, 532, 3, 4]))], perturbation=["tilt"] * 2)
    with pytest.raises(ValueError, match=r"predictions: row 1 holds 532; cifar10_p has class ids 0 to 9"):
        mt5d.compute(benchmark="cifar10_p")
    assert len(mt5d) == 2


GOOD = {"predictions": [tilt(), tilt(), tilt()], "perturbation": ["tilt", "snow", "tilt"]}
BAD = {
    "four": ({"predictions": [tilt(), tilt((3, [1, 2, 3, 4])), tilt()]},
             r"row 1, frame 3 holds 4 values, \[1, 2, 3, 4\], not the five best"),
    "top one": ({"predictions": np.zeros((3, 31), int)}, "row 0, frame 0 holds .*frames of five class ids"),
    "four of all": ({"predictions": np.zeros((3, 31, 4), int)}, "row 0, frame 0 holds 4 values"),
    "repeated": ({"predictions": [tilt(), tilt(), tilt((9, [1, 2, 3, 2, 5]))]},
                 r"row 2, frame 9 holds \[1, 2, 3, 2, 5\], in which a class is repeated"),
    "logits": ({"predictions": np.zeros((3, 31, 1000))}, "row 0, frame 0 holds 1000 values.*argsort"),
    "logit lists": ({"predictions": [[[0.1, 0.9, 0.2, 0.3, 0.4, 0.1]] * 31] * 3}, "row 0, frame 0 holds 6 values"),
    "five logits": ({"predictions": [[[0.1, 0.9, 0.2, 0.3, 0.4]] * 31] * 3}, r"row 0, frame 0 holds 0\.1 \(float\)"),
    "scores array": ({"predictions": np.zeros((3, 31, 5))}, "row 0, frame 0 holds .*0.0"),
    "one float": ({"predictions": [tilt(), tilt((7, [1, 2, 3, 4.5, 5])), tilt()]},
                  r"^predictions: row 1, frame 7 holds 4\.5"),
    "none": ({"predictions": [tilt(), tilt((7, None)), tilt()]}, r"row 1, frame 7 holds None, but it should be a list"),
    "ragged": ({"predictions": [tilt(), tilt()[:30], tilt()]}, "row 1 has 30 frames, but snow has 31"),
    "negative": ({"predictions": [tilt(), tilt((1, [1, 2, 3, 4, -5])), tilt()]}, "row 1, frame 1 holds .*-5"),
    "set": ({"predictions": [[{1, 2, 3, 4, 5}] * 31] * 3}, r"row 0, frame 0 holds .1, 2.*should be a list"),
    "flat": ({"predictions": [1, 2, 3]}, "row 0 holds 1, but it should be a list: sequences of frames"),
    "four axes": ({"predictions": np.zeros((3, 31, 5, 2), int)}, "row 0, frame 0 holds"),
    "tilt_2": ({"perturbation": ["tilt", "snow", "tilt_2"]}, "row 2 holds 'tilt_2'; the name is 'tilt'"),
    "difficulty 4": ({"difficulty": [1, 4, 1]}, "difficulty: row 1 holds 4"),
    "length": ({"perturbation": ["tilt"] * 2}, "row 2 has no perturbation"),
}  # fmt: skip


@pytest.mark.parametrize("bad, message", BAD.values(), ids=BAD)
def test_bad_columns(mt5d, bad, message):
    with pytest.raises(ValueError, match=message):
        mt5d.compute(**{**GOOD, **bad})
    with pytest.raises(ValueError, match=message):
        mt5d.add_batch(**{**GOOD, **bad})
    assert len(mt5d) == 0
