"""Makes ``load_dataset("imagenet_c", ...)`` and ``evaluate.load("mce")`` know their names.

datasets and evaluate have no way in for other packages, so the function by which each finds a name is wrapped. A
module that is not imported yet is wrapped at the moment it is, so that importing this package stays quick.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..benchmarks.names import DATASETS
from ..resources import METRICS, metrics_folder

_BUILDER = "imagenet_cp.hub.builder"


def _wrap(library: str, function: str, wrapper: Callable[..., Any]) -> None:
    """Replace ``function`` in every module of ``library`` that holds it."""
    inside = [module for name, module in sys.modules.items() if name.startswith(f"{library}.")]
    homes = [module for module in inside if function in vars(module)]
    if not homes:
        raise ImportError(
            f"imagenet_cp puts its names into {library} through {library}'s own {function}, which this version "
            f"does not have; install one it was tested with: datasets>=5.1,<6 and evaluate>=0.4.6,<0.5"
        )
    original = getattr(homes[0], function)
    if hasattr(original, "__wrapped__"):
        return
    wrapped = functools.wraps(original)(functools.partial(wrapper, original))
    for module in homes:
        setattr(module, function, wrapped)


def _find_dataset(original: Callable[..., Any], path: str, *args: Any, **kwargs: Any) -> Any:
    # A folder of that name in the working directory is what datasets itself would load: leave it to it, unless clean
    # images are named.
    if path not in DATASETS or (os.path.isdir(path) and kwargs.get("data_dir") is None):
        return original(path, *args, **kwargs)
    from datasets.load import BuilderConfigsParameters, DatasetModule

    from ..benchmarks.catalog import BENCHMARKS
    from .builder import configs_of

    return DatasetModule(
        _BUILDER,
        _BUILDER,
        {"dataset_name": path},
        builder_configs_parameters=BuilderConfigsParameters(builder_configs=configs_of(BENCHMARKS[path])),
    )


def _find_metric(original: Callable[..., Any], path: str, *args: Any, **kwargs: Any) -> Any:
    if path in METRICS and not os.path.isdir(path):
        path = str(metrics_folder() / path)
    return original(path, *args, **kwargs)


_WRAPPERS = {
    "datasets": ("dataset_module_factory", _find_dataset),
    "evaluate": ("evaluation_module_factory", _find_metric),
}


class _WhenImported(MetaPathFinder):
    """Wraps a library's function as soon as somebody imports the library."""

    def __init__(self) -> None:
        self.waiting = set(_WRAPPERS)

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self.waiting:
            return None
        self.waiting.remove(fullname)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _wrap(fullname, *_WRAPPERS[fullname])

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def register() -> None:
    """Register the names with the libraries that are imported, and see to it for those that are not yet."""
    finder = _WhenImported()
    for library, (function, wrapper) in _WRAPPERS.items():
        if library in sys.modules:
            finder.waiting.remove(library)
            _wrap(library, function, wrapper)
    if finder.waiting:
        sys.meta_path.insert(0, finder)
