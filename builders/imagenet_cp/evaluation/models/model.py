"""A classifier as the evaluation sees it: a function from images to logits, with a name and a fingerprint."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError, UsageError, suggest
from ..fingerprint import Fingerprint, fingerprint
from .outputs import Outputs

#: From uint8 images (N, H, W, 3) to logits (N, classes).
Function = Callable[[NDArray[np.uint8]], Any]

#: Interpolations by which images can be resized to the input of a model, as Pillow names them.
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
#: Types of numbers in which a model of PyTorch can run.
DTYPES = ("float32", "bfloat16", "float16")

#: Library -> extra that installs it; ``torch`` installs every other one.
_EXTRA = {"onnxruntime": "onnx"}


@dataclass(frozen=True)
class Model:
    """A classifier.

    Attributes
    ----------
    name : str
        Display name, such as ``"timm:resnet50"``.
    function : callable
        From images, uint8 (N, H, W, 3), RGB, to logits or probabilities (N, classes), an array or a tensor. It
        normalizes the pixel values itself.
    side : int, optional
        Side of the square input. Images of another size are resized, which the signature records; by default images
        are passed as they are.
    interpolation : str
        Interpolation of that resizing, one of ``INTERPOLATIONS``.
    labels : tuple of str
        Names of the outputs of the function, where they are known.
    outputs : Outputs, optional
        Places of the data's classes among the outputs of the function; by default they are these in order.
    normalization : str
        Normalization and type of numbers in the function, for the signature.
    weights : str
        Checksum of the weights, or any name of their version, by which stored predictions are known as the model's;
        by default the function's code and state are.
    """

    name: str
    function: Function
    side: int | None = None
    normalization: str = ""
    weights: str = ""
    interpolation: str = "bilinear"
    labels: tuple[str, ...] = ()
    outputs: Outputs | None = None

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
        """Run the model on a batch.

        Parameters
        ----------
        images : ndarray of uint8, shape (N, H, W, 3)

        Returns
        -------
        ndarray of float, shape (N, classes)

        Raises
        ------
        SourceError
            The model fails on such images, or does not return one row of numbers for each.
        """
        shape = "x".join(map(str, images.shape))
        try:
            output = self.function(images)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            if "OutOfMemory" in reason:  # of torch.cuda
                reason += " Give a smaller --batch-size (batch_size=) or fewer --processes (processes=)"
            raise SourceError(f"{self.name} fails on uint8 images of shape {shape}: {reason}") from error
        logits = np.asarray(output.detach().float().cpu() if hasattr(output, "detach") else output)
        if logits.ndim != 2 or len(logits) != len(images) or logits.dtype.kind not in "fiu":
            raise SourceError(
                f"{self.name} gives {logits.dtype} of shape {logits.shape} for {len(images)} images, not scores of "
                f"shape ({len(images)}, classes)"
            )
        if self.outputs is None:
            return logits
        if logits.shape[1] != self.outputs.count:
            raise SourceError(
                f"{self.name} gives {logits.shape[1]:,} scores per image, but has {self.outputs.count:,} labels"
            )
        return self.outputs.select(logits)

    @property
    def fingerprint(self) -> Fingerprint:
        """Fingerprint of the weights, or else of the function, its closure and its state."""
        if self.weights:
            return Fingerprint(hashlib.sha256(self.weights.encode()).hexdigest()[:12], complete=True)
        return fingerprint(self.function)


@dataclass(frozen=True)
class Execution:
    """Device and type of numbers of a model of PyTorch.

    Attributes
    ----------
    device : str
        Such as ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` prefers a GPU.
    dtype : str, optional
        One of ``DTYPES``; by default that of the weights.
    channels_last : bool
        Store activations with the channels last in memory, which is faster on many devices.
    compile : bool
        Compile the model with ``torch.compile`` on the first batch.
    """

    device: str = "auto"
    dtype: str | None = None
    channels_last: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in (None, *DTYPES):
            raise UsageError(f"unknown dtype {self.dtype!r}{suggest(self.dtype, DTYPES)}")

    @property
    def options(self) -> tuple[str, ...]:
        """Options on the command line that only models of PyTorch have."""
        given = {"--dtype": self.dtype, "--channels-last": self.channels_last, "--compile": self.compile}
        return tuple(option for option, value in given.items() if value)


@contextlib.contextmanager
def no_prompts() -> Iterator[None]:
    """Close standard input to questions, such as that of a library whether code from the network may run."""
    terminal = sys.stdin
    with open(os.devnull, encoding="utf-8") as sys.stdin:
        try:
            yield
        finally:
            sys.stdin = terminal


def import_library(name: str) -> Any:
    """Import a library that only some models need.

    Raises
    ------
    SourceError
        It is not installed; the message names the extra that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SourceError(
            f"{name} cannot be imported ({error}); in the clone, run pip install '.[{_EXTRA.get(name, 'torch')}]'"
        ) from error
