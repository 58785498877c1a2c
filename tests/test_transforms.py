"""Random transforms on Pillow images and arrays; tests/test_transforms_torch.py has those on tensors."""

import pickle
from collections import Counter, namedtuple

import datasets
import numpy as np
import pytest
from PIL import Image

import imagenet_cp
from imagenet_cp import transforms
from imagenet_cp.benchmarks.recipe import pixel_id
from imagenet_cp.corruptions import BAR, EXTRA, TEST
from imagenet_cp.corruptions.registry import SUITES
from imagenet_cp.transforms import Corrupt, RandomPerturb


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (36, 44, 3), np.uint8)


def same(one, two):
    return np.array_equal(np.asarray(one), np.asarray(two))


class TestDraws:
    def test_fresh_by_default(self, image):
        transform = Corrupt("gaussian_noise", severity=1)
        assert not same(transform(image), transform(image))

    def test_repeated_with_a_seed_and_different_for_other_images_and_seeds(self, image):
        transform = Corrupt("all", seed=0)
        batch = transform(np.stack([image, image[::-1], image]))
        assert same(transform(image), transform(image)) and same(batch[0], batch[2])
        noise = [
            Corrupt("gaussian_noise", 1, seed=seed)(np.full_like(image, level))
            for seed, level in ((0, 9), (1, 9), (0, 10))
        ]
        assert not same(noise[0], noise[1]) and not same(noise[0] + np.uint8(1), noise[2])

    @pytest.mark.parametrize("name", ["frost", "shot_noise", "contrast"])
    def test_those_of_corrupt_for_the_same_seed_and_id(self, image, name):
        expected = imagenet_cp.corrupt(image, name, 3, seed=5, image_id=pixel_id(image))
        assert same(Corrupt(name, severity=3, seed=5)(image), expected)
        assert same(Corrupt(name, severity=3, seed=5)(Image.fromarray(image)), expected)

    def test_those_of_perturb_for_the_same_seed_and_id(self, image):
        expected = imagenet_cp.perturb(
            image[:32, :32],
            "gaussian_noise",
            2,
            seed=5,
            image_id=pixel_id(image[:32, :32]),
            benchmark="cifar10_p",
        )
        found = RandomPerturb("gaussian_noise", 2, seed=5, benchmark="cifar10_p")(image[:32, :32])
        assert same(found, expected)

    def test_other_benchmarks_have_their_own_parameters(self, image):
        expected = imagenet_cp.corrupt(image, "fog", 3, image_id=pixel_id(image), benchmark="cifar10_c")
        assert same(Corrupt("fog", 3, seed=0, benchmark="cifar10_c")(image), expected)

    def test_a_pickled_copy_draws_the_same(self, image):
        transform = Corrupt({"fog": 1, "shot_noise": 2}, range(1, 4), p=0.9, seed=3)
        copy = pickle.loads(pickle.dumps(transform))
        assert same(copy(image), transform(image)) and repr(copy) == repr(transform)


class TestChoices:
    @pytest.fixture
    def drawn(self, monkeypatch):
        """Function that counts the names and severities that are drawn."""
        counts = Counter()

        def spy(image, name, level, **draws):
            counts[name, level] += 1
            return image

        def draw(number=300, **arguments):
            counts.clear()
            transform = Corrupt(**arguments)
            for _ in range(number):
                transform(np.zeros((32, 32, 3), np.uint8))
            return counts

        monkeypatch.setattr(transforms, "corrupt", spy)
        return draw

    def test_names_and_severities_by_their_weights(self, drawn):
        found = drawn(names={"gaussian_noise": 3, "shot_noise": 1, "fog": 0}, severity={1: 1, 4: 1})
        assert set(found) == {(n, s) for n in ("gaussian_noise", "shot_noise") for s in (1, 4)}
        noise = found["gaussian_noise", 1] + found["gaussian_noise", 4]
        assert 190 < noise < 260 and 115 < found["gaussian_noise", 1] + found["shot_noise", 1] < 185

    def test_the_probability(self, drawn):
        assert 60 < sum(drawn(names="shot_noise", severity=1, p=0.3).values()) < 120
        assert not drawn(number=9, names="shot_noise", severity=1, p=0)

    def test_choices_of_a_seed_are_frozen(self, monkeypatch):
        found, black = [], np.zeros((32, 32, 3), np.uint8)
        monkeypatch.setattr(transforms, "corrupt", lambda image, *choice, **_: found.append(choice) or image)
        monkeypatch.setattr(transforms, "perturb", lambda image, *choice, **_: found.append(choice) or image)
        for seed in range(3):
            Corrupt(seed=seed)(black)
            RandomPerturb(["tilt", "shear", "snow"], seed=seed)(black)
        assert found[::2] == [("snow", 5), ("contrast", 2), ("fog", 5)]
        assert found[1::2] == [("tilt", 1), ("snow", 1), ("shear", 1)]

    def test_a_number_on_the_bound_of_two_options_is_of_the_second(self):
        choice = transforms._Choice({"a": 1, "b": 0, "c": 2, "d": 1}, "names")
        numbers = (0, np.nextafter(0.25, 0), 0.25, np.nextafter(0.75, 0), 0.75, np.nextafter(1, 0))
        assert [choice.draw(number) for number in numbers] == ["a", "a", "c", "c", "d", "d"]

    def test_an_image_that_is_not_drawn_is_the_same(self, image):
        assert same(Corrupt(p=0)(image), image)

    @pytest.mark.parametrize(
        "names, expected",
        [
            ("test", TEST),
            ("extra", EXTRA),
            ("noise", None),
            ("fog", ("fog",)),
            (["fog", "snow"], ("fog", "snow")),
        ],
    )
    def test_groups(self, names, expected):
        options = Corrupt(names)._names.options
        assert options == expected if expected else {"gaussian_noise", "speckle_noise"} <= set(options)

    def test_imagenet_c_bar_has_its_own_names(self):
        assert set(Corrupt(benchmark="cifar10_c_bar")._names.options) < set(BAR)
        assert "fog" not in Corrupt("test", benchmark="imagenet_c_bar")._names.options

    def test_families_are_those_of_the_benchmark(self):
        for benchmark, suite, none in (("imagenet_c", "c", ()), ("imagenet_c_bar", "c_bar", ("blur",))):
            families = [
                Corrupt(n, benchmark=benchmark)._names.options for n in SUITES[suite] if n not in none
            ]
            options = Corrupt("all", benchmark=benchmark)._names.options
            assert sorted(sum(families, ())) == sorted(options) and all(families)
        for family in ("weather", "blur"):
            with pytest.raises(ValueError, match=f"unknown corruption '{family}'"):
                Corrupt(family, benchmark="imagenet_c_bar")

    def test_the_tests_of_cifar_have_spatter_in_place_of_snow(self):
        options = RandomPerturb("test", benchmark="cifar10_p")._names.options
        assert len(options) == 10 and "spatter" in options and "snow" not in options

    def test_sets_and_mappings_are_in_the_published_order(self):
        for names in ({"fog", "snow", "shot_noise"}, dict.fromkeys(["fog", "shot_noise", "snow"], 2).keys()):
            assert Corrupt(names)._names.options == ("shot_noise", "snow", "fog")
        assert Corrupt({"fog": 2, "snow": 1})._names.options == ("snow", "fog")
        assert Corrupt(["fog", "snow"])._names.options == ("fog", "snow")

    def test_numbers_of_numpy(self):
        transform = Corrupt(
            {"fog": np.int64(2), "snow": np.float32(1)}, np.array(3), np.float32(0.5), np.uint8(4)
        )
        plain = Corrupt({"fog": 2, "snow": 1}, 3, 0.5, 4)
        assert transform._names._upper == plain._names._upper and transform._severities.options == (3,)
        assert (transform.p, transform._draws.recipe) == (plain.p, plain._draws.recipe)

    def test_repr(self):
        assert repr(Corrupt("fog", 3)) == (
            "Corrupt('fog', severity=3, p=1.0, seed=None, benchmark='imagenet_c')"
        )
        assert repr(Corrupt(["fog", "snow"], {1: 2, 3: 1}, 0.5, 7, benchmark="cifar10_c")) == (
            "Corrupt(('fog', 'snow'), severity={1: 2, 3: 1}, p=0.5, seed=7, benchmark='cifar10_c')"
        )
        assert repr(RandomPerturb({"tilt": 1, "scale": 2})) == (
            "RandomPerturb({'tilt': 1, 'scale': 2}, difficulty=1, seed=None, benchmark='imagenet_p')"
        )


class TestSamples:
    def test_pillow_images_and_arrays_keep_their_types(self, image):
        transform = Corrupt("brightness", severity=3)
        expected = imagenet_cp.corrupt(image, "brightness", 3)
        found = transform(Image.fromarray(image))
        assert isinstance(found, Image.Image) and same(found, expected)
        assert same(transform(image), expected) and transform(image).dtype == np.uint8
        assert same(transform(np.stack([image, image])), [expected, expected])

    def test_all_but_the_images_of_a_sample_is_passed_unchanged(self, image):
        Sample = namedtuple("Sample", ["image", "target"])
        boxes = np.array([[0, 0, 3, 3]])
        pil = Image.fromarray(image)
        found = Corrupt("brightness", severity=3)(Sample(pil, {"boxes": boxes, "names": ["cat"], "id": None}))
        assert type(found) is Sample and found.target == {"boxes": boxes, "names": ["cat"], "id": None}
        assert found.target["boxes"] is boxes
        assert same(found.image, imagenet_cp.corrupt(pil, "brightness", 3))

    def test_every_pillow_image_or_the_first_array(self, image):
        transform = Corrupt("brightness", severity=3)
        expected, pil = imagenet_cp.corrupt(image, "brightness", 3), Image.fromarray(image)
        found = transform({"one": pil, "more": [(pil, 3)], "depth": image})
        assert same(found["one"], expected) and same(found["more"][0][0], expected)
        assert found["depth"] is image and found["more"][0][1] == 3
        first, second = transform((image, image))
        assert same(first, expected) and second is image

    def test_every_array_of_a_list_whose_sizes_differ(self, image):
        transform, depth = Corrupt("brightness", severity=3), image[..., :1]
        expected = imagenet_cp.corrupt(image, "brightness", 3)
        one, small = transform({"images": [image, image[:20]]})["images"]
        assert same(one, expected) and same(small, expected[:20])
        for other in (depth, image[..., 0], 7):
            one, rest = transform([image, other])
            assert same(one, expected) and rest is other

    def test_several_inputs_as_in_a_composition(self, image):
        found, label = Corrupt("brightness", severity=3)(image, 7)
        assert label == 7 and same(found, imagenet_cp.corrupt(image, "brightness", 3))

    def test_the_keywords_of_albumentations(self, image):
        mask = np.zeros(image.shape[:2], np.uint8)
        found = Corrupt("brightness", severity=3)(image=image, mask=mask, bboxes=[(0, 0, 1, 1)])
        assert same(found["image"], imagenet_cp.corrupt(image, "brightness", 3))
        assert found["mask"] is mask and found["bboxes"] == [(0, 0, 1, 1)]

    def test_map_and_set_transform_of_datasets(self, image):
        rows = {"image": [Image.fromarray(image), Image.fromarray(image[::-1])], "label": [0, 1]}
        features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
        data = datasets.Dataset.from_dict(rows, features=features)
        transform = Corrupt("all", seed=0)
        expected = [transform(image), transform(image[::-1])]
        mapped = data.map(transform, batched=True, batch_size=2)
        one_by_one = data.map(transform)
        data.set_transform(transform)
        for i in range(2):
            assert same(mapped[i]["image"], expected[i]) and same(one_by_one[i]["image"], expected[i])
            assert same(data[i]["image"], expected[i]) and data[i]["label"] == i
        assert len(data[:]["image"]) == 2


class TestSequences:
    def test_types_and_shapes(self, image):
        transform = RandomPerturb("brightness", benchmark="cifar10_p")
        frames = transform(image[:32, :32])
        assert frames.shape == (31, 32, 32, 3) and frames.dtype == np.uint8
        of_pillow = transform(Image.fromarray(image[:32, :32]))
        assert isinstance(of_pillow[0], Image.Image) and same(of_pillow, frames)

    def test_fresh_and_repeated_draws(self, image):
        fresh = RandomPerturb("gaussian_noise", benchmark="cifar10_p")
        seeded = RandomPerturb("gaussian_noise", seed=1, benchmark="cifar10_p")
        small = image[:32, :32]
        assert not same(fresh(small), fresh(small)) and same(seeded(small), seeded(small))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"names": "fogg"}, "unknown corruption 'fogg'; did you mean fog"),
        ({"names": ["fog", "snou"]}, "unknown corruption 'snou'; did you mean snow"),
        ({"names": "weathr"}, "unknown corruption 'weathr'; did you mean weather"),
        ({"names": []}, "names: nothing to draw from"),
        ({"names": {"fog": 0}}, "names: nothing to draw from"),
        ({"names": {"fog": -1}}, r"the weight of 'fog' must be a number from 0 to 1e\+300, not -1"),
        ({"names": {"fog": 10**400}}, "the weight of 'fog' must be a number"),
        ({"severity": {1: float("nan")}}, "the weight of 1 must be a number .*, not nan"),
        ({"names": None}, "names must be a name or a list of names, not None"),
        ({"names": [["fog"]]}, "names must be a name or a list of names"),
        ({"names": ["weather"]}, "'weather' is a group of names, which stands alone: names='weather'"),
        ({"names": {"all": 1}}, "'all' is a group of names"),
        ({"names": ["fog", "snow", "snow", "fog"]}, "names: 'fog' is repeated"),
        ({"severity": (3, np.int64(3))}, "severity: 3 is repeated"),
        ({"severity": None}, "from 1 to 5, not None"),
        ({"severity": True}, "from 1 to 5, not True"),
        ({"p": None}, "p must be a number from 0 to 1, not None"),
        ({"p": "0.5"}, "p must be a number from 0 to 1, not '0.5'"),
        ({"p": np.array([0.5])}, "p must be a number from 0 to 1, not array"),
        ({"seed": True}, "seed must be a whole number from 0, or None for fresh draws, not True"),
        ({"benchmark": ["imagenet_c"]}, "unknown benchmark"),
        ({"severity": 6}, "from 1 to 5, not 6"),
        ({"severity": {0: 1, 1: 1}}, "from 1 to 5, not 0"),
        ({"p": 1.5}, "p must be a number from 0 to 1, not 1.5"),
        ({"seed": "a"}, "seed must be a whole number from 0, or None for fresh draws, not 'a'"),
        ({"benchmark": "imagenet_p"}, "unknown benchmark 'imagenet_p'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Corrupt(**arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"names": "tlit"}, "unknown perturbation 'tlit'; did you mean tilt"),
        ({"names": "tilt", "difficulty": 2}, "tilt has one sequence, of difficulty 1, not 2"),
        ({"names": []}, "names: nothing to draw from; name at least one with a weight above 0"),
        ({"names": "tilt", "difficulty": {1: 0}}, "difficulty: nothing to draw from"),
        ({"difficulty": 4}, "difficulty must be a whole number from 1 to 3, not 4"),
    ],
)
def test_wrong_arguments_of_sequences_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomPerturb(**arguments)


def test_a_batch_for_sequences_is_named(image):
    with pytest.raises(ValueError, match=r"one image, not a batch of the shape \(1, 36, 44, 3\)"):
        RandomPerturb()(image[None])


@pytest.mark.parametrize(
    "sample, kind, message",
    [
        (
            Image.new("L", (40, 40)),
            ValueError,
            r"of mode 'L', not 'RGB': convert it with image.convert\('RGB'\)",
        ),
        (np.zeros((40, 40, 3), np.float32), TypeError, "uint8 values from 0 to 255, not float32"),
        (
            np.zeros((3, 40, 40), np.uint8),
            ValueError,
            r"\(height, width, 3\) in RGB order, not \(3, 40, 40\)",
        ),
        (np.zeros((7, 40, 3), np.uint8), ValueError, "at least 8 x 8 pixels, not 7 x 40"),
        ({"label": 3}, TypeError, "no image in a sample of dict"),
        ("image.png", TypeError, "no image in a sample of str"),
    ],
)
def test_samples_without_a_fitting_image_are_named(sample, kind, message):
    with pytest.raises(kind, match=message):
        Corrupt("fog")(sample)


def test_keywords_without_an_image_are_named(image):
    with pytest.raises(TypeError, match=r"got ndarray, masks="):
        Corrupt("fog")(image, masks=[])
    with pytest.raises(
        TypeError, match="an image is a Pillow image, or an array or tensor of uint8, not list"
    ):
        Corrupt("fog")(image=[1])
