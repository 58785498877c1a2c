"""The five frost textures, read from the installed distribution ``imagecorruptions`` (Apache-2.0)."""

from __future__ import annotations

import hashlib
import io
import math
from functools import cache, lru_cache
from importlib import metadata
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from ..errors import BuildError
from ..images.bilinear import resize
from ..kernels.types import Image

DISTRIBUTION = "imagecorruptions"
#: In the published order. A sixth, frost6.jpg, is released with them but never drawn: a published quirk.
SHA256 = {
    "frost1.png": "ff9f907860bd7a835d459e32f9d588062b7f61ee267343cc7222b56753a14755",
    "frost2.png": "fe211a89b336999c207a852ce05818d4545d0b57c5beadd824b4cc9d9a9b6137",
    "frost3.png": "2d0d50b4a9bb213f38b024ef7768731bb83cc08d2f26b5766bbc167cdfa0e504",
    "frost4.jpg": "3f8b91ca1a9fa7167b09e773da53f5ae60d0a1fd88f02a783f6e328a72887f6e",
    "frost5.jpg": "5fc6a19df4a429ba68abdcc8f8a4278d4c9f81c9ccafd2c92ab0c8cf8992ebd2",
}
REINSTALL = f"pip install --force-reinstall --no-deps {DISTRIBUTION}==1.1.2"


def texture(index: int, scale: float, height: int, width: int) -> Image:
    """Return a texture that is larger than an image in both directions.

    Parameters
    ----------
    index : int
        From 0 to 4, for frost1.png to frost5.jpg.
    scale : float
        Factor by which the profile resizes its textures.
    height, width : int
        Size of the image, in pixels. A texture that does not exceed both is enlarged, with its aspect ratio, until it
        does. No published size needs this.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3) with h > height and w > width
        RGB, read-only.

    Raises
    ------
    BuildError
        The file is missing or is not the published one.
    """
    scaled = _scaled(index, scale)
    rows, columns = scaled.shape[:2]
    factor = max((height + 1) / rows, (width + 1) / columns)
    if factor <= 1:
        return scaled
    return _resized(index, scale, math.ceil(rows * factor), math.ceil(columns * factor))


@cache
def _scaled(index: int, scale: float) -> Image:
    pixels = _pixels(index)
    if scale == 1:
        return pixels
    rows, columns = (round(side * scale) for side in pixels.shape[:2])
    # As published: sampled at 1 / scale, not at the ratio of the rounded sizes.
    return _frozen(resize(pixels, rows, columns, 1 / scale, 1 / scale))


@lru_cache(maxsize=16)
def _resized(index: int, scale: float, rows: int, columns: int) -> Image:
    scaled = _scaled(index, scale)
    height, width = scaled.shape[:2]
    return _frozen(resize(scaled, rows, columns, 1 / (rows / height), 1 / (columns / width)))


@cache
def _pixels(index: int) -> Image:
    name = list(SHA256)[index]
    with PillowImage.open(io.BytesIO(_read(name))) as image:
        return _frozen(np.array(image.convert("RGB")))


def _frozen(pixels: Any) -> Image:
    frozen: Image = np.asarray(pixels, np.uint8)
    frozen.setflags(write=False)
    return frozen


def _read(name: str) -> bytes:
    """Return the bytes of the installed file, without importing the package (its import fails)."""
    try:
        path = metadata.distribution(DISTRIBUTION).locate_file(f"{DISTRIBUTION}/frost/{name}")
    except metadata.PackageNotFoundError:
        raise BuildError(
            f"frost needs the texture {name} of the distribution {DISTRIBUTION}, which is not installed; "
            f"install it: {REINSTALL}"
        ) from None
    try:
        with open(str(path), "rb") as file:
            data = file.read()
    except OSError as error:
        raise BuildError(
            f"the frost texture {path} cannot be read ({error.strerror}); install it again: {REINSTALL}"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise BuildError(
            f"the frost texture {path} is not the published one: its sha256 is {found} instead of "
            f"{SHA256[name]}; install it again: {REINSTALL}"
        )
    return data
