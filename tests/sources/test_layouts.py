"""A table of layouts of clean images: each gives the right labels, and an always-right model no error."""

import io
import re

import numpy as np
import pytest
from datasets import load_dataset
from layouts import LAYOUTS, OWN, label_in
from PIL import Image

from imagenet_cp.build.plan import build
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import open_source

RIGHT = [name for name, layout in LAYOUTS.items() if not layout.error and layout.classes]


@pytest.mark.parametrize("name", LAYOUTS)
def test_labels_are_right_or_the_error_is_named(tmp_path, name, capsys):
    layout = LAYOUTS[name]
    path, options = layout.make(tmp_path / "root")
    if layout.error:
        with pytest.raises(SourceError, match=re.escape(layout.error)):
            open_source(path, **options)
        return
    source = open_source(path, **options)
    assert (source.classes, source.order) == (layout.classes, layout.order)
    assert source.items and len({item.image_id for item in source.items}) == len(source.items)
    images = (Image.open(io.BytesIO(source.reader.read(item))) for item in source.items)
    shown = label_in(np.stack([np.asarray(image) for image in images]))
    assert [layout.places[item.label] for item in source.items] == shown.tolist()
    assert layout.notice in capsys.readouterr().err


def test_a_flat_folder_without_ids_is_built_but_not_scored(tmp_path):
    place, _ = LAYOUTS["flat, of no ids"].make(tmp_path / "root")
    source = open_source(place)
    build("imagenet_c", source, tmp_path / "built", ["clean"], workers_count=1)
    rows = load_dataset(
        str(tmp_path / "built"), "clean", split="validation", cache_dir=str(tmp_path / "cache")
    )
    assert rows["image_id"][:] == list(OWN) and rows["label"][:] == [-1, -1, -1]

    def model(images):
        return np.zeros((len(images), 1000))

    with pytest.raises(SourceError, match=r"row cat: has no label \(-1\), so no model can be scored on it"):
        evaluate_model(model, imagenet_c=tmp_path / "built")
    says = r"its images have no labels \(-1\), so no model can be scored on it and no classes chosen"
    with pytest.raises(SourceError, match=says):
        evaluate_model(model, source=place, benchmarks=["imagenet_c"])
    with pytest.raises(SourceError, match=says):
        open_source(place, classes="imagenette")


@pytest.mark.parametrize("name", RIGHT)
def test_an_always_right_model_has_no_error(tmp_path, name):
    layout = LAYOUTS[name]
    path, options = layout.make(tmp_path / "root")

    def model(images):
        label = {number: label for label, number in enumerate(layout.places)}
        return np.eye(len(layout.classes))[[label[number] for number in label_in(images)]]

    evaluation = evaluate_model(
        model, source=path, benchmarks=["imagenet_c"], configs=["clean"], limit=8, **options
    )
    assert evaluation.metrics["mce"]["clean_error"] == 0.0
    signature = evaluation.metrics["mce"]["signature"]
    assert (f"|order:{layout.order}|" in signature) == bool(layout.order)
