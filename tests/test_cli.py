"""The command imagenet-cp, as a person runs it."""

import subprocess
import sys

import pytest
from PIL import Image

from imagenet_cp.cli import main
from imagenet_cp.sources import open_source

PHOTOGRAPH = open_source("sample").items[0].location
COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()"]


def run(*arguments, cwd=None):
    return subprocess.run([*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)


def test_use_remembers_a_folder_for_later_runs(class_folder, tmp_path):
    said = run("use", class_folder)
    assert said.returncode == 0 and "4 images" in said.stdout
    built = run("build", "imagenet_c", "--configs", "brightness_1", "--out", "built", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert "1 files, 4 rows" in built.stdout and (tmp_path / "built" / "README.md").is_file()


def test_demo_goes_the_whole_road(tmp_path):
    said = run("demo", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "mCE" in said.stdout and "nearest-template" in said.stdout and "imagenet-cp use" in said.stdout
    assert len(list((tmp_path / "imagenet_c" / "data").iterdir())) == 96
    with Image.open(tmp_path / "imagenet_c.png") as sheet:
        assert sheet.width > 1000 and sheet.height > 1000


def test_preview_draws_a_sheet(tmp_path, photographs):
    said = run("preview", photographs["coffee.png"], "-o", tmp_path / "sheet.png")
    assert said.returncode == 0, said.stderr
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "imagenet_d"], "did you mean imagenet_"),
        (["build", "imagenet_c", "--source", "nowhere"], "nowhere: no such folder"),
        (["build", "imagenet_c"], "IMAGENET_CP_SOURCE"),
        (["build", "imagenet_c", "--source", "sample", "--configs", "fgo_3"], "did you mean fog_3"),
        (["build", "imagenet_c", "--source", "sample", "--on-error", "ignore"], "raise or skip"),
        (["build", "imagenet_c", "--source", "sample", "--engine", "spark"], "known: local, dask"),
        (["build", "imagenet_c", "--source", "sample", "--shard", "4/3"], "--shard is i/n"),
        (["use", "nowhere"], "nowhere: no such folder"),
        (["preview", "nowhere.jpg", "-o", "sheet.png"], "nowhere.jpg: cannot be read"),
        (["preview", PHOTOGRAPH, "-o", "nowhere/sheet.png"], "nowhere/sheet.png: No such file"),
        (
            ["preview", PHOTOGRAPH, "-o", "tilt.jpg", "--perturbation", "tilt"],
            "tilt.jpg: a picture that moves is",
        ),
    ],
)
def test_a_mistake_ends_in_one_line(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["imagenet-cp", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == 1 and says in said
    assert len(said.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
