"""Cases with known answers, in evaluate's manner; pytest runs them, too."""

from pathlib import Path

import evaluate
import pytest

test_cases = [
    # One config of 75 gives no mCE, and one severity of five no CE.
    {
        "predictions": [3, 5],
        "references": [3, 4],
        "corruption": ["fog", "fog"],
        "severity": [3, 3],
        "result": {
            "mce": None,
            "ce": {"fog": None},
            "num_examples": 2,
            "signature": "mce|benchmark:imagenet_c|n:2|normaliser:alexnet|missing:74|version:1",
        },
    },
    # Always right on clean images, always wrong on fog: CE = 5 / 4.09662, relative CE = 1 / (.819324 - .43478).
    {
        "predictions": [1, 0, 0, 0, 0, 0],
        "references": [1, 1, 1, 1, 1, 1],
        "corruption": ["clean"] + ["fog"] * 5,
        "severity": [0, 1, 2, 3, 4, 5],
        "result": {
            "clean_error": 0.0,
            "ce": {"fog": 100 * 5 / 4.09662},
            "relative_ce": {"fog": 100 / (0.819324 - 0.43478)},
        },
    },
    # CIFAR's mCE is the plain mean error: here each corruption is fatal at severity 5 alone.
    {
        "predictions": [0, 0, 0, 0, 1] * 15,
        "references": [0] * 75,
        "corruption": [
            name
            for name in [
                "gaussian_noise",
                "shot_noise",
                "impulse_noise",
                "defocus_blur",
                "glass_blur",
                "motion_blur",
                "zoom_blur",
                "snow",
                "frost",
                "fog",
                "brightness",
                "contrast",
                "elastic_transform",
                "pixelate",
                "jpeg_compression",
            ]
            for _ in range(5)
        ],
        "severity": [1, 2, 3, 4, 5] * 15,
        "benchmark": "cifar10_c",
        "result": {"mce": 20.0, "missing": []},
    },
]


@pytest.mark.parametrize("case", test_cases)
def test_case(case):
    metric = evaluate.load(str(Path(__file__).with_name("mce.py")))
    result = metric.compute(**{key: value for key, value in case.items() if key != "result"})
    for key, expected in case["result"].items():
        found = {name: result[key][name] for name in expected} if isinstance(expected, dict) else result[key]
        assert found == pytest.approx(expected)
