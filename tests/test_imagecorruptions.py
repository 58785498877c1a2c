"""The drop-in replacement of imagecorruptions: its arguments, as public code passes them, and its draws."""

import importlib
import inspect
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

import imagenet_cp
from imagenet_cp.benchmarks.recipe import pixel_id
from imagenet_cp.imagecorruptions import corrupt, get_corruption_names

ALL = get_corruption_names("all")


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)


def brighter(image, severity=1):
    return imagenet_cp.corrupt(np.ascontiguousarray(image), "brightness", severity)


class TestAsPublicCodeCallsIt:
    """One test for each way of ten callers, found by searching public repositories."""

    def test_a_loop_over_names_and_severities(self, image):
        for corruption in get_corruption_names("digital"):
            for severity in range(5):
                assert corrupt(image, corruption_name=corruption, severity=severity + 1).shape == image.shape

    def test_a_loop_over_numbers(self, image):
        for i, name in enumerate(ALL):
            np.random.seed(i)
            by_number = corrupt(image, corruption_number=i, severity=2)
            np.random.seed(i)
            assert np.array_equal(by_number, corrupt(image, corruption_name=name, severity=2))

    def test_everything_by_position(self, image):
        assert np.array_equal(corrupt(image, 4, "brightness"), brighter(image, 4))

    def test_the_default_severity_written_into_an_array_of_images(self):
        images = np.full((2, 32, 32, 3), 90, np.uint8)
        for i in range(len(images)):
            images[i] = corrupt(images[i], corruption_name="brightness")
        assert np.array_equal(images[0], brighter(np.full((32, 32, 3), 90, np.uint8)))

    def test_channels_reversed_before_and_after(self, image):
        found = corrupt(image[:, :, ::-1], 3, corruption_number=10)[:, :, ::-1]
        assert np.array_equal(found, brighter(image[:, :, ::-1], 3)[:, :, ::-1])

    def test_a_transposed_tensor_in_floats_made_uint8(self, image):
        chw = image.transpose(2, 0, 1).astype(np.float32) / 255
        given = (chw * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
        assert np.array_equal(corrupt(given, corruption_name="brightness", severity=1), brighter(image))

    def test_a_read_only_array_of_a_pillow_image(self, image):
        given = np.asarray(Image.fromarray(image))
        assert np.array_equal(corrupt(given, severity=2, corruption_name="brightness"), brighter(image, 2))

    def test_numbers_drawn_by_numpy(self, image):
        severity, number = np.int64(2), np.random.RandomState(0).randint(10, 11)
        assert np.array_equal(corrupt(image, severity, corruption_number=10.0), brighter(image, 2))
        assert np.array_equal(corrupt(image, severity=severity, corruption_number=number), brighter(image, 2))

    def test_a_seed_of_the_global_state_before_every_call(self, image):
        results = []
        for _ in range(2):
            np.random.seed(3407)
            results.append(corrupt(image, severity=5, corruption_name="snow"))
        assert np.array_equal(*results)

    @pytest.mark.parametrize("shape", [(40, 52), (40, 52, 1)])
    def test_a_grey_depth_map_gives_three_channels(self, image, shape):
        grey = image[:, :, :1].reshape(shape)
        found = corrupt(grey, corruption_name="brightness", severity=3)
        assert np.array_equal(found, brighter(image[:, :, :1].repeat(3, axis=2), 3))


def test_the_arguments_are_those_of_imagecorruptions():
    parameters = inspect.signature(corrupt).parameters
    positional = [(p.name, p.default) for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional[1:] == [("severity", 1), ("corruption_name", None), ("corruption_number", -1)]


def test_the_subsets():
    assert [len(get_corruption_names(s)) for s in ("noise", "blur", "weather", "digital")] == [3, 4, 4, 4]
    assert get_corruption_names() == get_corruption_names("common") == ALL[:15]
    assert get_corruption_names("validation") == ALL[15:] and len(ALL) == 19
    with pytest.raises(ValueError, match="unknown subset 'wether'; did you mean weather"):
        get_corruption_names("wether")


def test_draws_are_of_the_global_state_unless_a_seed_is_given(image):
    def noise(**options):
        return corrupt(image, corruption_name="shot_noise", **options)

    assert not np.array_equal(noise(), noise())
    np.random.seed(1)
    assert np.array_equal(noise(seed=1), noise(seed=1)) and not np.array_equal(noise(seed=1), noise(seed=2))
    after = np.random.random()
    np.random.seed(1)
    assert np.random.random() == after  # a seed leaves the global state alone


def test_every_call_advances_the_global_state_alike(image):
    states = []
    for name in ("fog", "contrast"):
        np.random.seed(1)
        corrupt(image, corruption_name=name)
        states.append(np.random.random())
    assert states[0] == states[1]


@pytest.mark.parametrize("name", ["frost", "glass_blur"])
def test_a_seed_draws_as_corrupt_does(image, name):
    expected = imagenet_cp.corrupt(image, name, 3, seed=7, image_id=pixel_id(image))
    assert np.array_equal(corrupt(image, 3, name, seed=7), expected)


def test_the_image_is_not_modified(image):
    before = image.copy()
    corrupt(image, 5, "spatter")
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    "change, kind, message",
    [
        ({"corruption_name": "fogg"}, ValueError, "unknown corruption 'fogg'; did you mean fog"),
        ({"corruption_name": None}, ValueError, "neither corruption_name nor corruption_number"),
        ({"corruption_name": None, "corruption_number": 19}, ValueError, "from 0 to 18, not 19"),
        ({"corruption_name": None, "corruption_number": True}, ValueError, "from 0 to 18, not True"),
        ({"corruption_name": None, "corruption_number": 2.5}, ValueError, "from 0 to 18, not 2.5"),
        ({"seed": -1}, ValueError, "seed must be a whole number from 0"),
        ({"severity": 6}, ValueError, "from 1 to 5, not 6"),
        ({"image": np.zeros((40, 40, 3))}, TypeError, "uint8 values from 0 to 255, not float64"),
        ({"image": np.zeros((40, 40, 4), np.uint8)}, ValueError, r"not \(40, 40, 4\)"),
        ({"image": np.zeros((7, 40), np.uint8)}, ValueError, "at least 8 x 8 pixels, not 7 x 40"),
        ({"image": [[0]]}, TypeError, "not list"),
    ],
)
def test_wrong_arguments_are_named(image, change, kind, message):
    with pytest.raises(kind, match=message):
        corrupt(**{"image": image, "corruption_name": "fog", **change})


@pytest.fixture
def published(monkeypatch):
    """The functions of the installed imagecorruptions, whose import needs modules that no longer exist."""
    pytest.importorskip("cv2", exc_type=ImportError)
    resources = types.ModuleType("pkg_resources")
    resources.resource_filename = None
    monkeypatch.setitem(sys.modules, "pkg_resources", resources)
    monkeypatch.setitem(sys.modules, "scipy.ndimage.interpolation", scipy.ndimage)
    yield importlib.import_module("imagecorruptions.corruptions")
    for name in ("imagecorruptions", "imagecorruptions.corruptions"):
        del sys.modules[name]


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_the_elastic_transform_of_the_guide_is_that_of_imagecorruptions(published, severity):
    guide = Path(__file__).parents[1] / "cards/guides/detection.md"
    (block,) = re.findall(
        r"^```python\n(from scipy.*?)^corrupted", guide.read_text(encoding="utf-8"), re.M | re.S
    )
    names = {"np": np}
    exec(block, names)
    image = np.random.default_rng(severity).integers(0, 256, (97, 130, 3), np.uint8)
    np.random.seed(severity)
    expected = np.uint8(published.elastic_transform(Image.fromarray(image), severity))
    made = names["elastic_transform"](image, severity, np.random.RandomState(severity))
    assert np.array_equal(made, expected)
