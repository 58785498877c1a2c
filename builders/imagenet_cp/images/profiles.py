"""Sizes of the benchmarks: each a preprocessing, and a column of every severity table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from ..errors import SourceError
from .source_images import center_crop, resize_shorter

#: Least width and height of images that are corrupted at their own size.
MIN_SIDE = 8
#: Least width and height of images that are perturbed at their own size.
MIN_FRAME_SIDE = 32


@dataclass(frozen=True)
class Profile:
    """A size of the benchmarks.

    Attributes
    ----------
    name : str
        Name in the severity tables.
    size : int
        Side of the square images, in pixels.
    square : callable
        Resizes and crops an RGB image before it is corrupted.
    uncropped : callable
        Resizes an RGB image before it is perturbed and then cropped.
    lossless : bool
        True if the authors released pixels, not JPEGs or videos.
    """

    name: str
    size: int
    square: Callable[[Image.Image], Image.Image]
    uncropped: Callable[[Image.Image], Image.Image]
    lossless: bool = False


def _shorter_256(image: Image.Image) -> Image.Image:
    return resize_shorter(image, 256)


def _middle_of_299(image: Image.Image) -> Image.Image:
    """Cut out seven eighths of each side and resize them, as for Inception networks."""
    width, height = int(0.875 * image.width), int(0.875 * image.height)
    if not (width and height):
        raise _unfit("imagenet_299", image, "at least 2 x 2")
    left, top = round((image.width - width) / 2.0), round((image.height - height) / 2.0)
    middle = image.crop((left, top, left + width, top + height))
    return middle.resize((299, 299), Image.Resampling.BILINEAR)


def _whole_64(image: Image.Image) -> Image.Image:
    return image.resize((64, 64), Image.Resampling.BILINEAR)


def _only_32(image: Image.Image) -> Image.Image:
    if image.size != (32, 32):
        raise _unfit("cifar", image, "exactly 32 x 32; for larger images use the data sets of another size")
    return image


def _as_it_is(name: str, least: int) -> Callable[[Image.Image], Image.Image]:
    def check(image: Image.Image) -> Image.Image:
        if min(image.size) < least:
            raise _unfit(name, image, f"at least {least} x {least}")
        return image

    return check


def _unfit(name: str, image: Image.Image, wanted: str) -> SourceError:
    return SourceError(
        f"{image.width} x {image.height} pixels, but the profile {name} takes images of {wanted}"
    )


def keep_size(image: Image.Image) -> Image.Image:
    """Return an image of any size from 8 x 8 up unchanged.

    Raises
    ------
    SourceError
        It is less than 8 pixels wide or high.
    """
    if min(image.size) < MIN_SIDE:
        raise SourceError(
            f"{image.width} x {image.height} pixels, but the corruptions need at least {MIN_SIDE} x {MIN_SIDE}"
        )
    return image


def native_square(image: Image.Image, side: int) -> Image.Image:
    """Resize and crop an image to a square as the profile ``imagenet`` does for 224 pixels: 8/7 of the side first."""
    return center_crop(resize_shorter(image, round(side * 8 / 7)), side)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("imagenet", 224, lambda image: center_crop(_shorter_256(image), 224), _shorter_256),
        Profile("imagenet_299", 299, _middle_of_299, _as_it_is("imagenet_299", MIN_FRAME_SIDE)),
        Profile("tiny", 64, _whole_64, _as_it_is("tiny", 64)),
        Profile("cifar", 32, _only_32, _only_32, lossless=True),
    )
}
