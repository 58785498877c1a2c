"""The corruptions equal the published functions."""

import golden_images as golden
import pytest

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, TEST, apply

NOISES = {"gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"}


def test_the_order_is_the_published_one():
    published = golden.CORRUPTIONS[:19]
    assert [name for name in CORRUPTIONS if name in published] == published
    assert list(TEST) == published[:15]


def test_every_corruption_has_golden_images():
    assert set(CORRUPTIONS) == set(golden.CORRUPTIONS)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", [name for name in golden.CORRUPTIONS if name not in NOISES])
def test_equals_the_published_function(name, severity):
    bits = golden.bits(golden.CORRUPTIONS.index(name), severity)
    made = apply(name, golden.read("imagenet_c/clean.png"), severity, bits)
    golden.assert_near(made, golden.read(f"imagenet_c/{name}_{severity}.png"))


@pytest.mark.parametrize(
    ("name", "profile"),
    [(n, p) for n in CORRUPTIONS if n not in NOISES for p in CORRUPTIONS[n].tables if p != "imagenet"],
)
def test_equals_the_published_function_at_other_sizes(name, profile):
    clean = golden.read(f"profiles/{profile}/clean.png")
    for severity in (1, 5) if profile == "imagenet_299" else SEVERITIES:
        bits = golden.bits(200 + golden.CORRUPTIONS.index(name), severity)
        made = apply(name, clean, severity, bits, profile=profile)
        golden.assert_near(made, golden.read(f"profiles/{profile}/{name}_{severity}.png"))
