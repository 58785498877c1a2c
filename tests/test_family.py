"""CIFAR, Tiny ImageNet and Inception's size: built, loaded and verified like ImageNet's own size."""

import io

import datasets
import numpy as np
import pytest
from datasets import get_dataset_config_names, load_dataset, load_dataset_builder
from PIL import Image

from imagenet_cp import corruptions, metrics, perturbations
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import SourceError
from imagenet_cp.hub import registration
from imagenet_cp.images.profiles import PROFILES
from imagenet_cp.sources import open_source

pytestmark = pytest.mark.usefixtures("elsewhere")

C = [name for name, benchmark in BENCHMARKS.items() if benchmark.card == "imagenet_c"]
BAR = [name for name, benchmark in BENCHMARKS.items() if benchmark.card == "imagenet_c_bar"]
P = [name for name, benchmark in BENCHMARKS.items() if benchmark.card == "imagenet_p"]


@pytest.fixture
def photographs_of(class_folder):
    """Folder of two classes with images of the size of a data set."""

    def make(dataset):
        if BENCHMARKS[dataset].profile == "cifar":
            for path in class_folder.rglob("*.*"):
                with Image.open(path) as photograph:
                    small = photograph.convert("RGB").resize((32, 32))
                small.save(path.with_suffix(".png"))
                if path.suffix != ".png":
                    path.unlink()
        return class_folder

    return make


def pictures(row):
    return [np.asarray(picture) for picture in row.get("sequence") or [row["image"]]]


def test_the_names_that_datasets_is_told_are_those_that_can_be_made():
    assert {name: benchmark.profile for name, benchmark in BENCHMARKS.items()} == registration.DATASETS


@pytest.mark.parametrize("dataset", C)
def test_every_size_has_the_configs_of_imagenet_c(dataset):
    benchmark = BENCHMARKS[dataset]
    assert get_dataset_config_names(dataset) == list(benchmark.configs)
    absent = {name for name, one in corruptions.CORRUPTIONS.items() if benchmark.profile not in one.tables}
    assert not absent & {*metrics.CORRUPTIONS, *metrics.EXTRA_CORRUPTIONS}
    assert benchmark.configs == {
        config: tuple(cell for cell in cells if cell.name not in absent)
        for config, cells in BENCHMARKS["imagenet_c"].configs.items()
        if cells[0].name not in absent
    }


@pytest.mark.parametrize("dataset", P)
def test_every_size_has_the_configs_of_imagenet_p(dataset):
    assert get_dataset_config_names(dataset) == get_dataset_config_names("imagenet_p")
    configs = BENCHMARKS[dataset].configs
    test, extra = ([cell.name for cell in configs[name]] for name in ("test", "extra"))
    assert len(test) == 10 and {*test, *extra} == set(perturbations.PERTURBATIONS)
    if dataset.startswith("cifar"):
        assert "spatter" in test and "snow" in extra
    else:
        assert tuple(test) == perturbations.TEST


@pytest.mark.parametrize("dataset", BAR)
def test_imagenet_c_bar_is_of_ten_corruptions(dataset):
    configs = BENCHMARKS[dataset].configs
    assert get_dataset_config_names(dataset) == list(configs)
    names = list(dict.fromkeys(cell.name for cell in configs["test"]))
    assert list(configs)[50:] == [*names, "test", "clean"] and set(names) <= set(corruptions.BAR)


@pytest.mark.parametrize("dataset", [*C, *BAR])
def test_a_row_is_the_corrupted_picture_of_its_size(dataset, photographs_of, cache):
    benchmark = BENCHMARKS[dataset]
    folder = photographs_of(dataset)
    name = benchmark.example.removesuffix("_3")
    rows = load_dataset(dataset, f"{name}_3", data_dir=str(folder), split="validation", cache_dir=cache)
    source, recipe = open_source(folder), benchmark.recipe()
    assert rows.info.description.count(f"{dataset}|recipe:1|profile:{benchmark.profile}|seed:0|")
    assert rows["image_id"] == [item.image_id for item in source.items]
    for row, item in zip(rows, source.items, strict=True):
        clean = benchmark.prepare(source.reader.read(item), item.location)
        assert clean.shape == (PROFILES[benchmark.profile].size,) * 2 + (3,)
        made = corruptions.apply(name, clean, 3, recipe.bits(name, 3, item.image_id), benchmark.profile)
        if recipe.codec != "png":
            stored = io.BytesIO()
            Image.fromarray(made).save(stored, "JPEG", quality=85, optimize=True)
            made = np.asarray(Image.open(stored))
        assert np.array_equal(pictures(row)[0], made)


def test_imagenets_terms_stand_only_where_the_pictures_are_imagenets(photographs_of, cache):
    for dataset in ("cifar10_c", "tiny_imagenet_c"):
        builder = load_dataset_builder(
            dataset, "fog", data_dir=str(photographs_of("tiny_imagenet_c")), cache_dir=cache
        )
        assert ("ImageNet" in builder.info.license) == (dataset == "tiny_imagenet_c")


def test_cifar_is_stored_losslessly_as_it_was_published():
    assert BENCHMARKS["cifar10_c"].recipe().signature == "cifar10_c|recipe:1|profile:cifar|seed:0|png"
    assert BENCHMARKS["cifar10_p"].recipe().codec == "png"
    assert BENCHMARKS["cifar10_c"].recipe(codec="jpeg").codec == "jpeg:85"
    assert BENCHMARKS["tiny_imagenet_c"].recipe().codec == "jpeg:85"


@pytest.mark.parametrize("dataset", P)
def test_the_lengths_of_sequences_are_those_of_their_size(dataset, photographs_of, cache):
    benchmark = BENCHMARKS[dataset]
    lengths = {"cifar": {"translate": 16, "motion_blur": 21}, "tiny": {"translate": 31}}
    for name in ("translate", "motion_blur"):
        row = load_dataset(
            dataset, name, data_dir=str(photographs_of(dataset)), split="validation", cache_dir=cache
        )[0]
        usual = 41 if name == "translate" else 31
        assert len(row["sequence"]) == lengths.get(benchmark.profile, {}).get(name, usual)
        assert {picture.shape for picture in pictures(row)} == {
            (PROFILES[benchmark.profile].size,) * 2 + (3,)
        }


@pytest.mark.parametrize(
    ("dataset", "configs"),
    [
        ("imagenet_c_299", ["pixelate_5", "clean"]),
        ("tiny_imagenet_c", ["fog", "clean"]),
        ("cifar10_c", ["test", "extra", "clean"]),
        ("imagenet_c_bar", ["test", "clean"]),
        ("cifar10_c_bar", ["test", "clean"]),
        ("cifar100_p", ["test", "extra", "shot_noise_3"]),
        ("tiny_imagenet_p", ["tilt"]),
    ],
)
def test_builds_are_loaded_and_verified_as_any_other(dataset, configs, photographs_of, tmp_path, cache):
    source = open_source(photographs_of(dataset))
    out = tmp_path / "made" / dataset
    plan = build(dataset, source, out, configs, workers_count=1)
    report = verify(out, source=source, sample=10)
    assert report.problems == [] and report.regenerated == min(10, report.rows)
    config = configs[0]
    stock = load_dataset(str(out), config, split="validation", cache_dir=cache)
    assert stock.num_rows == 4 * len(BENCHMARKS[dataset].configs[config])
    own = load_dataset(dataset, config, data_dir=source.name, split="validation", cache_dir=cache)
    column = "sequence" if "sequence" in own.features else "image"
    kind = (
        datasets.List(datasets.Image(decode=False)) if column == "sequence" else datasets.Image(decode=False)
    )
    assert plan.recipe.signature in own.info.description
    assert sorted(map(repr, own.cast_column(column, kind))) == sorted(
        map(repr, stock.cast_column(column, kind))
    )


def test_cifar_as_video(photographs_of, tmp_path):
    pytest.importorskip("av")
    source = open_source(photographs_of("cifar10_p"))
    build("cifar10_p", source, tmp_path / "made", ["translate"], codec="h264", workers_count=1)
    assert verify(tmp_path / "made", source=source, sample=2).problems == []


def test_images_of_a_wrong_size_are_named_before_anything_is_compiled(photographs_of, tmp_path, monkeypatch):
    source = open_source(photographs_of("imagenet_c"))
    monkeypatch.setattr("imagenet_cp.build.plan.run_local", lambda *_: pytest.fail("compiles first"))
    with pytest.raises(
        SourceError, match="exactly 32 x 32; for larger images use the data sets of another size"
    ):
        build("cifar10_c", source, tmp_path / "made", ["fog_3"])


@pytest.mark.parametrize(
    ("dataset", "config", "size", "says"),
    [
        (
            "cifar10_c",
            "fog_3",
            (32, 33),
            "32 x 33 pixels, but the profile cifar takes images of exactly 32 x 32",
        ),
        ("cifar10_p", "tilt", (64, 64), "exactly 32 x 32"),
        ("tiny_imagenet_p", "tilt", (400, 50), "at least 64 x 64"),
        ("imagenet_p_299", "tilt", (31, 400), "at least 32 x 32"),
    ],
)
def test_a_picture_of_a_size_the_profile_cannot_take_is_named(dataset, config, size, says, tmp_path, cache):
    (tmp_path / "val" / "cat").mkdir(parents=True)
    Image.new("RGB", size).save(tmp_path / "val" / "cat" / "odd.png")
    source = open_source(tmp_path / "val")
    with pytest.raises(SourceError, match=rf"cat/odd\.png: {size[0]} x .*{says.rpartition('but ')[2]}"):
        build(dataset, source, tmp_path / "made", [config], workers_count=1)
    with pytest.raises(SourceError, match=says):
        load_dataset(dataset, config, data_dir=source.name, cache_dir=cache)


def test_a_misspelt_data_set_is_answered_with_the_nearest(class_folder, tmp_path):
    with pytest.raises(ValueError, match="did you mean cifar10_c"):
        build("cifar_10_c", open_source(class_folder), tmp_path / "made")
