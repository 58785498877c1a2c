"""Gaussian, shot and speckle noise (Hendrycks & Dietterich, ICLR 2019, section 4.2 and appendix C)."""

from __future__ import annotations

import numpy as np

from ..kernels import alias
from ..kernels.rng import Bits
from ..kernels.types import Frames, View
from .registry import perturbation


@perturbation(
    noise=True,
    imagenet=[0.03, 0.05, 0.08],
    imagenet_299=[0.035, 0.055, 0.085],
    tiny=[0.025, 0.05, 0.075],
    cifar=[0.02, 0.04, 0.06],
)
def gaussian_noise(view: View, bits: Bits, sigma: float) -> Frames:
    """Add normal noise of constant strength, drawn again for each frame."""
    return _frames(alias.gaussian_table(sigma), view, bits)


@perturbation(
    noise=True,
    imagenet=[300, 120, 60],
    imagenet_299=[250, 100, 50],
    tiny=[500, 250, 125],
    cifar=[700, 400, 200],
)
def shot_noise(view: View, bits: Bits, photons: int) -> Frames:
    """Replace every value by a photon count (Poisson noise), drawn again for each frame."""
    return _frames(alias.shot_table(photons), view, bits)


@perturbation(
    extra=True,
    noise=True,
    imagenet=[0.05, 0.1, 0.15],
    imagenet_299=[0.06, 0.11, 0.16],
    tiny=[0.05, 0.1, 0.15],
    cifar=[0.05, 0.07, 0.1],
)
def speckle_noise(view: View, bits: Bits, sigma: float) -> Frames:
    """Add normal noise whose strength is proportional to the value, drawn again for each frame."""
    return _frames(alias.speckle_table(sigma), view, bits)


def _frames(table: alias.AliasTable, view: View, bits: Bits) -> Frames:
    """Return the window itself, then 30 noisy copies."""
    crop = view.crop
    out = np.empty((31, *crop.shape), np.uint8)
    out[0] = crop
    for frame in out[1:]:
        alias.sample(table, crop, bits, frame)
    return out
