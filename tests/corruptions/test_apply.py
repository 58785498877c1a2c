"""What every corruption promises, and what is said of images that are none."""

import numpy as np
import pytest
import skimage.data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.random import MT19937, PCG64, SFC64

import imagenet_cp
from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply

NAMES = list(CORRUPTIONS)
PHOTOGRAPH = np.ascontiguousarray(skimage.data.coffee()[:, :, :3])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(NAMES),
    severity=st.sampled_from(SEVERITIES),
    height=st.integers(8, 300),
    width=st.integers(8, 512),
    seed=st.integers(0, 2**32),
)
def test_every_size_gives_a_picture_of_its_size_from_its_bits_alone(name, severity, height, width, seed):
    image = PHOTOGRAPH[:height, :width].copy()
    before = image.copy()
    made = apply(name, image, severity, SFC64(seed))
    assert made.shape == image.shape and made.dtype == np.uint8 and made.flags.c_contiguous
    assert np.array_equal(image, before) and not np.shares_memory(made, image)
    assert np.array_equal(made, apply(name, image, severity, SFC64(seed)))


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_that_takes_bits_draws_from_them(name):
    bits = SFC64(4)
    apply(name, PHOTOGRAPH[50:114, 100:164].copy(), 3, bits)
    assert (bits.random_raw() != SFC64(4).random_raw()) == CORRUPTIONS[name].random


@pytest.mark.parametrize("name", [name for name in NAMES if CORRUPTIONS[name].random])
def test_another_image_id_gives_other_draws(name):
    image = PHOTOGRAPH[50:274, 100:324].copy()
    recipe = Recipe("imagenet_c")
    one, two = (apply(name, image, 5, recipe.bits(name, 5, image_id)) for image_id in ("one", "two"))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("generator", [PCG64, MT19937])
@pytest.mark.parametrize("name", NAMES)
def test_any_bit_generator_will_do(name, generator):
    image = PHOTOGRAPH[50:114, 100:164].copy()
    made = apply(name, image, 3, generator(5))
    assert np.array_equal(made, apply(name, image, 3, generator(5)))


@pytest.mark.parametrize("name", NAMES)
def test_how_the_array_lies_in_memory_changes_nothing(name):
    image = PHOTOGRAPH[50:114, 100:164].copy()
    plain = apply(name, image, 3, SFC64(1))
    frozen = image.copy()
    frozen.flags.writeable = False
    for other in (np.asfortranarray(image), frozen, PHOTOGRAPH[50:114, 100:164], image[::-1][::-1]):
        assert np.array_equal(apply(name, other, 3, SFC64(1)), plain)


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (np.zeros((64, 64, 3)), TypeError, "uint8 values"),
        (np.zeros((64, 64, 3), object), TypeError, "uint8 values"),
        (np.zeros((64, 64, 3), bool), TypeError, "uint8 values"),
        (np.zeros((64, 64, 4), np.uint8), ValueError, r"\(height, width, 3\)"),
        (np.zeros((64, 64), np.uint8), ValueError, r"\(height, width, 3\)"),
        (np.zeros((2, 64, 64, 3), np.uint8), ValueError, r"\(height, width, 3\)"),
        (np.zeros((0, 0, 3), np.uint8), ValueError, "at least 8 x 8"),
        (np.zeros((7, 64, 3), np.uint8), ValueError, "at least 8 x 8 pixels, not 7 x 64"),
        ([[[1, 2, 3]]], TypeError, "numpy array"),
        (None, TypeError, "numpy array"),
    ],
)
def test_what_is_no_image_is_refused(image, error, says):
    with pytest.raises(error, match=says):
        apply("fog", image, 3, SFC64(0))


@pytest.mark.parametrize(
    ("name", "severity", "bits", "profile", "error", "says"),
    [
        ("fgo", 3, SFC64(0), "imagenet", ValueError, "did you mean fog"),
        ("fog", 0, SFC64(0), "imagenet", ValueError, "from 1 to 5, not 0"),
        ("fog", 6, SFC64(0), "imagenet", ValueError, "from 1 to 5, not 6"),
        ("fog", True, SFC64(0), "imagenet", ValueError, "from 1 to 5, not True"),
        ("fog", "3", SFC64(0), "imagenet", ValueError, "from 1 to 5, not '3'"),
        ("fog", 3, np.random.RandomState(0), "imagenet", TypeError, "BitGenerator"),
        ("fog", 3, SFC64(0), "imagenet299", ValueError, "did you mean imagenet_299"),
    ],
)
def test_calls_that_mean_nothing_are_refused(name, severity, bits, profile, error, says):
    with pytest.raises(error, match=says):
        apply(name, PHOTOGRAPH, severity, bits, profile)


def test_corrupt_gives_what_it_was_given():
    from PIL import Image

    photograph = Image.fromarray(PHOTOGRAPH)
    made = imagenet_cp.corrupt(photograph, "fog", severity=2, seed=1, image_id="coffee")
    assert isinstance(made, Image.Image) and made.size == photograph.size
    assert np.array_equal(made, imagenet_cp.corrupt(PHOTOGRAPH, "fog", severity=2, seed=1, image_id="coffee"))
    mildest = imagenet_cp.corrupt(PHOTOGRAPH, "fog", severity=1, seed=0)
    assert np.array_equal(imagenet_cp.corrupt(PHOTOGRAPH, "fog"), mildest)
    for severity in (0, 6):
        with pytest.raises(ValueError, match="from 1 to 5"):
            imagenet_cp.corrupt(PHOTOGRAPH, "fog", severity=severity)
