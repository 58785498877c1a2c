"""What can be asked for, what comes back, and what is said where it cannot be made."""

import numpy as np
import pytest
from numpy.random import SFC64, RandomState

from imagenet_cp.perturbations import EXTRA, NOISE, PERTURBATIONS, TEST, apply

SMALLEST = {"imagenet": (256, 300), "imagenet_299": (32, 50), "tiny": (64, 70), "cifar": (32, 32)}
SIDES = {"imagenet": 224, "imagenet_299": 299, "tiny": 64, "cifar": 32}
LENGTHS = {
    ("imagenet", "translate"): 41,
    ("imagenet_299", "translate"): 41,
    ("cifar", "translate"): 16,
    ("cifar", "motion_blur"): 21,
}


def image(profile="imagenet"):
    return RandomState(1).randint(0, 256, (*SMALLEST[profile], 3), dtype=np.uint8)


def test_names_are_those_of_the_benchmark_in_its_order():
    assert (
        *("gaussian_noise", "shot_noise", "motion_blur", "zoom_blur", "snow"),
        *("brightness", "translate", "rotate", "tilt", "scale"),
    ) == TEST
    assert EXTRA == ("speckle_noise", "gaussian_blur", "spatter", "shear")
    assert NOISE == ("gaussian_noise", "shot_noise", "speckle_noise")
    assert tuple(PERTURBATIONS) == TEST + EXTRA


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_perturbation_has_every_profile_and_a_summary(name):
    known = PERTURBATIONS[name]
    assert set(known.tables) == set(SIDES)
    assert {len(table) for table in known.tables.values()} == {3 if name in NOISE else 1}
    assert known.levels == ((1, 2, 3) if name in NOISE else (1,))
    assert known.summary.endswith(".")


@pytest.mark.parametrize("profile", SIDES)
@pytest.mark.parametrize("name", PERTURBATIONS)
def test_makes_the_same_frames_from_the_same_bits(name, profile):
    clean = image(profile)
    before = clean.copy()
    frames = apply(name, clean, SFC64(3), profile=profile)
    length = LENGTHS.get((profile, name), 31)
    assert frames.dtype == np.uint8
    assert frames.shape == (length, SIDES[profile], SIDES[profile], 3)
    assert PERTURBATIONS[name].frames(profile) == length
    assert (clean == before).all()
    assert (apply(name, clean, SFC64(3), profile=profile) == frames).all()
    other = apply(name, clean, SFC64(4), profile=profile)
    assert (other != frames).any() == (name in (*NOISE, "snow", "spatter"))


@pytest.mark.parametrize("name", ["shot_noise", "zoom_blur", "tilt", "snow"])
def test_takes_views_and_arrays_that_cannot_be_written(name):
    clean = image()
    turned = np.ascontiguousarray(clean[::-1, ::-1])[::-1, ::-1]
    locked = clean.copy()
    locked.setflags(write=False)
    expected = apply(name, clean, SFC64(3))
    assert (apply(name, turned, SFC64(3)) == expected).all()
    assert (apply(name, locked, SFC64(3)) == expected).all()


@pytest.mark.parametrize(
    "name, difficulty, message",
    [
        ("tlit", 1, "unknown perturbation 'tlit'; did you mean tilt"),
        ("fog", 1, "unknown perturbation 'fog'"),
        ("tilt_2", 1, "unknown perturbation 'tilt_2'; did you mean tilt"),
        ("gaussian_noise", 0, "difficulty must be a whole number from 1 to 3, not 0"),
        ("gaussian_noise", 4, "difficulty must be a whole number from 1 to 3, not 4"),
        ("gaussian_noise", True, "difficulty must be a whole number from 1 to 3, not True"),
        ("gaussian_noise", "2", "difficulty must be a whole number from 1 to 3, not '2'"),
        ("gaussian_noise", 1.5, "difficulty must be a whole number from 1 to 3, not 1.5"),
        ("tilt", 2, "tilt has one sequence, of difficulty 1, not 2: .* a stride of the metric"),
        ("tilt", 4, "difficulty must be a whole number from 1 to 3, not 4"),
    ],
)
def test_unknown_names_and_difficulties(name, difficulty, message):
    with pytest.raises(ValueError, match=message):
        apply(name, image(), SFC64(3), difficulty)


def test_unknown_profile():
    with pytest.raises(ValueError, match="unknown profile 'imagnet'; did you mean imagenet"):
        apply("tilt", image(), SFC64(3), profile="imagnet")


@pytest.mark.parametrize(
    "profile, shape, message",
    [
        ("imagenet", (224, 224, 3), "shorter side is 256, .* not 224 x 224"),
        ("imagenet", (255, 400, 3), "not 255 x 400"),
        ("imagenet", (400, 255, 3), "not 400 x 255"),
        ("imagenet_299", (31, 400, 3), "at least 32 x 32 pixels, not 31 x 400"),
        ("tiny", (64, 63, 3), "at least 64 x 64 pixels for the profile tiny, not 64 x 63"),
        ("cifar", (32, 33, 3), "must be 32 x 32 pixels for the profile cifar, not 32 x 33"),
        ("imagenet", (256, 256), "shape"),
        ("imagenet", (256, 256, 4), "shape"),
    ],
)
def test_images_of_another_size(profile, shape, message):
    with pytest.raises(ValueError, match=message):
        apply("rotate", np.zeros(shape, np.uint8), SFC64(3), profile=profile)


def test_what_is_no_image_and_what_are_no_bits():
    with pytest.raises(TypeError, match="uint8"):
        apply("rotate", np.zeros((256, 256, 3)), SFC64(3))
    with pytest.raises(TypeError, match="numpy array"):
        apply("rotate", [[0]], SFC64(3))
    with pytest.raises(TypeError, match="BitGenerator"):
        apply("rotate", image(), RandomState(3))
