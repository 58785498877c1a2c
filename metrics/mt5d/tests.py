"""Cases with known results, in the form of evaluate's test_cases."""

from formulas import PERTURBATIONS

SAME = [1, 2, 3, 4, 5]
SIGNATURE = "mt5d|benchmark:tiny_imagenet_p|difficulty:1|n:1|normaliser:none|version:1"

test_cases = [
    # Two classes that swap ranks move by one rank each.
    {
        "predictions": [[SAME] * 30 + [[2, 1, 3, 4, 5]]],
        "perturbation": ["tilt"],
        "result": {"mt5d": None, "t5d": {"tilt": 100 * 2 / 30 / 1.75}},
    },
    # Tiny ImageNet-P has 31 frames everywhere and no normaliser. Five different classes cost 5 + 4 + 3 + 2 + 1,
    # in one of 30 pairs.
    {
        "predictions": [[SAME] * 30 + [[6, 7, 8, 9, 10]]] * 10,
        "perturbation": PERTURBATIONS,
        "benchmark": "tiny_imagenet_p",
        "result": {"mt5d": 0.5, "t5d": dict.fromkeys(PERTURBATIONS, 0.5), "signature": SIGNATURE},
    },
]
