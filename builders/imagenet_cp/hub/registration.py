"""Registration of the data sets and metrics with ``load_dataset`` and ``evaluate.load``.

datasets and evaluate have no interface for registering names, so the function with which each resolves a name is
wrapped. It is wrapped when its module is imported, so that importing this package is quick.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import warnings
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import settings
from ..benchmarks.names import DATASETS
from ..errors import BuildError, SourceError, UsageError
from ..resources import METRICS, metrics_folder

if TYPE_CHECKING:
    from ..benchmarks.benchmark import Benchmark

_BUILDER = "imagenet_cp.hub.builder"


def _find_dataset(original: Callable[..., Any], path: str, *args: Any, **kwargs: Any) -> Any:
    name = path.lower().replace("-", "_") if isinstance(path, str) and not os.path.isdir(path) else path
    if name not in DATASETS:
        return original(path, *args, **kwargs)
    from ..benchmarks.catalog import BENCHMARKS

    # datasets itself loads a folder of that name in the working directory; so does this package, unless a source is
    # passed.
    if os.path.isdir(path) and kwargs.get("data_dir") is None:
        _warn_if_another_source_is_set(Path(path))
        _warn_if_configs_are_missing(Path(path), BENCHMARKS[name])
        return original(path, *args, **kwargs)
    from datasets.load import BuilderConfigsParameters, DatasetModule

    from .builder import configs_of

    return DatasetModule(
        _BUILDER,
        _BUILDER,
        {"dataset_name": name},
        builder_configs_parameters=BuilderConfigsParameters(builder_configs=configs_of(BENCHMARKS[name])),
    )


def _warn_if_another_source_is_set(folder: Path) -> None:
    """Warn where a folder was not built from the images that ``imagenet-cp use`` or the environment names."""
    try:
        source = settings.default_source()
    except BuildError:  # the folder can be read without settings
        source = None
    if source is None:
        return
    from ..benchmarks.signature import Signature
    from ..jobs.job_folder import read_record
    from ..sources import open_source

    try:
        identity = read_record(folder).get("identity", {})
        if {"ids", "classes"} & Signature.parse(identity.get("signature", "")).fields.keys():
            return  # of a part of its source, which may be named by a file
        images = open_source(source, recursive="|size:keep" in identity.get("signature", ""))
        same = images.contents == identity.get("source")
    except (BuildError, SourceError, UsageError):
        same = False
    if not same:
        warnings.warn(
            f"load_dataset reads the folder ./{folder}, which was not built from {source}, the source set by "
            f"`imagenet-cp use` or {settings.VARIABLE}. To generate the data set from that source, pass "
            f"data_dir={source!r} or move the folder away",
            stacklevel=3,
        )


def _warn_if_configs_are_missing(folder: Path, benchmark: Benchmark) -> None:
    """Warn where a folder holds a part of the configs only, so that others are not found."""
    built = {entry.name for entry in (folder / "data").glob("*")}
    missing = [cell.config for cell in benchmark.cells(benchmark.default_configs) if cell.config not in built]
    if built and missing:
        warnings.warn(
            f"load_dataset reads the folder ./{folder}, which lacks {len(missing)} configs, such as {missing[0]}. "
            f"Build them with `imagenet-cp build {benchmark.dataset} --out ./{folder}`, or generate one from "
            'clean images with data_dir="path/to/val"',
            stacklevel=3,
        )


def _find_metric(original: Callable[..., Any], path: str, *args: Any, **kwargs: Any) -> Any:
    if path in METRICS and not os.path.isdir(path):
        path = str(metrics_folder() / path)
    return original(path, *args, **kwargs)


#: Module -> its function that resolves names, and the wrapper.
_WRAPPERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "datasets.load": ("dataset_module_factory", _find_dataset),
    "evaluate.loading": ("evaluation_module_factory", _find_metric),
}


def _wrap(name: str) -> None:
    """Wrap the function of an imported module, and its references in other modules of the library."""
    function, wrapper = _WRAPPERS[name]
    library = name.partition(".")[0]
    original = getattr(sys.modules[name], function, None)
    if original is None:
        raise ImportError(
            f"imagenet_cp registers its names with {library} through {name}.{function}, which this version does not "
            "have; install one it was tested with: datasets>=5.1,<6 and evaluate>=0.4.6,<0.5"
        )
    if not hasattr(original, "_imagenet_cp"):
        wrapped = functools.wraps(original)(functools.partial(wrapper, original))
        wrapped._imagenet_cp = True  # type: ignore[attr-defined]
        inside = [module for name, module in sys.modules.copy().items() if name.startswith(f"{library}.")]
        for module in inside:
            if getattr(module, function, None) is original:
                setattr(module, function, wrapped)


class _Finder(MetaPathFinder):
    """Import hook for the modules to wrap: the spec of the finders after it, with a loader that wraps at the end.

    It has no state: finding the spec of a module without importing it has no effect, and reloading wraps again.
    """

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in _WRAPPERS:
            return None
        behind = sys.meta_path[sys.meta_path.index(self) + 1 :]
        found = (finder.find_spec(fullname, path, target) for finder in behind)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if module.__name__ == fullname:  # some loaders are shared by several modules
                    _wrap(fullname)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def register() -> None:
    """Register the names with datasets and evaluate, at once if they are imported already, or on their import."""
    if not any(type(finder).__qualname__ == _Finder.__qualname__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name in _WRAPPERS:
        if name in sys.modules:
            importlib.import_module(name)  # waits for another thread that is importing it
            _wrap(name)
