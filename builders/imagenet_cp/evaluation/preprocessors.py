"""What is done to pictures before a model sees them, by name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..images import opencv
from .data.loader import Treatment
from .models.base import import_function


def clahe(picture: NDArray[np.uint8], clip_limit: float = 2.0, tiles: int = 8) -> NDArray[np.uint8]:
    """Equalise the histogram of a picture's luminance, tile by tile and not beyond a limit of contrast.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        RGB. It is not changed.
    clip_limit : float
        No bin of a tile's histogram may hold more than so many times the average; what is above is shared out.
    tiles : int
        Along each side.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)

    Raises
    ------
    BuildError
        OpenCV doesn't load.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 5.2 (histogram equalisation). The paper does not say how
    strong; these are OpenCV's tile grid and a customary limit. The luminance is L of CIE L*a*b*.
    """
    cv2 = opencv.require("clahe")
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip_limit, (tiles, tiles)).apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


TREATMENTS: dict[str, Treatment] = {"clahe": clahe}


def treatment(chosen: str | Treatment | None) -> tuple[Treatment | None, str]:
    """Return a treatment and what the signature calls it.

    Parameters
    ----------
    chosen : str, callable or None
        One of ``TREATMENTS``, ``package.module:callable``, a function from a picture, uint8 (H, W, 3), to another, or
        nothing.

    Raises
    ------
    SourceError
        There is nothing callable of that name.
    """
    if chosen is None:
        return None, ""
    if not isinstance(chosen, str):
        return chosen, getattr(chosen, "__qualname__", type(chosen).__name__)
    return TREATMENTS.get(chosen) or import_function(chosen), chosen
