"""The noise corruptions, independent for each value of the image (paper, section 4.1)."""

from __future__ import annotations

from ..kernels import alias
from ..kernels.rng import Bits
from ..kernels.types import Image
from .registry import corruption


@corruption(
    "noise",
    imagenet=[0.08, 0.12, 0.18, 0.26, 0.38],
    imagenet_299=[0.09, 0.13, 0.19, 0.27, 0.4],
    tiny=[0.04, 0.08, 0.12, 0.15, 0.18],
    cifar=[0.04, 0.06, 0.08, 0.09, 0.1],
)
def gaussian_noise(image: Image, bits: Bits, sigma: float) -> Image:
    """Add normal noise of constant strength, as of a sensor in low light.

    Notes
    -----
    ``y = x + sigma * z`` with standard normal ``z`` for each of the H * W * 3 values; in levels, the
    integer part of ``p + 255 * sigma * z``, clipped to 0..255.
    """
    return alias.sample(alias.gaussian_table(sigma), image, bits)


@corruption(
    "noise",
    imagenet=[60, 25, 12, 5, 3],
    imagenet_299=[50, 20, 10, 5, 3],
    tiny=[250, 100, 50, 30, 15],
    cifar=[500, 250, 100, 75, 50],
)
def shot_noise(image: Image, bits: Bits, photons: int) -> Image:
    """Replace every value by a photon count (Poisson noise), with a mean of ``photons`` in white pixels.

    Notes
    -----
    ``y = Poisson(x * photons) / photons`` for each value. Fewer photons mean stronger noise, and black
    stays black.
    """
    return alias.sample(alias.shot_table(photons), image, bits)


@corruption(
    "noise",
    imagenet=[0.03, 0.06, 0.09, 0.17, 0.27],
    imagenet_299=[0.04, 0.07, 0.1, 0.18, 0.28],
    tiny=[0.01, 0.02, 0.05, 0.08, 0.14],
    cifar=[0.01, 0.02, 0.03, 0.05, 0.07],
)
def impulse_noise(image: Image, bits: Bits, amount: float) -> Image:
    """Replace a fraction ``amount`` of the values by 255 or 0 with equal probability (salt and pepper).

    Notes
    -----
    A value, not a pixel, becomes 255 or 0: single channels of a pixel are hit.
    """
    return alias.impulse(image, bits, amount)


@corruption(
    "noise",
    extra=True,
    imagenet=[0.15, 0.2, 0.35, 0.45, 0.6],
    imagenet_299=[0.16, 0.21, 0.36, 0.46, 0.61],
    tiny=[0.15, 0.2, 0.25, 0.3, 0.35],
    cifar=[0.06, 0.1, 0.12, 0.16, 0.2],
)
def speckle_noise(image: Image, bits: Bits, sigma: float) -> Image:
    """Add normal noise whose strength is proportional to the value.

    Notes
    -----
    ``y = x + x * sigma * z`` with standard normal ``z`` for each value; black stays black.
    """
    return alias.sample(alias.speckle_table(sigma), image, bits)
