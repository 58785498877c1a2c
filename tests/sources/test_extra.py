"""Further columns of data sets."""

import datasets
import pytest

from imagenet_cp.sources.extra import extra_columns

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
