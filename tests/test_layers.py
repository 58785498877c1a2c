"""Imports point one way: no module imports from a layer above its own, and no circle exists."""

import ast
from pathlib import Path

import imagenet_cp

PACKAGE = Path(imagenet_cp.__file__).parent
#: From the bottom to the top. Modules import from their own layer and from those before it.
LAYERS = (
    {
        "_version",
        "arguments",
        "errors",
        "files",
        "metrics",
        "notices",
        "progress",
        "resources",
        "settings",
        "text",
    },
    {"kernels"},
    {"images"},
    {"corruptions"},
    {"perturbations"},
    {"sources"},
    {"benchmarks"},
    {"cards"},
    {"jobs"},
    {"build"},
    {"archives"},
    {"evaluation"},
    {"hub"},
    {"api", "imagecorruptions", "torch", "transforms"},
    {"preview"},
    {"demo"},
    {"cli"},
    {"__main__", "__init__"},
)
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


# An installed package has a copy of the metrics, which are not modules of it.
MODULES = {
    module_name(path): path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] != "metric_folders"
}


def imports(name: str) -> set[str]:
    """List the modules that a module imports anywhere, in functions and under TYPE_CHECKING too."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" and name != "__init__" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (
                ["imagenet_cp", *package[: len(package) - node.level + 1]]
                if node.level
                else (node.module or "").split(".")
            )
            module = ".".join(
                [*base, *((node.module or "").split(".") if node.level and node.module else [])]
            )
            targets = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            if target.split(".")[0] != "imagenet_cp":
                continue
            inner = target.removeprefix("imagenet_cp").lstrip(".")
            while inner and inner not in MODULES:
                inner = inner.rpartition(".")[0]
            found.add(inner or "__init__")
    return found - {name}


def test_every_module_belongs_to_a_layer():
    assert {name.split(".")[0] for name in MODULES} == LAYER.keys() - {"__main__"} | (
        {"__main__"} & MODULES.keys()
    )


def test_no_module_imports_from_a_layer_above():
    upward = [
        f"{name} imports {target}"
        for name in MODULES
        for target in imports(name)
        if LAYER[target.split(".")[0]] > LAYER[name.split(".")[0]]
    ]
    assert not upward


def test_no_circle():
    graph = {name: imports(name) for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in graph[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())
