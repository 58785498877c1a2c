"""Translate, rotate, tilt, scale and shear (Hendrycks & Dietterich, ICLR 2019, section 4.2 and appendix C)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..kernels import projection as maps
from ..kernels import sampling
from ..kernels.types import Frames, View
from .registry import perturbation

DEGREES = tuple(i - 15 for i in range(31))
SCALES = tuple((i * 2.5 + 40) / 100 for i in range(31))


@perturbation(
    resized_after=("imagenet_299",),
    frames={"imagenet": 41, "imagenet_299": 41, "cifar": 16},
    imagenet=(range(-20, 21),),
    imagenet_299=(range(-20, 21),),
    tiny=(range(-15, 16),),
    cifar=(range(-7, 9),),
)
def translate(view: View, shifts: Sequence[int]) -> Frames:
    """Shift the image to the right by one pixel per frame; black fills the left."""
    rows = view.image[view.top : view.top + view.height]
    reach = max(abs(shift) for shift in shifts)
    padded = np.pad(rows, ((0, 0), (reach, reach), (0, 0)))
    out = np.empty((len(shifts), view.height, view.width, 3), np.uint8)
    for frame, shift in zip(out, shifts, strict=True):
        start = view.left + reach - shift
        frame[:] = padded[:, start : start + view.width]
    return out


@perturbation(
    resized_after=("imagenet_299",),
    imagenet=(DEGREES,),
    imagenet_299=(DEGREES,),
    tiny=(DEGREES,),
    cifar=(DEGREES,),
)
def rotate(view: View, degrees: Sequence[float]) -> Frames:
    """Rotate the image about its centre, clockwise for positive degrees."""
    height, width = view.image.shape[:2]
    return sampling.affine(view, [maps.affine(height, width, angle=angle) for angle in degrees])


@perturbation(
    resized_after=("imagenet_299",),
    imagenet=(DEGREES,),
    imagenet_299=(DEGREES,),
    tiny=(DEGREES,),
    cifar=(tuple(0.75 * degrees for degrees in DEGREES),),
)
def tilt(view: View, degrees: Sequence[float]) -> Frames:
    """View the image through a camera rotated about both axes."""
    height, width = view.image.shape[:2]
    return sampling.perspective(view, [maps.inverse(maps.camera(height, width, angle)) for angle in degrees])


@perturbation(
    imagenet=(SCALES,),
    imagenet_299=(SCALES,),
    tiny=(SCALES,),
    cifar=(tuple((i * 2 + 70) / 100 for i in range(31)),),
)
def scale(view: View, factors: Sequence[float]) -> Frames:
    """Shrink the image about its centre, then enlarge it."""
    height, width = view.image.shape[:2]
    return sampling.affine(view, [maps.affine(height, width, scale=factor) for factor in factors])


@perturbation(
    extra=True,
    resized_after=("imagenet_299",),
    imagenet=(DEGREES,),
    imagenet_299=(DEGREES,),
    tiny=(DEGREES,),
    cifar=(DEGREES,),
)
def shear(view: View, degrees: Sequence[float]) -> Frames:
    """Shear the image horizontally about its centre."""
    height, width = view.image.shape[:2]
    return sampling.affine(view, [maps.affine(height, width, shear=angle) for angle in degrees])
