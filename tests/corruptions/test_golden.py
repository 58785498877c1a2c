"""The corruptions equal the published functions."""

import golden_pictures as golden
import pytest

from imagenet_cp.corruptions import CORRUPTIONS, EXTRA, SEVERITIES, TEST, apply

NOISES = {"gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"}
PUBLISHED_ORDER = (*TEST, *EXTRA)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in NOISES])
def test_equals_the_published_function(name, severity):
    bits = golden.bits(PUBLISHED_ORDER.index(name), severity)
    made = apply(name, golden.read("imagenet_c/clean.png"), severity, bits)
    golden.assert_near(made, golden.read(f"imagenet_c/{name}_{severity}.png"))


@pytest.mark.parametrize("profile", ["imagenet_299", "tiny", "cifar"])
@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in NOISES])
def test_equals_the_published_function_at_other_sizes(name, profile):
    clean = golden.read(f"profiles/{profile}/clean.png")
    for severity in (1, 5) if profile == "imagenet_299" else SEVERITIES:
        bits = golden.bits(200 + PUBLISHED_ORDER.index(name), severity)
        made = apply(name, clean, severity, bits, profile=profile)
        golden.assert_near(made, golden.read(f"profiles/{profile}/{name}_{severity}.png"))
