"""Further columns of data sets."""

import datasets
import pyarrow as pa
import pytest

from imagenet_cp.sources.arrow import Columns
from imagenet_cp.sources.extra import Extra, extra_columns, extra_values

TEXT = datasets.Value("string")


@pytest.mark.parametrize(
    ("names", "carried"),
    [
        (("image", "label", "caption"), {"caption": "caption"}),
        (("image", "label", "severity"), {"severity": "source_severity"}),
        (("image", "label", "image_id", "caption"), {"image_id": "source_image_id", "caption": "caption"}),
        (("image", "label", "image_id", "severity", "caption"), {}),
        (("image", "label", "image_id", "difficulty", "caption"), {}),
    ],
)
def test_all_but_those_of_this_package_s_data_sets_are_carried_along(names, carried):
    features = datasets.Features({name: datasets.Image() if name == "image" else TEXT for name in names})
    found = extra_columns(features, features.arrow_schema, {"image", "label"})
    assert {one.stored: one.name for one in found} == carried
    assert not any(one.by_reference for one in found)


def test_files_are_carried_by_reference():
    features = datasets.Features({"image": datasets.Image(), "mask": datasets.Image(), "note": TEXT})
    found = extra_columns(features, features.arrow_schema, {"image"})
    assert [(one.name, one.by_reference) for one in found] == [("mask", True), ("note", False)]
    assert found[0].feature == TEXT


def test_columns_that_hold_files_within_are_carried_by_reference_and_absent_ones_not():
    kinds = {
        "image": pa.binary(),
        "mask": pa.large_binary(),
        "masks": pa.list_(pa.struct({"bytes": pa.binary()})),
    }
    schema = pa.schema({**kinds, "boxes": pa.list_(pa.struct({"x": pa.int64()}))})
    features = datasets.Features({**dict.fromkeys(schema.names, TEXT), "absent": TEXT})
    found = extra_columns(features, schema, {"image", None})
    assert [(one.stored, one.by_reference) for one in found] == [
        ("mask", True),
        ("masks", True),
        ("boxes", False),
    ]


def test_a_reference_names_the_file_and_the_row():
    columns = Columns([0, 1], [None, None], {"note": ["a", None]})
    extra = [Extra("note", "source_note", TEXT, False), Extra("mask", "mask", TEXT, True)]
    for url, file in (("/home/me/a.parquet", "a.parquet"), ("hf://datasets/u/n@0/a.parquet",) * 2):
        assert list(extra_values(url, columns, extra)) == [
            {"source_note": "a", "mask": f"{file}#0"},
            {"source_note": None, "mask": f"{file}#1"},
        ]
    assert list(extra_values("a.parquet", columns, [])) == [None, None]
