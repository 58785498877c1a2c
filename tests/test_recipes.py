"""The snippets of the guide of recipes run as they stand, recipe by recipe, with the libraries that are installed."""

import importlib.util
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest

from imagenet_cp.build.plan import build
from imagenet_cp.cli import main
from imagenet_cp.sources import open_source

GUIDE = Path(__file__).parents[1] / "cards/guides/recipes.md"
SECTIONS = dict(re.findall(r"^## (.*)\n((?:(?!^## ).*\n?)*)", GUIDE.read_text(encoding="utf-8"), re.M))


def my_model(images):
    images = np.stack([np.asarray(image, np.float32) for image in images])
    return np.resize(images.mean(axis=(1, 2)).T, (1000, len(images))).T + np.arange(1000) % 7


@pytest.fixture(scope="module")
def files(tmp_path_factory, photographs):
    """Folder with two images as ImageNet's, two to train on, one photo, and a build."""
    root = tmp_path_factory.mktemp("recipes")
    (root / "path/to/val").mkdir(parents=True)
    for number, name in enumerate(("chelsea.png", "rocket.jpg"), start=1):
        image = photographs[name]
        shutil.copy(image, root / f"path/to/val/ILSVRC2012_val_{number:08d}{image.suffix}")
        (root / f"path/to/train/{number}").mkdir(parents=True)
        shutil.copy(image, root / f"path/to/train/{number}")
    shutil.copy(photographs["rocket.jpg"], root / "photo.jpg")
    source = open_source(root / "path/to/val")
    build("imagenet_c", source, root / "imagenet_c", ["fog"], workers_count=1)
    return root


def import_optional(block):
    """Import the libraries of a snippet, or skip it."""
    libraries = "torch|torchvision|lightning|albumentations|efficientnet_lite_pytorch"
    for name in re.findall(rf"^(?:import|from) ({libraries})\b", block, re.M):
        if name != "albumentations":
            pytest.importorskip("torch")
        if name not in ("torch", "albumentations") and importlib.util.find_spec("torchvision"):
            from torch_samples import load_torchvision

            load_torchvision("torchvision")
        pytest.importorskip(name)


@pytest.mark.models
def test_adaptation_improves_the_error_as_the_guide_says(tmp_path):
    if "IMAGENET_CP_MODELS" not in os.environ:
        pytest.skip("IMAGENET_CP_MODELS names no folder with the models")
    import real_models

    real_models.photographs(tmp_path)
    ((_, block),) = re.findall(r"^```(\w*)\n(.*?)^```$", SECTIONS["Adapting at test time"], re.M | re.S)
    names = {}
    exec(block[: block.index("for adapt in")], names)
    options = {"corruptions": names["corruptions"], "batch_size": 20}
    before, after = (names["stream_error"](tmp_path / "all", adapt, **options)[0] for adapt in (False, True))
    said = re.search(r"from ([\d.]+) % to ([\d.]+) %", SECTIONS["Adapting at test time"]).groups()
    # Sums of other processors may move one or two of the 80 predictions.
    assert [100 * before, 100 * after] == pytest.approx([float(value) for value in said], abs=2.6)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_recipe_runs(title, files, tmp_path, monkeypatch):
    for path in files.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    names = {"my_model": my_model, "__name__": "recipe"}
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", SECTIONS[title], re.M | re.S)
    assert blocks
    for language, block in blocks:
        import_optional(block)
        if language == "python":
            exec(compile(block, f"{title}: {block.splitlines()[0]}", "exec"), names)
            continue
        for line in block.splitlines():
            monkeypatch.setattr(sys, "argv", shlex.split(line))
            with pytest.raises(SystemExit) as end:
                main()
            assert end.value.code == 0, line
