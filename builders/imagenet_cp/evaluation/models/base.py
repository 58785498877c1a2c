"""A classifier as the evaluation sees it: a function from pictures to scores, with a name and a digest."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError
from ..top5 import top5

#: From uint8 pictures (N, H, W, 3) to scores (N, classes).
Function = Callable[[NDArray[np.uint8]], Any]

#: Library -> extra that installs it; ``torch`` installs all others.
_EXTRA = {"onnxruntime": "onnx"}
_FORMS = "timm:resnet50, torchvision:resnet50, hf:org/name, model.onnx, or package.module:callable"


@dataclass(frozen=True)
class Model:
    """A classifier.

    Attributes
    ----------
    name : str
        What it is called, such as ``"timm:resnet50"``.
    function : callable
        From pictures, uint8 (N, H, W, 3), RGB, to scores (N, classes): logits or probabilities, an array or a tensor.
        What the model wants done to the values (scaling, mean, standard deviation) is done in it.
    side : int, optional
        Of the square pictures it takes. Others are resized (bilinear), which the signature says; by default it takes
        them as they are.
    scaling : str
        What the function does to the values, for the signature.
    weights : str
        Digest of the weights, where they can be seen.
    """

    name: str
    function: Function
    side: int | None = None
    scaling: str = ""
    weights: str = ""

    def scores(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
        """Run the model on a batch.

        Parameters
        ----------
        pictures : ndarray of uint8, shape (N, H, W, 3)

        Returns
        -------
        ndarray of float, shape (N, classes)

        Raises
        ------
        SourceError
            The model fails on such pictures, or does not give one row of scores for each; a score is not a number.
        """
        shape = "x".join(map(str, pictures.shape))
        try:
            made = self.function(pictures)
        except Exception as error:
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise SourceError(f"{self.name} fails on uint8 pictures of shape {shape}: {what}") from error
        scores = np.asarray(made.detach().float().cpu() if hasattr(made, "detach") else made)
        if scores.ndim != 2 or len(scores) != len(pictures) or scores.dtype.kind not in "fiu":
            raise SourceError(
                f"{self.name} gives {scores.dtype} of shape {scores.shape} for {len(pictures)} pictures, not scores of "
                f"shape ({len(pictures)}, classes)"
            )
        if np.isnan(scores).any():
            raise SourceError(
                f"{self.name} gives scores that are not numbers (NaN); nothing can be ranked by them"
            )
        return scores

    def identity(self, shape: tuple[int, int]) -> str:
        """Return a digest by which the same model is known again: of its weights, and of what it says of noise.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the pictures to show it.
        """
        noise = np.random.RandomState(0).randint(0, 256, (4, 8, 8, 3)).astype(np.uint8)
        rows, columns = (np.arange(length) * 8 // length for length in shape)
        said = self.scores(np.ascontiguousarray(noise[:, rows][:, :, columns]))
        best = top5(said).tolist() if said.shape[1] >= 5 else said.argmax(axis=1).tolist()
        return hashlib.sha256(f"{self.weights}{said.shape[1]}{best}".encode()).hexdigest()[:12]


def open_model(
    spec: str, *, device: str = "auto", weights: str | os.PathLike[str] | None = None, trust: bool = False
) -> Model:
    """Open a model by its name.

    Parameters
    ----------
    spec : str
        ``timm:NAME``, ``torchvision:NAME`` or ``torchvision:NAME.WEIGHTS``, ``hf:ORG/NAME`` or ``hf:FOLDER``
        (transformers), a path that ends in ``.onnx``, or ``package.module:callable``: a function from uint8 pictures
        (N, H, W, 3) to scores (N, classes).
    device : str
        Such as ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` takes a GPU where there is one.
    weights : path, optional
        A file of weights for ``timm:`` and ``torchvision:``, in place of those they fetch.
    trust : bool
        Also load files that run code when they are loaded (pickles).

    Raises
    ------
    SourceError
        There is no such model, its library is not installed, its weights cannot be had, or the device is not there.
    """
    kind, colon, name = spec.partition(":")
    if weights is not None and kind not in ("timm", "torchvision"):
        raise SourceError(f"--weights goes with timm: and torchvision: models, not with {spec}")
    if spec.endswith(".onnx"):
        from .onnx import open_onnx

        return open_onnx(Path(spec), device)
    if not (colon and name):
        raise SourceError(f"{spec!r} is no model; models are {_FORMS}")
    if kind == "timm":
        from .timm import open_timm

        return open_timm(name, device, weights, trust)
    if kind == "torchvision":
        from .torchvision import open_torchvision

        return open_torchvision(name, device, weights, trust)
    if kind == "hf":
        from .transformers import open_transformers

        return open_transformers(name, device, trust)
    return Model(spec, import_function(spec))


def import_function(spec: str) -> Function:
    """Import ``package.module:callable``; modules in the working directory are found, too.

    Raises
    ------
    SourceError
        There is no such module, or nothing callable of that name in it.
    """
    module, _, name = spec.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise SourceError(f"{spec}: cannot be imported ({error}); models are {_FORMS}") from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise SourceError(f"{spec}: there is nothing callable called {name!r} in {module}")
    function: Function = found
    return function


def library(name: str) -> Any:
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
            f"{name} cannot be imported ({error}); in the clone, type  pip install '.[{_EXTRA.get(name, 'torch')}]'"
        ) from error
