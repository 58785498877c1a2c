"""Random streams depend on what they should, and on nothing else."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.random import RandomState
from PIL import Image

from imagenet_cp import corruptions
from imagenet_cp.benchmarks import jpeg_quality
from imagenet_cp.benchmarks.catalog import BENCHMARKS, IMAGES, get_benchmark, parse_signature, part_of
from imagenet_cp.benchmarks.recipe import Recipe, pixel_id, stream
from imagenet_cp.benchmarks.signature import Signature
from imagenet_cp.images import codecs
from imagenet_cp.sources import Item, Source


def first(bits):
    return RandomState(bits.to_sfc64()).randint(2**31)


def test_every_part_of_the_key_gives_another_stream():
    keys = [
        ("imagenet_c", "imagenet", "fog", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_p", "imagenet", "fog", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "tiny", "fog", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "frost", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "fog", 4, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "fog", 3, 1, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "fog", 3, 0, "ILSVRC2012_val_00000002"),
    ]
    assert len({first(stream(*key)) for key in keys}) == len(keys)
    assert first(stream(*keys[0])) == first(Recipe("imagenet_c").bits("fog", 3, "ILSVRC2012_val_00000001"))


def test_streams_are_frozen():
    assert first(Recipe("imagenet_c").bits("fog", 3, "ILSVRC2012_val_00000001")) == FROZEN


FROZEN = 1409765940


def test_the_signature_names_what_decides_the_bytes():
    assert (
        Recipe("imagenet_c", seed=7, codec="jpeg:85").signature
        == "imagenet_c|recipe:1|profile:imagenet|seed:7|jpeg:85"
    )


@pytest.mark.parametrize(
    ("recipe", "signature"),
    [
        (Recipe("imagenet_c", codec="jpeg:85"), "imagenet_c|recipe:1|profile:imagenet|seed:0|jpeg:85"),
        (
            Recipe("imagenet_p_299", "imagenet_299", 3, "jpeg:94-99:4:4:4"),
            "imagenet_p_299|recipe:1|profile:imagenet_299|seed:3|jpeg:94-99:4:4:4",
        ),
        (
            Recipe("imagenet_c", codec="jpeg:85", size="keep", version="0"),
            "imagenet_c|recipe:0|profile:imagenet|size:keep|seed:0|jpeg:85",
        ),
        (
            Recipe(
                "imagenet_c", codec="jpeg:85", ids="robustbench-5000", classes="imagenet-r", order="0-999"
            ),
            "imagenet_c|recipe:1|profile:imagenet|seed:0|ids:robustbench-5000|classes:imagenet-r|order:0-999|jpeg:85",
        ),
        (
            Recipe("cifar10_c", "cifar", codec="png", record="2535967", ids="0123456789ab"),
            "cifar10_c|official|zenodo:2535967|profile:cifar|ids:0123456789ab|png",
        ),
        (
            Recipe("cifar10_c", "cifar", codec="png", record="2535967"),
            "cifar10_c|official|zenodo:2535967|profile:cifar|png",
        ),
        (
            Recipe("imagenet_c_bar", codec="jpeg", record="inc_bar"),
            "imagenet_c_bar|official|release:inc_bar|profile:imagenet|jpeg",
        ),
    ],
)
def test_a_signature_is_read_back_as_its_recipe(recipe, signature):
    assert recipe.signature == signature
    assert parse_signature(signature) == (BENCHMARKS[recipe.dataset], recipe)
    assert recipe.official is ("|official|" in signature)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "imagenet_c",
        "imagenet_d|recipe:1|profile:imagenet|seed:0|jpeg:85",
        "imagenet_c|recipe:1|profile:large|seed:0|jpeg:85",
        "imagenet_c|recipe:1|profile:imagenet|seed:one|jpeg:85",
        "imagenet_c|recipe:1|profile:imagenet|seed:0|fast|jpeg:85",
    ],
)
def test_any_other_text_is_no_signature_of_data(text):
    with pytest.raises(ValueError):
        parse_signature(text)


def test_a_signature_keeps_the_order_of_its_parts_and_leaves_out_what_is_empty():
    signature = Signature.of("mce", ("n", 3), ("missing", None), "", "imagenet_c|seed:0")
    assert str(signature) == "mce|n:3|imagenet_c|seed:0" and Signature.parse(str(signature)) == signature
    assert signature.fields == {"mce": "mce", "n": "3", "imagenet_c": "imagenet_c", "seed": "0"}


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("jpeg:85", {"quality": 85}),
        ("jpeg:90", {"quality": 90}),
        ("jpeg:70:4:4:4", {"quality": 70, "subsampling": 0}),
    ],
)
def test_an_image_is_stored_as_its_recipe_is_signed(codec, options):
    clean = RandomState(0).randint(0, 256, (224, 224, 3), np.uint8)
    benchmark, recipe = parse_signature(f"imagenet_c|recipe:1|profile:imagenet|seed:0|{codec}")
    row = benchmark.row(recipe, benchmark.cell_of["contrast_1"], clean, Item("one", 0, ""))
    expected = io.BytesIO()
    corrupted = corruptions.apply("contrast", clean, 1, recipe.bits("contrast", 1, "one"))
    Image.fromarray(corrupted).save(expected, "JPEG", optimize=True, **options)
    assert row["image"] == {"bytes": expected.getvalue(), "path": "one.JPEG"}


def test_parameters_are_those_of_the_profile_that_is_signed():
    clean = RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)
    benchmark, cell = BENCHMARKS["imagenet_c"], BENCHMARKS["imagenet_c"].cell_of["contrast_5"]
    recipe = Recipe("imagenet_c", "cifar", codec="png")
    row = benchmark.row(recipe, cell, clean, Item("one", 0, ""))
    made = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))
    bits = recipe.bits("contrast", 5, "one")
    assert np.array_equal(made, corruptions.apply("contrast", clean, 5, bits, "cifar"))


def test_qualities_of_frames_are_those_measured():
    table = (Path(__file__).parent / "benchmarks" / "results" / "frames.md").read_text()
    measured = {name: int(quality) for name, quality in re.findall(r"^\| (\w+) \| (\d+) \|", table, re.M)}
    assert measured == jpeg_quality._QUALITIES
    assert BENCHMARKS["imagenet_p"].recipe().codec == f"jpeg:{min(measured.values())}-99:4:4:4"


def test_a_frame_is_stored_with_the_quality_of_its_perturbation():
    benchmark = BENCHMARKS["tiny_imagenet_p"]
    clean = np.random.RandomState(0).randint(0, 256, (80, 90, 3), np.uint8)
    cell = benchmark.cell_of["gaussian_noise"]
    first = benchmark.row(benchmark.recipe(), cell, clean, Item("a", 0, ""))["sequence"][0]
    plain = benchmark.row(benchmark.recipe(codec="png"), cell, clean, Item("a", 0, ""))["sequence"][0]
    assert first["bytes"] == codecs.encode_jpeg(codecs.decode(plain), 94, "4:4:4")


def test_benchmarks_have_their_numbers_of_images():
    assert IMAGES == {"imagenet": 50_000, "imagenet_299": 50_000, "tiny": 10_000, "cifar": 10_000}


def test_a_recipe_has_the_parts_of_its_source():
    source = Source("a", ("b",), (), None, ids="some", class_list="imagenette", order="0-9")
    recipe = BENCHMARKS["imagenet_c"].recipe(3, source=source)
    assert (recipe.ids, recipe.classes, recipe.order, recipe.seed) == ("some", "imagenette", "0-9", 3)
    for name, one in BENCHMARKS.items():
        if "_c_bar" in name or "_p" in name:
            with pytest.raises(ValueError, match=f"{name} has no size='keep'"):
                one.recipe(size="keep")
        else:
            assert one.recipe(size="keep").size == "keep"


def test_a_config_of_another_level_is_answered_with_all_levels():
    benchmark = BENCHMARKS["imagenet_c"]
    assert benchmark.suggest("fog_x").startswith("; did you mean fog")
    assert benchmark.suggest("fog_9") == f"; did you mean {' or '.join(f'fog_{n}' for n in range(1, 6))}?"
    sequences = BENCHMARKS["imagenet_p"].configs
    extra = [cell.name for cell in sequences["extra"]]
    assert len(extra) + len(sequences["test"]) == sum(
        len(c) == 1 and c[0].level == 1 for c in sequences.values()
    )
    assert "gaussian_noise_3" in sequences and "gaussian_noise_1" not in sequences and "shear" in extra


def test_data_sets_have_the_titles_of_the_papers_and_their_sizes():
    assert {name: (one.title, one.recipe().side) for name, one in BENCHMARKS.items()} == {
        "imagenet_c": ("ImageNet-C", 224),
        "imagenet_c_299": ("ImageNet-C 299", 299),
        "tiny_imagenet_c": ("Tiny ImageNet-C", 64),
        "cifar10_c": ("CIFAR-10-C", 32),
        "cifar100_c": ("CIFAR-100-C", 32),
        "imagenet_c_bar": ("ImageNet-C-bar", 224),
        "cifar10_c_bar": ("CIFAR-10-C-bar", 32),
        "imagenet_p": ("ImageNet-P", 224),
        "imagenet_p_299": ("ImageNet-P 299", 299),
        "tiny_imagenet_p": ("Tiny ImageNet-P", 64),
        "cifar10_p": ("CIFAR-10-P", 32),
        "cifar100_p": ("CIFAR-100-P", 32),
    }
    assert all(one.example in one.configs for one in BENCHMARKS.values())


def test_data_sets_are_stored_as_published_and_those_of_cifar_as_pixels():
    image, frames = {"jpeg": "jpeg:85"}, {"jpeg": "jpeg:94-99:4:4:4", "png": "png", "h264": "h264"}
    for name, one in BENCHMARKS.items():
        codecs_of = frames if one.kind == "perturbations" else image
        expected = {"png": "png", **codecs_of} if "cifar" in name else codecs_of
        assert list(one.codecs.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("dataset", "sets"),
    [
        ("imagenet_c", {"test": 75, "extra": 20, "clean": 1}),
        ("cifar10_c_bar", {"test": 50, "clean": 1}),
        ("imagenet_p", {"test": 10, "extra": 4}),
    ],
)
def test_sets_of_cells_are_the_last_configs_and_all_that_is_built(dataset, sets):
    benchmark = BENCHMARKS[dataset]
    assert {name: len(benchmark.configs[name]) for name in list(benchmark.configs)[-len(sets) :]} == sets
    assert benchmark.default_configs == list(sets)


def test_a_clean_image_is_stored_losslessly():
    clean = RandomState(0).randint(0, 256, (9, 8, 3), np.uint8)
    benchmark = BENCHMARKS["imagenet_c"]
    row = benchmark.row(benchmark.recipe(), benchmark.cell_of["clean"], clean, Item("one", 0, ""))
    assert row["image"]["bytes"].startswith(b"\x89PNG") and np.array_equal(
        codecs.decode(row["image"]["bytes"]), clean
    )


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="seed must be a whole number from 0"):
        Recipe("imagenet_c", seed=seed)
    assert type(Recipe("imagenet_c", seed=np.uint8(3)).seed) is int


def test_a_data_set_is_found_in_any_case_and_with_hyphens():
    assert get_benchmark("ImageNet-C-bar") is BENCHMARKS["imagenet_c_bar"]
    with pytest.raises(ValueError, match="unknown data set 'imagenetc'; did you mean imagenet_c "):
        get_benchmark("imagenetc")


def test_cells_are_each_once_in_the_published_order():
    benchmark = BENCHMARKS["imagenet_c"]
    cells = benchmark.cells(["clean", "fog_3", "snow", "fog_3", "snow_2"])
    assert [cell.config for cell in cells] == [*(f"snow_{n}" for n in range(1, 6)), "fog_3", "clean"]
    assert benchmark.cells("fog_3") == (benchmark.cell_of["fog_3"],)
    with pytest.raises(ValueError, match="config must be a name or a list of names, not 3"):
        benchmark.cells(3)
    with pytest.raises(ValueError, match="imagenet_c has no config 'fog3'; did you mean fog_3"):
        benchmark.cells("fog3")


def test_a_video_is_a_column_of_its_own_that_datasets_does_not_decode():
    benchmark = BENCHMARKS["imagenet_p"]
    video = benchmark.features(("a",), benchmark.recipe(codec="h264"))["video"]
    assert video.decode is False
    assert "video" not in benchmark.features(("a",), benchmark.recipe())


def test_a_part_has_fewer_images_than_the_benchmark():
    assert part_of("cifar", [10_000, 9_999]) == "9999/10000" and part_of("cifar", [10_000]) is None


def test_images_of_other_sizes_have_a_recipe_of_their_own():
    benchmark = BENCHMARKS["imagenet_c"]
    sides = {"native-32": 32, "native-384": 384, "native-1024": 1024, "keep": None, None: 224}
    assert {size: benchmark.recipe(size=size).side for size in sides} == sides
    assert "|size:native-384|" in benchmark.recipe(size="native-384").signature
    for size in ("native-9", "native-0384", "native-10000", "native-", "profile", 384):
        with pytest.raises(ValueError, match=f'size must be "keep" or left out, not {size!r}'):
            benchmark.recipe(size=size)
    for name in ("imagenet_p", "imagenet_c_bar", "imagenet_c_299", "cifar10_c"):
        with pytest.raises(ValueError, match=f"{name} is not made at the size of a model's input"):
            BENCHMARKS[name].recipe(size="native-384")
    with pytest.raises(ValueError, match="imagenet_c has no codec 'png'; did you mean jpeg"):
        benchmark.recipe(codec="png")


def test_an_image_without_an_id_has_that_of_its_shape_and_pixels():
    wide, high = np.zeros((8, 16, 3), np.uint8), np.zeros((16, 8, 3), np.uint8)
    assert pixel_id(wide) != pixel_id(high) and pixel_id(wide) != pixel_id(wide + np.uint8(1))
    assert pixel_id(wide) == "0418f97152622a476dcd2f5f89a0bb4e"
