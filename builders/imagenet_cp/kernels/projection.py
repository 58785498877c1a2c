"""Maps between a frame and the source image: affine as in torchvision 0.2, perspective for tilt."""

from __future__ import annotations

import math

from .arithmetic import cos, sin

Matrix = list[list[float]]


def affine(
    height: int, width: int, angle: float = 0.0, right: float = 0.0, scale: float = 1.0, shear: float = 0.0
) -> tuple[float, float, float, float, float, float]:
    """Return the six coefficients of the map from the frame to the image, as for Pillow's ``Image.transform``.

    The order of the sums is that of torchvision 0.2, and so is the centre: half a pixel right of and below the
    middle. A different order changes whole rows of a sheared frame by a level.

    Parameters
    ----------
    height, width : int
        Size of the image, in pixels.
    angle, shear : float
        In degrees, clockwise.
    right : float
        Translation in pixels.
    scale : float
        Values above 1 enlarge.
    """
    a, s = math.radians(angle), math.radians(shear)
    k = 1.0 / scale
    d = cos(a + s) * cos(a) + sin(a + s) * sin(a)
    m0, m1, m2, m3, m4, m5 = (k / d * v for v in (cos(a + s), sin(a + s), 0.0, -sin(a), cos(a), 0.0))
    x, y = width * 0.5 + 0.5, height * 0.5 + 0.5
    m2 += m0 * (-x - right) + m1 * -y
    m5 += m3 * (-x - right) + m4 * -y
    return m0, m1, m2 + x, m3, m4, m5 + y


def camera(height: int, width: int, degrees: float) -> Matrix:
    """Return the 3 x 3 map from the image to the frame of a camera turned by ``degrees`` about both axes.

    The image plane is at depth 1 in front of a camera at distance f, f being the diagonal of the image in pixels, so
    an angle of 0 scales it by f / (f + 1).
    """
    f = math.sqrt(width * width + height * height)
    angle = math.radians(degrees)
    c, s = cos(angle), sin(angle)
    x, y = width / 2, height / 2
    flat = [[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    about_x = [[1.0, 0.0, 0.0, 0.0], [0.0, c, -s, 0.0], [0.0, s, c, 0.0], [0.0, 0.0, 0.0, 1.0]]
    about_y = [[c, 0.0, -s, 0.0], [0.0, 1.0, 0.0, 0.0], [s, 0.0, c, 0.0], [0.0, 0.0, 0.0, 1.0]]
    away = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, f], [0.0, 0.0, 0.0, 1.0]]
    lens = [[f, 0.0, x, 0.0], [0.0, f, y, 0.0], [0.0, 0.0, 1.0, 0.0]]
    return _product(_product(_product(_product(lens, away), about_x), about_y), flat)


def _product(a: Matrix, b: Matrix) -> Matrix:
    product = [[0.0] * len(b[0]) for _ in a]
    for row, line in zip(product, a, strict=True):
        for factor, other in zip(line, b, strict=True):
            for j, value in enumerate(other):
                row[j] += factor * value
    return product


def inverse(m: Matrix) -> Matrix:
    """Invert a 3 x 3 matrix by its cofactors, in the order of OpenCV's ``invert``."""
    (a, b, c), (d, e, f), (g, h, i) = m
    scale = 1.0 / (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    return [
        [(e * i - f * h) * scale, (c * h - b * i) * scale, (b * f - c * e) * scale],
        [(f * g - d * i) * scale, (a * i - c * g) * scale, (c * d - a * f) * scale],
        [(d * h - e * g) * scale, (b * g - a * h) * scale, (a * e - b * d) * scale],
    ]
