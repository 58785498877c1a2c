"""CONTRIBUTING.md and the tables of contents of the packages name what exists."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from test_layers import LAYERS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "builders" / "imagenet_cp"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: Packages with a table of contents; that of the kernels explains a method instead.
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("*/__init__.py") if path.parent.name != "kernels")


def section(title):
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def members(package):
    """Modules of a package, and its packages with a slash."""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return modules | {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}


def defined(path):
    """Names that a module defines, with the methods of its classes."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_docstring_of_a_package_lists_its_modules(package):
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    listed = re.findall(r"^- `([a-z0-9_]+/?)`: \S", docstring, re.MULTILINE)
    assert listed == sorted(members(package))


def test_no_two_packages_share_the_name_of_a_module():
    alike = {"corruptions", "perturbations"}  # families of the same names
    names = Counter(
        name
        for package in PACKAGES
        for name in members(package)
        if package.name not in alike or not (PACKAGE / "corruptions" / f"{name}.py").exists()
    )
    # A command and the module that it calls.
    assert {name for name, count in names.items() if count > 1} <= {"export"}


def test_the_layout_lists_every_package():
    named = re.findall(r"`(\w+)/?`", "".join(re.findall(r"^\| (`.*?) \|", section("Layout"), re.MULTILINE)))
    # The command line's entry, and the version, which no reader looks for.
    assert set(named) == set().union(*LAYERS) - {"__init__", "__main__", "_version"}
    assert len(named) == len(set(named))


def test_every_place_of_a_decision_exists():
    places = re.findall(
        r"`([\w.]+)`(?: and `([\w.]+)`)? in `([\w/]+\.py)`", section("Where decisions are made")
    )
    for *names, path in places:
        file = next(root / path for root in (PACKAGE, ROOT) if (root / path).exists())
        assert {name for name in names if name} <= defined(file), path
    assert len(places) > 10


def test_every_file_that_is_named_exists():
    files = set(re.findall(r"`([\w/]+/[\w.]+\.(?:py|md|css|yml))`", TEXT))
    assert not {file for file in files if not any((root / file).exists() for root in (PACKAGE, ROOT))}
