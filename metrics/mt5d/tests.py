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
SAME = [1, 2, 3, 4, 5]

test_cases = [
    # Two classes that change places are one place away each.
    {
        "predictions": [[SAME] * 30 + [[2, 1, 3, 4, 5]]],
        "perturbation": ["tilt"],
        "result": {
            "mt5d": None,
            "t5d": {"tilt": 100 * 2 / 30 / 1.75},
            "missing": [name for name in TEN if name != "tilt"],
        },
    },
    # Tiny ImageNet-P has 31 frames everywhere and no normaliser. Five other classes cost 5 + 4 + 3 + 2 + 1, in one of
    # 30 pairs.
    {
        "predictions": [[SAME] * 30 + [[6, 7, 8, 9, 10]]] * 10,
        "perturbation": TEN,
        "benchmark": "tiny_imagenet_p",
        "result": {
            "mt5d": 0.5,
            "t5d": dict.fromkeys(TEN, 0.5),
            "signature": "mt5d|benchmark:tiny_imagenet_p|difficulty:1|n:1|normaliser:none|version:1",
        },
    },
]


@pytest.mark.parametrize("case", test_cases)
def test_case(case):
    metric = evaluate.load(str(Path(__file__).with_name("mt5d.py")))
    result = metric.compute(**{key: value for key, value in case.items() if key != "result"})
    for key, expected in case["result"].items():
        found = {name: result[key][name] for name in expected} if isinstance(expected, dict) else result[key]
        assert found == pytest.approx(expected)
