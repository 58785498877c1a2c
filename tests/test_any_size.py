"""Your own images: any size from 8 x 8 up, any aspect, one or many."""

import io
import shutil

import numpy as np
import pytest
from datasets import load_dataset
from PIL import Image

import imagenet_cp
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.corruptions import CORRUPTIONS
from imagenet_cp.errors import SourceError
from imagenet_cp.sources import open_source

pytestmark = pytest.mark.usefixtures("elsewhere")

SIGNATURE = "imagenet_c|recipe:1|profile:imagenet|size:keep|seed:0|jpeg:85"


@pytest.fixture
def pictures(tmp_path, photographs):
    """Three images of different sizes and aspect ratios at different depths; two have the same name."""
    root = tmp_path / "pictures"
    sizes = {"a/one.png": (13, 8), "a/deep/er/one.jpg": (32, 200), "b/two.png": (300, 90)}
    for (place, size), photograph in zip(sizes.items(), photographs.values(), strict=False):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(photograph) as image:
            image.convert("RGB").resize(size).save(root / place)
    (root / ".hidden").mkdir()
    shutil.copy(root / "b" / "two.png", root / ".hidden" / "two.png")
    return root


def load(config, cache, **options):
    return load_dataset("imagenet_c", config, size="keep", split="validation", cache_dir=cache, **options)


def test_ids_are_relative_paths_and_pictures_stay_as_large_as_they_are(pictures, cache):
    rows = load("fog_3", cache, data_dir=str(pictures))
    assert rows["image_id"] == ["a/deep/er/one", "a/one", "b/two"]
    assert rows.features["label"].names == ["a", "b"] and rows["label"] == [0, 0, 1]
    assert SIGNATURE in rows.info.description
    for row, file in zip(rows, ["a/deep/er/one.jpg", "a/one.png", "b/two.png"], strict=True):
        with Image.open(pictures / file) as clean:
            made = imagenet_cp.corrupt(clean.convert("RGB"), "fog", 3, image_id=row["image_id"])
        stored = io.BytesIO()
        made.save(stored, "JPEG", quality=85, optimize=True)
        assert row["image"].size == made.size
        assert np.array_equal(row["image"], Image.open(stored))


def test_every_corruption_takes_every_size(pictures):
    for name in CORRUPTIONS:
        for size in ((8, 8), (33, 257), (300, 64)):
            picture = np.random.default_rng(5).integers(0, 256, (*size, 3), np.uint8)
            assert imagenet_cp.corrupt(picture, name, 5).shape == picture.shape


def test_a_build_is_resumed_verified_and_loaded(pictures, tmp_path, cache):
    source = open_source(pictures, recursive=True)
    out = tmp_path / "made"
    build("imagenet_c", source, out, ["fog_3"], size="keep", workers_count=1)
    plan = build("imagenet_c", source, out, ["fog_3", "clean", "frost"], size="keep", workers_count=1)
    assert plan.recipe.signature == SIGNATURE
    report = verify(out, source=source)
    assert report.problems == [] and report.rows == report.regenerated == 3 * 7
    stock = load_dataset(str(out), "fog_3", split="validation", cache_dir=cache)
    assert stock["image_id"] == ["a/deep/er/one", "a/one", "b/two"]
    assert [picture.size for picture in stock["image"]] == [(32, 200), (13, 8), (300, 90)]
    with pytest.raises(Exception, match="size:keep"):
        build("imagenet_c", source, out, ["fog_3"], workers_count=1)


def test_the_command_builds_and_verifies(pictures, tmp_path, command):
    made = command(
        "build", "--source", pictures, "--out", "made", "--configs", "pixelate_1", "--size", "keep",
        "--workers", "1",
    )  # fmt: skip
    assert made.returncode == 0 and SIGNATURE in made.stdout, made.stderr
    checked = command("verify", "made", "--source", pictures)
    assert checked.returncode == 0 and "3 rows regenerated" in checked.stdout, checked.stdout + checked.stderr


def test_a_picture_that_is_too_small_is_named_or_skipped(pictures, tmp_path, cache):
    Image.new("RGB", (7, 500)).save(pictures / "a" / "small.png")
    says = r"a/small\.png: 7 x 500 pixels, but the corruptions need at least 8 x 8"
    with pytest.raises(SourceError, match=says):
        load("fog_1", cache, data_dir=str(pictures))
    source = open_source(pictures, recursive=True)
    with pytest.raises(SourceError, match=says):
        build("imagenet_c", source, tmp_path / "made", ["fog_1"], size="keep", workers_count=1)
    assert load("fog_1", cache, data_dir=str(pictures), on_error="skip").num_rows == 3


def test_pictures_in_no_sub_folder_are_of_one_class(pictures, cache):
    rows = load("clean", cache, data_dir=str(pictures / "a" / "deep" / "er"))
    assert rows["image_id"] == ["one"] and rows.features["label"].names == ["."]


def test_imagenets_images_keep_their_labels(tmp_path):
    (tmp_path / "val" / "part").mkdir(parents=True)
    Image.new("RGB", (40, 40)).save(tmp_path / "val" / "part" / "ILSVRC2012_val_00000236.png")
    source = open_source(tmp_path / "val", recursive=True)
    assert len(source.classes) == 1000
    assert [(item.image_id, item.label) for item in source.items] == [("part/ILSVRC2012_val_00000236", 1)]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda root: None, "the folder is empty"),
        (lambda root: root.rmdir(), "no such folder"),
        (
            lambda root: [Image.new("RGB", (40, 40)).save(root / f"a.{e}") for e in ("png", "bmp")],
            "the id 'a'",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(make, says, tmp_path):
    root = tmp_path / "folder"
    root.mkdir()
    make(root)
    with pytest.raises(ValueError, match=says):
        open_source(root, recursive=True)


@pytest.mark.parametrize(
    ("dataset", "config", "size", "says"),
    [
        ("imagenet_c", "fog_3", "kepe", 'size must be "keep" or left out'),
        ("imagenet_c", "fog_3", 224, 'size must be "keep" or left out'),
        ("imagenet_p", "tilt", "keep", "imagenet_p has no size='keep'"),
    ],
)
def test_a_size_that_means_nothing_is_refused(dataset, config, size, says, cache):
    with pytest.raises(ValueError, match=says):
        load_dataset(dataset, config, source="sample", size=size, cache_dir=cache)
    with pytest.raises(ValueError, match=says):
        build(dataset, open_source("sample"), "made", [config], size=size)


def batch(count=3):
    return np.random.default_rng(3).integers(0, 256, (count, 48, 40, 3), np.uint8)


def test_a_batch_is_its_images_one_by_one():
    images, ids = batch(), ["one", "two", "three"]
    before = images.copy()
    made = imagenet_cp.corrupt(images, "snow", 2, seed=4, image_id=ids)
    assert made.dtype == np.uint8 and np.array_equal(images, before)
    for picture, name, result in zip(images, ids, made, strict=True):
        assert np.array_equal(result, imagenet_cp.corrupt(picture, "snow", 2, seed=4, image_id=name))
    assert np.array_equal(made, imagenet_cp.corrupt(images, "snow", 2, 4, np.array(ids)))
    assert np.array_equal(made, imagenet_cp.corrupt(np.asfortranarray(images), "snow", 2.0, 4, ids))


def test_without_an_id_the_draws_depend_on_the_pixels():
    images = batch(2)
    made = imagenet_cp.corrupt(images, "gaussian_noise")
    noise = made.astype(int) - images
    assert not np.array_equal(noise[0], noise[1])
    assert np.array_equal(made[1], imagenet_cp.corrupt(images[1], "gaussian_noise"))
    assert np.array_equal(made[1], imagenet_cp.corrupt(Image.fromarray(images[1]), "gaussian_noise"))
    assert not np.array_equal(made[1], imagenet_cp.corrupt(images[1], "gaussian_noise", seed=1))
    assert imagenet_cp.corrupt(batch(0), "fog").shape == (0, 48, 40, 3)


def test_constant_images_of_two_shapes_get_two_draws():
    """A digest of the bytes alone would be the same."""
    grey = np.full((32, 64, 3), 128, np.uint8)
    tall = imagenet_cp.corrupt(grey.reshape(64, 32, 3), "gaussian_noise")
    assert not np.array_equal(imagenet_cp.corrupt(grey, "gaussian_noise").reshape(64, 32, 3), tall)


@pytest.mark.parametrize("function", ["corrupt", "perturb"])
def test_fresh_draws_and_draws_of_a_generator_of_numpy(function):
    def make(**options):
        small = batch(1)[0, :32, :32]
        if function == "corrupt":
            return imagenet_cp.corrupt(small, "gaussian_noise", **options)
        return imagenet_cp.perturb(small, "gaussian_noise", benchmark="cifar10_p", **options)

    assert np.array_equal(make(), make()) and not np.array_equal(make(seed=None), make(seed=None))
    rng = np.random.default_rng(7)
    first, second = make(rng=rng), make(rng=rng)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, make(rng=np.random.PCG64(7)))
    after = np.random.default_rng(7)
    after.bytes(64)
    assert rng.bit_generator.state == after.bit_generator.state
    for options in ({"seed": 1}, {"image_id": "x"}):
        with pytest.raises(ValueError, match="rng replaces seed and image_id"):
            make(rng=rng, **options)
    with pytest.raises(TypeError, match=r"numpy Generator such as .*, not int"):
        make(rng=3)
    for seed in (-1, 1.5, "a", True, np.array([1, 2])):
        with pytest.raises(
            ValueError, match="seed must be a whole number from 0, or None for fresh draws, not"
        ):
            make(seed=seed)
    assert np.array_equal(make(seed=np.uint8(3)), make(seed=3))


@pytest.mark.parametrize(
    ("image", "options", "says"),
    [
        (batch(), {"image_id": ["one"]}, "a batch of 3 images needs a sequence of as many ids, not 1 ids"),
        (batch(), {"image_id": "one"}, "not one id"),
        (batch()[0], {"image_id": ["one"]}, "one image has one id"),
        (batch()[:, :7], {}, "at least 8 x 8"),
        (batch()[0], {"benchmark": "cifar_10_c"}, "did you mean cifar10_c"),
        (batch()[0], {"benchmark": "imagenet_p"}, "did you mean imagenet_c"),
    ],
)
def test_mistakes_with_batches_are_named(image, options, says):
    with pytest.raises(ValueError, match=says):
        imagenet_cp.corrupt(image, "fog", **options)


def test_an_id_is_a_string():
    for make in (
        lambda: imagenet_cp.corrupt(batch(), "fog", image_id=["a", 3, "c"]),
        lambda: imagenet_cp.perturb(batch()[0], "tilt", image_id=3),
    ):
        with pytest.raises(TypeError, match="an image id is a string, not 3"):
            make()


@pytest.mark.parametrize("dataset", [name for name, b in BENCHMARKS.items() if b.keeps_size])
def test_corrupt_makes_the_pictures_of_every_benchmark(dataset):
    benchmark = BENCHMARKS[dataset]
    picture = batch(1)[0]
    bits = Recipe(dataset, benchmark.profile).bits("fog", 2, "x")
    expected = imagenet_cp.corruptions.apply("fog", picture, 2, bits, benchmark.profile)
    assert np.array_equal(imagenet_cp.corrupt(picture, "fog", 2, image_id="x", benchmark=dataset), expected)


def test_pillow_images_give_pillow_images_and_arrays_give_arrays():
    array = batch(1)[0]
    image = Image.fromarray(array)
    corrupted = imagenet_cp.corrupt(image, "fog", 2)
    assert isinstance(corrupted, Image.Image)
    assert np.array_equal(np.asarray(corrupted), imagenet_cp.corrupt(array, "fog", 2))
    frames = imagenet_cp.perturb(image, "brightness")
    assert isinstance(frames, list) and all(isinstance(frame, Image.Image) for frame in frames)
    assert np.array_equal(
        np.stack([np.asarray(frame) for frame in frames]), imagenet_cp.perturb(array, "brightness")
    )


def test_perturb_makes_the_sequences_of_every_benchmark():
    small = batch(1)[0, :32, :32]
    assert imagenet_cp.perturb(small, "translate", benchmark="cifar10_p").shape == (16, 32, 32, 3)
    with pytest.raises(ValueError, match="exactly 32 x 32"):
        imagenet_cp.perturb(batch(1)[0], "translate", benchmark="cifar10_p")
