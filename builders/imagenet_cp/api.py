"""Corruption of one image or a batch, and perturbation of one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import corruptions, perturbations
from .benchmarks import names
from .benchmarks.recipe import Recipe
from .errors import suggest
from .images.preprocessing import pixels, to_rgb
from .images.profiles import PROFILES

AnyImage = TypeVar("AnyImage", Image.Image, NDArray[np.uint8])


def corrupt(
    image: AnyImage,
    corruption: str,
    severity: int = 1,
    seed: int = 0,
    image_id: str | Sequence[str] = "",
    *,
    benchmark: str = "imagenet_c",
) -> AnyImage:
    """Corrupt one image of any size from 32 x 32 up, or a batch of images.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3) or (N, H, W, 3)
        Neither resized nor cropped, and not modified. A Pillow image is converted to RGB first.
    corruption : str
        One of ``imagenet_cp.corruptions.CORRUPTIONS``.
    severity : int
        From 1 to 5.
    seed : int
        Seed of the random draws.
    image_id : str, or sequence of N str for a batch
        Id of the image, which the draws depend on: with the id and the clean image of a row of ImageNet-C, the result
        is the image of that row before JPEG. By default the ids of a batch are ``"0"``, ``"1"`` and so on.
    benchmark : str
        Severities and draws to use: ``imagenet_c``, ``imagenet_c_299``, ``tiny_imagenet_c``, ``cifar10_c`` or
        ``cifar100_c``.

    Returns
    -------
    PIL.Image.Image or ndarray of uint8, shape (H, W, 3) or (N, H, W, 3)
        A Pillow image of a Pillow image, an array of an array.

    Raises
    ------
    ValueError, TypeError
        As from `imagenet_cp.corruptions.apply`; or an unknown benchmark, or not as many ids as images.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.1. Sizes other than the benchmark's own (224 x 224 for ImageNet-C)
    are an extension of the paper.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((224, 224, 3), 128, np.uint8)
    >>> corrupt(grey, "brightness", severity=3)[0, 0].tolist()
    [204, 204, 204]
    >>> corrupt(np.stack([grey, grey]), "fog", image_id=["one", "two"]).shape
    (2, 224, 224, 3)
    """
    recipe = _recipe(benchmark, names.CORRUPTIONS, seed)
    known, parameters = corruptions.lookup(corruption, severity, recipe.profile)
    level = int(severity)  # 3.0 has the draws of 3

    def one(image: NDArray[np.uint8], image_id: str) -> NDArray[np.uint8]:
        return known(image, recipe.bits(corruption, level, image_id) if known.random else None, *parameters)

    if isinstance(image, np.ndarray) and image.ndim == 4:
        ids = (
            [str(index) for index in range(len(image))]
            if isinstance(image_id, str) and not image_id
            else image_id
        )
        if isinstance(ids, str) or len(ids) != len(image):
            given = "one id" if isinstance(ids, str) else f"{len(ids)} ids"
            raise ValueError(f"a batch of {len(image)} images needs a sequence of as many ids, not {given}")
        batch = np.require(image, requirements=["C", "W"])
        for first in batch[:1]:  # every image of a batch has its shape and type
            corruptions.check_image(first)
        corrupted = np.empty_like(batch)
        for index, name in enumerate(ids):
            corrupted[index] = one(batch[index], name)
        return corrupted
    if not isinstance(image_id, str):
        raise ValueError("one image has one id; a sequence of ids belongs to a batch of shape (N, H, W, 3)")
    if isinstance(image, Image.Image):
        return Image.fromarray(one(corruptions.check_image(pixels(to_rgb(image))), image_id))
    return one(corruptions.check_image(image), image_id)


@overload
def perturb(
    image: Image.Image,
    perturbation: str,
    difficulty: int = ...,
    seed: int = ...,
    image_id: str = ...,
    *,
    benchmark: str = ...,
) -> list[Image.Image]: ...
@overload
def perturb(
    image: NDArray[np.uint8],
    perturbation: str,
    difficulty: int = ...,
    seed: int = ...,
    image_id: str = ...,
    *,
    benchmark: str = ...,
) -> NDArray[np.uint8]: ...
def perturb(
    image: Image.Image | NDArray[np.uint8],
    perturbation: str,
    difficulty: int = 1,
    seed: int = 0,
    image_id: str = "",
    *,
    benchmark: str = "imagenet_p",
) -> list[Image.Image] | NDArray[np.uint8]:
    """Perturb one image: a sequence of frames as in ImageNet-P.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3)
        Of any size that the benchmark takes; for ImageNet-P it is resized so that its shorter side is 256 pixels. Not
        modified.
    perturbation : str
        One of ``imagenet_cp.perturbations.PERTURBATIONS``.
    difficulty : int
        1, and for the noises also 2 or 3.
    seed : int
        Seed of the random draws.
    image_id : str
        Id of the image, as for `corrupt`.
    benchmark : str
        Parameters, size and draws to use: ``imagenet_p``, ``imagenet_p_299``, ``tiny_imagenet_p``,
        ``cifar10_p`` or ``cifar100_p``.

    Returns
    -------
    list of PIL.Image.Image or ndarray of uint8, shape (31, 224, 224, 3)
        The RGB frames: Pillow images of a Pillow image, an array of an array. There are 41 of translate; other
        benchmarks have their own sizes and numbers.

    Raises
    ------
    ValueError, TypeError
        As from `imagenet_cp.perturbations.apply`; or an unknown benchmark, or a size it does not take.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    recipe = _recipe(benchmark, names.PERTURBATIONS, seed)
    source = image if isinstance(image, Image.Image) else Image.fromarray(corruptions.check_image(image))
    clean = pixels(PROFILES[recipe.profile].uncropped(to_rgb(source)))
    bits = recipe.bits(perturbation, difficulty, image_id)
    frames = perturbations.apply(perturbation, clean, bits, difficulty, recipe.profile)
    return [Image.fromarray(frame) for frame in frames] if isinstance(image, Image.Image) else frames


def _recipe(benchmark: str, profiles: Mapping[str, str], seed: int) -> Recipe:
    if benchmark not in profiles:
        raise ValueError(f"unknown benchmark {benchmark!r}{suggest(benchmark, profiles)}")
    return Recipe(benchmark, profiles[benchmark], seed)
