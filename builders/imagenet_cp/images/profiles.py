"""Sizes of the benchmarks: each a preprocessing, and a column of every severity table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from .source_images import center_crop, resize, resize_shorter

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
    square: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    uncropped: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    lossless: bool = False


def _middle_of_299(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut out seven eighths of each side and resize them, as for Inception networks."""
    height, width = (int(0.875 * length) for length in image.shape[:2])
    if not (height and width):
        raise _unfit("imagenet_299", image, "at least 2 x 2")
    return resize(center_crop(image, height, width), 299, 299)


def _only_32(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.shape[:2] != (32, 32):
        raise _unfit("cifar", image, "exactly 32 x 32; for larger images use the data sets of another size")
    return image


def _as_it_is(name: str, least: int) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    def check(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if min(image.shape[:2]) < least:
            raise _unfit(name, image, f"at least {least} x {least}")
        return image

    return check


def _unfit(name: str, image: NDArray[np.uint8], wanted: str) -> SourceError:
    return SourceError(
        f"{image.shape[1]} x {image.shape[0]} pixels, but the profile {name} takes images of {wanted}"
    )


def keep_size(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image of any size from 8 x 8 up unchanged.

    Raises
    ------
    SourceError
        It is less than 8 pixels wide or high.
    """
    if min(image.shape[:2]) < MIN_SIDE:
        raise SourceError(
            f"{image.shape[1]} x {image.shape[0]} pixels, but the corruptions need at least {MIN_SIDE} x {MIN_SIDE}"
        )
    return image


def native_square(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Resize and crop an image to a square as the profile ``imagenet`` does for 224 pixels: 8/7 of the side first."""
    return resize_shorter(image, round(side * 8 / 7), crop=side)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "imagenet",
            224,
            lambda image: resize_shorter(image, 256, crop=224),
            lambda image: resize_shorter(image, 256),
        ),
        Profile("imagenet_299", 299, _middle_of_299, _as_it_is("imagenet_299", MIN_FRAME_SIDE)),
        Profile("tiny", 64, lambda image: resize(image, 64, 64), _as_it_is("tiny", 64)),
        Profile("cifar", 32, _only_32, _only_32, lossless=True),
    )
}
