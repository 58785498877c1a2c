"""Spatter: drops of water or mud (Hendrycks & Dietterich, ICLR 2019, appendix B)."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.random import BitGenerator
from numpy.typing import NDArray

from .. import draws
from . import gaussian
from .registry import Image

EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
WATER = np.array([175, 238, 238]) / 255
MUD = np.array([63, 42, 20]) / 255


def drops(
    bits: BitGenerator, height: int, width: int, loc: float, scale: float, sigma: float, threshold: float
) -> NDArray[np.float64]:
    field = gaussian.blur(draws.normal(bits, loc, scale, (height, width)), sigma)
    field[field < threshold] = 0.0
    return field


def water(image: Image, layer: NDArray[np.float64], amount: float) -> Image:
    depth = (layer * 255.0).astype(np.uint8)
    distance = _distance(cv2.Canny(depth, 50, 150))
    near = cv2.equalizeHist(_smooth(distance))
    relief = cv2.blur(cv2.filter2D(near, cv2.CV_8U, EMBOSS), (3, 3))
    product = depth.astype(np.int32) * relief
    top = product.max()
    if top == 0:
        return image.copy()
    m = product.astype(np.float32) / np.float32(top) * np.float32(amount)
    x = image.astype(np.float32) / np.float32(255)
    y = np.minimum(x + m[..., None] * WATER.astype(np.float32), np.float32(1))
    return (y * np.float32(255)).astype(np.uint8)


def mud(image: Image, layer: NDArray[np.float64], threshold: float, sigma: float) -> Image:
    m = gaussian.blur((layer > threshold).astype(np.float32), sigma)[..., None]
    m[m < 0.8] = 0
    x = image.astype(np.float32) / np.float32(255)
    y = np.minimum(x * (1 - m) + m * MUD.astype(np.float32), np.float32(1))
    return (y * np.float32(255)).astype(np.uint8)


@njit(cache=True, nogil=True, error_model="numpy")
def _distance(edges):  # type: ignore[no-untyped-def]
    a, b, c = np.float32(1.0), np.float32(1.4), np.float32(2.1969)
    height, width = edges.shape
    far = np.float32(1e9)
    d = np.full((height + 4, width + 4), far, np.float32)
    for i in range(2, height + 2):
        for j in range(2, width + 2):
            t = np.float32(0)
            if edges[i - 2, j - 2] == 0:
                t = min(min(d[i - 2, j - 1], d[i - 2, j + 1]), min(d[i - 1, j - 2], d[i - 1, j + 2])) + c
                t = min(t, min(d[i - 1, j - 1], d[i - 1, j + 1]) + b)
                t = min(t, min(d[i - 1, j], d[i, j - 1]) + a)
            d[i, j] = t
    for i in range(height + 1, 1, -1):
        for j in range(width + 1, 1, -1):
            t = min(min(d[i + 2, j - 1], d[i + 2, j + 1]), min(d[i + 1, j - 2], d[i + 1, j + 2])) + c
            t = min(t, min(d[i + 1, j - 1], d[i + 1, j + 1]) + b)
            t = min(t, min(d[i + 1, j], d[i, j + 1]) + a)
            d[i, j] = min(t, d[i, j])
    return d[2:-2, 2:-2]


def _smooth(distance: NDArray[np.float32]) -> Image:
    d = np.pad(np.minimum(distance, np.float32(20)).astype(np.float64), 1, mode="reflect")
    rows = d[:, :-2] + d[:, 1:-1] + d[:, 2:]
    total = rows[:-2] + rows[1:-1] + rows[2:]
    smoothed: Image = (total * (1 / 9)).astype(np.float32).astype(np.uint8)
    return smoothed
