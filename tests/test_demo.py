"""Parts of the demo: its folder, its classifier and its table."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import datasets
import evaluate
import numpy as np
import pytest

from imagenet_cp import corruptions, demo
from imagenet_cp.errors import BuildError
from imagenet_cp.sources import Item


def test_the_folder_is_made_with_its_parents_and_left_empty_until_the_build(tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def stop(dataset, source, target, configs, **options):
        assert callable(options["progress"])
        raise StopError(dataset, target, configs, len(source.items), options["images_per_file"])

    monkeypatch.setattr(demo, "build", stop)
    folder, lines = tmp_path / "a" / "b", []
    with pytest.raises(StopError) as end:
        demo.run(folder, lines.append)
    assert end.value.args == ("imagenet_c", folder / "imagenet_c_sample", ("test", "extra", "clean"), 14, 7)
    assert list(folder.iterdir()) == [] and len(lines) == 2
    assert "all 95 configs of ImageNet-C and the clean images, from 14 images" in lines[0]
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


@pytest.mark.parametrize("error", [RuntimeError("no home"), OSError("odd"), OSError(28, "Full", "a/file")])
def test_settings_that_cannot_be_stored_or_found(monkeypatch, error):
    from imagenet_cp import settings

    def fail():
        raise error

    monkeypatch.setattr(settings, "_file", fail)
    assert settings.default_source() is None
    with pytest.raises(BuildError) as end:
        settings.remember_source("sample")
    cause = "a/file: Full" if error.args[0] == 28 else str(error)
    assert str(end.value).startswith(f"the settings cannot be stored ({cause}); type  export ")


def test_the_demo_draws_and_scores_its_image_and_its_build(tmp_path, monkeypatch):
    """Without the kernels: everything that the steps call is recorded."""
    drawn, batches, steps, loaded = {}, [], [], []
    rows = {"image": [], "label": [1, 2], "corruption": ["fog"] * 2, "severity": [3, 3]}

    def load_dataset(path, name, split, cache_dir):
        assert (path, split, cache_dir) == (
            str(tmp_path / "imagenet_c_sample"),
            "validation",
            str(tmp_path / "cache"),
        )
        loaded.append(name)
        return datasets.Dataset.from_dict({**rows, "image": [name] * 2})

    class Metric:
        def add_batch(self, **batch):
            batches.append(batch)

        def compute(self):
            return "scores"

    @contextlib.contextmanager
    def show_progress(quiet):
        assert not quiet
        yield lambda *step: steps.append(step)

    plan = SimpleNamespace(files={"a": 1}, recipe=SimpleNamespace(signature="imagenet_c|recipe:1"))
    monkeypatch.setattr(demo, "build", lambda *arguments, **options: plan)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(datasets, "disable_progress_bars", lambda: loaded.append("without bars"))
    monkeypatch.setattr(evaluate, "load", lambda name, cache_dir: Metric() if name == "mce" else None)
    monkeypatch.setattr(demo, "show_progress", show_progress)
    monkeypatch.setattr(demo, "nearest_template", lambda source: lambda images: [len(images)] * 2)
    monkeypatch.setattr(demo, "_table", str)
    monkeypatch.setattr(demo.preview, "contact_sheet", lambda clean, image_id: (clean.shape, image_id))
    monkeypatch.setattr(demo, "perturb", lambda image, name, image_id: (image.shape, name, image_id))
    for name in ("save", "save_animation"):
        monkeypatch.setattr(demo.preview, name, lambda what, path: drawn.update({path.name: what}))
    lines = []
    demo.run(tmp_path, lines.append)
    assert drawn["imagenet_c.png"] == ((224, 224, 3), "chelsea")
    assert drawn["imagenet_p.webp"][1:] == (demo._PERTURBATION, "chelsea")
    assert steps == [("scoring images", done, 6) for done in (2, 4, 6)]
    expected = {"predictions": [2, 2], "references": [1, 2], "corruption": ["fog"] * 2, "severity": [3, 3]}
    assert batches == [{**expected, "extra": corruptions.EXTRA}] * 3
    assert (
        "scores\n" in lines
        and lines[2] == f"   {tmp_path / 'imagenet_c_sample'}: 1 Parquet files,\n   imagenet_c|recipe:1\n"
    )
    assert "   2 rows of ['image', 'label', 'corruption', 'severity']\n" in lines
    assert f"   {tmp_path / 'imagenet_c.png'}\n   {tmp_path / 'imagenet_p.webp'}\n" in lines
    assert loaded == ["without bars", "fog_3", "test", "extra", "clean"]
    numbered = [line for line in lines if line[0].isdecimal()]
    assert [line.split(". ")[0] for line in numbered] == ["1", "2", "3", "4"]
    assert f'2. load_dataset("{tmp_path / "imagenet_c_sample"}", "fog_3",' in lines
    assert '   split="validation") gives' in lines
    assert "its score says nothing about real models." in " ".join(" ".join(lines).split())
    assert lines[-2:] == [f"Everything is in {tmp_path}; delete it whenever you like.\n", demo._NEXT]


def test_the_demo_notices_what_it_cannot_write_before_it_builds(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "build", None)
    (tmp_path / "imagenet_p.webp").symlink_to(tmp_path / "none" / "file")
    with pytest.raises(OSError, match=r"imagenet_p\.webp"):
        demo.run(tmp_path, print)
    (tmp_path / "imagenet_p.webp").unlink()
    (tmp_path / "imagenet_p.webp").mkdir()
    with pytest.raises(BuildError, match=r"imagenet_p\.webp: is a folder"):
        demo.run(tmp_path, print)
