"""Crop and resize of an image before it is perturbed, or of its frames afterwards, by profile."""

from __future__ import annotations

from ..images.profiles import PROFILES
from ..images.source_images import middle, resize, resize_shorter
from ..kernels.types import Image, View


def check_size(image: Image, profile: str) -> None:
    """Raise ValueError if the profile does not take images of this size."""
    height, width = image.shape[:2]
    size = f"not {height} x {width}"
    if profile == "imagenet" and min(height, width) < 256:
        raise ValueError(
            f"a sequence of the profile imagenet is made from the image resized so that its shorter side is 256, "
            f"before the centre crop; it must be at least 256 pixels high and wide, {size}"
        )
    if profile == "tiny" and min(height, width) < 64:
        raise ValueError(f"image must be at least 64 x 64 pixels for the profile tiny, {size}")
    if profile == "cifar" and (height, width) != (32, 32):
        raise ValueError(f"image must be 32 x 32 pixels for the profile cifar, {size}")


def crop(image: Image, profile: str, resized_after: bool) -> View:
    """Crop or resize an image to the size of the profile; with ``resized_after``, `to_profile_size` does this later."""
    side = PROFILES[profile].size
    if profile == "imagenet_299":
        window = _centre_crop(image, *(int(0.875 * length) for length in image.shape[:2]))
        return window if resized_after else _whole(resize(window.crop, side, side))
    if profile == "tiny":
        return _whole(image) if resized_after else _centre_crop(resize_shorter(image, side), side, side)
    return _centre_crop(image, side, side)


def to_profile_size(frame: Image, profile: str) -> Image:
    """Resize, and for some profiles crop, a frame of an image that was perturbed at its own size."""
    side = PROFILES[profile].size
    if profile == "tiny":
        return resize_shorter(frame, side, crop=side)
    return resize(frame, side, side)


def _whole(image: Image) -> View:
    return View(image, 0, 0, *image.shape[:2])


def _centre_crop(image: Image, height: int, width: int) -> View:
    top, left = middle(image.shape[0], height), middle(image.shape[1], width)
    return View(image, top, left, height, width)
