"""Models of timm: ``timm:resnet50``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ...errors import UsageError, suggest
from .model import Execution, Model, import_library
from .pytorch import Input, load_weights, open_module, safe_loading, unavailable


def open_timm(name: str, execution: Execution, weights: str | os.PathLike[str] | None, trust: bool) -> Model:
    """Open a model of timm with its own normalization, size and interpolation; see `by_name.open_model`."""
    timm = import_library("timm")
    spec = f"timm:{name}"
    if not name.startswith(("hf-hub:", "hf_hub:", "local-dir:")) and not timm.is_model(name.split(".")[0]):
        raise UsageError(f"{spec}: timm has no such model{suggest(name, timm.list_models())}")
    try:
        with safe_loading(trust):
            module = timm.create_model(name, pretrained=weights is None)
    except Exception as error:  # of many libraries' network layers
        raise unavailable(spec, error, trust) from error
    if weights is not None:
        load_weights(module, weights, trust)
    config = timm.data.resolve_model_data_config(module)
    expected = Input(config["mean"], config["std"], config["input_size"][-1], config["interpolation"])
    return open_module(spec, module, execution, expected, _labels(timm, module) if weights is None else ())


def _labels(timm: Any, module: Any) -> Sequence[str]:
    """Names of the outputs of published weights: those that come with them, or the wnids of ImageNet."""
    names = getattr(module, "pretrained_cfg", {}).get("label_names")
    if not names and (subset := timm.data.infer_imagenet_subset(module)):
        names = timm.data.ImageNetInfo(subset).label_names()
    return names or ()
