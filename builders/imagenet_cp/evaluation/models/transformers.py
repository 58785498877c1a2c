"""Models of transformers: ``hf:microsoft/resnet-50``, or a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import SourceError
from .model import Execution, Model, import_library
from .pytorch import Input, open_module, safe_loading, unavailable

#: Two sizes of images that an image processor resizes to the same, unless it has no size of its own.
_SIDES = (256, 320)
#: Largest difference between the pixels of an image processor and those computed here, in steps of 1/255.
_TOLERANCE = 1e-3


def open_transformers(name: str, execution: Execution, trust: bool) -> Model:
    """Open an image classifier with the input of its own image processor; see `by_name.open_model`."""
    transformers = import_library("transformers")
    spec = f"hf:{name}"
    try:
        config = _read_config(transformers, name)
        if not trust and _names_kernels(config):
            raise ValueError("its attention is code from the Hub, which needs trust_remote_code")
        if config.get("model_type") == "timm_wrapper" or "pretrained_cfg" in config:
            hint = f"timm:hf-hub:{name}" if not Path(name).is_dir() else f"timm:local-dir:{name}"
            raise SourceError(f"{spec}: a model of timm; open it as {hint}")
        with safe_loading(trust):
            module = transformers.AutoModelForImageClassification.from_pretrained(
                name, use_safetensors=None if trust else True, trust_remote_code=trust
            )
            processor = transformers.AutoImageProcessor.from_pretrained(
                name, backend="pil", trust_remote_code=trust
            )
    except SourceError:
        raise
    except ImportError as error:
        reason = str(error).strip().splitlines()[0]
        raise SourceError(f"{spec}: cannot be opened without another library ({reason})") from error
    except Exception as error:  # of many libraries' network layers
        if "safetensors" in str(error) and not trust:
            raise SourceError(
                f"{spec}: has no safetensors file, and loading a pickled one can run any code. If you trust its "
                "authors, add --trust"
            ) from error
        raise unavailable(spec, error, trust) from error
    labels = [str(label) for _, label in sorted((module.config.id2label or {}).items())]
    return open_module(spec, module, execution, measure_input(spec, processor), labels)


def measure_input(spec: str, processor: Any) -> Input:
    """Find the size, the normalization and the order of channels of an image processor by running it.

    Its settings mean different things in different classes of transformers, and some classes have further ones.

    Parameters
    ----------
    spec : str
        Name of the model in errors.
    processor : transformers.BaseImageProcessor

    Raises
    ------
    SourceError
        The processor gives no square image of a size of its own, or does more than normalize channels.
    """
    shapes = [_run(spec, processor, np.zeros((side, side, 3), np.uint8)).shape for side in _SIDES]
    if len(set(shapes)) > 1:
        raise SourceError(f"{spec}: its image processor has no image size, so its input is unknown")
    channels, height, width = shapes[0]
    if channels != 3 or height != width:
        raise SourceError(
            f"{spec}: takes images of {height}x{width} with {channels} channels, not square RGB images"
        )
    probe = np.random.RandomState(0).randint(0, 256, (height, height, 3)).astype(np.uint8)
    probe[0, :4] = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)]
    given = _run(spec, processor, probe, do_resize=False, do_center_crop=False)
    if given.shape == (3, height, height) and np.isfinite(given).all():
        black = given[:, 0, 0]
        change = given[:, 0, 1:4] - black[:, None]  # change[i, j]: output i for input channel j at 255
        order = np.abs(change).argmax(axis=1)
        gain = change[np.arange(3), order]
        difference = given - (probe / 255)[..., order].transpose(2, 0, 1) * gain[:, None, None]
        residual = np.abs(difference - black[:, None, None]).max(axis=(1, 2))
        if sorted(order) == [0, 1, 2] and (residual < _TOLERANCE / 255 * np.abs(gain)).all():
            return Input(
                [_short(value) for value in -black / gain],
                [_short(value) for value in 1 / gain],
                height,
                _interpolation(processor),
                "".join("rgb"[channel] for channel in order),
            )
    raise SourceError(
        f"{spec}: its image processor ({type(processor).__name__}) does more than resize images and normalize their "
        "channels; wrap the model in a function, as package.module:callable"
    )


def _run(spec: str, processor: Any, image: NDArray[np.uint8], **options: bool) -> NDArray[np.float64]:
    """Pixel values of one image, of shape (channels, height, width)."""
    try:
        output = processor(Image.fromarray(image), return_tensors="np", **options)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SourceError(f"{spec}: its image processor fails ({reason})") from error
    values = np.asarray(output.get("pixel_values"))
    if list(output) != ["pixel_values"] or values.ndim != 4 or len(values) != 1:
        raise SourceError(
            f"{spec}: its image processor ({type(processor).__name__}) gives {', '.join(output)}, not one array of "
            "pixels; wrap the model in a function, as package.module:callable"
        )
    return np.asarray(values[0], np.float64)


def _short(value: float) -> float:
    """A measured number without the digits that float32 does not hold."""
    return float(format(value, ".6g")) + 0.0


def _interpolation(processor: Any) -> str:
    resample = getattr(processor, "resample", None)
    return "bilinear" if resample is None else Image.Resampling(int(resample)).name.lower()


def _read_config(transformers: Any, name: str) -> dict[str, Any]:
    """Read the config of a model on the Hub or in a folder."""
    path = transformers.utils.cached_file(name, "config.json")
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
