"""The tables of severities and difficulties are the published ones, of which tests/golden holds a copy."""

import json
from pathlib import Path

import pytest

from imagenet_cp.corruptions import CORRUPTIONS
from imagenet_cp.perturbations import PERTURBATIONS

GOLDEN = json.loads((Path(__file__).parent / "golden" / "severities.json").read_text())


@pytest.mark.parametrize("name", GOLDEN["corruptions"])
def test_severities_are_the_published_ones(name):
    tables = {profile: list(map(list, rows)) for profile, rows in CORRUPTIONS[name].tables.items()}
    assert tables == GOLDEN["corruptions"][name]


@pytest.mark.parametrize("name", GOLDEN["perturbations"])
def test_difficulties_of_noises_are_the_published_ones(name):
    tables = {profile: list(map(list, rows)) for profile, rows in PERTURBATIONS[name].tables.items()}
    assert tables == GOLDEN["perturbations"][name]


def test_no_table_is_left_out():
    assert len(GOLDEN["corruptions"]) == 19 and GOLDEN["corruptions"].keys() <= CORRUPTIONS.keys()
