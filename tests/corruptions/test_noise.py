"""The noises follow the laws of the published functions."""

import numpy as np
import pytest
from numpy.random import MT19937, PCG64, SFC64
from scipy import stats

from imagenet_cp.corruptions import CORRUPTIONS, apply
from imagenet_cp.kernels import alias

NAMES = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")
PROFILES = ("imagenet", "imagenet_299", "tiny", "cifar")
LAWS = {
    "gaussian_noise": alias.gaussian_table,
    "shot_noise": alias.shot_table,
    "speckle_noise": alias.speckle_table,
}
VALUES = np.arange(256)


def parameters(profile):
    return [(name, row[0]) for name in NAMES for row in CORRUPTIONS[name].tables[profile]]


# of ImageNet-P, whose sequences use the same laws
FAINT = [("gaussian_noise", 0.02), ("speckle_noise", 0.04), ("shot_noise", 300), ("shot_noise", 700)]


def exact(name, parameter):
    """The probabilities (value, outcome) of the published formulas."""
    if name == "impulse_noise":
        probability = np.eye(256) * (1 - parameter)
        probability[:, [0, 255]] += parameter / 2
        return probability
    probability = np.zeros((256, 256))
    if name == "shot_noise":
        mean = VALUES / 255.0 * parameter
        levels = (np.clip(np.arange(parameter) / parameter, 0, 1) * 255).astype(np.uint8)
        for k, level in enumerate(levels):
            probability[:, level] += stats.poisson.pmf(k, mean)
        probability[:, 255] += stats.poisson.sf(parameter - 1, mean)
        return probability
    for p in VALUES:
        deviation = parameter * (255 if name == "gaussian_noise" else p)
        if deviation == 0:
            probability[p, 0] = 1
            continue
        below = stats.norm.cdf((np.arange(1, 256) - p) / deviation)
        above = stats.norm.sf((np.arange(1, 256) - p) / deviation)
        # differences in whichever tail is near
        upper = np.arange(1, 255) > p
        probability[p, 1:255] = np.where(upper, above[:-1] - above[1:], below[1:] - below[:-1])
        probability[p, 0], probability[p, 255] = below[0], above[-1]
    return probability


def published(name, parameter, image, random):
    """The published functions, on one array."""
    x = image / 255.0
    if name == "gaussian_noise":
        y = x + random.normal(size=x.shape, scale=parameter)
    elif name == "shot_noise":
        y = random.poisson(x * parameter) / parameter
    elif name == "speckle_noise":
        y = x + x * random.normal(size=x.shape, scale=parameter)
    else:
        flipped, salted = random.random(x.shape) <= parameter, random.random(x.shape) <= 0.5
        y = np.where(flipped, np.where(salted, 1.0, 0.0), x)
    return (np.clip(y, 0, 1) * 255).astype(np.uint8)


def tabulated(law):
    """The probabilities (row, outcome) that the cells of a law hold, in units of 2**-32."""
    size = 1 << law.m
    rows = len(law.cells) // size
    cells, thresholds = law.cells.astype(np.int64), law.thresholds.astype(np.int64)
    np.testing.assert_array_equal(cells >> 18, thresholds >> 18)
    mass = np.zeros((rows, 512), np.int64)
    row = np.arange(rows).repeat(size)
    np.add.at(mass, (row, cells >> 9 & 511), thresholds >> law.m)
    np.add.at(mass, (row, cells & 511), (1 << (32 - law.m)) - (thresholds >> law.m))
    assert (mass.sum(axis=1) == 2**32).all()
    return mass


def probabilities(name, parameter):
    """The probabilities (value, outcome) as they are sampled."""
    if name == "impulse_noise":
        white, both = round(parameter * 2**31), round(parameter * 2**32)
        probability = np.eye(256) * (2**32 - both)
        probability[:, 255] += white
        probability[:, 0] += both - white
        return probability / 2**32
    mass = tabulated(LAWS[name](parameter))
    if len(mass) == 256:
        assert not mass[:, 256:].any()
        return mass[:, :256] / 2**32
    # one row of offsets for all values
    clipped = np.zeros((256, 256), np.int64)
    for offset in range(-255, 256):
        np.add.at(clipped, (VALUES, np.clip(VALUES + offset, 0, 255)), mass[0, offset + 255])
    return clipped / 2**32


def chi_squared(counts, probability):
    """The p-value of the counts, outcomes that are expected fewer than ten times taken together."""
    expected = counts.sum() * probability
    rare = expected < 10
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 10:
        assert counts[-1] < 60
        counts, expected = counts[:-1], expected[:-1]
    if len(counts) < 2:
        return 1.0
    statistic = ((counts - expected) ** 2 / expected).sum()
    return stats.chi2.sf(statistic, len(counts) - 1)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [*dict.fromkeys(row for profile in PROFILES for row in parameters(profile)), *FAINT],
)
def test_every_probability_is_exact(name, parameter):
    difference = np.abs(probabilities(name, parameter) - exact(name, parameter))
    assert difference.max() < 2.0**-30
    assert difference.sum(axis=1).max() / 2 < 1e-6


@pytest.mark.parametrize(("name", "parameter"), parameters("imagenet"))
@pytest.mark.parametrize("value", [1, 47, 128, 254])
def test_ten_million_samples(name, parameter, value):
    severity = 1 + [row[0] for row in CORRUPTIONS[name].tables["imagenet"]].index(parameter)
    image = np.full((2500, 1334, 3), value, np.uint8)
    made = apply(name, image, severity, SFC64([value, severity]))
    counts = np.bincount(made.reshape(-1), minlength=256)
    assert chi_squared(counts, exact(name, parameter)[value]) > 1e-5


@pytest.mark.parametrize(("name", "parameter"), [*parameters("imagenet"), *parameters("cifar"), *FAINT])
def test_the_published_functions_have_these_laws(name, parameter):
    image = np.tile(VALUES.astype(np.uint8), 3000)
    made = published(name, parameter, image, np.random.default_rng(0))
    counts = np.bincount(image.astype(np.int64) * 256 + made, minlength=65536)
    assert chi_squared(counts, (probabilities(name, parameter) / 256).reshape(-1)) > 1e-5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("generator", [SFC64, PCG64, MT19937])
def test_every_value_at_once(name, generator):
    # a gradient, so that neighbours have different laws
    image = np.tile(VALUES.astype(np.uint8), 3 * 2048).reshape(1024, 512, 3)
    made = apply(name, image, 3, generator(5))
    counts = np.bincount((image.astype(np.int64) * 256 + made).reshape(-1), minlength=65536)
    parameter = CORRUPTIONS[name].tables["imagenet"][2][0]
    assert chi_squared(counts, (exact(name, parameter) / 256).reshape(-1)) > 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_are_independent(name):
    made = apply(name, np.full((512, 512, 3), 128, np.uint8), 2, SFC64(8)).reshape(-1).astype(float)
    for distance in (1, 2, 3, 4, 512, 3 * 512):
        correlation = np.corrcoef(made[:-distance], made[distance:])[0, 1]
        assert abs(correlation) < 5 / np.sqrt(made.size), distance


@pytest.mark.parametrize(
    ("name", "parameter"), [("gaussian_noise", 0.08), ("speckle_noise", 0.35), ("shot_noise", 12)]
)
def test_random_bits_next_to_a_threshold(name, parameter):
    law = LAWS[name](parameter)
    size = 1 << law.m
    cell = np.arange(len(law.cells))
    bits, row = [], []
    for step in (-2, -1, 0, 1, 2):
        rest = np.clip((law.thresholds.astype(np.int64) >> law.m) + step, 0, 2 ** (32 - law.m) - 1)
        bits.append((cell % size << (32 - law.m)) + rest)
        row.append(cell // size)
    bits, row = np.concatenate(bits), np.concatenate(row)
    index = (row << law.m) + (bits >> (32 - law.m))
    below = (bits & (2 ** (32 - law.m) - 1)) < law.thresholds[index].astype(np.int64) >> law.m
    outcome = np.where(below, law.cells[index] >> 9, law.cells[index]).astype(np.int64) & 511
    one_row = len(law.cells) == size
    values = np.full(len(bits), 100) if one_row else row
    expected = np.clip(values + outcome - 255, 0, 255) if one_row else outcome
    made = np.empty(len(bits), np.uint8)
    alias._sample(values.astype(np.uint8), bits.astype(np.uint32), law.cells, law.thresholds, law.m, made)
    np.testing.assert_array_equal(made, expected)


def test_impulses_next_to_their_thresholds():
    random = np.array([0, 99, 100, 199, 200, 2**32 - 1], np.uint32)
    made = np.empty(6, np.uint8)
    alias._impulse(np.full(6, 7, np.uint8), random, 100, 200, made)
    assert made.tolist() == [255, 255, 0, 0, 7, 7]


def test_normal_distribution():
    x = np.concatenate([np.linspace(-9.5, 9.5, 20001), [0.0, np.inf, -np.inf, 1 / 32, -1 / 32, 1e-300]])
    np.testing.assert_allclose(alias._normal_below(x), stats.norm.cdf(x), rtol=0, atol=1e-15)


def test_too_many_photons():
    with pytest.raises(ValueError, match="at most 700"):
        alias.shot_table(701)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(32, 32), (33, 35), (224, 224), (47, 301)])
def test_same_bits_same_picture(name, shape):
    clean = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    image = clean.copy()
    bits = SFC64(3)
    one, other = apply(name, image, 4, bits), apply(name, image, 4, SFC64(3))
    np.testing.assert_array_equal(image, clean)
    np.testing.assert_array_equal(one, other)
    assert one.shape == image.shape and one.dtype == np.uint8 and not np.shares_memory(one, image)
    assert (apply(name, image, 4, bits) != one).any()  # the generator has moved on


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white(name, value):
    image = np.full((64, 64, 3), value, np.uint8)
    made = apply(name, image, 5, SFC64(0))
    if value == 0 and name in ("shot_noise", "speckle_noise"):
        assert not made.any()
    elif name == "impulse_noise":
        assert set(np.unique(made)) == {0, 255}
    else:
        assert 0.4 < (made == value).mean() < 0.7


def test_sample_into_an_array():
    image = np.random.default_rng(2).integers(0, 256, (5, 7, 3), np.uint8)
    law = alias.gaussian_table(0.1)
    out = np.zeros((2, 5, 7, 3), np.uint8)
    assert alias.sample(law, image, SFC64(6), out[1]).base is out
    np.testing.assert_array_equal(out[1], alias.sample(law, image, SFC64(6)))
    assert not out[0].any()


def test_only_speckle_is_extra():
    assert [name for name in NAMES if CORRUPTIONS[name].extra] == ["speckle_noise"]
    assert all(CORRUPTIONS[name].family == "noise" for name in NAMES)
