"""The blur corruptions."""

from __future__ import annotations

import numpy as np

from ..kernels import defocus, draws, gaussian, glass, motion, zoom
from ..kernels.rng import Bits
from ..kernels.types import Image
from .registry import corruption


@corruption(
    "blur",
    imagenet=[(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)],
    imagenet_299=[(4, 0.1), (5, 0.5), (7, 0.5), (10, 0.5), (12, 0.5)],
    tiny=[(0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)],
    cifar=[(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)],
)
def defocus_blur(image: Image, radius: float, alias_blur: float) -> Image:
    """Out of focus: every point of light becomes a disk of ``radius`` pixels with soft edges.

    Notes
    -----
    Correlation of each channel with a disk whose edge is softened by a Gaussian filter of ``alias_blur``;
    the border is reflected without its first pixel.
    """
    return defocus.blur(image, radius, alias_blur)


@corruption(
    "blur",
    imagenet=[(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)],
    imagenet_299=[(0.8, 1, 3), (1, 3, 1), (1.1, 2, 4), (1.2, 4, 2), (1.6, 5, 2)],
    tiny=[(0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)],
    cifar=[(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
)
def glass_blur(image: Image, bits: Bits, sigma: float, max_delta: int, iterations: int) -> Image:
    """Frosted glass: blurred, every pixel overwritten by a nearby one, blurred again.

    Notes
    -----
    Gaussian filter, then for every pixel from the lower right to the upper left: a pixel at most
    ``max_delta`` away is copied over it, ``iterations`` times; then the Gaussian filter again. A
    published quirk: the line reads as a swap of the two pixels, but only one of them changes. A border of
    ``max_delta`` pixels keeps its place.
    """
    blurred = gaussian.blur_uint8(image, sigma)
    return gaussian.blur_uint8(glass.scatter(blurred, bits, max_delta, iterations), sigma)


@corruption(
    "blur",
    imagenet=[(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)],
    imagenet_299=[(12, 4), (17, 6), (17, 9), (17, 13), (22, 16)],
    tiny=[(10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)],
    cifar=[(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)],
)
def motion_blur(image: Image, bits: Bits, radius: float, sigma: float) -> Image:
    """Camera motion along a straight line, at a random angle within 45 degrees of the horizontal.

    Notes
    -----
    ImageMagick's motion blur: a one-sided Gaussian of ``sigma``, cut off after ``2 * ceil(radius) + 1``
    pixels, along the drawn angle. The image seems to move to one side, and results are truncated, as
    there.
    """
    angle = float(draws.uniform(bits, -45, 45, 1)[0])
    return motion.blur(image, radius, sigma, angle)


@corruption(
    "blur",
    imagenet=[(1, 1.11, 0.01), (1, 1.16, 0.01), (1, 1.21, 0.02), (1, 1.26, 0.02), (1, 1.31, 0.03)],
    imagenet_299=[(1, 1.11, 0.01), (1, 1.16, 0.01), (1, 1.21, 0.02), (1, 1.26, 0.02), (1, 1.31, 0.03)],
    tiny=[(1, 1.06, 0.01), (1, 1.11, 0.01), (1, 1.16, 0.01), (1, 1.21, 0.01), (1, 1.26, 0.01)],
    cifar=[(1, 1.06, 0.01), (1, 1.11, 0.01), (1, 1.16, 0.01), (1, 1.21, 0.01), (1, 1.26, 0.01)],
)
def zoom_blur(image: Image, start: float, stop: float, step: float) -> Image:
    """Camera motion towards the scene: the mean of the image and its zooms from ``start`` to ``stop``.

    Notes
    -----
    ``y = (x + sum of Z(x, z)) / (n + 1)`` over the ``n`` factors ``z``, where ``Z`` enlarges the centre
    of the image by ``z``, bilinearly. A published quirk: factors are counted in floating point, so 1.11
    is one of severity 1, but 1.16 is none of severity 2.
    """
    # a published quirk: rounding decides whether ``stop`` is one of the factors
    return zoom.blend(image, tuple(map(float, np.arange(start, stop, step))))


@corruption(
    "blur",
    extra=True,
    imagenet=[1, 2, 3, 4, 6],
    imagenet_299=[1.5, 2.5, 3.5, 4.5, 6.5],
    tiny=[0.5, 0.75, 1, 1.25, 1.5],
    cifar=[0.4, 0.6, 0.7, 0.8, 1],
)
def gaussian_blur(image: Image, sigma: float) -> Image:
    """Gaussian blur: every point of light becomes a Gaussian of ``sigma`` pixels.

    Notes
    -----
    Gaussian filter of each channel, cut off at four ``sigma``; the border is repeated.
    """
    return gaussian.blur_uint8(image, sigma)
