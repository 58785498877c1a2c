"""Subsets: of a build as a view, by builds of their own, on the fly and through load_dataset, all the same."""

from dataclasses import replace

import datasets
import numpy as np
import pytest
from layouts import IDS, WNIDS, Layout, in_folders, label_in
from typer.testing import CliRunner

from imagenet_cp.build.build_json import open_build, reopen_source
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.cli.main import app
from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.evaluation.data.built_rows import from_folder
from imagenet_cp.evaluation.data.views import view
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import open_source

#: Labels of the images; a model that takes some of them for the next class.
LABELS = (0, 1, 65, 134)


def model(images):
    labels = label_in(images)
    return np.eye(1000)[labels + (labels == 65)]


@pytest.fixture
def clean(tmp_path):
    return Layout(in_folders(WNIDS, LABELS, ids=True)).make(tmp_path)[0]


def made(clean, folder, **options):
    build("imagenet_c", open_source(clean, **options), folder, ["clean", "brightness_1"], workers_count=1)
    return folder


def result(evaluation):
    return evaluation.metrics["mce"], evaluation.counts["mce"].image_ids


SUBSETS = {
    "ids": ({"ids": "ids"}, [IDS[65][0], IDS[1][1]], 0.5),
    "numbers": ({"ids": "ids"}, [str(int(IDS[0][0][-8:])), IDS[1][0], IDS[65][1], IDS[134][0]], 0.25),
    "list": ({"ids": [int(IDS[65][0][-8:]), IDS[1][1]]}, [], 0.5),
    "classes": ({"classes": "classes"}, ["tench", "n01751748"], 0.5),
    "both": ({"ids": "ids", "classes": "imagenet"}, [IDS[65][0]], 1.0),
}


@pytest.mark.parametrize("name", SUBSETS)
def test_a_view_of_a_build_is_a_build_of_the_subset(tmp_path, clean, name):
    options, lines, error = SUBSETS[name]
    for option in ("ids", "classes"):
        if options.get(option) == option:
            (tmp_path / option).write_text("\n".join(lines))
            options = {**options, option: str(tmp_path / option)}
    count = 2 if "classes" in options and name == "classes" else 1000

    def fitting(images):
        return model(images)[:, [0, 65] if count == 2 else slice(None)]

    whole = made(clean, tmp_path / "whole")
    own = made(clean, tmp_path / "own", **options)
    configs = ["clean", "brightness_1"]
    answers = [
        evaluate_model(fitting, imagenet_c=whole, **options),
        evaluate_model(fitting, imagenet_c=own),
        evaluate_model(fitting, source=clean, benchmarks=["imagenet_c"], configs=configs, **options),
    ]
    view, built, generated = (result(answer) for answer in answers)
    assert view == built == generated
    assert view[0]["clean_error"] == error
    part = next(iter(options))
    assert f"|{part}:" in str(view[0]["signature"])
    checked = verify(own, source=reopen_source(clean, open_build(own).recipe, **options))
    assert not checked.problems and checked.regenerated
    rows = datasets.load_dataset(
        "imagenet_c", "clean", data_dir=str(clean), cache_dir=str(tmp_path / "cache"), **options
    )["validation"]
    stored = datasets.load_dataset(str(own), "clean", cache_dir=str(tmp_path / "cache"))["validation"]
    assert rows.features == stored.features and rows["label"] == stored["label"]
    assert rows["image_id"] == stored["image_id"]


def test_a_subset_that_a_build_lacks_is_named(tmp_path, clean):
    whole = made(clean, tmp_path / "whole")
    some = view(from_folder(whole), ids=[IDS[65][0], IDS[1][1]])
    parts = [[*some.slice(some.cells, n, n + 1).labels.items()] for n in range(2)]
    assert sorted(parts) == sorted([[(IDS[65][0], 65)], [(IDS[1][1], 1)]])
    asked, rows = [], from_folder(whole)
    rows = replace(rows, labels=lambda cell: asked.append(cell) or {IDS[65][0]: 65})
    first, second = (cell.config for cell in rows.cells)
    for problems in ({first: "cut"}, {second: "cut"}, {first: "cut", second: "cut"}):
        view(replace(rows, problems=problems), ids=[IDS[65][0]])
    assert [cell.config for cell in asked] == [
        second,
        first,
        first,
    ]  # labels of a complete config, if there is one
    for options, says in (
        ({"ids": "robustbench-5000"}, "images are not in imagenet_c as built, such as"),
        ({"classes": "imagewoof"}, "has no image of the classes of imagewoof"),
    ):
        with pytest.raises(SourceError, match=says):
            evaluate_model(model, imagenet_c=whole, **options)


def test_the_build_of_a_file_is_verified_with_the_file(tmp_path, clean):
    (tmp_path / "ids").write_text(IDS[0][0])
    command = CliRunner()
    folder = str(tmp_path / "own")
    build_it = ["build", "imagenet_c", "--source", str(clean), "--out", folder, "--configs", "clean"]
    assert command.invoke(app, [*build_it, "--ids", str(tmp_path / "ids"), "--workers", "1"]).exit_code == 0
    check = ["verify", folder, "--source", str(clean)]
    found = command.invoke(app, check)
    assert isinstance(found.exception, SourceError) and "add --ids with their file" in str(found.exception)
    found = command.invoke(app, [*check, "--ids", str(tmp_path / "ids")])
    assert found.exit_code == 0 and "|ids:" in found.output and "1 row regenerated" in found.output
    found = command.invoke(app, ["verify", folder, "--ids", str(tmp_path / "ids")])
    assert isinstance(found.exception, UsageError)
