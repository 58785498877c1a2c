"""The sizes the benchmarks exist at; each is a preprocessing and a column of every severity table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from .preprocessing import center_crop, resize_shorter


@dataclass(frozen=True)
class Profile:
    """A size of the benchmarks.

    Attributes
    ----------
    name : str
        As the severity tables call it.
    size : int
        Side of the square pictures, in pixels.
    square : callable
        From an RGB photograph to the clean picture that is corrupted.
    uncropped : callable
        From an RGB photograph to the picture that is perturbed, before it is cropped.
    """

    name: str
    size: int
    square: Callable[[Image.Image], Image.Image]
    uncropped: Callable[[Image.Image], Image.Image]


def _shorter_256(image: Image.Image) -> Image.Image:
    return resize_shorter(image, 256)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("imagenet", 224, lambda image: center_crop(_shorter_256(image), 224), _shorter_256),
    )
}
