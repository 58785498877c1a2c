"""The snippets of the README and of the guides run as they stand, each text in its order and in one folder."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest

from imagenet_cp.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
#: Texts whose snippets are run here.
TEXTS = (
    README,
    *(ROOT / f"cards/guides/{name}.md" for name in ("building", "choosing", "data", "evaluating", "paper")),
)
#: Commands that are not run here, and why.
EXCLUDED = {
    "git clone": "the address is the reader's",
    "python3 -m venv": ".ci/run runs the set-up",
    "imagenet-cp evaluate torchvision:": "needs torch and the network",
    "imagenet-cp evaluate timm:": "needs torch and the network",
    "imagenet-cp compare": "compares the two before",
    "imagenet-cp import-official": "needs the published archives",
    "imagenet-cp build imagenet_c --engine dask://": "needs a cluster",
    "imagenet-cp build imagenet_c --source path/to/val --ids": "needs all validation images",
    "imagenet-cp build imagenet_c --source path/to/imagenet-r": "needs its images",
    "imagenet-cp publish": "needs the Hub",
}
MODEL = """
import numpy as np

def my_model(images):
    images = np.stack([np.asarray(image, np.float32) for image in images])
    return np.resize(images.mean(axis=(1, 2)).T, (1000, len(images))).T + np.arange(1000) % 7
"""


def snippets(path):
    """Yield the language and the text of every block that is run."""
    text = path.read_text(encoding="utf-8")
    for indent, language, block in re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.M | re.S):
        if language in ("", "python"):
            yield language, re.sub(f"^{indent}", "", block, flags=re.M)


def excluded(line):
    return next((prefix for prefix in EXCLUDED if line.startswith(prefix)), None)


def test_every_exclusion_excludes_something():
    lines = [
        line
        for path in TEXTS
        for language, block in snippets(path)
        if not language
        for line in block.splitlines()
    ]
    assert {excluded(line) for line in lines} - {None} == set(EXCLUDED)


def test_the_set_up_is_two_commands_in_an_environment():
    lines = [
        line
        for _, block in snippets(README)
        for line in block.splitlines()
        if line.startswith("python3 -m venv")
    ]
    assert [line.rsplit(" && ", 1)[1] for line in lines] == ["imagenet-cp demo", "pytest"]


@pytest.fixture
def folder(tmp_path, photographs, monkeypatch):
    """A working directory with what the README's reader has: images, a photo and a model."""
    (tmp_path / "path/to/val").mkdir(parents=True)
    (tmp_path / "path/to/images/cats").mkdir(parents=True)
    for number, name in enumerate(("chelsea.png", "rocket.jpg"), start=1):
        image = photographs[name]
        shutil.copy(image, tmp_path / f"path/to/val/ILSVRC2012_val_{number:08d}{image.suffix}")
        shutil.copy(image, tmp_path / "path/to/images/cats")
    shutil.copy(photographs["rocket.jpg"], tmp_path / "photo.jpg")
    (tmp_path / "path/to/own-c/glare/3/n04008634").mkdir(parents=True)
    shutil.copy(photographs["rocket.jpg"], tmp_path / "path/to/own-c/glare/3/n04008634")
    (tmp_path / "my_package.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_package", raising=False)
    return tmp_path


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_snippets_run_in_their_order(text, folder, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    names = {}
    exec(f"import imagenet_cp\nfrom datasets import load_dataset\n{MODEL}", names)
    for language, block in snippets(text):
        if language == "python":
            exec(compile(block, f"{text.name}: {block.splitlines()[0]}", "exec"), names)
            continue
        for line in block.splitlines():
            if excluded(line):
                continue
            words = shlex.split(line, comments=True)
            assert words[0] == "imagenet-cp", f"{line!r} is no command of this package, nor excluded"
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as end:
                main()
            assert end.value.code == 0, f"{line}: {capsys.readouterr().err}"
    if "result" in names:
        assert np.isfinite(names["result"].metrics["mce"]["relative_mce"])
        assert (folder / "report" / "index.html").is_file()


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_links_lead_to_files(text):
    links = re.findall(r"\]\((?!https?://)([^)#]+)", text.read_text(encoding="utf-8"))
    assert [link for link in links if not (text.parent / link).is_file()] == []


def test_the_readme_is_short_and_its_images_are_small():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200
    assert sum(path.stat().st_size for path in (ROOT / "cards/images").iterdir()) <= 150_000
