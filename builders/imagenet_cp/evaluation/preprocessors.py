"""Preprocessors: functions applied to every image before the model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..images import opencv
from .data.loader import Preprocessor
from .fingerprint import fingerprint
from .models.load import import_function


def clahe(image: NDArray[np.uint8], clip_limit: float = 2.0, tiles: int = 8) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalization of the luminance.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB. It is not modified.
    clip_limit : float
        Limit of a bin of a tile's histogram, as a multiple of the average bin; the excess is redistributed.
    tiles : int
        Number of tiles along each side.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)

    Raises
    ------
    BuildError
        OpenCV doesn't load.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 5.2 (histogram equalization). The paper leaves the strength open; the
    defaults are OpenCV's tile grid and a customary limit. The luminance is L of CIE L*a*b*.
    """
    cv2 = opencv.require("clahe")
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip_limit, (tiles, tiles)).apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


PREPROCESSORS: dict[str, Preprocessor] = {"clahe": clahe}


class NamedPreprocessor(NamedTuple):
    """A preprocessor as the signature names it.

    Attributes
    ----------
    function : callable or None
        From uint8 (H, W, 3) to uint8 (H, W, 3).
    name : str
        Its name; empty without a function.
    digest, complete
        Its `Fingerprint`; the digest of one of ``PREPROCESSORS`` is empty, since its name is enough.
    """

    function: Preprocessor | None = None
    name: str = ""
    digest: str = ""
    complete: bool = True


def open_preprocessor(preprocess: str | Preprocessor | None) -> NamedPreprocessor:
    """Resolve a preprocessor.

    Parameters
    ----------
    preprocess : str, callable or None
        A key of ``PREPROCESSORS``, ``package.module:callable``, or a function from uint8 (H, W, 3) to uint8 (H, W, 3).

    Raises
    ------
    SourceError
        The function cannot be imported.
    """
    if preprocess is None:
        return NamedPreprocessor()
    for name, function in PREPROCESSORS.items():
        if preprocess in (name, function):
            return NamedPreprocessor(function, name)
    if isinstance(preprocess, str):
        function, name = (
            import_function(preprocess, "preprocessors are clahe or package.module:callable"),
            preprocess,
        )
    else:
        function, name = preprocess, getattr(preprocess, "__qualname__", type(preprocess).__name__)
    return NamedPreprocessor(function, name, *fingerprint(function))
