"""load_dataset("imagenet_c", ...) through stock datasets."""

import io
import shutil

import datasets
import numpy as np
import pytest
from datasets import get_dataset_config_names, load_dataset, load_dataset_builder
from PIL import Image

import imagenet_cp
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.corruptions import CORRUPTIONS, EXTRA, TEST
from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.hub.builder import BenchmarkConfig, check_options

pytestmark = pytest.mark.usefixtures("elsewhere")


def rows(dataset):
    return [(r["image"]["bytes"], r["label"], r["corruption"], r["severity"], r["image_id"]) for r in dataset]


def load(config, cache, **options):
    options.setdefault("source", "sample")
    dataset = load_dataset("imagenet_c", config, split="validation", cache_dir=cache, **options)
    return (
        dataset.decode(False)
        if options.get("streaming")
        else dataset.with_format(None).cast_column("image", datasets.Image(decode=False))
    )


def test_configs_are_those_of_the_registry():
    names = get_dataset_config_names("imagenet_c")
    singles = [f"{name}_{severity}" for name in CORRUPTIONS for severity in range(1, 6)]
    assert set(names) == {*singles, *CORRUPTIONS, "test", "extra", "clean"}
    cells = BENCHMARKS["imagenet_c"].configs
    assert [c.name for c in cells["test"]] == [name for name in TEST for _ in range(5)]
    assert [c.name for c in cells["extra"]] == [name for name in EXTRA for _ in range(5)]


def test_info_says_what_the_data_are(cache):
    info = load_dataset_builder("imagenet_c", "fog", source="sample", cache_dir=cache).info
    assert "recipe:1" in info.description and "hendrycks" in info.citation and "ImageNet" in info.license
    assert list(info.features) == ["image", "label", "corruption", "severity", "image_id"]


def test_a_row_holds_the_jpeg_of_the_corrupted_image(cache, photographs):
    row = load("fog_3", cache)[3]
    assert row["corruption"] == "fog" and row["severity"] == 3 and row["image_id"] == "chelsea"
    with Image.open(photographs["chelsea.png"]) as image:
        small = image.resize((384, 256), Image.Resampling.BILINEAR)
        clean = np.asarray(small.crop((80, 16, 304, 240)))
    expected = io.BytesIO()
    Image.fromarray(imagenet_cp.corrupt(clean, "fog", 3, image_id="chelsea")).save(
        expected, "JPEG", quality=85, optimize=True
    )
    assert row["image"]["bytes"] == expected.getvalue()


def test_the_same_rows_whatever_the_road(cache, tmp_path):
    plain = rows(load("fog", cache))
    assert len(plain) == 5 * 14
    assert rows(load("fog", str(tmp_path / "two"), num_proc=2)) == plain
    assert rows(load("fog", str(tmp_path / "stream"), streaming=True)) == plain
    single = [row for severity in range(1, 6) for row in rows(load(f"fog_{severity}", cache))]
    assert single == plain


def test_a_seed_gives_other_draws_and_the_same_seed_the_same(cache, tmp_path):
    zero, one = rows(load("fog_1", cache)), rows(load("fog_1", cache, seed=1))
    assert all(a[0] != b[0] for a, b in zip(zero, one, strict=True))
    assert rows(load("fog_1", str(tmp_path / "again"), seed=1)) == one


def test_clean_is_lossless(cache):
    dataset = load("clean", cache)
    row = dataset[0]
    assert (row["corruption"], row["severity"]) == ("clean", 0)
    with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
        assert image.format == "PNG" and image.size == (224, 224)


def test_labels_of_a_folder_are_its_own(class_folder, cache):
    dataset = load("brightness_1", cache, source=None, data_dir=str(class_folder))
    assert dataset.features["label"].names == ["animal", "thing"]
    assert [r["image_id"] for r in dataset] == ["astronaut", "chelsea", "coffee", "rocket"]


def test_the_cache_notices_what_matters(class_folder, cache, monkeypatch):
    def where(**options):
        return load("brightness_1", cache, **{"source": None, **options}).cache_files[0]["filename"]

    first = where(data_dir=str(class_folder))
    monkeypatch.chdir(class_folder.parent)
    assert where(data_dir="val") == first
    assert where(data_dir="val/") == first
    assert where(source=str(class_folder)) == first
    assert where(data_dir="val", seed=5) != first
    shutil.copytree(class_folder, class_folder.parent / "other")
    assert where(data_dir="other") != first
    with monkeypatch.context() as later:
        later.setattr("imagenet_cp.benchmarks.recipe.RECIPE", 2)
        assert where(data_dir="val") != first
    Image.new("RGB", (50, 50)).save(class_folder / "animal" / "astronaut.png")
    assert where(data_dir=str(class_folder)) != first


def test_options_of_the_source_reach_it(class_folder, tmp_path):
    (tmp_path / "classes").write_text("thing\n")
    options = {"dataset": "imagenet_c", "data_dir": str(class_folder), "seed": 3}
    one = BenchmarkConfig(**options, classes=str(tmp_path / "classes"), size="keep")
    assert one.open_source().classes == ("thing",) and one.open_source() is one.open_source()
    assert {item.image_id for item in one.open_source().items} == {"thing/chelsea", "thing/rocket"}
    assert one.recipe.size == "keep" and one.recipe.seed == 3 and one.recipe.classes
    two = BenchmarkConfig(**options, ids=["coffee"], codec="jpeg")
    assert [item.image_id for item in two.open_source().items] == ["coffee"] and two.recipe.codec == "jpeg:85"


def test_a_config_is_divided_into_parts(cache, monkeypatch):
    builder = load_dataset_builder("imagenet_c", "fog", source="sample", cache_dir=cache)

    def parts():
        return [part[1:] for part in builder._split_generators(None)[0].gen_kwargs["parts"]]

    assert parts() == [(n, n + 1) for n in range(14)] * 5
    monkeypatch.setattr("imagenet_cp.hub.builder._PARTS", 4)
    assert parts() == [(0, 4), (4, 8), (8, 12), (12, 14)] * 5


def test_the_two_words_suffice_once_a_source_is_known(class_folder, cache, monkeypatch):
    monkeypatch.setenv("IMAGENET_CP_SOURCE", str(class_folder))
    dataset = load_dataset("imagenet_c", "brightness_3", cache_dir=cache)
    assert dataset["validation"].num_rows == 4


def test_without_a_source_nothing_is_made_up(cache):
    with pytest.raises(UsageError, match="IMAGENET_CP_SOURCE"):
        load_dataset("imagenet_c", "fog_3", cache_dir=cache)


@pytest.mark.parametrize(
    ("config", "options", "says"),
    [
        (None, {}, "config name is missing"),
        (None, {"source": "sample"}, "config name is missing"),
        ("fgo_3", {}, "did you mean fog_3"),
        ("fog_6", {}, "did you mean fog_1 or fog_2 or fog_3 or fog_4 or fog_5"),
        ("fog_0", {}, "did you mean fog_1 or "),
        ("fog_3", {"severity": 5}, "has no meaning; did you mean fog_5"),
        ("fog_3", {"sede": 5}, "did you mean seed"),
        ("fog_3", {"seed": -1}, "^seed must be a whole number from 0, not -1"),
        ("fog_3", {"on_error": "ignore"}, "on_error"),
        ("fog_3", {"source": "sample", "data_dir": "val"}, "not by both"),
    ],
)
def test_options_that_mean_nothing_are_refused(config, options, says, cache):
    with pytest.raises(ValueError, match=says):
        load_dataset("imagenet_c", config, cache_dir=cache, **options)


def test_all_options_have_a_meaning():
    options = {"seed": 1, "codec": "jpeg", "size": "keep", "on_error": "skip"}
    for images in ("data_dir", "source"):
        check_options(
            "imagenet_c", "fog_3", {images: "val", **options, "ids": "a", "classes": "b", "c": None}
        )


def test_a_broken_image_is_named_or_skipped(class_folder, cache, caplog):
    (class_folder / "animal" / "broken.jpg").write_bytes(b"\xff\xd8\xff not all of it")
    for processes in (None, 2):
        with pytest.raises(SourceError, match=r'broken\.jpg: .*on_error="skip"'):
            load("fog_1", cache, source=None, data_dir=str(class_folder), num_proc=processes)
    dataset = load("fog_1", cache, source=None, data_dir=str(class_folder), on_error="skip")
    assert dataset.num_rows == 4
    (warning,) = [record for record in caplog.records if record.name == "imagenet_cp.hub.builder"]
    assert warning.levelname == "WARNING" and warning.getMessage().startswith("skipped: ")
    assert "broken.jpg" in warning.getMessage()


def test_an_unexpected_error_is_raised_as_datasets_does(cache, monkeypatch):
    monkeypatch.setattr("imagenet_cp.hub.prepared.PreparedImages.read", lambda *_: [][0])
    with pytest.raises(datasets.exceptions.DatasetGenerationError) as error:
        load("fog", cache)
    assert isinstance(error.value.__cause__, IndexError)


def test_clean_images_come_before_a_folder_of_that_name(class_folder, cache, tmp_path):
    (tmp_path / "imagenet_c").mkdir()
    assert load("brightness_1", cache, source=None, data_dir=str(class_folder)).num_rows == 4
