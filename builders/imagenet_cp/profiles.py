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
    prepare : callable
        From an RGB photograph to the clean picture of this size.
    """

    name: str
    size: int
    prepare: Callable[[Image.Image], Image.Image]


def _imagenet(image: Image.Image) -> Image.Image:
    return center_crop(resize_shorter(image, 256), 224)


PROFILES = {profile.name: profile for profile in (Profile("imagenet", 224, _imagenet),)}
