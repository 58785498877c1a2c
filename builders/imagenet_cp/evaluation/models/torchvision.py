"""Models of torchvision: ``torchvision:resnet50``, or ``torchvision:resnet50.IMAGENET1K_V1``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...errors import UsageError, suggest
from .model import Execution, Model, import_library
from .pytorch import Input, load_weights, open_module, safe_loading, unavailable


def open_torchvision(
    name: str, execution: Execution, weights: str | os.PathLike[str] | None, trust: bool
) -> Model:
    """Open a classifier of torchvision with its own normalization, size and interpolation; see `by_name.open_model`.

    The name of its weights follows a dot; by default they are torchvision's best.
    """
    models = import_library("torchvision").models
    spec = f"torchvision:{name}"
    architecture, _, version = name.partition(".")
    known = models.list_models(module=models)
    if architecture not in known:
        raise UsageError(f"{spec}: torchvision has no such classifier{suggest(architecture, known)}")
    versions = models.get_model_weights(architecture)
    if version and version not in versions.__members__:
        raise UsageError(f"{spec}: torchvision has no such weights{suggest(version, versions.__members__)}")
    published = versions[version] if version else versions.DEFAULT
    try:
        with safe_loading(trust):
            module = models.get_model(architecture, weights=published if weights is None else None)
    except Exception as error:  # of urllib, or a corrupt file
        raise unavailable(spec, error, trust) from error
    if weights is not None:
        load_weights(module, weights, trust)
        labels: Sequence[str] = ()
    else:
        labels = published.meta.get("categories", ())
        spec = f"torchvision:{architecture}.{published.name}"
    preset = published.transforms()
    expected = Input(preset.mean, preset.std, preset.crop_size[0], preset.interpolation.value)
    return open_module(spec, module, execution, expected, labels)
