"""JPEG and PNG bytes from pixels, and pixels from these bytes."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from . import opencv
from .png import encode_png

__all__ = ["decode", "encode_jpeg", "encode_png"]


def encode_jpeg(image: NDArray[np.uint8], quality: int = 85, subsampling: str = "4:2:0") -> bytes:
    """Encode an image as JPEG.

    The defaults are those of the benchmark: exactly the bytes of Pillow's
    ``save(format="JPEG", quality=85, optimize=True)``, that is with a second pass for the best Huffman tables.
    OpenCV, where it loads, drives the same library (libjpeg-turbo) in four fifths of Pillow's time; the tests
    hold the two equal.

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
    cv2 = opencv.load()
    if cv2 is None:
        return _encode_with_pillow(image, quality, subsampling)
    parameters = {
        cv2.IMWRITE_JPEG_QUALITY: quality,
        cv2.IMWRITE_JPEG_OPTIMIZE: 1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR: getattr(
            cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{subsampling.replace(':', '')}"
        ),
    }
    flat = [number for parameter in parameters.items() for number in parameter]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flat)
    if not done:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as jpg")
    return bytes(data.data)


def _encode_with_pillow(image: NDArray[np.uint8], quality: int, subsampling: str) -> bytes:
    # Pillow optimizes within one block, which by default is too small for noise at high qualities.
    ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, 2 * image.size)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, optimize=True, subsampling=subsampling)
    return file.getvalue()


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG or PNG file to RGB, uint8 (H, W, 3); by OpenCV where it loads, in half of Pillow's time.

    Raises
    ------
    ValueError
        The bytes are no image.
    """
    cv2 = opencv.load()
    if cv2 is None:
        return _decode_with_pillow(data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ValueError("the bytes are no image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _decode_with_pillow(data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))
    except OSError:
        raise ValueError("the bytes are no image") from None
