"""A classifier as the evaluation sees it: a function from images to logits, with a name and a fingerprint."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError
from ..top5 import top5

#: From uint8 images (N, H, W, 3) to logits (N, classes).
Function = Callable[[NDArray[np.uint8]], Any]

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
        Side of the square input. Images of another size are resized (bilinear), which the signature records; by
        default images are passed as they are.
    normalization : str
        Normalization in the function, for the signature.
    weights : str
        Checksum of the weights, where they are accessible.
    """

    name: str
    function: Function
    side: int | None = None
    normalization: str = ""
    weights: str = ""

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
            The model fails on such images, does not return one row of numbers for each, or returns NaN.
        """
        shape = "x".join(map(str, images.shape))
        try:
            output = self.function(images)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise SourceError(f"{self.name} fails on uint8 images of shape {shape}: {reason}") from error
        logits = np.asarray(output.detach().float().cpu() if hasattr(output, "detach") else output)
        if logits.ndim != 2 or len(logits) != len(images) or logits.dtype.kind not in "fiu":
            raise SourceError(
                f"{self.name} gives {logits.dtype} of shape {logits.shape} for {len(images)} images, not scores of "
                f"shape ({len(images)}, classes)"
            )
        if np.isnan(logits).any():
            raise SourceError(f"{self.name} gives scores that are not numbers (NaN), which cannot be ranked")
        return logits

    def fingerprint(self, shape: tuple[int, int]) -> str:
        """Fingerprint of the weights and of the predictions for noise.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the noise images.
        """
        noise = np.random.RandomState(0).randint(0, 256, (4, 8, 8, 3)).astype(np.uint8)
        rows, columns = (np.arange(length) * 8 // length for length in shape)
        logits = self.logits(np.ascontiguousarray(noise[:, rows][:, :, columns]))
        classes = logits.shape[1]
        best = top5(logits).tolist() if classes >= 5 else logits.argmax(axis=1).tolist()
        return hashlib.sha256(f"{self.weights}{classes}{best}".encode()).hexdigest()[:12]


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
