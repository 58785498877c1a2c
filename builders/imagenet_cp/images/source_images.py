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


def decode(data: bytes, name: str) -> Image.Image:
    """Decode an image to RGB.

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
            return to_rgb(image)


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


def resize_shorter(image: Image.Image, side: int) -> Image.Image:
    """Resize so that the shorter side is ``side``, bilinear, the longer one rounded down (paper, section 4.1)."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    if short == side:
        return image
    other = int(side * long / short)
    if side * other > MAX_PIXELS:
        raise SourceError(
            f"{width} x {height} pixels: enlarged to a shorter side of {side} it would be too large"
        )
    size = (side, other) if width <= height else (other, side)
    return image.resize(size, Image.Resampling.BILINEAR)


def center_crop(image: Image.Image, side: int) -> Image.Image:
    """Crop the square in the middle; halves round to the even pixel."""
    left = round((image.width - side) / 2.0)
    top = round((image.height - side) / 2.0)
    return image.crop((left, top, left + side, top + side))


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an image to a writable array of uint8 (H, W, 3)."""
    return np.array(image)
