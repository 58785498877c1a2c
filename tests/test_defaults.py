"""Defaults of the commands and of the public functions: a changed one changes results or files without a word."""

import inspect
from pathlib import Path

import pytest
import typer

import imagenet_cp
from imagenet_cp import imagecorruptions, preview, torch, transforms
from imagenet_cp.archives.importer import import_official
from imagenet_cp.build.plan import build, new_plan
from imagenet_cp.build.verify import verify
from imagenet_cp.cli.main import app
from imagenet_cp.evaluation.models.by_name import open_model
from imagenet_cp.evaluation.run import evaluate_models
from imagenet_cp.hub.publish import publish, publish_metric
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.sources import open_source

#: Command -> defaults of the options that have one. All flags are off, but for --check.
OPTIONS = {
    "build": {"--on-error": "raise", "--engine": "local", "--shard": "1/1", "--seed": 0},
    "compare": {"--out": Path("comparison"), "--base": ""},
    "demo": {"--out": Path("imagenet_cp_demo")},
    "evaluate": {
        "--out": Path("report"),
        "--benchmarks": "imagenet_c,imagenet_p",
        "--configs": "",
        "--batch-size": 64,
        "--device": "auto",
        "--devices": "",
        "--engine": "local",
        "--shard": "",
        "--scores": "auto",
        "--check": True,
        "--seed": 0,
    },
    "export": {"--configs": "", "--dataset": ""},
    "import-official": {},
    "preview": {"--benchmark": "imagenet_c", "--seed": 0},
    "publish": {"--notes": ""},
    "publish-metric": {},
    "table": {"--format": "text", "--metrics": ""},
    "use": {},
    "verify": {"--sample": 100},
}
_MODEL = {"device": "auto", "trust": False, "channels_last": False, "compile": False}
_EVALUATION = {
    **_MODEL,
    "benchmarks": ("imagenet_c", "imagenet_p"),
    "configs": (),
    "seed": 0,
    "native_size": False,
    "batch_size": 64,
    "scores": "auto",
    "labels": (),
    "check": True,
    "resume": False,
    "command": "",
}
#: Function -> its defaults, but for None and functions.
FUNCTIONS = {
    imagenet_cp.corrupt: {"severity": 1, "seed": 0, "benchmark": "imagenet_c"},
    imagenet_cp.perturb: {"difficulty": 1, "seed": 0, "benchmark": "imagenet_p"},
    imagecorruptions.corrupt: {"severity": 1, "corruption_number": -1},
    imagecorruptions.get_corruption_names: {"subset": "common"},
    transforms.Corrupt: {"names": "all", "severity": (1, 2, 3, 4, 5), "p": 1.0, "benchmark": "imagenet_c"},
    transforms.RandomPerturb: {"names": "all", "difficulty": 1, "benchmark": "imagenet_p"},
    torch.ImageNetP: {"difficulty": 1},
    imagenet_cp.evaluate_model: _EVALUATION,
    evaluate_models: {**_EVALUATION, "names": (), "devices": (), "shard": Shard(1, 1)},
    open_model: _MODEL,
    open_source: {"recursive": False},
    build: {"configs": (), "shard": Shard(1, 1)},
    new_plan: {"configs": (), "seed": 0, "on_error": "raise"},
    verify: {"sample": 100, "quick": False},
    import_official: {"check": True},
    publish: {"public": False, "notes": "", "quick": False, "dry_run": False},
    publish_metric: {"public": False},
    preview.contact_sheet: {"image_id": "", "seed": 0, "benchmark": "imagenet_c"},
    preview.compact_sheet: {"image_id": "", "seed": 0, "severity": 3},
}


def test_every_command_is_in_the_table():
    assert set(typer.main.get_command(app).commands) == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    options = {
        parameter.opts[0]: parameter.default
        for parameter in typer.main.get_command(app).commands[name].params
        if parameter.opts[0].startswith("--")
    }
    given = {option: value for option, value in options.items() if value is not None and value is not False}
    assert given == OPTIONS[name]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__qualname__)
def test_functions(function):
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default not in (parameter.empty, None) and not callable(parameter.default)
    }
    assert defaults == FUNCTIONS[function]
