"""Parts of the demo: its folder, its classifier and its table."""

from pathlib import Path

import numpy as np
import pytest

from imagenet_cp import corruptions, demo
from imagenet_cp.sources import Item


def test_the_folder_is_made_with_its_parents_and_left_empty_until_the_build(tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def stop(dataset, source, target, configs, **options):
        raise StopError(dataset, target, configs, len(source.items), options["images_per_file"])

    monkeypatch.setattr(demo, "build", stop)
    folder, lines = tmp_path / "a" / "b", []
    with pytest.raises(StopError) as end:
        demo.run(folder, lines.append)
    assert end.value.args == ("imagenet_c", folder / "imagenet_c_sample", ("test", "extra", "clean"), 14, 7)
    assert list(folder.iterdir()) == [] and "from 14 images" in lines[0] and len(lines) == 2
    with pytest.raises(StopError):
        demo.run(folder, lines.append)  # the folder may exist


def test_the_classifier_gives_the_label_of_the_most_similar_image(monkeypatch):
    class Source:
        items = (Item("a", 7, ""), Item("b", 3, ""))

    images = {"a": np.full((2, 2, 3), 100, np.uint8), "b": np.full((2, 2, 3), 200, np.uint8)}
    monkeypatch.setattr(demo, "_clean", lambda source, item: images[item.image_id])
    predict = demo.nearest_template(Source())
    assert predict([np.full((2, 2, 3), value, np.uint8) for value in (0, 149, 151, 255)]) == [7, 7, 3, 3]


def test_the_table_has_a_line_for_each_corruption():
    names = (*corruptions.TEST, *corruptions.EXTRA)
    scores = {
        "error": {name: [0.125, 0.25, 0.5, 0.75, 1] for name in names},
        "ce": {name: 80.04 for name in names if name != "spatter"},
        "mce": 80.06,
        "relative_mce": 90,
        "signature": "mce|n:14",
    }
    lines = demo._table(scores).split("\n")
    assert lines[1] == "   gaussian_noise      0.12  0.25  0.50  0.75  1.00        80.0"
    assert [line for line in lines if "spatter" in line] == [
        "   spatter*            0.12  0.25  0.50  0.75  1.00    "
    ]
    assert len(lines) == 22 and [line.split()[0] for line in lines[16:20]] == [
        f"{n}*" for n in corruptions.EXTRA
    ]
    assert lines[-2:] == ["   mCE 80.1   relative mCE 90.0   (* extra: not in mCE)", "   mce|n:14"]


def test_the_default_folder_of_the_settings(monkeypatch, tmp_path):
    from imagenet_cp import settings

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.remember_source("sample") == Path(tmp_path) / ".config" / "imagenet-cp" / "settings.json"
    monkeypatch.setenv(settings.VARIABLE, "elsewhere")
    assert settings.default_source() == "elsewhere"
