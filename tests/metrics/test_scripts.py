"""What holds for all three metric scripts."""

import ast
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

METRICS = Path(__file__).parents[2] / "metrics"
NAMES = ["mce", "mfr", "mt5d"]


def functions(name):
    source = (METRICS / name / f"{name}.py").read_text()
    tree = ast.parse(source)
    return {
        node.name: ast.get_source_segment(source, node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("one, two", list(itertools.combinations(NAMES, 2)))
def test_what_the_scripts_share_is_the_same(one, two):
    """Each script must be complete in itself, so what they have in common is there three times."""
    a, b = functions(one), functions(two)
    shared = a.keys() & b.keys() - {"sequences", "nested", "flat", "change", "scores"}
    assert {"column", "integers", "names", "nearest", "first", "same_length", "mean", "size_range"} <= shared
    for name in shared:
        assert a[name] == b[name], name


@pytest.mark.parametrize("folder, prefix", [(METRICS.parent, "metrics/"), (METRICS, "")])
def test_stock_evaluate_loads_them_by_path(folder, prefix):
    paths = [prefix + name for name in NAMES]
    code = f"import evaluate, sys; print(*(evaluate.load(p).name for p in {paths}), 'imagenet_cp' in sys.modules)"
    environment = {**os.environ, "HF_EVALUATE_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert run.stdout.split() == [*NAMES, "False"], run.stderr


@pytest.mark.parametrize("name", NAMES)
def test_one_import_a_line(name):
    """Or evaluate's loader, which reads them line by line, misses some."""
    tree = ast.parse((METRICS / name / f"{name}.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(len(node.names) == 1 for node in imports)
    assert not any("imagenet_cp" in ast.unparse(node) for node in imports)
