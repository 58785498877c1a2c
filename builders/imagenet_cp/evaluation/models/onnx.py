"""Models in ONNX files, run by onnxruntime."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError
from .base import Model, library
from .torch import said

#: What a model for ImageNet was trained with if its file does not say anything else.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


def open_onnx(file: Path, device: str) -> Model:
    """Open an ONNX file; see `imagenet_cp.evaluation.models.base.open_model`.

    The first output is the scores. An input of uint8 gets the pixels as they are; any other gets them divided by 255,
    less a mean, over a standard deviation: those in the file's own metadata (``mean`` and ``std``, JSON lists of three
    numbers), else ImageNet's usual ones. Channels come first or last, as the input's shape says.
    """
    runtime = library("onnxruntime")
    if not file.is_file():
        raise SourceError(f"{file}: no such file")
    try:
        session = runtime.InferenceSession(file, providers=_providers(runtime, device))
    except SourceError:
        raise
    except Exception as error:  # onnxruntime has a class for each kind
        raise SourceError(f"{file}: not a model that onnxruntime can load ({error})") from error
    taken = session.get_inputs()[0]
    shape, bytewise = taken.shape, taken.type == "tensor(uint8)"
    if len(shape) != 4 or not (bytewise or taken.type in _TYPES) or 3 not in (shape[1], shape[3]):
        raise SourceError(f"{file}: takes {taken.type} of shape {shape}, not a batch of RGB pictures")
    first = shape[1] == 3  # where the channels are
    height, width = shape[2:] if first else shape[1:3]
    if isinstance(height, int) and height != width:
        raise SourceError(f"{file}: takes pictures of {height}x{width}, which are not square")
    mean, std = (np.array(values, np.float32) for values in _scaling(file, session))
    count = shape[0] if isinstance(shape[0], int) else None

    def run(pictures: NDArray[np.uint8]) -> NDArray[Any]:
        values: NDArray[Any] = pictures
        if not bytewise:
            values = ((pictures.astype(np.float32) / np.float32(255) - mean) / std).astype(_TYPES[taken.type])
        if first:
            values = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        made: NDArray[Any] = session.run(None, {taken.name: values})[0]
        return made

    def scores(pictures: NDArray[np.uint8]) -> NDArray[Any]:
        if count is None:
            return run(pictures)
        # The file takes batches of one size only: the last is filled up.
        whole = np.concatenate([pictures, np.repeat(pictures[-1:], -len(pictures) % count, axis=0)])
        made = [run(whole[start : start + count]) for start in range(0, len(whole), count)]
        return np.concatenate(made)[: len(pictures)]

    return Model(
        str(file),
        scores,
        height if isinstance(height, int) else None,
        "" if bytewise else said(mean.tolist(), std.tolist()),
        hashlib.sha256(file.read_bytes()).hexdigest()[:16],
    )


def _providers(runtime: Any, device: str) -> list[str]:
    there = runtime.get_available_providers()
    if device == "auto":
        return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in there]
    wanted = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
    if wanted not in there or device.split(":")[0] not in ("cpu", "cuda"):
        raise SourceError(f"the device {device!r} is not there for onnxruntime, which has {', '.join(there)}")
    return [wanted]


def _scaling(file: Path, session: Any) -> tuple[Any, Any]:
    noted = session.get_modelmeta().custom_metadata_map
    try:
        return tuple(  # type: ignore[return-value]
            np.array(json.loads(noted[name]) if name in noted else usual, np.float64).reshape(3).tolist()
            for name, usual in (("mean", _MEAN), ("std", _STD))
        )
    except (ValueError, TypeError) as error:
        raise SourceError(f"{file}: the mean or std in its metadata is no list of three numbers") from error
