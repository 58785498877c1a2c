"""Cases with known results, in the form of evaluate's test_cases."""

from formulas import CORRUPTIONS

ONE_FOG = {"predictions": [3, 5], "references": [3, 4], "corruption": ["fog", "fog"], "severity": [3, 3]}
CLEAN_AND_FOG = {"corruption": ["clean"] + ["fog"] * 5, "severity": [0, 1, 2, 3, 4, 5]}
FATAL_AT_5 = {"predictions": [0, 0, 0, 0, 1] * 15, "references": [0] * 75, "severity": [1, 2, 3, 4, 5] * 15}
ONE_OF_75 = "mce|benchmark:imagenet_c|n:2|normaliser:alexnet|missing:74|version:1"

test_cases = [
    # One config of 75 gives no mCE, and one severity of five no CE.
    {**ONE_FOG, "result": {"mce": None, "ce": {"fog": None}, "num_examples": 2, "signature": ONE_OF_75}},
    # Always right on clean images, always wrong on fog: CE = 5 / 4.09662, relative CE = 1 / (.819324 - .43478).
    {
        **CLEAN_AND_FOG,
        "predictions": [1, 0, 0, 0, 0, 0],
        "references": [1] * 6,
        "result": {"ce": {"fog": 500 / 4.09662}, "relative_ce": {"fog": 100 / (0.819324 - 0.43478)}},
    },
    # CIFAR's mCE is the plain mean error: here all predictions are wrong at severity 5, and right at the others.
    {
        **FATAL_AT_5,
        "corruption": [name for name in CORRUPTIONS for _ in range(5)],
        "benchmark": "cifar10_c",
        "result": {"mce": 20.0, "missing": []},
    },
]
