"""What a kernel sees of a picture in each profile, and how its frames come to the profile's size."""

from __future__ import annotations

import numpy as np
from PIL import Image as PILImage

from ..images.preprocessing import resize_shorter
from ..images.profiles import PROFILES
from ..kernels.types import Image, View


def check_size(picture: Image, profile: str) -> None:
    """Raise ValueError where the profile is not made for pictures of this size."""
    height, width = picture.shape[:2]
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
    if min(height, width) < 32:
        raise ValueError(f"image must be at least 32 x 32 pixels, {size}")


def view(picture: Image, profile: str, resized_after: bool) -> View:
    """Return what the kernel sees; with ``resized_after`` it sees the picture as it came."""
    side = PROFILES[profile].size
    if profile == "imagenet_299":
        window = _centre(picture, *(int(0.875 * length) for length in picture.shape[:2]))
        return window if resized_after else _whole(_resize(window.crop, side))
    if profile == "tiny":
        return _whole(picture) if resized_after else _centre(_shorter_side(picture, side), side, side)
    return _centre(picture, side, side)


def finish(frame: Image, profile: str) -> Image:
    """Bring a frame of a picture that was perturbed as it came to the profile's size."""
    side = PROFILES[profile].size
    if profile == "tiny":
        return _centre(_shorter_side(frame, side), side, side).crop
    return _resize(frame, side)


def _whole(picture: Image) -> View:
    return View(picture, 0, 0, *picture.shape[:2])


def _centre(picture: Image, height: int, width: int) -> View:
    top, left = round((picture.shape[0] - height) / 2.0), round((picture.shape[1] - width) / 2.0)
    return View(picture, top, left, height, width)


def _shorter_side(picture: Image, side: int) -> Image:
    return np.array(resize_shorter(PILImage.fromarray(picture), side))


def _resize(picture: Image, side: int) -> Image:
    return np.array(PILImage.fromarray(picture).resize((side, side), PILImage.Resampling.BILINEAR))
