"""Models in ONNX files, run by onnxruntime."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError, UsageError
from ...files import sha256_of
from .model import Model, import_library
from .pytorch import format_normalization

#: ImageNet's usual normalization, for files without metadata.
_USUAL = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_DTYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


def open_onnx(file: Path, device: str) -> Model:
    """Open an ONNX file; see `imagenet_cp.evaluation.models.by_name.open_model`.

    The first output is the logits. A uint8 input gets the pixel values as they are; any other gets them divided by
    255, minus a mean, over a standard deviation: those in the file's metadata (``mean`` and ``std``, JSON lists of
    three numbers), by default ImageNet's usual ones. Its ``names`` are the labels of the outputs: a list in JSON, or an
    object whose keys are their numbers. The shape of the input decides between channels first and last.
    """
    runtime = import_library("onnxruntime")
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    providers = _providers(runtime, device)
    try:
        session = runtime.InferenceSession(file, providers=providers)
    except Exception as error:  # onnxruntime has a class for each kind
        raise SourceError(f"{file}: not a model that onnxruntime can load ({error})") from error
    node = session.get_inputs()[0]
    shape, dtype = node.shape, _DTYPES.get(node.type)
    if len(shape) != 4 or dtype is None or 3 not in (shape[1], shape[3]):
        raise SourceError(f"{file}: its input is {node.type} of shape {shape}, not a batch of RGB images")
    channels_first = shape[1] == 3
    height, width = shape[2:] if channels_first else shape[1:3]
    if isinstance(height, int) and height != width:
        raise SourceError(f"{file}: its input is {height}x{width}, which is not square")
    mean, std = (_metadata(file, session, name) for name in ("mean", "std"))
    size = shape[0]

    def run(images: NDArray[np.uint8]) -> NDArray[Any]:
        values: NDArray[Any] = images
        if dtype is not np.uint8:
            values = ((images.astype(np.float32) / np.float32(255) - mean) / std).astype(dtype)
        if channels_first:
            values = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        logits: NDArray[Any] = session.run(None, {node.name: values})[0]
        return logits

    def run_padded(images: NDArray[np.uint8]) -> NDArray[Any]:
        padded = np.concatenate([images, np.repeat(images[-1:], -len(images) % size, axis=0)])
        return np.concatenate([run(padded[i : i + size]) for i in range(0, len(padded), size)])[: len(images)]

    return Model(
        str(file),
        run_padded if isinstance(size, int) else run,
        height if isinstance(height, int) else None,
        "" if dtype is np.uint8 else format_normalization(mean.tolist(), std.tolist()),
        _checksum(file),
        labels=_labels(file, session),
    )


def _checksum(file: Path) -> str:
    """Checksum of the file, and of those in its folder that it names: large weights are stored beside it."""
    data = file.read_bytes()
    others = (path for path in sorted(file.parent.iterdir()) if path != file and path.is_file())
    return sha256_of(file, *(path for path in others if path.name.encode() in data))[:16]


def _providers(runtime: Any, device: str) -> list[str]:
    available = runtime.get_available_providers()
    if device == "auto":
        return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    provider = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
    if provider not in available or not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise UsageError(
            f"the device {device!r} is not available to onnxruntime, which has {', '.join(available)}"
        )
    return [provider]


def _labels(file: Path, session: Any) -> tuple[str, ...]:
    """Labels of the outputs in the metadata; empty if there are none."""
    stored = session.get_modelmeta().custom_metadata_map.get("names")
    if not stored:
        return ()
    try:
        names = ast.literal_eval(stored)  # JSON, or a dict as Ultralytics writes it
        if isinstance(names, dict):
            by_number = {int(number): name for number, name in names.items()}
            names = [by_number[number] for number in range(len(by_number))]
        if not all(isinstance(name, str) for name in names):
            raise TypeError
        return tuple(names)
    except Exception as error:  # of any text
        raise SourceError(f"{file}: the names in its metadata are no list of labels") from error


def _metadata(file: Path, session: Any, name: str) -> NDArray[np.float32]:
    stored = session.get_modelmeta().custom_metadata_map.get(name)
    try:
        return np.array(json.loads(stored) if stored else _USUAL[name], np.float32).reshape(3)
    except Exception as error:  # of any text
        raise SourceError(f"{file}: the {name} in its metadata is no list of three numbers") from error
