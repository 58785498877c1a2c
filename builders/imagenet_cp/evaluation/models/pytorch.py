"""Models of PyTorch: device, weights, normalization, fingerprint."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.signature import Signature
from ...errors import SourceError, UsageError
from .model import INTERPOLATIONS, Execution, Model, import_library, no_prompts


class Input(NamedTuple):
    """Input that a model was trained with.

    Attributes
    ----------
    mean, std : sequence of 3 floats
        Normalization of values from 0 to 1.
    side : int
        Side of the square images.
    interpolation : str
        Interpolation with which images are resized to it.
    channels : str
        ``"rgb"``, or another order of these three letters.
    """

    mean: Sequence[float]
    std: Sequence[float]
    side: int
    interpolation: str = "bilinear"
    channels: str = "rgb"


def open_module(
    name: str, module: Any, execution: Execution, expected: Input, labels: Sequence[str] = ()
) -> Model:
    """Wrap a classifier of PyTorch.

    Parameters
    ----------
    name : str
        Display name.
    module : torch.nn.Module
        From normalized images, (N, 3, H, W), to logits, or to an object that has them as ``logits``.
    execution : Execution
        Device and type of numbers.
    expected : Input
        Input of the module.
    labels : sequence of str
        Names of its outputs, where they are known.

    Raises
    ------
    UsageError
        The device is not available.
    SourceError
        The interpolation is unknown.
    """
    torch = import_library("torch")
    if expected.interpolation not in INTERPOLATIONS:
        raise SourceError(f"{name}: unknown interpolation {expected.interpolation!r} of its input")
    device = find_device(execution.device)
    checksum = weights_checksum(module)
    module = module.eval().to(device)
    if execution.dtype:
        module = module.to(getattr(torch, execution.dtype))
    dtype = next((one.dtype for one in module.parameters() if one.is_floating_point()), torch.float32)
    layout = torch.channels_last if execution.channels_last else torch.contiguous_format
    module = module.to(memory_format=layout)
    run = torch.compile(module) if execution.compile else module
    shift, scale = (
        torch.tensor(list(values), device=device).reshape(1, 3, 1, 1)
        for values in (expected.mean, expected.std)
    )
    order = ["rgb".index(channel) for channel in expected.channels]

    def logits(images: NDArray[np.uint8]) -> Any:
        with torch.inference_mode():
            values = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)[:, order].to(torch.float32) / 255
            values = ((values - shift) / scale).to(dtype).contiguous(memory_format=layout)
            output = run(values)
            return getattr(output, "logits", output)

    number = str(dtype).removeprefix("torch.")
    fields = Signature.of(
        format_normalization(expected.mean, expected.std),
        ("channels", None if expected.channels == "rgb" else expected.channels),
        ("dtype", None if number == "float32" else number),
    )
    return Model(name, logits, expected.side, str(fields), checksum, expected.interpolation, tuple(labels))


def format_normalization(mean: Sequence[float], std: Sequence[float]) -> str:
    """Format a normalization as fields of a signature."""
    fields = (("mean", mean), ("std", std))
    return str(
        Signature.of(*((name, ",".join(format(value, ".4g") for value in values)) for name, values in fields))
    )


def find_device(device: str) -> str:
    """Resolve ``"auto"``, and check that a device is available.

    Raises
    ------
    UsageError
        It is not available.
    """
    torch = import_library("torch")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"the device {device!r} is not available ({reason}); try --device cpu") from error
    return device


def weights_checksum(module: Any) -> str:
    """Checksum of all layers and weights."""
    torch = import_library("torch")
    checksum = hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", repr(module)).encode())
    for name, tensor in sorted(module.state_dict().items()):
        checksum.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        checksum.update(flat.view(torch.uint8).numpy() if flat.numel() else b"")
    return checksum.hexdigest()[:16]


@contextlib.contextmanager
def safe_loading(trust: bool) -> Iterator[None]:
    """Load only weights from pickles, also in other libraries, unless ``trust`` is true, and ask no questions."""
    torch = import_library("torch")
    load = torch.load
    if not trust:
        torch.load = lambda *args, **options: load(*args, **{**options, "weights_only": True})
    try:
        with no_prompts():
            yield
    finally:
        torch.load = load


def load_weights(module: Any, file: str | os.PathLike[str], trust: bool) -> None:
    """Load weights from a file of safetensors or of ``torch.save``.

    Raises
    ------
    UsageError
        The file is missing.
    SourceError
        It can run code while ``trust`` is false, or does not fit the model.
    """
    torch = import_library("torch")
    try:
        if str(file).endswith(".safetensors"):
            state = import_library("safetensors.torch").load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=not trust)
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file of weights") from None
    except pickle.UnpicklingError as error:
        raise SourceError(
            f"{file}: holds more than weights, and loading it can run any code. If you trust its authors, add "
            "--trust; if not, ask for a .safetensors file"
        ) from error
    except Exception as error:
        raise SourceError(f"{file}: cannot be read as weights ({error})") from error
    if not isinstance(state, Mapping):
        if not hasattr(state, "state_dict"):
            raise SourceError(f"{file}: holds a {type(state).__name__}, not weights by their names")
        state = state.state_dict()
    # Training checkpoints nest the weights, often under the names of DataParallel.
    state = next(
        (state[key] for key in ("state_dict", "model") if isinstance(state.get(key), Mapping)), state
    )
    try:
        module.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    except (RuntimeError, AttributeError) as error:
        raise SourceError(f"{file}: its weights are not of this model ({str(error)[:300]})") from error


def unavailable(spec: str, error: Exception, trust: bool) -> SourceError:
    """Error for weights that cannot be fetched, or cannot be loaded without running code."""
    if not trust and (isinstance(error, pickle.UnpicklingError) or "trust_remote_code" in str(error)):
        return SourceError(
            f"{spec}: loading it can run code of its authors. If you trust them, add --trust; if not, ask for "
            "a .safetensors file of a known architecture"
        )
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return SourceError(f"{spec}: its weights cannot be fetched ({reason})")
