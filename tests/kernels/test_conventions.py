"""Compiled functions have one decorator and live in kernels alone; NumPy's types go by their own names."""

import ast
from pathlib import Path

import numpy as np

import imagenet_cp
from imagenet_cp.kernels import snowfall

PACKAGE = Path(imagenet_cp.__file__).parent
MODULES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def decorators(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from (ast.unparse(decorator) for decorator in node.decorator_list)


def test_kernels_are_decorated_once_and_stand_in_kernels():
    decorated = {name for name, tree in MODULES.items() if "kernel" in set(decorators(tree))}
    # The round trip of 4:4:4 is made of the kernels of JPEG.
    assert decorated and all(name.startswith("kernels/") for name in decorated - {"images/round_trip.py"})
    assert not [name for name, tree in MODULES.items() if any("jit" in d for d in decorators(tree))]


def test_kernels_divide_as_numpy_and_run_without_the_lock():
    options = snowfall._cover.targetoptions
    assert options["error_model"] == "numpy" and options["nogil"] is True


def test_no_type_of_numpy_has_a_second_name():
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                attributes = [
                    v for v in values if isinstance(v, ast.Attribute) and ast.unparse(v.value) == "np"
                ]
                types = [v for v in attributes if isinstance(getattr(np, v.attr), type)]
                assert not types, (name, ast.unparse(node))
