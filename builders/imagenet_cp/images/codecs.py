"""Encoding of images as JPEG and PNG, and decoding."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..kernels import jpeg_file
from . import opencv
from .png_encoder import encode_png
from .source_images import MAX_PIXELS, open_image, pixels, to_rgb

__all__ = ["decode", "decode_image", "encode", "encode_jpeg", "encode_png"]

#: Beginning of a JPEG file by `encode_jpeg` or libjpeg: JFIF, two quantization tables, and height and width in colour.
_JPEG_SIZE = re.compile(
    rb"\xff\xd8\xff\xe0\0\x10.{14}(?:\xff\xdb\0\x43.{65}){2}\xff\xc0\0\x11\x08(..)(..)\x03", re.DOTALL
)


def encode(image: NDArray[np.uint8], codec: str, name: str) -> dict[str, Any]:
    """Encode an image as a recipe's codec says.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB.
    codec : str
        ``"png"``, or ``"jpeg:QUALITY"`` with ``":SUBSAMPLING"`` if that is not 4:2:0.
    name : str
        Name of the file, without its ending.

    Returns
    -------
    dict
        The ``bytes`` and the ``path`` of a value of ``datasets.Image``.
    """
    if codec == "png":
        return {"bytes": encode_png(image), "path": f"{name}.png"}
    return {"bytes": encode_jpeg(image, *parse_jpeg(codec)), "path": f"{name}.JPEG"}


def parse_jpeg(codec: str) -> tuple[int, str]:
    """Split ``"jpeg:QUALITY:SUBSAMPLING"`` into quality and chroma subsampling, by default 4:2:0."""
    _, quality, *subsampling = codec.split(":", 2)
    return int(quality), subsampling[0] if subsampling else "4:2:0"


def encode_jpeg(image: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0") -> bytes:
    """Encode an image as JPEG.

    The bytes are those of Pillow's ``save(format="JPEG", quality=quality, subsampling=subsampling, optimize=True)``,
    that is with the best Huffman tables.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB.
    quality : int
        From 1 to 100.
    subsampling : str
        Of the chroma: ``4:2:0`` or ``4:4:4``.

    Returns
    -------
    bytes
        A baseline JPEG file.
    """
    return jpeg_file.encode(image, quality, subsampling)


def decode(image: bytes | Mapping[str, Any]) -> NDArray[np.uint8]:
    """Decode a stored image, by OpenCV where it loads, in half of Pillow's time.

    Parameters
    ----------
    image : bytes or dict
        A JPEG or PNG file, or a value of ``datasets.Image(decode=False)``, whose ``bytes`` are the file.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        RGB; the pixels that Pillow decodes.

    Raises
    ------
    ValueError
        The bytes are no such file, or damaged.
    """
    data = image["bytes"] if isinstance(image, Mapping) else image
    with open_image(data, "an image", ("JPEG", "PNG")) as opened:
        cv2 = opencv.load()
        if cv2 is None:
            return pixels(to_rgb(opened))
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if decoded is None:
            raise ValueError("its data are damaged")
        return np.asarray(decoded, np.uint8)


def decode_image(data: bytes) -> Image.Image:
    """Decode a stored image by Pillow, which is quicker than `decode` where a Pillow image is wanted.

    Parameters
    ----------
    data : bytes
        A JPEG or PNG file.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB, with the pixels of `decode`.

    Raises
    ------
    ValueError
        The bytes are no such file, or damaged.
    """
    if begin := _JPEG_SIZE.match(data):  # Pillow's own reading of headers is a tenth of the time of an image
        height, width = (int.from_bytes(side, "big") for side in begin.groups())
        if 0 < width * height <= MAX_PIXELS:
            with contextlib.suppress(ValueError, OSError):  # opened again below, where errors are named
                return Image.frombytes("RGB", (width, height), data, "jpeg", "RGB", "")
    with open_image(data, "an image", ("JPEG", "PNG")) as image:
        image.load()
        return to_rgb(image)
