"""Streams for test-time adaptation: their orders, resets and signatures."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import imagenet_cp
from imagenet_cp import corruptions
from imagenet_cp.evaluation import streams
from imagenet_cp.evaluation.data.generated_rows import from_source
from imagenet_cp.jobs.cores import available_cores
from imagenet_cp.sources import Item, open_source

TWO = ("contrast", "brightness")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """Seven images of 32 x 32 pixels in two classes."""
    folder = tmp_path_factory.mktemp("images") / "val"
    chance = np.random.default_rng(0)
    for number in range(7):
        path = folder / f"class{number % 2}" / f"image{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(path)
    return {"source": folder, "benchmark": "cifar10_c", "corruptions": TWO, "batch_size": 4, "threads": 1}


def test_continual_is_one_corruption_after_the_other_with_a_reset_before_each(options):
    calls = []
    made = imagenet_cp.stream("continual", **options, reset=lambda: calls.append(len(seen)))
    seen = []
    for batch in made:
        seen.append(batch)
    assert [len(batch.ids) for batch in seen] == [4, 3, 4, 3] and len(made) == 4 and calls == [0, 2]
    assert [set(batch.corruption) for batch in seen] == [{name} for name in TWO for _ in range(2)]
    assert all((batch.severity == 5).all() for batch in seen)
    first, second = ([*seen[i].ids, *seen[i + 1].ids] for i in (0, 2))
    assert sorted(first) == sorted(second) == [f"image{n}" for n in range(7)] and first != second
    assert made.signature.endswith(
        "|stream:continual|corruptions:contrast,brightness|severity:5|batch:4|reset:corruption"
    )


def test_images_are_those_of_the_benchmark_and_the_same_again(options):
    rows = from_source("cifar10_c", options["source"]).select(["contrast_5", "brightness_5"])
    expected = {
        (sample.config, sample.image_id): (sample.images[0], sample.label)
        for task in rows.slice(rows.cells, 0, 7).tasks()
        for sample in task()
    }
    made = imagenet_cp.stream("mixed", **options)
    for images, labels, ids, corruption, severity in made:
        for image, label, image_id, name, level in zip(
            images, labels, ids, corruption, severity, strict=True
        ):
            pixels, known = expected.pop((f"{name}_{level}", image_id))
            assert np.array_equal(image, pixels) and label == known
    assert not expected
    assert [batch.ids for batch in made] == [batch.ids for batch in made]


def test_gradual_rises_and_falls_without_a_reset_within_a_corruption(options):
    calls = []
    made = imagenet_cp.stream("gradual", **{**options, "batch_size": 7}, reset=lambda: calls.append(1))
    levels = [int(batch.severity[0]) for batch in made]
    assert levels == [1, 2, 3, 4, 5, 4, 3, 2, 1] * 2 and len(calls) == 2
    assert "|severity:" not in made.signature


def test_label_shift_is_sorted_by_class_and_mixed_is_shuffled_by_the_seed(options):
    shift = list(imagenet_cp.stream("label-shift", **{**options, "batch_size": 7}))
    assert all((np.diff(batch.labels) >= 0).all() for batch in shift)
    one, other = (
        [batch.ids for batch in imagenet_cp.stream("mixed", **options, seed=seed)] for seed in (0, 1)
    )
    assert one != other
    mixed = next(iter(imagenet_cp.stream("mixed", **{**options, "batch_size": 14})))
    assert set(mixed.corruption) == set(TWO) and mixed.corruption != sorted(mixed.corruption)


def test_by_default_the_corruptions_of_the_paper_in_the_published_order(options):
    made = imagenet_cp.stream("continual", options["source"], benchmark="cifar10_c", limit=2)
    assert [name for name, _ in made.parts] == list(corruptions.TEST)
    assert {len(pairs) for _, pairs in made.parts} == {2}
    assert made.threads == available_cores() and imagenet_cp.stream("mixed", **options).threads == 1
    assert "|limit:2|stream:continual|severity:5|batch:64" in made.signature
    default = imagenet_cp.stream("continual", options["source"])
    assert (default.recipe.dataset, default.recipe.seed) == ("imagenet_c", 0)


def test_corruptions_of_an_iterator_are_in_the_signature(options):
    made = imagenet_cp.stream("continual", **{**options, "corruptions": iter(TWO)})
    assert made.signature == imagenet_cp.stream("continual", **options).signature


def test_a_set_of_corruptions_is_in_the_published_order(options):
    made = imagenet_cp.stream(
        "continual", **{**options, "corruptions": {"fog", "brightness"}, "seed": np.int64(0)}
    )
    assert "|corruptions:fog,brightness|" in made.signature


def test_the_order_of_numbered_classes_is_in_the_signature(options, monkeypatch):
    numbered = replace(open_source(options["source"]), order="0-999")
    monkeypatch.setattr(streams, "open_source", lambda place: numbered)
    assert "|order:0-999|" in imagenet_cp.stream("mixed", **options).signature


def test_orders_are_those_of_checksums_of_the_seed_the_part_and_the_id(options):
    def checksum(part, image_id):
        return hashlib.blake2b(f"3|{part}|{image_id}".encode()).digest()

    def order(name):
        parts = imagenet_cp.stream(name, **{**options, "seed": 3, "limit": 5}).parts
        return [[(cell.name, item.image_id) for cell, item in pairs] for _, pairs in parts]

    names = [f"image{n}" for n in range(5)]
    for number, part in enumerate(order("continual")):
        assert [image_id for _, image_id in part] == sorted(names, key=lambda one: checksum(number, one))
    pairs = [(name, image_id) for name in TWO for image_id in names]
    assert order("mixed") == [sorted(pairs, key=lambda pair: checksum(*pair))]
    no_text = Item("image\udcff", 0, "")  # of a file whose name is not UTF-8
    assert streams._shuffling(3, 0, no_text) == hashlib.blake2b(b"3|0|image\xff").digest()


@pytest.mark.parametrize(
    ("order", "changes", "error"),
    [
        ("continuous", {}, "unknown order 'continuous'; did you mean continual"),
        ("mixed", {"corruptions": ["fgo"]}, "cifar10_c has no config 'fgo_5'.*fog"),
        ("mixed", {"severity": 6}, "severity must be a whole number from 1 to 5, not 6"),
        ("mixed", {"batch_size": 0}, "batch_size must be a whole number from 1, not 0"),
        ("mixed", {"limit": 2.5}, "limit must be a whole number from 1, or None, not 2.5"),
        ("mixed", {"threads": "2"}, "threads must be a whole number from 1, or None, not '2'"),
        ("mixed", {"seed": None}, "seed must be a whole number from 0, not None"),
        ("mixed", {"seed": True}, "seed must be a whole number from 0, not True"),
        ("mixed", {"reset": 3}, "reset must be a function without arguments, not 3"),
        ("mixed", {"corruptions": [["fog"]]}, "corruptions must be a name or a list of names"),
        ("mixed", {"benchmark": "cifar10_p"}, "sequences, not single images"),
    ],
)
def test_what_is_unknown_is_named(options, order, changes, error):
    with pytest.raises(ValueError, match=error):
        imagenet_cp.stream(order, **{**options, **changes})
