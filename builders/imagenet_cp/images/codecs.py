"""Encoding of images as JPEG and PNG, and decoding."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SUBSAMPLINGS = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


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
    _, quality, *subsampling = codec.split(":", 2)
    return {"bytes": encode_jpeg(image, int(quality), *subsampling), "path": f"{name}.JPEG"}


def encode_jpeg(image: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0") -> bytes:
    """Encode an image as JPEG.

    The bytes are those of Pillow's ``save(format="JPEG", quality=quality, subsampling=subsampling, optimize=True)``,
    that is with a second pass for the best Huffman tables.
    OpenCV drives the same library (libjpeg-turbo) in three quarters of Pillow's time; the tests hold the two equal.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB.
    quality : int
        From 1 to 100.
    subsampling : str
        Of the chroma: ``4:2:0``, ``4:2:2`` or ``4:4:4``.

    Returns
    -------
    bytes
        A baseline JPEG file.
    """
    return _encode(
        ".jpg",
        image,
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_OPTIMIZE,
        1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        SUBSAMPLINGS[subsampling],
    )


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an RGB image, uint8 (H, W, 3), as PNG: lossless.

    Only Huffman coding, without a search for repeats: for photos it is the fastest and as small as the
    slow levels, and leaves zlib and its successors nothing to choose, so that their bytes agree.
    """
    return _encode(
        ".png",
        image,
        cv2.IMWRITE_PNG_COMPRESSION,
        1,
        cv2.IMWRITE_PNG_STRATEGY,
        cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
    )


def _encode(extension: str, image: NDArray[np.uint8], *parameters: int) -> bytes:
    done, data = cv2.imencode(extension, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)
    if not done:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as {extension[1:]}")
    return bytes(data.data)


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG or PNG file to RGB, uint8 (H, W, 3); equal to Pillow's decoding and faster.

    Raises
    ------
    ValueError
        The bytes are no image.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ValueError("the bytes are no image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
