"""The 19 corruptions of ImageNet-C (Hendrycks & Dietterich, ICLR 2019), and those of ImageNet-C-bar.

Section 4 and appendix B of the paper describe the former; for the latter see `imagenet_cp.corruptions.bar`.

- `bar`: the corruptions of ImageNet-C-bar
- `blur`: defocus, glass, motion, zoom and Gaussian blur
- `digital`: contrast, elastic, pixelate, JPEG and saturate
- `noise`: Gaussian, shot, impulse and speckle noise
- `registered`: `Registered`, base class of corruptions and perturbations, and the check of their tables
- `registry`: the decorator ``@corruption``, and the list that everything else is derived from
- `textures`: the five frost textures
- `weather`: snow, frost, fog, brightness and spatter
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import UsageError, suggest
from ..images.profiles import MIN_SIDE
from ..kernels.rng import Bits, compiled_stream
from ..kernels.types import Image
from . import bar, blur, digital, noise, weather  # noqa: F401  (they register)
from .registry import FAMILIES, SEVERITIES, Corruption, published_order

__all__ = [
    "BAR",
    "CORRUPTIONS",
    "EXTRA",
    "FAMILIES",
    "SEVERITIES",
    "TEST",
    "Corruption",
    "apply",
    "check_image",
    "lookup",
]

CORRUPTIONS = published_order()
#: The corruptions of ImageNet-C-bar and CIFAR-10-C-bar.
BAR = published_order("c_bar")
#: The fifteen corruptions over which mCE is averaged, in the published order.
TEST = tuple(name for name, c in CORRUPTIONS.items() if not c.extra)
#: The corruptions for validation: the four of the paper, and all that are not in the paper.
EXTRA = tuple(name for name, c in CORRUPTIONS.items() if c.extra)


def check_image(image: object, least: int = MIN_SIDE) -> Image:
    """Check that ``image`` is uint8 (H, W, 3), and make it C-contiguous and writable.

    Parameters
    ----------
    image : object
        Any value.
    least : int
        Smallest height and width, in pixels.

    Raises
    ------
    TypeError, ValueError
        If it is not; the message names the expected type and shape.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"image must be a numpy array, not {type(image).__name__}; np.asarray(pil_image) gives one"
        )
    if image.dtype != np.uint8:
        raise TypeError(f"image must hold uint8 values from 0 to 255, not {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must have the shape (height, width, 3) in RGB order, not {image.shape}")
    height, width = image.shape[:2]
    if min(height, width) < least:
        raise ValueError(f"image must be at least {least} x {least} pixels, not {height} x {width}")
    return image if image.flags.carray else np.require(image, requirements=["C", "W"])


def apply(name: str, image: Image, severity: int, bits: Bits, profile: str = "imagenet") -> Image:
    """Corrupt one image.

    Parameters
    ----------
    name : str
        One of ``CORRUPTIONS`` or ``BAR``.
    image : ndarray of uint8, shape (H, W, 3)
        RGB; not modified.
    severity : int
        From 1 to 5.
    bits : numpy.random.BitGenerator or Stream
        Source of all random draws, such as ``SFC64(0)`` or ``Recipe.bits``; it is advanced.
    profile : str
        Severity table to use: ``imagenet``, ``imagenet_299``, ``tiny`` or ``cifar``.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        The corrupted image, not yet encoded.

    Raises
    ------
    ValueError
        The name, profile or severity is unknown, or the image does not have the shape (H, W, 3), is smaller than
        8 x 8 or, for a corruption of ``BAR``, is not a square with an even side from 32 pixels.
    TypeError
        ``image`` is not a uint8 array, or ``bits`` not a BitGenerator.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.1 and appendix B.
    """
    known, parameters = lookup(name, severity, profile)
    with compiled_stream(bits) as stream:
        return known(check_image(image), stream, *parameters)


def lookup(
    name: str, severity: int, profile: str, suite: str | None = None
) -> tuple[Corruption, tuple[Any, ...]]:
    """Look up a corruption and its parameters.

    Raises
    ------
    ValueError
        The name, profile or severity is unknown, or the corruption is not of ``suite``.
    """
    every = {**CORRUPTIONS, **BAR}
    known = every.get(name) if isinstance(name, str) else None
    if known is None:
        raise UsageError(f"unknown corruption {name!r}{suggest(name, every)}")
    if suite not in (None, known.suite):
        datasets = "imagenet_c_bar or cifar10_c_bar" if known.suite == "c_bar" else "imagenet_c"
        raise UsageError(f"{name} is a corruption of {datasets}: pass that as the benchmark")
    table = known.table(profile)
    return known, table[whole_number("severity", severity, 1, len(SEVERITIES)) - 1]
