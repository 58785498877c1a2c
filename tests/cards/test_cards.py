"""The cards of the data sets: every number in them is the registry's, and every example in them runs."""

import io
import re
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
from huggingface_hub import DatasetCard
from PIL import Image

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.build.plan import build
from imagenet_cp.cards import card as cards
from imagenet_cp.cards import strips
from imagenet_cp.cards import tables as card_tables
from imagenet_cp.cards.tables import kind_of
from imagenet_cp.cards.texts import COLUMNS
from imagenet_cp.sources import Item, open_source
from imagenet_cp.sources.classes import wnids

WNIDS = wnids()


def files_of(benchmark, names=None):
    """What a build of all configs would hold, two files each."""
    chosen = names or benchmark.configs
    cells = dict.fromkeys(cell for name in chosen for cell in benchmark.configs[name])
    return {
        f"data/{cell.config}/validation-0000{i}-of-00002.parquet": {
            "rows": 25_000,
            "size": 10**9,
            "sha256": "0" * 64,
        }
        for cell in cells
        for i in range(2)
    }


def card_of(name, names=None, classes=WNIDS, codec=None, **options):
    benchmark = BENCHMARKS[name]
    recipe = benchmark.recipe(codec=codec)
    return cards.dataset_card(benchmark, recipe, classes, files_of(benchmark, names), **options)


@pytest.fixture(scope="module", params=BENCHMARKS)
def whole(request):
    """A card of everything a data set has."""
    return BENCHMARKS[request.param], card_of(request.param, versions={"numpy": "2.4"}, images=True)


def tables(text):
    """Return the tables of a text as lists of rows of cells."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    return [
        [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in block.splitlines()
            if "---" not in line
        ]
        for block in found
    ]


def section(text, title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def test_nothing_is_left_to_fill_in_and_headings_are_in_order(whole):
    _, card = whole
    assert "{{" not in card and "}}" not in card
    headings = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert headings[:4] == ["How to use it", "Configs", "Columns", headings[3]]
    assert headings[-7:] == [
        "Recipe and versions",
        "Relation to the released files",
        "Peculiarities",
        "Cost",
        "Limits and bias",
        "Licence",
        "Citation",
    ]


def test_the_configs_are_those_of_the_benchmark_with_their_rows(whole):
    benchmark, card = whole
    [(head, *rows)] = tables(section(card, "Configs"))
    assert head == ["config", "holds", "rows", "size"]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", f"{row[0]} {row[1]}")]
    assert set(named) == set(benchmark.configs)
    for config, holds, count, size in rows:
        cells = benchmark.configs[config.strip("`")]
        assert (count, size) == (f"{50_000 * len(cells):,}", f"{2 * len(cells):,.1f} GB")
        parts = re.findall(r"`(\w+)`", holds)
        inside = [cell for part in parts for cell in benchmark.configs[part]]
        level = benchmark.level_name
        assert inside == list(cells) if parts else holds == f"{cells[0].name}, {level} {cells[0].level}"


def test_the_columns_are_those_of_the_features(whole):
    benchmark, card = whole
    [(_, *rows)] = tables(section(card, "Columns"))
    features = benchmark.features(WNIDS, benchmark.recipe())
    assert [(row[0], row[2]) for row in rows] == [(f"`{name}`", COLUMNS[name]) for name in features]
    assert dict(zip(features, (row[1] for row in rows), strict=True))["label"] == "class label, 1,000 names"


def test_every_severity_and_parameter_is_the_registrys(whole):
    benchmark, card = whole
    title = f"The {benchmark.kind}"
    parts = re.split(r"^### (\w+)( \(extra\))?\n", section(card, title), flags=re.MULTILINE)[1:]
    names = parts[0::3]
    tested = list(dict.fromkeys(cell.name for cell in benchmark.configs["test"]))
    extra = list(dict.fromkeys(cell.name for cell in benchmark.configs.get("extra", ())))
    assert names == tested + extra
    assert [bool(mark) for mark in parts[1::3]] == [False] * len(tested) + [True] * len(extra)
    for name, text in zip(names, parts[2::3], strict=True):
        kind = kind_of(benchmark, name)
        assert kind.summary.replace("``", "`") in text and f"![{name}](assets/{name}.jpg)" in text
        [(head, *rows)] = tables(text)
        columns = list(zip(*(row[1:] for row in rows), strict=True))
        if title == "The corruptions":
            levels = kind.tables[benchmark.profile]
            assert head[1:] == ["1", "2", "3", "4", "5"]
        else:
            levels = kind.tables[benchmark.profile]
            assert [int(level) for level in head[1:]] == list(kind.levels)
            assert rows.pop() == ["frames"] + [str(kind.frames(benchmark.profile))] * len(levels)
            columns = [column[:-1] for column in columns]
        for said, meant in zip(columns, levels, strict=True):
            assert len(said) == len(meant)
            for text_of, value in zip(said, meant, strict=True):
                check_number(text_of, value)


def check_number(text, value):
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
    if not isinstance(value, (tuple, range)):
        assert numbers == pytest.approx([value], rel=1e-5)
    elif "in each frame" in text:
        first, last, step = numbers
        assert [first + step * i for i in range(len(value))] == pytest.approx(list(value), rel=1e-5, abs=1e-9)
        assert last == pytest.approx(value[-1], rel=1e-5)
    else:
        assert numbers == pytest.approx(list(value), rel=1e-5)


def test_the_yaml_is_what_the_hub_and_datasets_want(whole):
    benchmark, card = whole
    data = DatasetCard(card).data.to_dict()
    assert [config["config_name"] for config in data["configs"]] == list(benchmark.configs)
    assert [info["config_name"] for info in data["dataset_info"]] == list(benchmark.configs)
    assert data["pretty_name"] == benchmark.title and data["task_categories"] == ["image-classification"]
    assert data["source_datasets"] == [
        f"extended|{'other' if benchmark.profile == 'cifar' else 'imagenet-1k'}"
    ]
    assert card.endswith("\n") and not card.endswith("\n\n")
    rows = 50_000 * len({cell for cells in benchmark.configs.values() for cell in cells})
    least, most = re.fullmatch(r"(\w+)<n<(\w+)", data["size_categories"][0]).groups()
    unit = {"K": 10**3, "M": 10**6}
    assert int(least[:-1]) * unit[least[-1]] <= rows < int(most[:-1]) * unit[most[-1]]
    for name, cells in benchmark.configs.items():
        info = next(info for info in data["dataset_info"] if info["config_name"] == name)
        assert info["splits"][0]["num_examples"] == 50_000 * len(cells)
    if benchmark.profile == "cifar":
        assert not any(key.startswith("extra_gated") for key in data)
    else:
        assert data["license_name"] == "imagenet" and "non-commercial" in data["extra_gated_prompt"]
        assert set(data["extra_gated_fields"].values()) == {"text", "checkbox"}
    # One list of features for all configs, however many there are.
    assert card.count(WNIDS[500]) == 1


def test_what_is_not_there_is_not_shown():
    card = card_of("imagenet_c", ["fog_3", "snow"])
    assert "### fog" in card and "### snow" in card and "### frost" not in card
    assert [row[:2] for row in tables(section(card, "Configs"))[0][1:]] == [
        ["`fog_3`", "fog, severity 3"],
        ["`snow`", "`snow_1` `snow_2` `snow_3` `snow_4` `snow_5`"],
    ]
    assert "assets/" not in card and "numpy" not in card and "could not be read" not in card
    assert "**The source images are not ImageNet's" not in card
    assert "config `clean`" not in card and "config `clean`" in card_of("imagenet_c", ["fog_3", "clean"])
    own = card_of("imagenet_c", ["fog_3"], classes=("cat", "dog"), skipped=["b", "a"], image_ids=["cat/1"])
    assert "**The source images are not ImageNet's" in own and "of 2\nclasses" in own
    assert "ImageNet's validation images under" not in own and "\nImages under common corruptions" in own
    assert "The source images are ImageNet's" in card and "extended|imagenet-1k" in card
    assert "The source images are ImageNet's" not in own and "extended|imagenet-1k" not in own
    assert "derived from ImageNet" not in section(own, "Licence") and "extra_gated_prompt" in own
    assert "missing from every config: `a`, `b`." in own
    for text in (card, own):  # and leaves no gap
        assert "\n\n\n" not in re.sub("```.*?```", "code", text.split("\n---\n", 1)[1], flags=re.DOTALL)


def test_images_of_tiny_imagenet_are_imagenets_whatever_their_ids():
    card = card_of("tiny_imagenet_c", ["fog_3"], image_ids=["val_0"])
    assert "**The source images are not ImageNet's" not in card and "extended|imagenet-1k" in card


def test_imagenet_is_recognized_by_ids_and_number_not_by_folders():
    every = [f"ILSVRC2012_val_{number:08d}" for number in range(1, 50_001)]
    note = "**The source images are not ImageNet's"
    assert note not in card_of("imagenet_c", ["fog_3"], image_ids=every)
    assert note in card_of("imagenet_c", ["fog_3"], image_ids=every[1:])
    assert note in card_of("imagenet_c", ["fog_3"], image_ids=[f"n01440764/{i}" for i in range(50_000)])


def test_a_published_card_names_its_repository():
    card = card_of("imagenet_c", ["fog_3", "test"], repo_id="user/mine")
    assert 'load_dataset("user/mine", "fog_3"' in card and "working directory" not in card
    assert [c["config_name"] for c in cards.read_metadata(card)["configs"] if c.get("default")] == ["test"]


@pytest.mark.parametrize("card", ["", "no block", "---\na: [\n---\n", "---\n- a\n---\n"])
def test_a_card_without_a_valid_block_has_no_metadata(card):
    assert cards.read_metadata(card) == {}


def test_the_fidelity_of_the_frames_is_as_measured():
    measured = (Path(__file__).parents[1] / "benchmarks" / "results" / "frames.md").read_text()
    assert tables(section(card_of("imagenet_p"), "Fidelity of the frames"))[0] == tables(measured)[0]


def test_released_images_are_described_as_such():
    benchmark = BENCHMARKS["imagenet_c"]
    recipe = Recipe("imagenet_c", codec="jpeg", record="2235448")
    card = cards.dataset_card(benchmark, recipe, WNIDS, files_of(benchmark, ["fog"]))
    assert "byte for byte" in card and "were generated" not in card and "Recipe and versions" not in card


def test_images_of_any_size_are_described_as_such():
    benchmark = BENCHMARKS["imagenet_c"]
    card = cards.dataset_card(
        benchmark, benchmark.recipe(size="keep"), ("a", "b"), files_of(benchmark, ["fog"])
    )
    assert "used at its own size" in card and "an extension of the paper" in card
    assert "224 x 224" not in card and "|size:keep|" in card


def test_a_card_is_the_same_every_time():
    assert card_of("imagenet_p") == card_of("imagenet_p")


def test_a_name_with_markup_is_quoted():
    card = card_of("imagenet_c", ["fog_3"], skipped=["a`<b>"])
    assert "missing from every config: `` a`<b> ``." in card


def test_braces_in_a_name_are_not_a_template():
    card = card_of("imagenet_c", ["fog_3"], skipped=["{{ version }}"])
    assert "`{{ version }}`" in card


@pytest.mark.parametrize(
    ("name", "kind"),
    [("imagenet_c", "fog"), ("imagenet_c", "glass_blur"), ("imagenet_p", "tilt"), ("cifar10_c", "fog")],
)
def test_strips_are_small_and_the_same_every_time(name, kind):
    drawn = strips.strips(BENCHMARKS[name], [kind])
    strips._strip.cache_clear()
    assert strips.strips(BENCHMARKS[name], [kind]) == drawn and list(drawn) == [kind]
    with Image.open(io.BytesIO(drawn[kind])) as strip:
        assert strip.format == "JPEG" and strip.size == (920, 168)
    assert len(drawn[kind]) < 100_000


@pytest.mark.parametrize(
    ("name", "configs", "codec"),
    [
        ("imagenet_c", ["fog_3", "brightness"], None),
        ("imagenet_p", ["brightness"], None),
        ("imagenet_p", ["tilt"], "h264"),
    ],
)
def test_every_example_runs(name, configs, codec, tmp_path):
    (tmp_path / "val" / "plain").mkdir(parents=True)
    Image.new("RGB", (300, 300), (90, 60, 30)).save(tmp_path / "val" / "plain" / "brown.png")
    build(name, open_source(tmp_path / "val"), tmp_path / name, configs, codec=codec, workers_count=1)
    card = (tmp_path / name / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(examples) == 2
    # One process for both saves time; each has its own names.
    code = "\n".join(f"exec({example!r}, {{}})" for example in examples)
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) == 2 and "plain" in said.stdout


def test_numbers_have_six_digits_and_long_ranges_their_step():
    numbers = (0.1234567, 3, (1, 2.5), range(4), range(1, 6), (0.5, 1, 1.5, 2, 2.5), (1, 2, 4, 8, 16))
    assert [card_tables._number(value) for value in numbers] == [
        "0.123457",
        "3",
        "1, 2.5",
        "0, 1, 2, 3",
        "1 to 5, 1 more in each frame",
        "0.5 to 2.5, 0.5 more in each frame",
        "1, 2, 4, 8, 16",
    ]


def test_types_of_columns():
    features = (
        datasets.ClassLabel(names=["a", "b"]),
        datasets.List(datasets.Image()),
        datasets.Value("int8"),
        datasets.Video(),
    )
    assert [card_tables._type(one) for one in features] == [
        "class label, 2 names",
        "list of images",
        "int8",
        "video",
    ]


def test_further_columns_are_as_in_the_source():
    card = card_of("imagenet_c", ["fog_3"], extra={"box": datasets.Value("float32")})
    assert "| `box` | float32 | as in the source |" in card


@pytest.mark.parametrize(
    ("rows", "category"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (9999, "1K<n<10K"),
        (10**4, "10K<n<100K"),
        (10**5, "100K<n<1M"),
        (999_999, "100K<n<1M"),
        (10**6, "1M<n<10M"),
        (10**7, "10M<n<100M"),
        (10**8, "100M<n<1B"),
        (10**9, "100M<n<1B"),
    ],
)
def test_the_category_of_the_size_is_that_of_the_rows(rows, category):
    benchmark = BENCHMARKS["imagenet_c"]
    files = {"data/fog_3/validation-00000-of-00001.parquet": {"rows": rows, "size": 5, "sha256": "0"}}
    made = cards.read_metadata(f"---\n{cards.metadata(benchmark, benchmark.recipe(), ('a',), files)}---\n")
    assert made["size_categories"] == [category] and made["tags"][-2:] == ["image-corruptions", "imagenet-c"]
    (config,) = made["configs"]
    assert config["data_files"] == [{"split": "validation", "path": "data/fog_3/validation-*.parquet"}]
    assert made["dataset_info"][0]["download_size"] == made["dataset_info"][0]["dataset_size"] == 5


def test_a_config_with_a_file_too_few_is_not_complete():
    files = files_of(BENCHMARKS["imagenet_c"], ["fog_3", "snow"])
    del files["data/snow_2/validation-00001-of-00002.parquet"]
    found = cards.complete_configs(BENCHMARKS["imagenet_c"], files)
    assert set(found) == {"fog_3", "snow_1", "snow_3", "snow_4", "snow_5"}
    assert (
        cards.complete_configs(BENCHMARKS["imagenet_c"], {}).keys() == BENCHMARKS["imagenet_c"].configs.keys()
    )


def test_a_file_in_another_folder_has_its_own_digest():
    files = files_of(BENCHMARKS["imagenet_c"], ["fog_3", "fog_4"])
    files["data/fog_4/validation-00000-of-00002.parquet"]["sha256"] = "1"
    benchmark = BENCHMARKS["imagenet_c"]
    made = cards.read_metadata(f"---\n{cards.metadata(benchmark, benchmark.recipe(), ('a',), files)}---\n")
    three, four = (config["description"] for config in made["configs"])
    assert three != four and all(text.startswith("imagenet_c|recipe:1|") for text in (three, four))


def test_text_with_backticks_is_code_with_more_of_them():
    assert [cards.code(text) for text in ("fog", "a`b", "``")] == ["`fog`", "`` a`b ``", "``` `` ```"]


def test_a_strip_shows_six_tiles_with_a_gap_of_four_pixels(monkeypatch):
    found, texts = [], []
    monkeypatch.setattr(
        strips.codecs, "encode_jpeg", lambda image, quality: found.append((image, quality)) or b""
    )
    monkeypatch.setattr(
        "PIL.ImageDraw.ImageDraw.text", lambda self, xy, text, fill, font: texts.append((xy, text, fill))
    )
    shown = {f"frame {i}": np.full((200, 200, 3), 10 * i, np.uint8) for i in range(6)}
    monkeypatch.setattr(strips, "_frames", lambda benchmark, name: shown)
    strips._strip.__wrapped__("imagenet_p", "tilt")
    ((strip, quality),) = found
    assert strip.shape == (168, 920, 3) and quality == 85
    expected = np.full_like(strip, 255)
    for i in range(6):
        expected[:150, 154 * i : 154 * i + 150] = 10 * i
    assert (strip == expected).all()
    assert texts == [((154 * i + 2, 155), f"frame {i}", (28, 28, 30)) for i in range(6)]


def test_frames_are_the_first_to_the_last_and_severities_all(monkeypatch):
    clean = np.zeros((4, 4, 3), np.uint8)
    monkeypatch.setattr(strips, "_clean", lambda benchmark: clean)
    calls = []
    monkeypatch.setattr(
        strips.perturbations,
        "apply",
        lambda *given: calls.append(given) or np.arange(31, dtype=np.uint8).reshape(31, 1, 1, 1),
    )
    shown = strips._frames(BENCHMARKS["imagenet_p"], "tilt")
    ((name, image, bits, *rest),) = calls
    assert name == "tilt" and image is clean and rest == [1, "imagenet"]
    expected = BENCHMARKS["imagenet_p"].recipe().bits("tilt", 1, "chelsea")
    assert bits.to_sfc64().random_raw() == expected.to_sfc64().random_raw()
    assert [(name, int(frame.max())) for name, frame in shown.items()] == [
        (f"frame {n + 1} of 31", n) for n in (0, 6, 12, 18, 24, 30)
    ]
    profiles = []
    monkeypatch.setattr(
        strips.corruptions,
        "apply",
        lambda name, image, severity, bits, profile: profiles.append(profile) or image + severity,
    )
    shown = strips._corrupted(BENCHMARKS["cifar10_c"], "fog")
    assert profiles == ["cifar"] * 5
    assert [(name, int(image.max())) for name, image in shown.items()] == [
        ("clean", 0),
        *((f"severity {s}", s) for s in range(1, 6)),
    ]


def test_of_cifar_the_cat_is_shrunk_to_32_pixels(photographs):
    assert strips._clean(BENCHMARKS["cifar10_c"]).shape == (32, 32, 3)
    image = strips._clean(BENCHMARKS["imagenet_c"])
    cat = open_source("sample").reader.read(Item("", 0, str(photographs["chelsea.png"])))
    assert (image == BENCHMARKS["imagenet_c"].prepare(cat, "")).all()
    small = image.reshape(32, 7, 32, 7, 3).mean(axis=(1, 3))
    assert abs(strips._clean(BENCHMARKS["cifar10_c"]) - small).max() <= 1
