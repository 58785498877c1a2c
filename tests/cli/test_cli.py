"""The command imagenet-cp, as a person runs it."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from PIL import Image

import imagenet_cp
from imagenet_cp import corrupt, corruptions, demo, preview, settings
from imagenet_cp.archives.importer import import_official
from imagenet_cp.build import estimate
from imagenet_cp.build.build_json import open_build
from imagenet_cp.build.plan import build, new_plan
from imagenet_cp.cli import main
from imagenet_cp.cli.export import RESULTS
from imagenet_cp.cli.main import app
from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.evaluation.report import comparison_page
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.images.tiles import tile
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.sources import open_source
from imagenet_cp.sources.classes import wnids
from imagenet_cp.text import fit

PHOTOGRAPH = open_source("sample").items[0].location
COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()"]


def run(*arguments, cwd=None, **variables):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, env=os.environ | variables, capture_output=True, text=True
    )


def test_use_remembers_a_folder_for_later_runs(class_folder, tmp_path, command):
    said = command("use", class_folder)
    assert said.returncode == 0 and "4 images" in said.stdout
    assert "2 classes are not ImageNet's 1,000" in said.stdout
    built = command("build", "imagenet_c", "--configs", "brightness_1", "--out", "built", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert "1 file, 4 rows" in built.stdout and (tmp_path / "built" / "README.md").is_file()


def test_use_notes_that_images_are_missing(tmp_path, photographs, monkeypatch, capsys):
    shutil.copy(photographs["chelsea.png"], tmp_path / "ILSVRC2012_val_00000001.png")
    monkeypatch.setattr("sys.argv", ["imagenet-cp", "use", str(tmp_path)])
    with pytest.raises(SystemExit):
        main()
    assert "validation set has 50,000 images" in capsys.readouterr().out


def test_use_without_a_writable_home_names_the_variable(class_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("sys.argv", ["imagenet-cp", "use", str(class_folder)])
    with pytest.raises(SystemExit):
        main()
    message = capsys.readouterr().err
    assert f"file/imagenet-cp: Not a directory); type  export IMAGENET_CP_SOURCE='{class_folder}'" in message


def test_settings_are_stored_where_no_folder_is_yet(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no" / "folder" / "yet"))
    assert settings.default_source() is None
    settings.remember_source("sample")
    assert settings.default_source() == "sample"


def test_damaged_settings_are_named_and_written_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = settings.remember_source("sample")
    for text in ("[]", "{}", "", "\0", '{"source": 1}'):
        file.write_text(text)
        with pytest.raises(BuildError, match=r"settings\.json: damaged .*; `imagenet-cp use FOLDER` writes"):
            settings.default_source()
    settings.remember_source("sample")
    assert settings.default_source() == "sample"


def test_the_demo_keeps_to_its_folder(tmp_path):
    """Home and every cache are where nothing can be written, so the demo writes nothing there."""
    home = tmp_path / "home"
    home.touch()
    (tmp_path / "work").mkdir()
    variables = {
        "HOME": str(home),
        "HF_HOME": str(home),
        "HF_DATASETS_CACHE": str(home),
    }
    said = run("demo", cwd=tmp_path / "work", **variables)
    assert said.returncode == 0, said.stderr
    assert "mCE" in said.stdout and "evaluate.load" in said.stdout and "imagenet-cp use" in said.stdout
    assert max(map(len, said.stdout.splitlines())) <= 80 and "\x1b" not in said.stdout
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["imagenet_cp_demo"]
    demo = tmp_path / "work" / "imagenet_cp_demo"
    assert len(list((demo / "imagenet_c_sample" / "data").iterdir())) == 5 * len(corruptions.CORRUPTIONS) + 1
    assert not list(demo.rglob("imagenet_c___*")) and not (demo / "cache" / "imagenet_c").exists()
    with Image.open(demo / "imagenet_c.png") as sheet:
        assert sheet.width > 1000 and sheet.height > 1000
    with Image.open(demo / "imagenet_p.webp") as animation:
        assert animation.n_frames == 31


def test_the_demo_notices_first_that_its_drawing_cannot_be_written(tmp_path, command):
    (tmp_path / "demo" / "imagenet_c.png").mkdir(parents=True)
    said = command("demo", "--out", "demo", cwd=tmp_path)
    assert said.returncode == 1 and "imagenet_c.png: is a folder; choose" in said.stderr
    assert "Building" not in said.stdout


def test_preview_does_not_replace_its_input(tmp_path, photographs, command):
    image = shutil.copy(photographs["coffee.png"], tmp_path / "a.png")
    said = command("preview", "a.png", "-o", "./a.png", cwd=tmp_path)
    assert said.returncode == 2 and "this is the image itself" in said.stderr
    assert Path(image).read_bytes() == photographs["coffee.png"].read_bytes()


@pytest.mark.parametrize("name", ["index.html", "results.json", "results.csv"])
def test_a_report_replaces_nothing_else_and_says_so_first(tmp_path, monkeypatch, capsys, name):
    pytest.importorskip("matplotlib")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / name).write_text("my own")
    monkeypatch.setattr("sys.argv", ["imagenet-cp", "evaluate", "nowhere", "-o", str(tmp_path / "site")])
    with pytest.raises(SystemExit):
        main()
    assert f"site/{name}: exists, and is none that this command writes" in capsys.readouterr().err
    assert (tmp_path / "site" / name).read_text() == "my own"


@pytest.mark.parametrize("form", ["png", "jpg", "webp", "gif"])
def test_a_preview_replaces_previews_only(tmp_path, form):
    file = tmp_path / f"a.{form}"
    image = Image.effect_noise((300, 300), 90)
    image.save(file)
    before = file.read_bytes()
    with pytest.raises(BuildError, match=rf"a\.{form}: exists, and is none that this command writes"):
        preview.save(image, file)
    assert file.read_bytes() == before
    file.unlink()
    for _ in range(2):
        preview.save(image, file)
    if form != "jpg":
        frames = np.zeros((3, 64, 64, 3), np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None] * 50
        if form == "png":
            assert Image.open(file).size == (300, 300)
        preview.save_animation(frames, file)
        with Image.open(file) as animation:
            assert animation.n_frames == 3 and animation.info["loop"] == 0  # without end
        preview.save_animation(frames, file)


def test_the_demo_replaces_no_foreign_file(tmp_path):
    (tmp_path / "imagenet_p.webp").write_bytes(b"mine")
    with pytest.raises(BuildError, match=r"imagenet_p\.webp: exists"):
        demo.run(tmp_path, print)
    assert [path.name for path in tmp_path.iterdir()] == ["imagenet_p.webp"]


def test_names_are_matched_in_any_case(tmp_path, class_folder, command):
    said = command("build", "ImageNet-C", "--source", class_folder, "--configs", "brightness_1", cwd=tmp_path)
    assert said.returncode == 0 and (tmp_path / "imagenet_c" / "README.md").is_file()


def test_numba_without_its_compiler_is_refused_in_one_line(tmp_path):
    said = run("build", "--source", "sample", "--out", tmp_path / "out", NUMBA_DISABLE_JIT="1")
    assert said.returncode == 1 and not (tmp_path / "out").exists()
    assert said.stderr.startswith("imagenet-cp: NUMBA_DISABLE_JIT is set") and said.stderr.count("\n") == 1


def test_clean_is_built_by_default():
    assert "clean" in {cell.config for cell in new_plan("imagenet_c", open_source("sample"), "x").cells}


def test_a_shard_names_how_many_files_of_others_are_missing(tmp_path, command):
    build = "build", "imagenet_c", "--source", "sample", "--configs", "clean", "-o", tmp_path / "out"
    said = command(*build, "--shard", "2/2")
    assert said.returncode == 0 and said.stdout.endswith("; 1 file of other shards missing\n"), said.stderr
    said = command(*build, "--shard", "1/2")
    assert said.returncode == 0 and "missing" not in said.stdout, said.stderr


def test_preview_draws_a_sheet(tmp_path, photographs, command):
    said = command("preview", photographs["coffee.png"], "-o", tmp_path / "sheet.png")
    assert said.returncode == 0, said.stderr
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000
    said = command(
        "preview", photographs["coffee.png"], "-o", tmp_path / "sheet.png", "--benchmark", "imagenet_p"
    )
    assert "no sheet for --benchmark 'imagenet_p'; did you mean imagenet_c" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "imagenet_d"], "did you mean imagenet_"),
        (["build", "imagenet_c", "--source", "nowhere"], "nowhere: no such folder"),
        (["build", "imagenet_c"], "IMAGENET_CP_SOURCE"),
        (["build", "imagenet_c", "--source", "sample", "--configs", "fgo_3"], "did you mean fog_3"),
        (["build", "imagenet_c", "--source", "sample", "--engine", "spark"], "known: local, dask"),
        (
            ["build", "imagenet_c", "--source", "sample", "--engine", "dask://"],
            "such as dask://127.0.0.1:8786",
        ),
        (
            ["build", "imagenet_c", "--source", "sample", "--engine", "dask://host"],
            "such as dask://127.0.0.1",
        ),
        (["build", "imagenet_c", "--configs", ","], "--configs is empty; leave it out to build all"),
        (["evaluate"], "name a model, such as timm:resnet50, or a file of models with --models"),
        (["export", "nowhere", "--to", "imagefolder", "-o", "x"], "nowhere: no such file or folder"),
        (["build", "--source", "nowhere", "--codec", "jepg"], "did you mean jpeg?"),
        (["build", "--source", "nowhere", "--size", "large"], 'size must be "keep" or left out'),
        (
            ["build", "--source", "nowhere", "--on-error", "skpi"],
            "unknown --on-error 'skpi'; did you mean skip?",
        ),
        (["use", "nowhere"], "nowhere: no such folder"),
        (["preview", "nowhere.jpg", "-o", "sheet.png"], "nowhere.jpg: no such file"),
        (["preview", PHOTOGRAPH, "-o", "nowhere/sheet.png"], "nowhere: no such folder"),
        (
            ["preview", PHOTOGRAPH, "-o", "tilt.jpg", "--perturbation", "tilt"],
            "tilt.jpg: an animation is a",
        ),
    ],
)
def test_a_mistake_ends_in_one_line(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["imagenet-cp", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == 2 and says in said
    assert len(said.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


URL = "s3://bucket/out"


@pytest.mark.parametrize(
    "arguments",
    [
        ["use", URL],
        ["build", "imagenet_c", "--source", "sample", "--out", URL],
        ["build", "imagenet_c", "--source", URL],
        ["build", "imagenet_c", "--source", "sample", "--dry-run", "--out", URL],
        ["verify", URL],
        ["verify", "nowhere", "--source", URL],
        ["publish", URL, "user/name"],
        ["import-official", "nowhere.tar", URL],
        ["import-official", "nowhere.tar", "--out", URL],
        ["evaluate", "nowhere", "-o", URL],
        ["evaluate", "nowhere", "--imagenet-c", URL],
        ["evaluate", "nowhere", "--imagenet-p", URL],
        ["evaluate", "nowhere", "--source", URL],
        ["evaluate", "nowhere", "--weights", URL],
        ["compare", "nowhere.json", URL],
        ["compare", "nowhere.json", "-o", URL],
        ["demo", "--out", URL],
        ["preview", URL, "-o", "sheet.png"],
        ["preview", "nowhere.jpg", "-o", URL],
    ],
)
def test_a_url_in_place_of_a_path_is_refused_before_anything_is_read(
    arguments, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["imagenet-cp", *arguments])
    monkeypatch.setattr("imagenet_cp.sources.open_source", None)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        f"imagenet-cp: {URL}: is a URL, not a local path; work in a local folder, and copy between the two with the "
        "tools of that store\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "call",
    [
        lambda: new_plan("imagenet_c", open_source("sample"), URL),
        lambda: open_build(URL),
        lambda: import_official([URL]),
        lambda: import_official(["nowhere"], URL),
        lambda: evaluate_model("nowhere", out=URL),
    ],
)
def test_functions_refuse_urls_too(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"{URL}: is a URL"):
        call()
    assert not list(tmp_path.iterdir())


def test_the_version_and_the_module():
    ran = subprocess.run([sys.executable, "-m", "imagenet_cp", "--version"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip()) == (0, imagenet_cp.__version__)


@pytest.mark.parametrize(
    "arguments",
    [["--shard", "9/3"], ["--on-error", "ignore"], ["--workers", "0"], ["--configs", ""], ["--nothing"]],
)
def test_usage_errors_exit_with_2(arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", "build", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2


def test_dry_run_has_a_row_for_each_corruption(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        estimate,
        "estimate",
        lambda plan: (
            {cell.config: estimate.Cost(20, 50_000, 0.7, 0.01) for cell in plan.cells},
            estimate.Cost(220, 550_000, 7.7, 0.11),
        ),
    )
    monkeypatch.setattr("imagenet_cp.jobs.cores.available_cores", lambda: 4)
    arguments = [
        "build",
        "--source",
        "sample",
        "--configs",
        "fog,clean",
        "--dry-run",
        "--out",
        str(tmp_path / "a"),
    ]
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0 and max(map(len, lines)) <= 80
    assert lines[0].split() == ["files", "rows", "size", "CPU", "time"]
    assert lines[3].split() == ["total,", "with", "decoding", "220", "550,000", "7.7", "GB", "7", "min"]
    assert lines[4] == "About 2 min on 4 cores: 1 unit of up to 2,500 images."
    assert lines[5:] == ["Measured on a few images, one thread."]
    assert lines[1].split() == ["fog", "100", "250,000", "3.5", "GB", "3", "min"]
    assert lines[2].split() == ["clean", "20", "50,000", "700.0", "MB", "36", "s"]
    arguments[4] = "clean"
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", *arguments])
    with pytest.raises(SystemExit):
        main()
    assert "About 7 min on 4 cores: 1 unit" in capsys.readouterr().out  # one config is work for one core
    arguments[4] = "fog,clean"
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", *arguments, "--json"])
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capsys.readouterr().out)["fog_3"]["rows"] == 50_000


def test_verify_prints_json_and_exits_with_1_for_problems(tmp_path, class_folder, monkeypatch, capsys):
    folder = tmp_path / "built"
    build("imagenet_c", open_source(class_folder), folder, ["brightness_1"])
    for status in (0, 1):
        monkeypatch.setattr(sys, "argv", ["imagenet-cp", "verify", str(folder), "--json", "--quick", "-q"])
        with pytest.raises(SystemExit) as end:
            main()
        result = json.loads(capsys.readouterr().out)
        assert end.value.code == status and len(result["problems"]) == status
        next((folder / "data").rglob("*.parquet")).write_bytes(b"damaged")


def test_sheets_show_native_pixels():
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    assert np.array_equal(tile(noise, 160), noise[32:192, 32:192])
    assert tile(noise[:32, :32], 100).shape == (100, 100, 3)
    sheet = preview.compact_sheet(noise, severity=1)
    assert sheet.size == (5 * 230 + 6, 3 * 254 + 6)
    brightness = corrupt(noise, "brightness", 1, image_id="")
    index = list(corruptions.TEST).index("brightness")
    x, y = 6 + index % 5 * 230, 6 + index // 5 * 254 + 24
    assert np.array_equal(np.array(sheet)[y : y + 224, x : x + 224], brightness)


def test_the_sheet_of_imagenet_c_bar_has_its_corruptions():
    grey = np.full((224, 224, 3), 128, np.uint8)
    sheet = np.array(preview.contact_sheet(grey, "grey", benchmark="imagenet_c_bar"))
    hidden = corrupt(grey, "blue_noise_sample", 1, image_id="grey", benchmark="imagenet_c_bar")
    left, top = 32, 32 + 160 + 24 + 6 + 44 + 24  # margin, clean tile, heading and label
    assert np.array_equal(sheet[top : top + 160, left : left + 160], tile(hidden, 160))
    longest = "single_frequency_greyscale"  # beside its label stands the number of the first severity
    assert (
        preview._font(15).getlength(longest) > 144 >= preview._fitting_font(longest, 144).getlength(longest)
    )


def test_long_messages_break_between_words_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "50")
    text = "imagenet-cp: path/to-a-folder/of-images holds no image that can be read; choose another"
    lines = fit(text, Terminal()).split("\n")
    assert max(map(len, lines)) <= 50 and " ".join(lines) == text
    monkeypatch.delenv("COLUMNS")
    assert fit(text, io.StringIO()) == text


@pytest.mark.parametrize("yes", [True, False])
def test_publishing_passes_its_options_on(yes, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "imagenet_cp.hub.publish.publish", lambda *args, **options: calls.append((args, options))
    )
    monkeypatch.setattr(
        "imagenet_cp.hub.publish.publish_metric", lambda *a, **options: calls.append((a, options))
    )
    monkeypatch.setattr(typer, "confirm", lambda question: "asked")
    more = ["--yes"] if yes else []
    flags = [
        "--public",
        "--gated",
        "auto",
        "--tag",
        "v1",
        "--notes",
        "text",
        "--dry-run",
        "--quick",
        "--quiet",
    ]
    app(["publish", str(tmp_path), "user/name", *flags, *more], standalone_mode=False)
    app(["publish-metric", "mce", "user/mce", "--public", *more], standalone_mode=False)
    (place, sent), (metric, space) = calls
    assert place == (tmp_path, "user/name") and metric == ("mce", "user/mce") and space["public"]
    assert sent["confirm"]("?") == space["confirm"]("?") == (True if yes else "asked")
    expected = {"public": True, "gated": "auto", "tag": "v1", "notes": "text", "quick": True, "dry_run": True}
    assert expected.items() <= sent.items() and {"echo", "progress"} <= sent.keys() and "echo" in space


def test_an_evaluation_has_its_command_and_one_name_is_of_one_model(monkeypatch, tmp_path):
    made = []

    def evaluate(models, /, **options):
        made.append((models, options))
        return SimpleNamespace(missing=0, failed={}, evaluations={})

    monkeypatch.setattr("imagenet_cp.evaluation.run.evaluate_models", evaluate)
    monkeypatch.setattr("sys.argv", ["/bin/imagenet-cp", "evaluate", "a b"])
    arguments = ["evaluate", "x", "--name", "n", "--out", str(tmp_path / "r"), "--devices", "0,2"]
    app([*arguments, "--batch-size", "7", "--quiet"], standalone_mode=False)
    [(models, options)] = made
    assert models == ["x"] and options["names"] == ["n"] and options["devices"] == ["cuda:0", "cuda:2"]
    assert options["command"] == "imagenet-cp evaluate 'a b'" and options["batch_size"] == 7
    assert {"imagenet_c", "progress", "executor"} <= options.keys()
    (tmp_path / "models.txt").write_text("# some\n\n x \ny\n")
    app(
        ["evaluate", "--models", str(tmp_path / "models.txt"), "-o", str(tmp_path / "r")],
        standalone_mode=False,
    )
    assert made[1][0] == ["x", "y"]
    for option in ("--name", "--weights"):
        with pytest.raises(UsageError, match=f"{option} goes with one model, not with 2"):
            app(["evaluate", "x", "y", option, "n"], standalone_mode=False)
    for wrong in ("x", ",", "0,0"):
        with pytest.raises(UsageError, match=f"--devices is different numbers of GPUs, .* not '{wrong}'"):
            app(["evaluate", "x", "--devices", wrong], standalone_mode=False)
    with pytest.raises(UsageError, match="give --device cpu or --devices 0, not both"):
        app(["evaluate", "x", "--devices", "0", "--device", "cpu"], standalone_mode=False)
    with pytest.raises(UsageError, match="x is named more than once"):
        app(["evaluate", "x", "y", "x"], standalone_mode=False)


@contextlib.contextmanager
def name_engine(name, workers):
    """Stand in for an engine by its name and its number of workers."""
    yield f"{name} {workers}"


def test_a_build_receives_every_option(monkeypatch, tmp_path, capsys):
    opened, made = [], []
    recipe = SimpleNamespace(signature="imagenet_c|recipe:1")
    files = {"a": SimpleNamespace(rows=1, size=2000), "b": SimpleNamespace(rows=2, size=3000)}
    plan = SimpleNamespace(damaged={}, skipped={}, files=files, missing=3, recipe=recipe)
    monkeypatch.setattr("imagenet_cp.sources.open_source", lambda *a, **o: opened.append((a, o)) or "images")
    monkeypatch.setattr("imagenet_cp.build.plan.build", lambda *a, **o: made.append((a, o)) or plan)
    monkeypatch.setattr("imagenet_cp.jobs.engines.open_engine", name_engine)
    monkeypatch.chdir(tmp_path)
    app(["build", "Tiny-ImageNet-C"], standalone_mode=False)
    assert opened.pop() == ((None,), {"recursive": False, "ids": None, "classes": None})
    given, options = made.pop()
    assert given == ("Tiny-ImageNet-C", "images", Path("tiny_imagenet_c"), [])
    assert callable(options.pop("progress"))
    assert options == {
        "seed": 0,
        "codec": None,
        "size": None,
        "on_error": "raise",
        "images_per_file": None,
        "workers_count": None,
        "executor": "local None",
        "shard": Shard(1, 1),
    }
    assert capsys.readouterr().out == (
        "tiny_imagenet_c: 2 files, 3 rows, 5 kB, imagenet_c|recipe:1; 3 files of other shards missing\n"
    )
    source = "--source=here --ids=i --classes=c"
    form = "--seed=5 --codec=jpeg --size=keep --on-error=skip --images-per-file=9"
    work = "--workers=2 --engine=dask --shard=2/3"
    command = f"build {source} {form} {work} --out=b --configs=fog,clean --json"
    app(command.split(), standalone_mode=False)
    assert opened.pop() == (("here",), {"recursive": True, "ids": "i", "classes": "c"})
    given, options = made.pop()
    assert given == ("imagenet_c", "images", Path("b"), ["fog", "clean"])
    assert callable(options.pop("progress"))
    assert options == {
        "seed": 5,
        "codec": "jpeg",
        "size": "keep",
        "on_error": "skip",
        "images_per_file": 9,
        "workers_count": 2,
        "executor": "dask 2",
        "shard": Shard(2, 3),
    }
    assert json.loads(capsys.readouterr().out) == {
        "folder": "b",
        "files": 2,
        "rows": 3,
        "bytes": 5000,
        "missing_files": 3,
        "signature": "imagenet_c|recipe:1",
    }


def test_a_verification_receives_every_option(monkeypatch, tmp_path, capsys):
    made = []
    result = SimpleNamespace(files={"a": 1}, rows=5, regenerated=7, signature="a|b", problems=[])
    monkeypatch.setattr("imagenet_cp.build.verify.verify", lambda *a, **o: made.append((a, o)) or result)
    monkeypatch.setattr(
        "imagenet_cp.build.build_json.open_build", lambda folder: SimpleNamespace(recipe="its recipe")
    )
    monkeypatch.setattr("imagenet_cp.build.build_json.reopen_source", lambda *given: given)
    folder = str(tmp_path)
    source = ["--source", "here", "--ids", "i", "--classes", "c", "--sample", "9"]
    app(["verify", folder, *source], standalone_mode=False)
    app(["verify", folder, "--quick"], standalone_mode=False)
    assert all(callable(options.pop("progress")) for _, options in made)
    assert made == [
        ((tmp_path,), {"source": ("here", "its recipe", "i", "c"), "sample": 9, "quick": False}),
        ((tmp_path,), {"source": None, "sample": 100, "quick": True}),
    ]
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: 1 file, 5 rows, no problems; 7 rows regenerated; a|b",
        f"{folder}: 1 file, no problems; a|b",
    ]
    fields = {"folder": folder, "files": 1, "regenerated": 7, "signature": "a|b", "problems": []}
    for more, rows in (([], 5), (["--quick"], None)):
        app(["verify", folder, "--json", *more], standalone_mode=False)
        assert json.loads(capsys.readouterr().out) == fields | {"rows": rows}
    result.problems = ["a: missing", "b: missing"]
    with pytest.raises(BuildError, match=f"^{re.escape(folder)}: 2 problems in 1 file$"):
        app(["verify", folder], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == result.problems


@pytest.mark.parametrize("check", [True, False])
def test_an_import_receives_every_option(check, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(
        "imagenet_cp.archives.importer.import_official", lambda *a, **o: made.append((a, o)) or ["x", "y"]
    )
    monkeypatch.setattr("imagenet_cp.archives.import_folder.report", lambda made: made)
    more = [] if check else ["--no-md5", "--out", "there"]
    app(["import-official", "a.tar", "b", *more], standalone_mode=False)
    [(given, options)] = made
    assert given == ([Path("a.tar"), Path("b")], None if check else Path("there"))
    assert options["check"] == check and callable(options["progress"])
    assert capsys.readouterr().out == "x\ny\n"


@pytest.mark.parametrize(
    ("images", "classes", "note"),
    [
        (44_999, 1000, "note: ImageNet's validation set has 50,000 images; scores on a part of it"),
        (45_000, 1000, None),
        (50_000, 999, "note: its 999 classes are not ImageNet's 1,000"),
    ],
)
def test_use_notes_parts_of_imagenet(images, classes, note, monkeypatch, capsys):
    source = SimpleNamespace(name="/s", items=range(images), classes=wnids()[:classes])
    monkeypatch.setattr("imagenet_cp.sources.open_source", lambda folder: source)
    monkeypatch.setattr(settings, "remember_source", lambda name: f"file of {name}")
    app(["use", "x"], standalone_mode=False)
    first, *notes = capsys.readouterr().out.splitlines()
    assert first == f"{images:,} images in /s; stored in file of /s"
    assert [line[: len(note or "")] for line in notes] == ([note] if note else [])


def test_the_demo_has_its_cache_in_its_folder(monkeypatch, tmp_path):
    names = [
        f"HF_{name}"
        for name in ("HOME", "DATASETS_CACHE", "EVALUATE_CACHE", "METRICS_CACHE", "MODULES_CACHE")
    ]
    for name in names:
        monkeypatch.setenv(name, "elsewhere")
    found = []
    monkeypatch.setattr(
        demo, "run", lambda *given: found.append((given, [os.environ[name] for name in names]))
    )
    monkeypatch.chdir(tmp_path)
    app(["demo", "--out", "here", "--quiet"], standalone_mode=False)
    [((folder, echo, quiet), caches)] = found
    assert (folder, quiet) == (Path("here"), True) and callable(echo)
    assert caches == [str(tmp_path / "here" / "cache")] * 5


def test_an_evaluation_receives_every_option(monkeypatch, tmp_path):
    made = []

    def evaluate(models, /, **options):
        made.append(options)
        return SimpleNamespace(missing=0, failed={}, evaluations={})

    monkeypatch.setattr("imagenet_cp.evaluation.run.evaluate_models", evaluate)
    monkeypatch.setattr("imagenet_cp.jobs.engines.open_engine", name_engine)
    data = ("imagenet_c", "imagenet_p", "imagenet_c_bar", "data", "layout", "source", "ids", "classes")
    model = ("preprocess", "device", "scores", "dtype", "labels")
    texts = {name: f"a {name}" for name in (*data, *model)}
    numbers = {"batch_size": 7, "threads": 3, "processes": 2, "seed": 5, "limit": 9}
    flags = dict.fromkeys(("native_size", "trust", "channels_last", "compile", "resume"), True)
    arguments = [
        *("evaluate", "x", "--out", str(tmp_path / "r"), "--weights", str(tmp_path / "w")),
        *(f"--{name.replace('_', '-')}={value}" for name, value in {**texts, **numbers}.items()),
        *(f"--{name.replace('_', '-')}" for name in flags),
        *("--benchmarks=cifar10_c,cifar10_p", "--configs=fog,clean"),
        *("--shard=2/3", "--engine=dask", "--no-check", "--quiet"),
    ]
    app(arguments, standalone_mode=False)
    expected = {
        **texts,
        **numbers,
        **flags,
        "benchmarks": ["cifar10_c", "cifar10_p"],
        "configs": ["fog", "clean"],
        "weights": tmp_path / "w",
        "out": tmp_path / "r",
        "names": (),
        "devices": [],
        "local": None,
        "check": False,
        "executor": "dask 2",
        "shard": Shard(2, 3),
    }
    assert made[0].keys() == expected.keys() | {"command", "progress"}
    assert {name: made[0][name] for name in expected} == expected


def test_without_a_number_of_processes_it_is_that_of_the_devices(monkeypatch, tmp_path):
    made, asked = [], []

    def evaluate(models, /, **options):
        made.append(options["processes"])
        return SimpleNamespace(missing=0, failed={}, evaluations={})

    monkeypatch.setattr("imagenet_cp.evaluation.run.evaluate_models", evaluate)
    monkeypatch.setattr("imagenet_cp.evaluation.devices.find_devices", lambda *given: given)
    monkeypatch.setattr(
        "imagenet_cp.evaluation.devices.default_processes", lambda *given: asked.append(given) or 6
    )
    arguments = ["evaluate", "x", "--out", str(tmp_path / "r"), "--quiet"]
    for more in (["--devices", "0,2"], ["--device", "cpu"], ["--processes", "3"]):
        app([*arguments, *more], standalone_mode=False)
    app([*arguments, "--batch-size", "9", "--shard", "1/2"], standalone_mode=False)
    assert asked == [
        (["cuda:0", "cuda:2"], ["x"], 64),
        (("cpu", ["x"]), ["x"], 64),
        (("auto", ["x"]), ["x"], 9),
    ]
    assert made == [6, 6, 3, 6]
    monkeypatch.setattr("imagenet_cp.evaluation.devices.find_shard", lambda: (Shard(1, 2), 0))
    app(arguments, standalone_mode=False)
    assert made[4] is None and len(asked) == 3  # a launcher has started all processes


@pytest.mark.parametrize("quiet", [True, False])
def test_an_evaluation_prints_its_results_and_writes_its_pages(quiet, monkeypatch, tmp_path, capsys):
    made = {name: SimpleNamespace(write_report=lambda folder: f"{folder}/index.html") for name in ("a", "b")}
    done = SimpleNamespace(
        missing=2, failed={"c": "no memory"}, evaluations=made, folders={"a": "A", "b": "B"}
    )
    monkeypatch.setattr("imagenet_cp.evaluation.run.evaluate_models", lambda *_, **__: done)
    monkeypatch.setattr("imagenet_cp.cli.results_table.format_results", lambda evaluation: ["a table"])
    monkeypatch.setattr("imagenet_cp.cli.evaluate._summary", lambda evaluation: ["a mean"])
    monkeypatch.setattr(comparison_page, "load_models", lambda folders: folders)
    monkeypatch.setattr("imagenet_cp.evaluation.comparison.compare", lambda models: f"compared {models}")
    monkeypatch.setattr(
        comparison_page, "write_comparison", lambda comparison, folder: f"{comparison} in {folder}"
    )
    command = ["evaluate", "a", "b", "c", "--shard=2/3", f"--out={tmp_path}", *(["-q"] if quiet else [])]
    assert app(command, standalone_mode=False) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "shard 2/3 is finished; 2 units of other shards are not yet. "
        "The shard that finishes last writes the report",
        *("", "a", "a table", "a mean", "", "b", "a table", "a mean", "A/index.html", "B/index.html"),
        f"compared ['A', 'B'] in {tmp_path / 'comparison'}",
    ]
    assert printed.err.splitlines() == [*([] if quiet else ["writing the report"]), "c failed: no memory"]
    done.missing, done.failed, done.evaluations = 0, {}, {"a": made["a"]}
    assert not app(["evaluate", "a", "--out", str(tmp_path / "new"), "-q"], standalone_mode=False)
    assert capsys.readouterr() == ("a table\na mean\nA/index.html\n", "")
    done.failed = {"b": "no memory"}  # of two models the one that is left is named
    assert app(["evaluate", "a", "b", "--out", str(tmp_path / "new"), "-q"], standalone_mode=False) == 1
    assert capsys.readouterr() == ("\na\na table\na mean\nA/index.html\n", "b failed: no memory\n")


def test_what_a_build_made_again_or_skipped_is_beside_its_json(tmp_path, monkeypatch, capsys):
    plan = new_plan("imagenet_c", open_source("sample"), tmp_path, ["clean"])
    plan.damaged, plan.skipped = {"data/a.parquet": "missing"}, {"dog": "cannot be read"}
    monkeypatch.setattr("imagenet_cp.build.plan.build", lambda *arguments, **options: plan)
    build = ["build", "--source", "sample", "--configs", "clean", "--out", str(tmp_path)]
    app([*build, "--json"], standalone_mode=False)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["rows"] == 0
    lines = [f"rebuilt: {tmp_path / 'data/a.parquet'}: missing", "skipped dog: cannot be read"]
    assert printed.err.splitlines() == lines
    app(build, standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[:2] == lines


def test_an_export_reports_its_progress(tmp_path, monkeypatch, capsys):
    calls = []
    made = SimpleNamespace(rows=2, size=1500, written=1)
    monkeypatch.setattr("imagenet_cp.archives.export.export", lambda *a, **o: calls.append((a, o)) or made)
    app(
        ["export", str(tmp_path), "--to", "imagefolder", "-o", "x", "--configs", "fog, clean"],
        standalone_mode=False,
    )
    [(arguments, options)] = calls
    assert arguments == (tmp_path, "imagefolder", Path("x"), ["fog", "clean"]) and callable(
        options["progress"]
    )
    assert capsys.readouterr().out == "x: 2 images, 2 kB; 1 written now\n"


def test_an_export_of_results_prints_its_files(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setitem(
        RESULTS, "timm", lambda *given: calls.append(given) or [given[1] / "a", given[1] / "b"]
    )
    (tmp_path / "results.json").touch()
    out = tmp_path / "some" / "folder"
    for folder in (tmp_path, tmp_path / "results.json"):
        app(["export", str(folder), "--to", "timm", "-o", str(out), "--dataset", "d"], standalone_mode=False)
        assert capsys.readouterr().out.splitlines() == [str(out / "a"), str(out / "b")] and out.is_dir()
    assert calls == [(tmp_path / "results.json", out, "d")] * 2
    for to, option, says in (
        ("timm", "--configs", "--configs is for builds; --to timm takes all"),
        ("npy", "--dataset", "--dataset is for results, with --to hub"),
    ):
        place = tmp_path if to == "timm" else out
        with pytest.raises(UsageError, match=says):
            app(["export", str(place), "--to", to, "-o", str(out), option, "x"], standalone_mode=False)
