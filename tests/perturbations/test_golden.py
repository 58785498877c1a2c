"""The sequences equal the published ones."""

import golden_images as golden
import pytest

from imagenet_cp.perturbations import apply

PUBLISHED_ORDER = (
    "motion_blur",
    "zoom_blur",
    "snow",
    "brightness",
    "translate",
    "rotate",
    "tilt",
    "scale",
    "gaussian_blur",
    "spatter",
    "shear",
)


@pytest.mark.parametrize("name", PUBLISHED_ORDER)
def test_equals_the_published_sequence(name):
    bits = golden.bits(100 + PUBLISHED_ORDER.index(name))
    made = apply(name, golden.read("imagenet_p/clean.png"), bits)
    assert made.shape == (41 if name == "translate" else 31, 224, 224, 3)
    for frame in (0, 1, 7, 15, 30, 40)[: 6 if name == "translate" else 5]:
        golden.assert_near(made[frame], golden.read(f"imagenet_p/{name}_frame{frame:02d}.png"))
