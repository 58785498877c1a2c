"""Wrong options and arguments of every command, and the width and plainness of what commands print."""

import os
import re
import sys

import pytest
import typer
from toy_evaluations import evaluation
from typer.testing import CliRunner

from imagenet_cp.build.plan import build
from imagenet_cp.cli import app, main
from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation.models.by_name import open_model
from imagenet_cp.sources import open_source
from imagenet_cp.text import fit

COMMANDS = typer.main.get_command(app).commands
#: Arguments of each command that are right; BUILD and RESULTS stand for a folder and a file.
RIGHT = {
    "use": ["sample"],
    "build": ["imagenet_c", "--source", "sample", "--out", "out"],
    "verify": ["BUILD"],
    "export": ["BUILD", "--to", "imagefolder", "--out", "out"],
    "evaluate": ["toy_models:by_colour", "--source", "sample", "--out", "out"],
    "compare": ["RESULTS"],
    "table": ["RESULTS"],
    "publish": ["BUILD", "user/imagenet_c"],
    "publish-metric": ["mce", "user/mce"],
    "import-official": ["noise.tar"],
    "demo": [],
    "preview": ["photograph.png", "--out", "sheet.png"],
}
#: Options that take any text.
FREE = {("evaluate", "name"), ("publish", "notes")}
#: Wrong values, where neither a name that nothing has nor a number that is none is one.
WRONG = {("publish", "tag"): "-", ("build", "size"): "large", ("publish-metric", "repo"): "user/fid"}
#: Misspelt names, and what is meant.
MISSPELT = {
    ("build", "dataset"): ("imagenet_cc", "imagenet_c"),
    ("build", "configs"): ("fog3", "fog_3"),
    ("build", "codec"): ("jepg", "jpeg"),
    ("build", "on_error"): ("skpi", "skip"),
    ("build", "engine"): ("dsak", "dask"),
    ("build", "ids"): ("robustbnch-5000", "robustbench-5000"),
    ("build", "classes"): ("imagnet-100", "imagenet-100"),
    ("export", "to"): ("imagefoldr", "imagefolder"),
    ("export", "configs"): ("claen", "clean"),
    ("evaluate", "models"): ("toy_models:by_color", "by_colour"),
    ("evaluate", "benchmarks"): ("imagenet_cc", "imagenet_c"),
    ("evaluate", "configs"): ("claen", "clean"),
    ("evaluate", "preprocess"): ("clah", "clahe"),
    ("evaluate", "engine"): ("dask//127.0.0.1:8786", "dask://127.0.0.1:8786"),
    ("evaluate", "scores"): ("logit", "logits"),
    ("evaluate", "dtype"): ("bfloat", "bfloat16"),
    ("evaluate", "labels"): ("imagnette", "imagenette"),
    ("table", "form"): ("latx", "latex"),
    ("table", "scores"): ("mean_eror", "mean_error"),
    ("publish", "gated"): ("manaul", "manual"),
    ("publish-metric", "metric"): ("mcee", "mce"),
    ("preview", "perturbation"): ("titl", "tilt"),
    ("preview", "benchmark"): ("imagenet_c_bra", "imagenet_c_bar"),
}
#: Outputs, which are wrong only as a URL.
OUT = "s3://bucket/out"

CASES = [
    (command, parameter)
    for command, found in COMMANDS.items()
    for parameter in found.params
    if not getattr(parameter, "is_flag", False) and (command, parameter.name) not in FREE
]


@pytest.fixture(scope="module")
def files(tmp_path_factory, photographs):
    folder = tmp_path_factory.mktemp("usage")
    build("imagenet_c", open_source("sample"), folder / "build", ["clean"])
    evaluation(40, 0).to_json(folder / "results.json")
    return {
        "BUILD": folder / "build",
        "RESULTS": folder / "results.json",
        "photograph.png": photographs["coffee.png"],
    }


@pytest.mark.parametrize(("command", "parameter"), CASES, ids=lambda value: getattr(value, "name", value))
def test_a_wrong_value_exits_with_2(command, parameter, files, tmp_path, monkeypatch, capsys):
    wrong = WRONG.get((command, parameter.name), OUT if parameter.name == "out" else "no-such")
    monkeypatch.chdir(tmp_path)
    fail_with(command, parameter, wrong, files, monkeypatch, capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("command", "name"), MISSPELT)
def test_a_misspelt_value_is_met_with_the_one_that_is_meant(
    command, name, files, tmp_path, monkeypatch, capsys
):
    wrong, meant = MISSPELT[command, name]
    (parameter,) = (one for one in COMMANDS[command].params if one.name == name)
    monkeypatch.chdir(tmp_path)
    error = fail_with(command, parameter, wrong, files, monkeypatch, capsys)
    suggested = re.search(r"did you mean (.*?)\?", " ".join(error.split()))
    assert suggested and meant in suggested[1].split(" or "), error


def test_a_misspelt_module_or_library_is_met_with_the_one_that_is_meant(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").touch()
    (tmp_path / "own" / "networks.py").touch()
    (tmp_path / "own" / "broken.py").write_text("import networkx_is_missing")
    monkeypatch.chdir(tmp_path)
    for spec, says in (
        ("tim:resnet50", r"did you mean .*timm.*\? Models are timm"),
        ("ownn:model", r"did you mean .*own.*\? Models"),
        ("own.network:model", r"did you mean networks\? Models"),
        ("own.broken:model", r"PYTHONPATH\. Models are"),
    ):
        with pytest.raises(UsageError, match=says):
            open_model(spec)


def fail_with(command, parameter, wrong, files, monkeypatch, capsys):
    """Run a command with one value that is wrong; returns its message."""
    right = [str(files.get(value, value)) for value in RIGHT[command]]
    if parameter.param_type_name == "option":
        arguments = [*right, parameter.opts[0], wrong]
    else:
        place = [one.name for one in COMMANDS[command].params if one.param_type_name == "argument"]
        arguments = right.copy()
        arguments[place.index(parameter.name)] = wrong
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", command, *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr()
    assert end.value.code == 2, printed.err
    assert not printed.out
    return printed.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns_and_has_no_escape_codes(command):
    printed = CliRunner().invoke(
        app, [*command.split(), "--help"], env={"COLUMNS": "80"}, color=True, prog_name="imagenet-cp"
    )
    lines = printed.stdout.splitlines()
    assert printed.exit_code == 0 and max(map(len, lines)) <= 80
    assert command or not any(line.endswith("...") for line in lines[1:])  # descriptions are whole
    assert "\x1b" not in printed.stdout


def test_messages_break_between_words_and_signatures_at_their_fields(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    signature = "imagenet_c|recipe:1|profile:imagenet|seed:0|jpeg:85|n:50000"
    lines = fit(f"   path/to/build: {signature}, no problems", sys.stdout).splitlines()
    assert lines == [
        "   path/to/build: imagenet_c|recipe:1|",
        "   profile:imagenet|seed:0|jpeg:85|",
        "   n:50000, no problems",
    ]
    monkeypatch.delenv("COLUMNS")
    assert fit(signature, sys.stdout) == signature and os.environ.get("COLUMNS") is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["export", "RESULTS", "--to", "npy"],
            "holds results, so not --to npy; a build goes to imagefolder or npy",
        ),
        (
            ["export", "BUILD", "--to", "timm"],
            "holds no results.json, so not --to timm; .* results to timm or",
        ),
        (
            ["export", "BUILD", "--to", "zip"],
            "unknown --to 'zip'; known: imagefolder, npy, timm, robustbench, hub",
        ),
        (["preview", "photograph.png", "--compact", "--perturbation", "tilt"], "--compact is for the sheet"),
        (["preview", "photograph.png", "--severity", "2"], "--severity is for --compact"),
        (["preview", "photograph.png", "--compact", "--benchmark", "imagenet_c_bar"], "--compact shows the"),
    ],
)
def test_options_that_do_not_go_together_are_named(arguments, says, files, tmp_path, monkeypatch, capsys):
    words = [str(files.get(word, word)) for word in arguments]
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", *words, "--out", str(tmp_path / "out.png")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2 and re.search(says, capsys.readouterr().err)
