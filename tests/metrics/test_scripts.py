"""Properties of all three metric scripts, and the three places that evaluate loads them from."""

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from evaluate.loading import get_imports

from imagenet_cp.metrics import CORRUPTIONS, PERTURBATIONS

METRICS = Path(__file__).parents[2] / "metrics"
NAMES = ["mce", "mfr", "mt5d"]


def read_imports(path):
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def load_in_new_process(folder, paths):
    """Names of the metrics, loaded where imagenet_cp is not to be had."""
    code = f"import evaluate, sys; print(*(evaluate.load(p).name for p in {paths}), 'imagenet_cp' in sys.modules)"
    environment = {**os.environ, "HF_EVALUATE_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    return run.stdout.split() or run.stderr


@pytest.mark.parametrize("folder, prefix", [(METRICS.parent, "metrics/"), (METRICS, "")])
def test_stock_evaluate_loads_them_from_a_clone(folder, prefix):
    paths = [prefix + name for name in NAMES] + [f"{prefix}{name}/{name}.py" for name in NAMES]
    assert load_in_new_process(folder, paths) == [*NAMES, *NAMES, "False"]


def test_stock_evaluate_loads_them_from_a_published_folder(name, tmp_path):
    """Publishing sends the contents of the folder's files."""
    space = tmp_path / name
    shutil.copytree(METRICS / name, space, symlinks=False)
    assert not any(path.is_symlink() for path in space.rglob("*"))
    assert load_in_new_process(tmp_path, [name]) == [name, "False"]


def test_stock_evaluate_loads_them_from_a_wheel(tmp_path):
    """The wheel holds whole files, made from the checkout and from the sdist alike."""
    pytest.importorskip("hatchling")

    def run(function, source):
        code = f"from hatchling.build import {function} as build; print(build({str(tmp_path)!r}))"
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout.split()[
            -1
        ]

    sdist = run("build_sdist", METRICS.parent)
    shutil.unpack_archive(tmp_path / sdist, tmp_path)
    names = []
    for source in (METRICS.parent, tmp_path / sdist.removesuffix(".tar.gz")):
        with zipfile.ZipFile(tmp_path / run("build_wheel", source)) as wheel:
            files = [
                info for info in wheel.infolist() if info.filename.startswith("imagenet_cp/metric_folders/")
            ]
            assert not any(info.external_attr >> 28 == 0o12 for info in files)  # symbolic links
            names.append({info.filename: info.CRC for info in files})
            formulas = [
                wheel.getinfo(f"imagenet_cp/{n}.py") for n in ("metrics", "metric_folders/shared/formulas")
            ]
            assert formulas[0].CRC == formulas[1].CRC and formulas[0].external_attr >> 28 != 0o12
            wheel.extractall(tmp_path / f"wheel_{len(names)}")
        folder = tmp_path / f"wheel_{len(names)}" / "imagenet_cp" / "metric_folders"
        assert load_in_new_process(folder, NAMES) == [*NAMES, "False"]
    assert names[0] == names[1]


def test_shared_files_are_links(name):
    """What metrics share is written once, in metrics/shared."""
    for path in (METRICS / "shared").iterdir():
        link = METRICS / name / path.name
        assert not link.exists() or (link.is_symlink() and link.resolve() == path)


def test_imports(name):
    """evaluate copies the modules that the script itself imports, and reads its imports line by line."""
    script = METRICS / name / f"{name}.py"
    imports = read_imports(script)
    assert all(len(node.names) == 1 for node in imports if isinstance(node, ast.Import))
    found = {module for kind, module, _, _ in get_imports(str(script)) if kind == "internal"}
    assert found == {node.module for node in imports if isinstance(node, ast.ImportFrom) and node.level}
    shared = [node for module in found for node in read_imports(METRICS / "shared" / f"{module}.py")]
    needed = {node.module for node in shared if isinstance(node, ast.ImportFrom) and node.level}
    assert needed <= found
    assert not any("imagenet_cp" in ast.unparse(node) for node in imports)


def test_formulas_import_numpy_alone():
    imports = read_imports(METRICS / "shared" / "formulas.py")
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    assert modules == {"__future__", "collections.abc", "typing", "numpy", "numpy.typing"}


ONE_FOG = {"predictions": [3, 5], "references": [3, 4], "corruption": ["fog", "fog"], "severity": [3, 3]}
CLEAN_AND_FOG = {"corruption": ["clean"] + ["fog"] * 5, "severity": [0, 1, 2, 3, 4, 5]}
FATAL_AT_5 = {"predictions": [0, 0, 0, 0, 1] * 15, "references": [0] * 75, "severity": [1, 2, 3, 4, 5] * 15}
FIVE = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        # One config of 75 gives no mCE, and one severity of five no CE.
        (
            "mce",
            ONE_FOG,
            {
                "mce": None,
                "ce": {"fog": None},
                "num_examples": 2,
                "signature": "mce|benchmark:imagenet_c|n:2|normaliser:alexnet|missing:74|version:1",
            },
        ),
        # Always right on clean images, always wrong on fog: CE = 5 / 4.09662, relative CE = 1 / (.819324 - .43478).
        (
            "mce",
            {**CLEAN_AND_FOG, "predictions": [1, 0, 0, 0, 0, 0], "references": [1] * 6},
            {"ce": {"fog": 500 / 4.09662}, "relative_ce": {"fog": 100 / (0.819324 - 0.43478)}},
        ),
        # CIFAR's mCE is the plain mean error: here all predictions are wrong at severity 5, and right at the others.
        (
            "mce",
            {**FATAL_AT_5, "corruption": np.repeat(CORRUPTIONS, 5).tolist(), "benchmark": "cifar10_c"},
            {"mce": 20.0, "missing": []},
        ),
        # A different prediction for one frame in the middle is two flips of 30 pairs, and one of 30 for a noise.
        (
            "mfr",
            {"predictions": [[7] * 15 + [8] + [7] * 15] * 2, "perturbation": ["shot_noise", "tilt"]},
            {
                "mfr": None,
                "flip_probability": {"shot_noise": 1 / 30, "tilt": 2 / 30},
                "num_sequences": 2,
            },
        ),
        # A prediction that changes in every frame has a flip probability of 1.
        (
            "mfr",
            {"predictions": [list(range(31))], "perturbation": ["tilt"], "difficulty": 2},
            {
                "fr": {"tilt": 100 / 0.0705},
                "signature": "mfr|benchmark:imagenet_p|difficulty:2|n:1|normaliser:alexnet|missing:9|version:1",
            },
        ),
        # Tiny ImageNet-P has 31 frames everywhere and no normaliser: 3 flips of 30 pairs are 10 percent.
        (
            "mfr",
            {
                "predictions": [[7] * 28 + [8, 9, 10]] * 10,
                "perturbation": PERTURBATIONS,
                "benchmark": "tiny_imagenet_p",
            },
            {"mfr": 10.0, "missing": []},
        ),
        # Two classes that swap ranks move by one rank each.
        (
            "mt5d",
            {"predictions": [[FIVE] * 30 + [[2, 1, 3, 4, 5]]], "perturbation": ["tilt"]},
            {"mt5d": None, "t5d": {"tilt": 100 * 2 / 30 / 1.75}},
        ),
        # Without a normaliser, five different classes in one of 30 pairs cost 5 + 4 + 3 + 2 + 1.
        (
            "mt5d",
            {
                "predictions": [[FIVE] * 30 + [[6, 7, 8, 9, 10]]] * 10,
                "perturbation": PERTURBATIONS,
                "benchmark": "tiny_imagenet_p",
            },
            {
                "mt5d": 0.5,
                "t5d": dict.fromkeys(PERTURBATIONS, 0.5),
                "signature": "mt5d|benchmark:tiny_imagenet_p|difficulty:1|n:1|normaliser:none|version:1",
            },
        ),
    ],
)
def test_known_results(load, name, inputs, expected):
    result = load(name).compute(**inputs)
    for key, value in expected.items():
        found = {part: result[key][part] for part in value} if isinstance(value, dict) else result[key]
        assert found == pytest.approx(value)


def test_an_unknown_option_is_refused(load, name):
    with pytest.raises(TypeError, match="unexpected keyword argument 'benchmrk'"):
        load(name).compute(benchmrk="imagenet_c")


def test_a_metric_describes_itself(load, name):
    metric = load(name)
    title = {
        "mce": "Mean corruption error (mCE)",
        "mfr": "Mean flip rate (mFR)",
        "mt5d": "Mean top-5 distance (mT5D)",
    }
    assert metric.name == name and metric.description.startswith(f"{title[name]}, the ")
    assert (
        metric.inputs_description.startswith(title[name].split(" (")[0])
        and "Args:" in metric.inputs_description
    )
    assert "hendrycks2019robustness" in metric.citation
    assert metric.reference_urls == [
        "https://arxiv.org/abs/1903.12261",
        "https://github.com/hendrycks/robustness",
    ]
    columns = (
        ["predictions", "references", "corruption", "severity"]
        if name == "mce"
        else ["predictions", "perturbation", "difficulty"]
    )
    assert list(metric.features) == columns and metric.format == "arrow"
