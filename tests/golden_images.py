"""Read the golden images and compare with them as the specification of the benchmark requires."""

from pathlib import Path

import numpy as np
from numpy.random import SFC64, SeedSequence
from PIL import Image

FOLDER = Path(__file__).parent / "golden"

#: The index of a corruption in this list seeds the draws of its golden images, so its order is fixed.
CORRUPTIONS = [
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
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
]

#: The same of ImageNet-C-bar and CIFAR-10-C-bar, whose seeds begin with 6000.
BAR = [
    "blue_noise_sample",
    "brownish_noise",
    "caustic_refraction",
    "checkerboard_cutout",
    "cocentric_sine_waves",
    "inverse_sparkles",
    "perlin_noise",
    "plasma_noise",
    "single_frequency_greyscale",
    "sparkles",
    "circular_motion_blur",
    "lines",
    "pinch_and_twirl",
    "ripple",
    "transverse_chromatic_abberation",
]


def read(path: str) -> np.ndarray:
    with Image.open(FOLDER / path) as picture:
        return np.asarray(picture.convert("RGB"))


def bits(*entropy: int) -> SFC64:
    return SFC64(SeedSequence(list(entropy)))


def assert_near(made: np.ndarray, published: np.ndarray, equal: float = 1.0) -> None:
    """Every value within one level, and at least the share ``equal`` of them the same."""
    assert made.shape == published.shape and made.dtype == published.dtype
    difference = np.abs(made.astype(int) - published.astype(int))
    assert difference.max() <= 1, f"differs by {difference.max()} levels"
    assert (difference == 0).mean() >= equal, f"only {(difference == 0).mean():.5%} of the values are equal"
