"""The weather corruptions."""

from __future__ import annotations

from numpy.random import BitGenerator

from . import hsv
from .registry import Image, corruption


@corruption(
    "weather",
    imagenet=[0.1, 0.2, 0.3, 0.4, 0.5],
    imagenet_299=[0.1, 0.2, 0.3, 0.4, 0.5],
    tiny=[0.1, 0.2, 0.3, 0.4, 0.5],
    cifar=[0.05, 0.1, 0.15, 0.2, 0.3],
)
def brightness(image: Image, bits: BitGenerator, shift: float) -> Image:
    """Daylight: the value V of HSV is raised."""
    return hsv.brighten(image, shift)
