"""Encoding of images as JPEG and PNG, and decoding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import jpeg_file
from . import opencv
from .png import encode_png
from .preprocessing import open_image, pixels, to_rgb

__all__ = ["decode", "encode", "encode_jpeg", "encode_png"]


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


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG or PNG file to RGB, uint8 (H, W, 3); by OpenCV where it loads, in half of Pillow's time.

    Raises
    ------
    ValueError
        The bytes are no such file, or damaged.
    """
    with open_image(data, "an image", ("JPEG", "PNG")) as image:
        cv2 = opencv.load()
        if cv2 is None:
            return pixels(to_rgb(image))
        decoded = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
        if decoded is None:
            raise ValueError("its data are damaged")
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
