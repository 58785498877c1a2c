"""Cases with known results, in the form of evaluate's test_cases."""

from formulas import PERTURBATIONS

NINE_MISSING = "mfr|benchmark:imagenet_p|difficulty:2|n:1|normaliser:alexnet|missing:9|version:1"

test_cases = [
    # A different prediction for one frame in the middle is two flips of 30 pairs, and one of 30 for a noise.
    {
        "predictions": [[7] * 15 + [8] + [7] * 15] * 2,
        "perturbation": ["shot_noise", "tilt"],
        "result": {
            "mfr": None,
            "flip_probability": {"shot_noise": 1 / 30, "tilt": 2 / 30},
            "num_sequences": 2,
        },
    },
    # A prediction that changes in every frame has a flip probability of 1.
    {
        "predictions": [list(range(31))],
        "perturbation": ["tilt"],
        "difficulty": 2,
        "result": {"fr": {"tilt": 100 / 0.0705}, "signature": NINE_MISSING},
    },
    # Tiny ImageNet-P has 31 frames everywhere and no normaliser: 3 flips of 30 pairs are 10 percent.
    {
        "predictions": [[7] * 28 + [8, 9, 10]] * 10,
        "perturbation": PERTURBATIONS,
        "benchmark": "tiny_imagenet_p",
        "result": {"mfr": 10.0, "missing": []},
    },
]
