"""Models and functions by their names."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ...errors import UsageError, did_you_mean
from .model import Execution, Model

_FORMS = "timm:resnet50, torchvision:resnet50, hf:org/name, model.onnx, or package.module:callable"
#: Libraries, with whose names the names of their models begin.
_LIBRARIES = ("timm", "torchvision", "hf")


def open_model(
    spec: str,
    *,
    device: str = "auto",
    weights: str | os.PathLike[str] | None = None,
    trust: bool = False,
    dtype: str | None = None,
    channels_last: bool = False,
    compile: bool = False,
) -> Model:
    """Open a model by its name.

    Parameters
    ----------
    spec : str
        ``timm:NAME``, ``torchvision:NAME`` or ``torchvision:NAME.WEIGHTS``, ``hf:ORG/NAME`` or ``hf:FOLDER``
        (transformers), a path that ends in ``.onnx``, or ``package.module:callable``: a function from uint8 images
        (N, H, W, 3) to logits (N, classes).
    device : str
        Such as ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` prefers a GPU.
    weights : path, optional
        A file of weights for ``timm:`` and ``torchvision:``, instead of a download.
    trust : bool
        Also load files that can run code: pickles, and the code that some models of transformers bring. Without it
        none is run, and no library asks.
    dtype : {"float32", "bfloat16", "float16"}, optional
        Type of numbers of a model of timm, torchvision or transformers; by default that of its weights.
    channels_last, compile : bool
        For the same models: store activations with the channels last, and compile the model. Both are faster on many
        devices and change scores by rounding only.

    Raises
    ------
    UsageError
        Unknown model, ``dtype`` or device, no such file of weights, or an option that goes with other models.
    SourceError
        A missing library, or weights that cannot be fetched or used.
    """
    execution = Execution(device, dtype, channels_last, compile)
    kind, _, name = spec.partition(":")
    if weights is not None and kind not in ("timm", "torchvision"):
        raise UsageError(f"--weights goes with timm: and torchvision: models, not with {spec}")
    if execution.options and kind not in _LIBRARIES:
        raise UsageError(
            f"{execution.options[0]} goes with timm:, torchvision: and hf: models, not with {spec}"
        )
    if spec.endswith(".onnx"):
        from .onnx import open_onnx

        return open_onnx(Path(spec), device)
    if not name:
        raise UsageError(
            f"Unknown model {spec!r}; try timm:{spec} or torchvision:{spec}. Models are {_FORMS}"
        )
    if kind == "timm":
        from .timm import open_timm

        return open_timm(name, execution, weights, trust)
    if kind == "torchvision":
        from .torchvision import open_torchvision

        return open_torchvision(name, execution, weights, trust)
    if kind == "hf":
        from .transformers import open_transformers

        return open_transformers(name, execution, trust)
    return Model(spec, import_function(spec, f"models are {_FORMS}", _LIBRARIES))


def import_function(spec: str, hint: str, known: Iterable[str] = ()) -> Callable[..., Any]:
    """Import ``package.module:callable``, also from the working directory.

    Parameters
    ----------
    spec : str
        Name of the module and of the callable in it.
    hint : str
        End of the error message about a module that cannot be imported: the valid forms.
    known : iterable of str
        Names other than of modules, one of which may be meant.

    Raises
    ------
    UsageError
        The module cannot be imported, or has no callable of that name.
    """
    module, _, name = spec.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{spec}: cannot be imported ({error}) from the working directory or PYTHONPATH"
            f"{_similar_modules(module, error.name or '', known)} {hint[0].upper() + hint[1:]}"
        ) from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"{spec}: importing {module} fails ({type(error).__name__}: {error})") from error
    members = {member for member, value in vars(found).items() if callable(value)}
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UsageError(f"{spec}: {module} has no callable {name!r}{did_you_mean(name, sorted(members))}")
    function: Callable[..., Any] = found
    return function


def _similar_modules(module: str, missing: str, known: Iterable[str]) -> str:
    """Suggest modules and known names like one that was not found; nothing if it was, and lacks an import itself."""
    if not f"{module}.".startswith(f"{missing}."):
        return "."
    package, _, name = missing.rpartition(".")
    if package:
        known, path = (), getattr(sys.modules[package], "__path__", [])
    else:
        path = [os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return did_you_mean(name, [*known, *(one.name for one in pkgutil.iter_modules(path))]) or "."
