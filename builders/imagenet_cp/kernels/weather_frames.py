"""Weather layers that change from frame to frame: falling snow, running water."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import snowfall
from .channels import interleave
from .compiled import kernel
from .types import Frames, Image


def snow(image: Image, layers: NDArray[np.uint8], blend: float) -> Frames:
    """Whiten the image and add each layer twice, as it is and rotated by 180 degrees.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Not changed.
    layers : ndarray of uint8, shape (frames, H, W)
        Blurred flakes.
    blend : float
        Weight of the image; the rest is the maximum of the image and ``1.5 * grey + 0.5``.

    Returns
    -------
    ndarray of uint8, shape (frames, H, W, 3)
        Unlike in ImageNet-C, everything except the grey is computed in double precision.
    """
    light = snowfall.grey(image) * np.float32(1.5) + np.float32(0.5)
    x = image / 255.0
    base = blend * x + (1 - blend) * np.maximum(x, light[..., np.newaxis])
    planes = np.ascontiguousarray(base.transpose(0, 2, 1))
    return _cover(planes, layers, np.arange(256) / 255.0)


def drip(layer: NDArray[np.float64], kernel: Sequence[float]) -> NDArray[np.float64]:
    """Convolve every column, as ``np.convolve(column, kernel, "same")`` does, which makes water run down.

    Parameters
    ----------
    layer : ndarray of float64, shape (H, W)
        Not changed.
    kernel : sequence of float

    Returns
    -------
    ndarray of float64, shape (H, W)
    """
    return _drip(layer, np.array(kernel[::-1]))


@kernel
def _drip(layer, weights):
    height, width = layer.shape
    out = np.zeros((height, width))
    for i in range(height):
        for t in range(weights.size):
            row = i + t - weights.size // 2
            if 0 <= row < height:
                line, total = layer[row], out[i]
                for j in range(total.size):
                    total[j] += line[j] * weights[t]
    return out


@kernel
def _cover(base, layers, levels):
    frames, height, width = layers.shape
    out = np.empty((frames, height, 3 * width), np.uint8)
    fall, turned = np.empty(width), np.empty(width)
    channels = np.empty((3, width), np.uint8)
    for n in range(frames):
        for i in range(height):
            _look_up(layers[n, i], layers[n, height - 1 - i], levels, fall, turned)
            for channel in range(3):
                _add(base[i, channel], fall, turned, channels[channel])
            interleave(channels[0], channels[1], channels[2], out[n, i])
    return out.reshape(frames, height, width, 3)


@kernel
def _look_up(line, opposite, levels, fall, turned):
    last = fall.size - 1
    for j in range(fall.size):
        fall[j] = levels[line[j]]
        turned[last - j] = levels[opposite[j]]


@kernel
def _add(base, fall, turned, out):
    for j in range(out.size):
        y = base[j] + fall[j] + turned[j]
        out[j] = np.uint8(np.int32((y if y < 1.0 else 1.0) * 255.0))
