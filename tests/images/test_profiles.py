"""Every size's preprocessing."""

import numpy as np
import pytest
from PIL import Image

from imagenet_cp import perturbations
from imagenet_cp.corruptions import apply
from imagenet_cp.errors import SourceError
from imagenet_cp.images.profiles import PROFILES, native_square

ANY = [(33, 2000), (500, 375), (375, 500), (299, 299), (64, 64)]


def noise(width, height):
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)


def test_the_profiles_are_those_of_the_tables():
    assert {name: profile.size for name, profile in PROFILES.items()} == {
        "imagenet": 224,
        "imagenet_299": 299,
        "tiny": 64,
        "cifar": 32,
    }


@pytest.mark.parametrize("size", ANY)
@pytest.mark.parametrize("name", ["imagenet", "imagenet_299", "tiny"])
def test_the_clean_picture_is_square(name, size):
    assert PROFILES[name].square(noise(*size)).shape == (PROFILES[name].size, PROFILES[name].size, 3)


@pytest.mark.parametrize(("size", "corner"), [((500, 375), (32, 24)), ((341, 299), (22, 19))])
def test_299_is_the_middle_seven_eighths_of_each_side(size, corner):
    photograph = noise(*size)
    width, height = (int(0.875 * side) for side in size)
    middle = Image.fromarray(photograph).crop((*corner, corner[0] + width, corner[1] + height))
    expected = middle.resize((299, 299), Image.Resampling.BILINEAR)
    assert np.array_equal(PROFILES["imagenet_299"].square(photograph), expected)


def test_another_side_is_an_eighth_of_the_crop_away_from_the_border():
    photograph = noise(500, 375)
    assert np.array_equal(native_square(photograph, 224), PROFILES["imagenet"].square(photograph))
    resized = Image.fromarray(photograph).resize((182, 137), Image.Resampling.BILINEAR)
    assert np.array_equal(native_square(photograph, 120), resized.crop((31, 8, 151, 128)))


def test_tiny_does_not_keep_the_aspect():
    photograph = noise(500, 375)
    assert np.array_equal(
        PROFILES["tiny"].square(photograph),
        Image.fromarray(photograph).resize((64, 64), Image.Resampling.BILINEAR),
    )


@pytest.mark.parametrize("road", ["square", "uncropped"])
def test_cifar_takes_its_pictures_as_they_are(road):
    picture = noise(32, 32)
    assert np.array_equal(getattr(PROFILES["cifar"], road)(picture), picture)


@pytest.mark.parametrize("name", ["imagenet_299", "tiny"])
def test_sequences_are_made_from_the_photograph_as_it_is(name):
    photograph = noise(341, 299)
    assert np.array_equal(PROFILES[name].uncropped(photograph), photograph)


@pytest.mark.parametrize(
    ("name", "road", "size", "says"),
    [
        (
            "cifar",
            "square",
            (33, 32),
            "33 x 32 pixels, but the profile cifar takes images of exactly 32 x 32",
        ),
        ("cifar", "uncropped", (32, 64), "exactly 32 x 32"),
        ("imagenet_299", "square", (1, 400), "1 x 400 pixels, but .* at least 2 x 2"),
        ("imagenet_299", "uncropped", (400, 31), "at least 32 x 32"),
        ("tiny", "uncropped", (63, 400), "at least 64 x 64"),
    ],
)
def test_a_size_that_a_profile_cannot_take_is_named(name, road, size, says):
    with pytest.raises(SourceError, match=says):
        getattr(PROFILES[name], road)(noise(*size))


@pytest.mark.parametrize("road", ["square", "uncropped"])
@pytest.mark.parametrize("name", list(PROFILES))
def test_what_a_profile_lets_through_can_be_corrupted_and_perturbed(name, road):
    least = {"cifar": 32, "tiny": 64}.get(name, 32)
    made = getattr(PROFILES[name], road)(noise(least, least))
    bits = np.random.SFC64(1)
    if road == "square":
        assert apply("brightness", made, 1, bits, name).shape == made.shape
    else:
        assert perturbations.apply("translate", made, bits, 1, name).shape[1] == PROFILES[name].size


def test_a_misspelt_profile_is_answered_with_the_nearest():
    picture = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="unknown profile 'cifra'; did you mean cifar"):
        apply("fog", picture, 1, np.random.SFC64(1), "cifra")
    with pytest.raises(ValueError, match="unknown profile 'imagenet299'; did you mean imagenet_299"):
        perturbations.apply("tilt", picture, np.random.SFC64(1), profile="imagenet299")
