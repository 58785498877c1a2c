"""Preprocessors: functions applied to every image before the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..images import opencv
from .data.loader import Preprocessor
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


def open_preprocessor(preprocess: str | Preprocessor | None) -> tuple[Preprocessor | None, str]:
    """Resolve a preprocessor, and its name in the signature.

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
        return None, ""
    if isinstance(preprocess, str):
        return PREPROCESSORS.get(preprocess) or import_function(preprocess), preprocess
    return preprocess, getattr(preprocess, "__qualname__", type(preprocess).__name__)
