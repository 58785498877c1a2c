"""What all models of PyTorch have in common."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.signature import Signature
from ...errors import SourceError
from .base import Model, library


def open_module(
    name: str, module: Any, device: str, mean: Sequence[float], std: Sequence[float], side: int
) -> Model:
    """Wrap a classifier of PyTorch.

    Parameters
    ----------
    name : str
        What to call it.
    module : torch.nn.Module
        From normalised pictures, float32 (N, 3, H, W), to logits, or to an object that has them as ``logits``.
    device : str
        As for `imagenet_cp.evaluation.models.base.open_model`.
    mean, std : sequence of 3 floats
        Of values from 0 to 1: what the model was trained with.
    side : int
        Of the pictures it takes.
    """
    torch = library("torch")
    place = find_device(device)
    module = module.eval().to(place)
    centre, spread = (torch.tensor(list(values), device=place).reshape(1, 3, 1, 1) for values in (mean, std))

    def scores(pictures: NDArray[np.uint8]) -> Any:
        with torch.inference_mode():
            values = torch.from_numpy(pictures).to(place).permute(0, 3, 1, 2).to(torch.float32) / 255
            made = module((values - centre) / spread)
            return getattr(made, "logits", made)

    return Model(name, scores, side, said(mean, std), digest_of(module.state_dict()))


def said(mean: Sequence[float], std: Sequence[float]) -> str:
    """Return a scaling in the words of a signature."""
    fields = (("mean", mean), ("std", std))
    return str(
        Signature.of(*((name, ",".join(format(value, ".4g") for value in values)) for name, values in fields))
    )


def find_device(device: str) -> str:
    """Return the device to run on.

    Raises
    ------
    SourceError
        It is not there.
    """
    torch = library("torch")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(f"the device {device!r} is not there ({reason}); --device cpu always is") from error
    return device


def digest_of(state: Mapping[str, Any]) -> str:
    """Return a digest of all weights."""
    torch = library("torch")
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy() if flat.numel() else b"")
    return digest.hexdigest()[:16]


def load_weights(module: Any, file: str | os.PathLike[str], trust: bool) -> None:
    """Load weights from a file of safetensors or of ``torch.save``.

    Raises
    ------
    SourceError
        There is no such file, it would run code when loaded and ``trust`` is false, or it does not fit the model.
    """
    torch = library("torch")
    try:
        if str(file).endswith(".safetensors"):
            state = library("safetensors.torch").load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=not trust)
    except FileNotFoundError:
        raise SourceError(f"{file}: no such file of weights") from None
    except pickle.UnpicklingError as error:
        raise SourceError(
            f"{file}: holds more than weights, and loading it can run any code. If you trust whoever made it, say "
            "--trust; else ask for a .safetensors file"
        ) from error
    except Exception as error:
        raise SourceError(f"{file}: cannot be read as weights ({error})") from error
    if not isinstance(state, Mapping):
        state = state.state_dict()
    # Checkpoints of a training keep the weights among other things, often under the names of DataParallel.
    state = next(
        (state[key] for key in ("state_dict", "model") if isinstance(state.get(key), Mapping)), state
    )
    try:
        module.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    except (RuntimeError, AttributeError) as error:
        raise SourceError(f"{file}: its weights are not of this model ({str(error)[:300]})") from error


def unavailable(spec: str, error: Exception) -> SourceError:
    """Return the error of weights that cannot be fetched."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return SourceError(f"{spec}: its weights cannot be had ({reason})")
