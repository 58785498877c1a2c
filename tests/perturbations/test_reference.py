"""The sequences of every profile are those of a plain implementation of the specification."""

import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64
from perturbations.plain_sequences import sequence
from PIL import Image

from imagenet_cp.perturbations import NOISE, PERTURBATIONS, apply

PROFILES = ("imagenet", "imagenet_299", "tiny", "cifar")


def photograph(profile, upright):
    """Portrait or landscape image, different from the golden one, prepared for the profile."""
    photo = Image.fromarray(skimage.data.chelsea())
    if upright:
        photo = photo.transpose(Image.Transpose.ROTATE_90)
    width, height = photo.size
    if profile == "imagenet":
        side = 256
        photo = photo.resize((side * width // min(photo.size), side * height // min(photo.size)))
    if profile == "cifar":
        photo = photo.resize((32, 32))
    return np.array(photo)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", [name for name in PERTURBATIONS if name not in NOISE])
def test_equals_the_plain_sequence(name, profile):
    image = photograph(profile, upright=name in ("rotate", "tilt", "motion_blur"))
    made = apply(name, image, SFC64(7), profile=profile)
    plain = sequence(name, image, SFC64(7), profile)
    assert made.shape == plain.shape
    difference = np.abs(made.astype(int) - plain)
    assert difference.max() <= 1
    assert (difference == 0).mean() >= 0.999
