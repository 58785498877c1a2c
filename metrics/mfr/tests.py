"""Cases with known answers, in evaluate's manner; pytest runs them, too."""

from pathlib import Path

import evaluate
import pytest

TEN = [
    "gaussian_noise",
    "shot_noise",
    "motion_blur",
    "zoom_blur",
    "snow",
    "brightness",
    "translate",
    "rotate",
    "tilt",
    "scale",
]

test_cases = [
    # A different answer to one frame in the middle is two flips of 30 pairs, and one of 30 where the first is compared.
    {
        "predictions": [[7] * 15 + [8] + [7] * 15] * 2,
        "perturbation": ["shot_noise", "tilt"],
        "result": {
            "mfr": None,
            "flip_probability": {"shot_noise": 1 / 30, "tilt": 2 / 30},
            "num_sequences": 2,
        },
    },
    # Never the same answer twice is a flip probability of 1.
    {
        "predictions": [list(range(31))],
        "perturbation": ["tilt"],
        "difficulty": 2,
        "result": {
            "fr": {"tilt": 100 / 0.0705},
            "missing": [name for name in TEN if name != "tilt"],
            "signature": "mfr|benchmark:imagenet_p|difficulty:2|n:1|normaliser:alexnet|missing:9|version:1",
        },
    },
    # Tiny ImageNet-P has 31 frames everywhere and no normaliser: 3 flips of 30 pairs are 10 percent.
    {
        "predictions": [[7] * 28 + [8, 9, 10]] * 10,
        "perturbation": TEN,
        "benchmark": "tiny_imagenet_p",
        "result": {"mfr": 10.0, "missing": []},
    },
]


@pytest.mark.parametrize("case", test_cases)
def test_case(case):
    metric = evaluate.load(str(Path(__file__).with_name("mfr.py")))
    result = metric.compute(**{key: value for key, value in case.items() if key != "result"})
    for key, expected in case["result"].items():
        found = {name: result[key][name] for name in expected} if isinstance(expected, dict) else result[key]
        assert found == pytest.approx(expected)
