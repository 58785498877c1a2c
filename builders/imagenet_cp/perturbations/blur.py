"""Motion blur, zoom blur and Gaussian blur (Hendrycks & Dietterich, ICLR 2019, section 4.2 and appendix C)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..kernels import gaussian, motion
from ..kernels import zoom_frames as zoom
from ..kernels.types import Frames, View
from .registry import perturbation

ANGLES = tuple((i - 30) * 4 for i in range(31))
ZOOMS = tuple(1 + 0.004 * i for i in range(1, 31))


@perturbation(
    resized_after=("tiny",),
    frames={"cifar": 21},
    imagenet=(10, 3, ANGLES),
    imagenet_299=(13, 3, ANGLES),
    tiny=(14, 3, tuple((i - 30) * 5 for i in range(31))),
    cifar=(6, 1.8, tuple((i - 20) * 9 for i in range(21))),
)
def motion_blur(view: View, radius: float, sigma: float, angles: Sequence[float]) -> Frames:
    """Blur along a direction that turns from frame to frame, as of a moving camera."""
    crop = view.crop
    return np.stack([motion.blur(crop, radius, sigma, angle) for angle in angles])


@perturbation(imagenet=(ZOOMS,), imagenet_299=(ZOOMS,), tiny=(ZOOMS,), cifar=(ZOOMS,))
def zoom_blur(view: View, factors: Sequence[float]) -> Frames:
    """Add one more enlarged copy of the image to the mean in each frame."""
    return zoom.running_mean(view, factors)


@perturbation(
    extra=True,
    imagenet=(6.0, tuple(0.25 + 0.035 * i for i in range(31))),
    imagenet_299=(6.0, tuple(0.35 + 0.035 * i for i in range(31))),
    tiny=(7.0, tuple(0.35 + 0.014 * i for i in range(31))),
    cifar=(7.0, tuple(0.3 + 0.015 * i for i in range(31))),
)
def gaussian_blur(view: View, truncate: float, sigmas: Sequence[float]) -> Frames:
    """Apply a Gaussian filter that widens from frame to frame."""
    crop = view.crop
    return np.stack([gaussian.blur_uint8(crop, sigma, truncate) for sigma in sigmas])
