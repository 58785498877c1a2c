"""Stars of many rays, brighter or darker than the image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .elementary import arctan2, power
from .types import Image
from .waves import level

Field = NDArray[np.float64]


def brighten(image: Image, centres: Field, rays: list[Field]) -> Image:
    """Turn an image white at the centre and along the rays of each star.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    centres : ndarray of float64, shape (N, 2)
        Row and column of each star.
    rays : list of N ndarrays of float64, shape (rays,)
        Lengths of the rays of each star, around its centre.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    values = image.astype(np.float64)
    for centre, lengths in zip(centres, rays, strict=True):
        _brighten(values, centre[0], centre[1], _closed(lengths))
    return values.astype(np.uint8)


@kernel
def _brighten(values, row, column, rays):
    height, width, _ = values.shape
    glow, between, triple = np.empty(width), np.empty(width), np.empty(3 * width)
    for i in range(height):
        _intensity(i, row, column, rays, 1.0, between, glow)
        for j in range(width):
            triple[3 * j] = triple[3 * j + 1] = triple[3 * j + 2] = glow[j]
        row_values = values[i].reshape(-1)
        for j in range(triple.size):
            v = np.float64(np.float32(row_values[j]))  # rounded before each star
            row_values[j] = v + triple[j] * (255.0 - v)


def whiten(image: Image, centre: Field, rays: Field, exponent: float) -> Image:
    """Turn an image white, except at the centre and along the rays of a star.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    centre : ndarray of float64, shape (2,)
        Row and column of the star.
    rays : ndarray of float64, shape (rays,)
        Lengths of the rays.
    exponent : float
        The larger it is, the sooner the image turns white.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)
    """
    out = np.empty_like(image)
    _whiten(image, centre[0], centre[1], _closed(rays), exponent, out)
    return out


@kernel
def _whiten(image, row, column, rays, exponent, out):
    height, width, _ = image.shape
    glow, between, triple = np.empty(width), np.empty(width), np.empty(3 * width)
    for i in range(height):
        _intensity(i, row, column, rays, exponent, between, glow)
        for j in range(width):
            triple[3 * j] = triple[3 * j + 1] = triple[3 * j + 2] = glow[j]
        values, result = image[i].reshape(-1), out[i].reshape(-1)
        for j in range(triple.size):
            result[j] = level(255.0 + triple[j] * (values[j] - 255.0))


def _closed(rays: Field) -> Field:
    """Append the first two rays, so that each has a next one, also at an angle rounded to a whole turn."""
    return np.concatenate([rays, rays[:1], rays[1:2]])


@kernel
def _intensity(i, row, column, rays, exponent, between, out):
    """Compute the intensity of a star in a row: 1 at its centre, less between two rays and beyond their ends."""
    count, y = rays.size - 2, i - row
    for j in range(out.size):
        out[j] = (arctan2(j - column, y) + math.pi) / (2.0 * math.pi) * count
    for j in range(out.size):
        ray = np.int64(out[j])
        between[j] = out[j] - ray
        out[j] = rays[ray] + between[j] * (rays[ray + 1] - rays[ray])
    for j in range(out.size):
        x = j - column
        out[j] = out[j] * out[j] / (x * x + y * y + 1e-4)
    if exponent != 1.0:
        for j in range(out.size):
            out[j] = power(out[j], exponent)
    for j in range(out.size):
        middle = between[j] - 0.5
        out[j] = min(max((1.0 - middle * middle) * out[j], 0.0), 1.0)
