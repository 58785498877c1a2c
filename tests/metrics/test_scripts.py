"""Properties of all three metric scripts, and the three places that evaluate loads them from."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from evaluate.loading import get_imports

METRICS = Path(__file__).parents[2] / "metrics"
NAMES = ["mce", "mfr", "mt5d"]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


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


@pytest.mark.parametrize("name", NAMES)
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


@pytest.fixture
def cases(name, monkeypatch):
    monkeypatch.syspath_prepend(str(METRICS / name))
    monkeypatch.delitem(sys.modules, "formulas", raising=False)
    spec = importlib.util.spec_from_file_location("cases", METRICS / name / "tests.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.pop("formulas")
    return module.test_cases


def test_known_results(name, load, cases):
    """The cases that a published Space carries."""
    for case in cases:
        result = load(name).compute(**{key: value for key, value in case.items() if key != "result"})
        for key, expected in case["result"].items():
            found = (
                {name: result[key][name] for name in expected} if isinstance(expected, dict) else result[key]
            )
            assert found == pytest.approx(expected)
