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
        ("flip_probability", [np.zeros((2, 3))], r"class ids with 2 dimensions, not float64 of shape \(2, 3\)"),
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
