"""The corruptions of ImageNet-C-bar equal the published functions; their random draws follow the published laws."""

import golden_images as golden
import numpy as np
import pytest
from numpy.random import SFC64, RandomState

import imagenet_cp
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.corruptions import BAR, CORRUPTIONS, SEVERITIES, apply
from imagenet_cp.errors import SourceError
from imagenet_cp.kernels import nested
from imagenet_cp.kernels.rng import seeded
from imagenet_cp.sources import Source
from imagenet_cp.sources.cifar import CIFAR100
from imagenet_cp.sources.image_folder import FileReader

CLEAN = {"imagenet": "imagenet_c/clean.png", "cifar": "profiles/cifar/clean.png"}
FOLDER = {"imagenet": "imagenet_c_bar", "cifar": "cifar_c_bar"}
TABLES = [(name, profile) for name in BAR for profile in BAR[name].tables]


def test_there_are_ten_of_each_size():
    assert sorted(BAR) == list(BAR) == sorted(golden.BAR) and not CORRUPTIONS.keys() & BAR.keys()
    for profile in CLEAN:
        assert sum(profile in BAR[name].tables for name in BAR) == 10


@pytest.mark.parametrize(("name", "profile"), TABLES)
def test_equals_the_published_function(name, profile):
    clean = golden.read(CLEAN[profile])
    for severity in SEVERITIES:
        bits = golden.bits(6000 + golden.BAR.index(name), severity)
        made = apply(name, clean, severity, bits, profile)
        assert np.array_equal(made, golden.read(f"{FOLDER[profile]}/{name}_{severity}.png")), severity


@pytest.mark.parametrize(("name", "profile"), TABLES)
def test_a_generator_of_numpy_gives_the_draws_of_a_stream(name, profile):
    clean = golden.read(CLEAN["cifar"])
    stream = seeded(bytes(range(32)))
    streamed = apply(name, clean, 3, stream.to_sfc64(), profile)
    # A bit generator that is no SFC64 goes through RandomState: here the same one under another type.
    other = stream.to_sfc64(type("SFC64", (SFC64,), {})(0))
    assert np.array_equal(apply(name, clean, 3, other, profile), streamed)


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
def test_the_second_generator_is_numpys(seed):
    assert np.array_equal(nested.words(seed, 1300) >> 1, RandomState(seed).randint(0, 2**32, 1300) >> 1)
    assert np.array_equal(nested.uniform(seed, 999), RandomState(seed).uniform(size=999))
    for size in (1, 2, 601):
        difference = nested.normals(seed, size) - RandomState(seed).randn(size)
        assert np.abs(difference).max() < 1e-14


def test_a_permutation_is_numpys():
    for seed in range(9):
        assert (
            nested.permutation(golden.bits(seed), 3) == RandomState(golden.bits(seed)).permutation(3).tolist()
        )


@pytest.mark.parametrize("name", BAR)
def test_images_are_squares_with_an_even_side(name):
    profile = next(iter(BAR[name].tables))
    for shape in ((224, 256), (33, 33), (30, 30)):
        with pytest.raises(ValueError, match=f"even side, from 32 x 32 pixels, not {shape[0]} x {shape[1]}"):
            apply(name, np.zeros((*shape, 3), np.uint8), 1, golden.bits(0), profile)


@pytest.mark.parametrize("side", [34, 60, 150])
def test_any_even_side_is_transformed(side):
    image = np.full((side, side, 3), 128, np.uint8)
    tinted = apply("brownish_noise", image, 3, golden.bits(1))
    assert tinted.std(axis=(0, 1)) == pytest.approx([64 * 0.3] * 3, rel=0.02)
    hidden = apply("blue_noise_sample", image, 5, golden.bits(1))
    assert set(np.unique(hidden)) == {0, 128}


def test_each_suite_is_of_its_own_data_sets():
    image = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="sparkles is a corruption of imagenet_c_bar or cifar10_c_bar"):
        imagenet_cp.corrupt(image, "sparkles")
    with pytest.raises(ValueError, match="fog is a corruption of imagenet_c: pass that as the benchmark"):
        imagenet_cp.corrupt(image, "fog", benchmark="imagenet_c_bar")
    with pytest.raises(ValueError, match="lines has no parameters for the profile imagenet, only for cifar"):
        imagenet_cp.corrupt(image, "lines", benchmark="imagenet_c_bar")
    made = imagenet_cp.corrupt(image, "sparkles", 5, benchmark="cifar10_c_bar")
    assert made.shape == image.shape and made.any()


def test_no_data_set_is_proposed_that_does_not_exist():
    source = Source("images", CIFAR100, (), FileReader())
    with pytest.raises(
        SourceError, match=r"cifar10_c_bar is made of those of cifar10; name a source of cifar10$"
    ):
        BENCHMARKS["cifar10_c_bar"].check(source)
