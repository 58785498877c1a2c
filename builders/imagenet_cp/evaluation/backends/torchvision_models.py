"""Models of torchvision: ``torchvision:resnet50``."""

from __future__ import annotations

import os

from ...errors import SourceError, nearest
from ..model import Model, library
from .torch_models import load_weights, open_module, unavailable


def open_torchvision(name: str, device: str, weights: str | os.PathLike[str] | None, trust: bool) -> Model:
    """Open a classifier of torchvision with its best published weights, or those of a file; see `open_model`."""
    models = library("torchvision").models
    spec = f"torchvision:{name}"
    known = models.list_models(module=models)
    if name not in known:
        raise SourceError(f"{spec}: torchvision has no such classifier{nearest(name, known)}")
    published = models.get_model_weights(name).DEFAULT
    try:
        module = models.get_model(name, weights=published if weights is None else None)
    except Exception as error:  # of urllib, or a damaged file
        raise unavailable(spec, error) from error
    if weights is not None:
        load_weights(module, weights, trust)
    preset = published.transforms()
    return open_module(spec, module, device, preset.mean, preset.std, preset.crop_size[0])
