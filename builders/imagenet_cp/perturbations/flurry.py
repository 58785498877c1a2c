"""Many layers of flakes over one whitened picture."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..corruptions import snowfall
from .registry import Frames
from .views import Picture


def cover(picture: Picture, layers: NDArray[np.uint8], blend: float) -> Frames:
    """Whiten the picture and lay each layer over it, once as it is and once turned by 180 degrees.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        It is not changed.
    layers : ndarray of uint8, shape (frames, H, W)
        Blurred flakes.
    blend : float
        The picture's own share; the rest is at least as bright as ``1.5 * grey + 0.5``.

    Returns
    -------
    ndarray of uint8, shape (frames, H, W, 3)
        Unlike in ImageNet-C all but the grey is computed in double precision.
    """
    light = snowfall.grey(picture) * np.float32(1.5) + np.float32(0.5)
    x = picture / 255.0
    base = blend * x + (1 - blend) * np.maximum(x, light[..., np.newaxis])
    return _cover(base.reshape(base.shape[0], -1), layers, np.arange(256) / 255.0)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(base, layers, levels):  # type: ignore[no-untyped-def]
    frames, height, width = layers.shape
    out = np.empty((frames, height, 3 * width), np.uint8)
    fall, turned = np.empty(3 * width), np.empty(3 * width)
    for n in range(frames):
        for i in range(height):
            for j in range(width):
                fall[3 * j : 3 * j + 3] = levels[layers[n, i, j]]
                turned[3 * j : 3 * j + 3] = levels[layers[n, height - 1 - i, width - 1 - j]]
            _add(base[i], fall, turned, out[n, i])
    return out.reshape(frames, height, width, 3)


@njit(cache=True, nogil=True, error_model="numpy")
def _add(base, fall, turned, out):  # type: ignore[no-untyped-def]
    for j in range(out.size):
        y = base[j] + fall[j] + turned[j]
        out[j] = np.uint8(np.int32((y if y < 1.0 else 1.0) * 255.0))
