"""Formulas as functions of arrays, and AlexNet's tables against a second copy of their sums."""

import doctest

import numpy as np
import pytest

# Of each corruption the sum of its five errors and the sum of severity times error, times 100,000.
ALEXNET_ERROR = {
    "gaussian_noise": (443_214, 1_405_086),
    "shot_noise": (447_234, 1_410_620),
    "impulse_noise": (461_320, 1_435_220),
    "defocus_blur": (409_940, 1_306_162),
    "glass_blur": (413_134, 1_314_042),
    "motion_blur": (392_974, 1_267_040),
    "zoom_blur": (399_180, 1_239_126),
    "snow": (433_408, 1_350_154),
    "frost": (413_286, 1_314_146),
    "fog": (409_662, 1_294_248),
    "brightness": (282_296, 915_152),
    "contrast": (426_602, 1_370_860),
    "elastic_transform": (323_028, 1_018_960),
    "pixelate": (358_920, 1_187_320),
    "jpeg_compression": (303_250, 968_042),
    "speckle_noise": (422_694, 1_350_342),
    "gaussian_blur": (393_554, 1_282_498),
    "spatter": (358_756, 1_184_178),
    "saturate": (329_124, 1_038_528),
}
# Flip probability times 100,000 and distance times 100.
ALEXNET_SEQUENCES = {
    "gaussian_noise": (23_653, 477),
    "shot_noise": (30_062, 576),
    "motion_blur": (9_297, 193),
    "zoom_blur": (5_942, 134),
    "snow": (11_928, 242),
    "brightness": (4_889, 119),
    "translate": (11_007, 263),
    "rotate": (13_104, 295),
    "tilt": (7_050, 175),
    "scale": (23_531, 448),
    "speckle_noise": (18_649, 389),
    "gaussian_blur": (2_775, 70),
    "spatter": (5_053, 126),
    "shear": (10_658, 248),
}

BAR = {"blue_noise_sample", "brownish_noise", "checkerboard_cutout", "inverse_sparkles", "sparkles"}
IMAGENET_BAR = {"caustic_refraction", "cocentric_sine_waves", "perlin_noise", "plasma_noise"}
CIFAR_BAR = {"circular_motion_blur", "lines", "pinch_and_twirl", "ripple", "transverse_chromatic_abberation"}
# Classes, and normaliser, of each benchmark.
FACTS = {
    "mce": {
        "imagenet_c": (1000, "alexnet"),
        "imagenet_c_299": (1000, "alexnet"),
        "tiny_imagenet_c": (200, "none"),
        "cifar10_c": (10, "none"),
        "cifar100_c": (100, "none"),
        "imagenet_c_bar": (1000, "none"),
        "cifar10_c_bar": (10, "none"),
    },
    "mfr": {
        "imagenet_p": (1000, "alexnet"),
        "imagenet_p_299": (1000, "alexnet"),
        "tiny_imagenet_p": (200, "none"),
        "cifar10_p": (10, "none"),
        "cifar100_p": (100, "none"),
    },
}
CIFAR_FRAMES = {"motion_blur": 21, "translate": 16}


def test_benchmarks(formulas):
    """Each has the classes, the normaliser, the names and the numbers of frames of its publication."""
    benchmarks = formulas.BENCHMARKS
    facts = FACTS | {"mt5d": FACTS["mfr"]}
    assert facts == {m: {n: b[:2] for n, b in known.items()} for m, known in benchmarks.items()}
    assert benchmarks["mt5d"] == benchmarks["mfr"]
    test = {name: benchmark.test for name, benchmark in benchmarks["mce"].items()}
    bars = {name: list(test.pop(name)) for name in ("imagenet_c_bar", "cifar10_c_bar")}
    assert bars["imagenet_c_bar"] == sorted({*BAR, *IMAGENET_BAR, "single_frequency_greyscale"})
    assert bars["cifar10_c_bar"] == sorted(BAR | CIFAR_BAR)
    assert set(test.values()) == {tuple(ALEXNET_ERROR)[:15]}
    assert formulas.EXTRA_CORRUPTIONS == ("speckle_noise", "gaussian_blur", "spatter", "saturate")
    perturbations = list(ALEXNET_SEQUENCES)[:10]
    cifar = [{"snow": "spatter"}.get(name, name) for name in perturbations]
    for name, (_, _, names, frames) in benchmarks["mfr"].items():
        assert list(names) == (cifar if name.startswith("cifar") else perturbations)
        usual = {} if name.startswith("tiny") else {"translate": 41}
        assert frames == (CIFAR_FRAMES if name.startswith("cifar") else usual)
        expected = [frames.get(kind, 31) for kind in ALEXNET_SEQUENCES]
        assert formulas.frame_counts(name).tolist() == expected
    assert set(formulas.NOISE) == {"gaussian_noise", "shot_noise", "speckle_noise"}
    assert formulas.SEQUENCE_KEYS["mfr"] == ("flip_probability", "fr", 0.01)
    assert formulas.SEQUENCE_KEYS["mt5d"] == ("unnormalised_t5d", "t5d", 1)


def test_without_a_normaliser_errors_are_percent(formulas):
    errors = [0.1, 0.2, 0.3, 0.4, 0.6]
    assert formulas.corruption_error(errors) == pytest.approx(32)
    assert formulas.corruption_error([0, 0, 0, 1, 1]) == 40
    assert formulas.relative_corruption_error(errors, 0.12) == pytest.approx(20)
    by_severity = formulas.corruption_scores({"fog": errors}, benchmark="cifar10_c")["ce_by_severity"]
    assert by_severity["fog"] == pytest.approx([10, 20, 30, 40, 60])


def test_scores_of_alexnet_by_name(formulas):
    """AlexNet has 100 percent of itself in every part."""
    scores = formulas.corruption_scores(formulas.ALEXNET["mce"], formulas.ALEXNET_CLEAN)
    assert scores["mce"] == pytest.approx(100) and scores["relative_mce"] == pytest.approx(100)
    for key, value in (("ce", 100), ("relative_ce", 100), ("ce_by_severity", [100] * 5)):
        assert list(scores[key]) == list(ALEXNET_ERROR)
        assert all(found == pytest.approx(value) for found in scores[key].values())
    for metric, (_, ratio, _) in formulas.SEQUENCE_KEYS.items():
        scores = formulas.sequence_scores(metric, formulas.ALEXNET[metric])
        assert scores == {
            metric: pytest.approx(100),
            ratio: pytest.approx(dict.fromkeys(ALEXNET_SEQUENCES, 100)),
        }


def test_alexnet_errors(formulas):
    found = {
        name: (round(sum(row) * 1e5), round(sum(s * e for s, e in enumerate(row, 1)) * 1e5))
        for name, row in formulas.ALEXNET["mce"].items()
    }
    assert found == ALEXNET_ERROR and list(found) == list(ALEXNET_ERROR)
    assert formulas.ALEXNET_CLEAN == 0.43478


def test_alexnet_sequences(formulas):
    flips, distances = formulas.ALEXNET["mfr"], formulas.ALEXNET["mt5d"]
    found = {name: (round(flips[name] * 1e5), round(distances[name] * 100)) for name in flips}
    assert found == ALEXNET_SEQUENCES and list(found) == list(ALEXNET_SEQUENCES) == list(distances)


def test_examples(formulas):
    result = doctest.testmod(formulas)
    assert result.attempted > 8 and result.failed == 0


def test_means_of_arrays_equal_the_scores(formulas):
    rng = np.random.default_rng(0)
    for benchmark, facts in formulas.BENCHMARKS["mce"].items():
        error = rng.random((len(facts.test), 5))
        named = dict(zip(facts.test, error.tolist(), strict=True))
        scores = formulas.corruption_scores(named, 0.25, benchmark)
        assert formulas.mean_corruption_error(error, benchmark) == pytest.approx(scores["mce"])
        relative = formulas.relative_mean_corruption_error(error, 0.25, benchmark)
        assert relative == pytest.approx(scores["relative_mce"])
    values = rng.random(10)
    for metric, mean in (("mfr", formulas.mean_flip_rate), ("mt5d", formulas.mean_top5_distance)):
        for benchmark, facts in formulas.BENCHMARKS[metric].items():
            named = dict(zip(facts.test, values.tolist(), strict=True))
            assert mean(values, benchmark) == pytest.approx(
                formulas.sequence_scores(metric, named, benchmark)[metric]
            )


def test_a_missing_value_is_nan(formulas):
    error = np.full((15, 5), 0.5)
    error[3, 2] = np.nan
    assert np.isnan(formulas.mean_corruption_error(error))
    assert np.isnan(formulas.mean_flip_rate([np.nan] + [0.1] * 9))


@pytest.mark.parametrize(
    "function, arguments, message",
    [
        ("mean_corruption_error", [np.zeros((19, 5))], r"\(15, 5\).* are needed, not \(19, 5\)"),
        ("mean_corruption_error", [np.zeros((2, 15, 5))], r"not \(2, 15, 5\)"),
        ("relative_mean_corruption_error", [[0.1] * 5, 0.1], r"\(15, 5\).* are needed, not \(5,\)"),
        ("corruption_error", [[0.1] * 4], r"\(5,\).* are needed, not \(4,\)"),
        ("mean_flip_rate", [[0.1] * 14], r"ten values are needed.*\(14,\)"),
        ("top5_distance", [[1, 2, 3], [1, 2, 3]], "five best classes are needed, not 3 and 3"),
        (
            "flip_probability",
            [np.zeros((2, 3))],
            r"class ids with 2 dimensions, not float64 of shape \(2, 3\)",
        ),
        ("flip_probability", [np.zeros((2, 3, 9), int)], r"2 dimensions, not int64 of shape \(2, 3, 9\)"),
        ("flip_probability", [[[1]]], "sequences of 1 frames have no two that are 1 apart"),
        ("flip_probability", [[[1, 2, 3]], False, 3], "no two that are 3 apart"),
        ("flip_probability", [[[1, 2, 3]], False, 0], "no two that are 0 apart"),
        ("unnormalised_top5_distance", [np.zeros((2, 3, 5))], "class ids with 3 dimensions, not float64"),
        ("mean_corruption_error", (np.full((15, 5), 50),), "fractions from 0 to 1, not from 50 to 50"),
        ("corruption_error", ([0.1, 0.2, 0.3, 0.4, -0.1],), "fractions from 0 to 1, not from -0.1 to 0.4"),
    ],
)
def test_wrong_shapes(formulas, function, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(formulas, function)(*arguments)


def test_noise_is_compared_with_the_first_frame(formulas):
    frames = [[7, 8, 8, 7]]
    assert formulas.flip_probability(frames) == pytest.approx(2 / 3)
    assert formulas.flip_probability(frames, noise=True) == pytest.approx(2 / 3)
    assert formulas.flip_probability([[7, 8, 8, 8]], noise=True) == 1
    assert formulas.flip_probability(frames, difficulty=3) == 0


def test_top5_distance_against_the_definition(formulas):
    rng = np.random.default_rng(0)
    earlier, later = rng.permuted(np.tile(np.arange(7), (2, 300, 1)), axis=2)[..., :5]
    places = np.arange(5)
    found = earlier[:, :, None] == later[:, None, :]
    cost = np.where(found.any(axis=2), abs(places - found.argmax(axis=2)), 5 - places)
    assert formulas.top5_distance(earlier, later).tolist() == cost.sum(axis=1).tolist()
