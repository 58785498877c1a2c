"""Models of transformers: ``hf:microsoft/resnet-50``, or a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import SourceError
from .base import Model, import_library
from .torch import open_module, safe_loading, unavailable

#: Normalization of a model whose configuration has none.
_MEAN, _STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def open_transformers(name: str, device: str, trust: bool) -> Model:
    """Open an image classifier with its own normalization and size; see `load.open_model`."""
    transformers = import_library("transformers")
    spec = f"hf:{name}"
    try:
        if not trust and _names_kernels(_read_json(transformers, name, "config.json")):
            raise ValueError("its attention is code from the Hub, which needs trust_remote_code")
        with safe_loading(trust):
            module = transformers.AutoModelForImageClassification.from_pretrained(
                name, use_safetensors=None if trust else True, trust_remote_code=trust
            )
        # transformers' own classes for it need torchvision.
        config = _read_json(transformers, name, "preprocessor_config.json")
    except Exception as error:  # of many libraries' network layers
        if "safetensors" in str(error) and not trust:
            raise SourceError(
                f"{spec}: has no safetensors file, and loading a pickled one can run any code. If you trust its "
                "authors, add --trust"
            ) from error
        raise unavailable(spec, error, trust) from error
    mean, std = (
        (config.get("image_mean") or _MEAN, config.get("image_std") or _STD)
        if config.get("do_normalize", True)
        else (_MEAN, _STD)
    )
    if config.get("do_rescale", True):  # to values from 0 to 1 if it divides by 255, as most do
        unit = 255 * config.get("rescale_factor", 1 / 255)
        mean, std = [value / unit for value in mean], [value / unit for value in std]
    return open_module(spec, module, device, mean, std, _side(spec, config))


def _read_json(transformers: Any, name: str, file: str) -> dict[str, Any]:
    """Read a JSON file of a model on the Hub or in a folder."""
    path = transformers.utils.cached_file(name, file)
    config: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return config


def _names_kernels(config: Any) -> bool:
    """True for a configuration with an implementation that transformers would load from a repo of the Hub."""
    if isinstance(config, dict):
        return any(
            _names_kernels(value) or ("_implementation" in key and "/" in json.dumps(value))
            for key, value in config.items()
        )
    return isinstance(config, list) and any(map(_names_kernels, config))


def _side(spec: str, config: dict[str, Any]) -> int:
    size = config.get("crop_size") if config.get("do_center_crop") else config.get("size")
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    if not isinstance(size, int):
        raise SourceError(f"{spec}: its preprocessor_config.json has no image size")
    return size
