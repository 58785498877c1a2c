"""Brightness and saturation: a shift of V, a scaling of S, in HSV exactly as scikit-image computes it.

Used by brightness and saturate (Hendrycks & Dietterich, ICLR 2019, section 4.1 and appendix B).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .registry import Image


def brighten(image: Image, shift: float) -> Image:
    """Add ``shift`` to V in HSV and clip it to 0..1.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. It is not changed.
    shift : float
        Of V, on the scale from 0 to 1; it may be negative.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip(hsv2rgb(...), 0, 1) * 255)``, truncated.
    """
    return _convert(image, 1.0, 0.0, float(shift))  # type: ignore[no-any-return]


def saturate(image: Image, factor: float, shift: float) -> Image:
    """Multiply S in HSV by ``factor``, add ``shift`` and clip it to 0..1.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. It is not changed.
    factor, shift : float
        Of S, on the scale from 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip(hsv2rgb(...), 0, 1) * 255)``, truncated. Grey has the hue 0: a shift tints it red.
    """
    return _convert(image, float(factor), float(shift), 0.0)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _convert(image, factor, shift, value_shift):  # type: ignore[no-untyped-def]
    out = np.empty_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            r = image[i, j, 0] / 255.0
            g = image[i, j, 1] / 255.0
            b = image[i, j, 2] / 255.0
            value = max(r, g, b)
            delta = value - min(r, g, b)
            saturation = hue = 0.0
            if delta != 0.0:
                saturation = delta / value
                hue = (g - b) / delta
                if g == value:
                    hue = 2.0 + (b - r) / delta
                if b == value:
                    hue = 4.0 + (r - g) / delta
                hue /= 6.0
                if hue < 0.0:
                    hue += 1.0
            saturation = min(max(saturation * factor + shift, 0.0), 1.0)
            value = min(max(value + value_shift, 0.0), 1.0)
            sextant = int(hue * 6.0)
            f = hue * 6.0 - sextant
            if sextant % 2 == 0:
                f = 1.0 - f
            top = np.uint8(np.int32(value * 255.0))
            middle = np.uint8(np.int32(value * (1.0 - f * saturation) * 255.0))
            bottom = np.uint8(np.int32(value * (1.0 - saturation) * 255.0))
            order = (
                (top, middle, bottom),
                (middle, top, bottom),
                (bottom, top, middle),
                (bottom, middle, top),
                (middle, bottom, top),
                (top, bottom, middle),
            )[sextant]
            out[i, j, 0] = order[0]
            out[i, j, 1] = order[1]
            out[i, j, 2] = order[2]
    return out
