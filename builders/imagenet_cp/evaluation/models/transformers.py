"""Models of transformers: ``hf:microsoft/resnet-50``, or a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import SourceError
from .base import Model, library
from .torch import open_module, unavailable

#: What a model without a word on it was trained with.
_MEAN, _STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def open_transformers(name: str, device: str, trust: bool) -> Model:
    """Open an image classifier with its own scaling and size; see `open_model`."""
    transformers = library("transformers")
    spec = f"hf:{name}"
    try:
        module = transformers.AutoModelForImageClassification.from_pretrained(
            name, use_safetensors=None if trust else True
        )
        config = _preprocessing(transformers, name)
    except Exception as error:  # of many libraries' network layers
        if "safetensors" in str(error) and not trust:
            raise SourceError(
                f"{spec}: has no safetensors file, and loading a pickled one can run any code. If you trust whoever "
                "made it, say --trust"
            ) from error
        raise unavailable(spec, error) from error
    mean, std = (
        (config.get("image_mean") or _MEAN, config.get("image_std") or _STD)
        if config.get("do_normalize", True)
        else (_MEAN, _STD)
    )
    if config.get("do_rescale", True):  # to values from 0 to 1 if it divides by 255, as most do
        unit = 255 * config.get("rescale_factor", 1 / 255)
        mean, std = [value / unit for value in mean], [value / unit for value in std]
    return open_module(spec, module, device, mean, std, _side(spec, config))


def _preprocessing(transformers: Any, name: str) -> dict[str, Any]:
    """Read the preprocessing as it is written, for its classes need torchvision."""
    if Path(name).is_dir():
        file = Path(name) / "preprocessor_config.json"
    else:
        file = Path(transformers.utils.cached_file(name, "preprocessor_config.json"))
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return config


def _side(spec: str, config: dict[str, Any]) -> int:
    size = config.get("crop_size") if config.get("do_center_crop") else config.get("size")
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    if not isinstance(size, int):
        raise SourceError(f"{spec}: its preprocessor_config.json does not say of what size its pictures are")
    return size
