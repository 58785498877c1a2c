"""The noises follow their distributions: frame 0 is the clean image, and the noise of the rest is independent."""

import numpy as np
import pytest
from numpy.random import SFC64
from scipy import stats

from imagenet_cp.perturbations import NOISE, apply

LEVELS = {  # sigma or photons by difficulty
    ("gaussian_noise", "imagenet"): (0.03, 0.05, 0.08),
    ("gaussian_noise", "imagenet_299"): (0.035, 0.055, 0.085),
    ("gaussian_noise", "tiny"): (0.025, 0.05, 0.075),
    ("gaussian_noise", "cifar"): (0.02, 0.04, 0.06),
    ("shot_noise", "imagenet"): (300, 120, 60),
    ("shot_noise", "imagenet_299"): (250, 100, 50),
    ("shot_noise", "tiny"): (500, 250, 125),
    ("shot_noise", "cifar"): (700, 400, 200),
    ("speckle_noise", "imagenet"): (0.05, 0.1, 0.15),
    ("speckle_noise", "imagenet_299"): (0.06, 0.11, 0.16),
    ("speckle_noise", "tiny"): (0.05, 0.1, 0.15),
    ("speckle_noise", "cifar"): (0.05, 0.07, 0.1),
}
SIDES = {"imagenet": 256, "imagenet_299": 300, "tiny": 64, "cifar": 32}


def probabilities(name, level, p):
    """The exact probability of each of the 256 outcomes of the pixel value ``p``."""
    if name == "shot_noise":
        counts = np.arange(4 * level)
        outcome = (np.clip(counts / level, 0, 1) * 255).astype(np.uint8)
        return np.bincount(outcome, stats.poisson.pmf(counts, p / 255 * level), 256)
    deviation = (255 if name == "gaussian_noise" else p) * level
    below = stats.norm.cdf((np.arange(1, 256) - p) / deviation)
    return np.diff(below, prepend=0.0, append=1.0)


@pytest.mark.parametrize("difficulty", [1, 2, 3])
@pytest.mark.parametrize("name, profile", LEVELS)
def test_outcomes_have_their_exact_probabilities(name, profile, difficulty):
    level = LEVELS[name, profile][difficulty - 1]
    for p in (20, 128, 240):
        clean = np.full((SIDES[profile], SIDES[profile], 3), p, np.uint8)
        frames = apply(name, clean, SFC64(difficulty), difficulty, profile)
        assert (frames[0] == p).all()
        noisy = frames[1:]
        expected = probabilities(name, level, p) * noisy.size
        counts = np.bincount(noisy.ravel(), minlength=256)
        common = expected > 10
        chi_squared = stats.chisquare(
            [*counts[common], counts[~common].sum() + 1e-9],
            [*expected[common], expected[~common].sum() + 1e-9],
        )
        assert chi_squared.pvalue > 1e-4


@pytest.mark.parametrize("name", NOISE)
def test_no_two_frames_are_alike(name):
    frames = apply(name, np.full((256, 256, 3), 128, np.uint8), SFC64(5))
    deviations = frames[1:].reshape(30, -1) - 128.0
    correlations = np.corrcoef(deviations) - np.eye(30)
    assert np.abs(correlations).max() < 6 / np.sqrt(deviations.shape[1])
