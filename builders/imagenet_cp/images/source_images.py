"""Decoding, resizing and cropping of source images."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION

from ..errors import SourceError
from ..kernels.resize import resize_window

#: Formats of source images, as Pillow names them -> the endings of their files. No other is ever opened.
FORMATS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpeg", ".jpg"),
    "PNG": (".png",),
    "PPM": (".ppm",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
#: Most pixels that an image may have or be enlarged to.
MAX_PIXELS = 178_956_970
#: Pixels that are converted to an array at once.
_STRIP = 1 << 16


@contextmanager
def open_image(data: bytes, name: str, formats: tuple[str, ...] = tuple(FORMATS)) -> Iterator[Image.Image]:
    """Open an image by its content, in one of some formats only; errors name the image.

    No other decoder of Pillow sees the bytes: that of EPS, for one, runs Ghostscript.

    Raises
    ------
    SourceError
        The file is empty, in another format or none, or has more than ``MAX_PIXELS`` pixels; or the caller's decoding
        of the image fails.
    """
    if not data:
        raise SourceError(f"{name}: the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except (SourceError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise SourceError(
            f"{name}: not an image in a supported format ({', '.join(formats)}); it begins with {data[:16]!r}"
        ) from None
    except Image.DecompressionBombError:
        raise SourceError(f"{name}: more pixels than the limit of {MAX_PIXELS:,}") from None
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise SourceError(f"{name}: not an image that can be read in full ({error})") from error


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode an image to RGB, uint8 (H, W, 3).

    Files of other modes are converted (see `to_rgb`); an orientation noted in EXIF is not applied, as in the
    published benchmark.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Name of the image in errors.

    Raises
    ------
    SourceError
        The file is empty, truncated, in none of `FORMATS`, of a mode without a known range, or has more than
        ``MAX_PIXELS`` pixels.
    """
    with warnings.catch_warnings():
        # Only a bomb is of interest here; palette transparency and odd EXIF are dropped on purpose.
        warnings.simplefilter("ignore")
        with open_image(data, name) as image:
            image.load()
            image = to_rgb(image)
    return pixels(image)  # when a file of another mode has been freed


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any mode to RGB, as Pillow does, but 16-bit grey to its upper 8 bits.

    Raises
    ------
    ValueError
        The values are 32-bit integers or floats, so that nothing tells which of them is white.

    Notes
    -----
    Pillow clips 16-bit grey at 255, which turns nearly every image white.
    """
    if image.mode == "RGB":
        return image
    # Pillow stores what these formats have as 16-bit grey also as 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        tags = getattr(image, "tag_v2", {})
        values = np.asarray(image) >> tags.get(BITSPERSAMPLE, (16,))[0] - 8
        grey = values.astype(np.uint8)
        image = Image.fromarray(~grey if tags.get(PHOTOMETRIC_INTERPRETATION) == 0 else grey)
    if image.mode in ("I", "F"):
        kind = "32-bit integers" if image.mode == "I" else "floats"
        raise ValueError(f"its values are {kind} of no known range; save it again with 8 bits")
    return image.convert("RGB")


def resize_shorter(image: NDArray[np.uint8], side: int, crop: int | None = None) -> NDArray[np.uint8]:
    """Resize so that the shorter side is ``side``, bilinear, the longer one rounded down (paper, section 4.1).

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        C-contiguous. Not modified.
    side : int
        In pixels.
    crop : int, optional
        Side of the square in the middle to crop to.

    Returns
    -------
    ndarray of uint8
        May share its memory with ``image``, if that has this size.

    Raises
    ------
    SourceError
        The image would be enlarged to more than ``MAX_PIXELS`` pixels.
    """
    height, width = image.shape[:2]
    short, long = min(height, width), max(height, width)
    other = int(side * long / short)
    if short != side and side * other > MAX_PIXELS:
        raise SourceError(
            f"{width} x {height} pixels: enlarged to a shorter side of {side} it would be too large"
        )
    size = (other, side) if width <= height else (side, other)
    return resize(image, *size, crop)


def resize(image: NDArray[np.uint8], height: int, width: int, crop: int | None = None) -> NDArray[np.uint8]:
    """Resize an image to ``height`` and ``width``, bilinear as Pillow up to version 12, and crop as `resize_shorter`.

    The result may share its memory with an image that has this size.
    """
    rows, columns = (height, width) if crop is None else (crop, crop)
    if image.shape[:2] == (height, width):
        return center_crop(image, rows, columns)
    return resize_window(image, height, width, middle(height, rows), middle(width, columns), rows, columns)


def center_crop(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Crop the rectangle in the middle; C-contiguous."""
    top, left = middle(image.shape[0], height), middle(image.shape[1], width)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def middle(length: int, part: int) -> int:
    """First pixel of the part in the middle of a side; halves round to the even pixel."""
    return round((length - part) / 2.0)


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an RGB image to a writable array of uint8 (H, W, 3).

    In strips, because NumPy copies the bytes of a whole Pillow image twice, which is slower than the conversion.
    """
    width, height = image.size
    array = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // max(1, width))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        array[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return array
