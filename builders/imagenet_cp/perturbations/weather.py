"""Snow, brightness and spatter (Hendrycks & Dietterich, ICLR 2019, section 4.2 and appendix C)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..kernels import hsv, liquid, motion, snowfall
from ..kernels import weather_frames as layers
from ..kernels.rng import Bits
from ..kernels.types import Frames, View
from .registry import perturbation

ANGLES = tuple(i * 4 - 150 for i in range(31))


@perturbation(
    imagenet=(0.05, 0.3, 3, 0.5, 14, 4, 0.85, ANGLES),
    imagenet_299=(0.05, 0.3, 3, 0.5, 14, 4, 0.85, ANGLES),
    tiny=(0.05, 0.28, 2, 0.5, 10, 2.5, 0.85, ANGLES),
    cifar=(0.05, 0.3, 2, 0.5, 10, 2, 0.85, ANGLES),
)
def snow(
    view: View,
    bits: Bits,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    blend: float,
    angles: Sequence[float],
) -> Frames:
    """Add the same snowflakes with a direction of fall that turns from frame to frame."""
    flakes = snowfall.flakes(bits, view.height, view.width, loc, scale, zoom, threshold)
    blurred = np.stack([motion.blur(flakes, radius, sigma, angle) for angle in angles])
    return layers.snow(view.crop, blurred, blend)


@perturbation(
    imagenet=(tuple((i - 15) * 0.02 for i in range(31)),),
    imagenet_299=(tuple((i - 15) * 0.02 for i in range(31)),),
    tiny=(tuple((i - 15) * 0.02 for i in range(31)),),
    cifar=(tuple((i - 15) * 0.015 for i in range(31)),),
)
def brightness(view: View, shifts: Sequence[float]) -> Frames:
    """Change from dark to bright daylight: the value V of HSV is shifted."""
    crop = view.crop
    return np.stack([hsv.brighten(crop, shift) for shift in shifts])


@perturbation(
    extra=True,
    imagenet=(0.65, 0.27, 3.7, 0.69, 0.6, (0.05, 0.1, 0.15, 0.7)),
    imagenet_299=(0.65, 0.3, 4, 0.69, 0.6, (0.05, 0.1, 0.15, 0.7)),
    tiny=(0.6, 0.25, 1.75, 0.7, 0.6, (0.2, 0.8)),
    cifar=(0.6, 0.265, 1.75, 0.7, 0.6, (0.2, 0.8)),
)
def spatter(
    view: View,
    bits: Bits,
    loc: float,
    scale: float,
    sigma: float,
    threshold: float,
    amount: float,
    drip: Sequence[float],
) -> Frames:
    """Add drops of water that run down the lens."""
    crop = view.crop
    layer = liquid.drops(bits, view.height, view.width, loc, scale, sigma, threshold)
    out = np.empty((31, *crop.shape), np.uint8)
    for frame in out:
        frame[:] = liquid.water(crop, layer, amount)
        layer = layers.drip(layer, drip)
    return out
