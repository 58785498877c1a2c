"""One image at a time, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import corruptions, perturbations
from .benchmarks.names import DATASETS
from .benchmarks.recipe import Recipe
from .errors import suggest
from .images.preprocessing import pixels
from .images.profiles import PROFILES


@overload
def corrupt(
    image: Image.Image,
    corruption: str,
    severity: int = ...,
    seed: int = ...,
    image_id: str = ...,
    *,
    benchmark: str = ...,
) -> Image.Image: ...
@overload
def corrupt(
    image: NDArray[np.uint8],
    corruption: str,
    severity: int = ...,
    seed: int = ...,
    image_id: str | Sequence[str] = ...,
    *,
    benchmark: str = ...,
) -> NDArray[np.uint8]: ...
def corrupt(
    image: Image.Image | NDArray[np.uint8],
    corruption: str,
    severity: int = 1,
    seed: int = 0,
    image_id: str | Sequence[str] = "",
    *,
    benchmark: str = "imagenet_c",
) -> Image.Image | NDArray[np.uint8]:
    """Corrupt one image of any size from 32 x 32 up, or a batch of them.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3) or (N, H, W, 3)
        It is neither resized nor cropped nor changed. A Pillow image is converted to RGB first.
    corruption : str
        One of ``imagenet_cp.corruptions.CORRUPTIONS``.
    severity : int
        From 1 to 5.
    seed : int
        Of the random draws.
    image_id : str, or sequence of N str for a batch
        Which image this is: with the id of a row of ImageNet-C and its clean picture, the result is the picture
        that row holds, before its JPEG. Images with one id get the same draws. Without ids, those of a batch are
        ``"0"``, ``"1"`` and so on.
    benchmark : str
        Whose severities and draws to use: ``imagenet_c``, ``imagenet_c_299``, ``tiny_imagenet_c``, ``cifar10_c`` or
        ``cifar100_c``.

    Returns
    -------
    PIL.Image.Image or ndarray of uint8, shape (H, W, 3) or (N, H, W, 3)
        Of the kind that was given.

    Raises
    ------
    ValueError, TypeError
        As `imagenet_cp.corruptions.apply` does; an unknown benchmark; not as many ids as images.

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
    recipe = _recipe(benchmark, "_c", seed)
    known, parameters = corruptions.lookup(corruption, severity, recipe.profile)
    level = int(severity)  # 3.0 too draws what 3 does
    bits = recipe.bits(corruption, level, "")

    def one(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        if known.random:
            recipe.bits(corruption, level, name, into=bits)
        return known(picture, bits, *parameters)

    if isinstance(image, np.ndarray) and image.ndim == 4:
        ids = (
            [str(place) for place in range(len(image))]
            if isinstance(image_id, str) and not image_id
            else image_id
        )
        if isinstance(ids, str) or len(ids) != len(image):
            said = "one id" if isinstance(ids, str) else f"{len(ids)} ids"
            raise ValueError(f"a batch of {len(image)} images needs a sequence of as many ids, not {said}")
        pictures = np.require(image, requirements=["C", "W"])
        for picture in pictures[:1]:  # the others are of its kind
            corruptions.check_image(picture)
        made = np.empty_like(pictures)
        for place, name in enumerate(ids):
            made[place] = one(pictures[place], name)
        return made
    if not isinstance(image_id, str):
        raise ValueError("one image has one id; a sequence of ids belongs to a batch of shape (N, H, W, 3)")
    if isinstance(image, Image.Image):
        return Image.fromarray(one(corruptions.check_image(np.array(image.convert("RGB"))), image_id))
    return one(corruptions.check_image(image), image_id)


def perturb(
    image: Image.Image | NDArray[np.uint8],
    perturbation: str,
    difficulty: int = 1,
    seed: int = 0,
    image_id: str = "",
    *,
    benchmark: str = "imagenet_p",
) -> NDArray[np.uint8]:
    """Make one sequence of ImageNet-P.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3)
        Of any size that the benchmark takes; for ImageNet-P it is resized so that its shorter side is 256 pixels. It
        is not changed.
    perturbation : str
        One of ``imagenet_cp.perturbations.PERTURBATIONS``.
    difficulty : int
        1, and for the noises also 2 or 3.
    seed : int
        Of the random draws.
    image_id : str
        Which image this is, as for `corrupt`.
    benchmark : str
        Whose parameters, size and draws to use: ``imagenet_p``, ``imagenet_p_299``, ``tiny_imagenet_p``,
        ``cifar10_p`` or ``cifar100_p``.

    Returns
    -------
    ndarray of uint8, shape (31, 224, 224, 3)
        The frames, RGB; 41 of translate. Those of other benchmarks have their own size and number.

    Raises
    ------
    ValueError, TypeError
        As `imagenet_cp.perturbations.apply` does; an unknown benchmark; a size it does not take.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    recipe = _recipe(benchmark, "_p", seed)
    picture = image if isinstance(image, Image.Image) else Image.fromarray(corruptions.check_image(image))
    clean = pixels(PROFILES[recipe.profile].uncropped(picture.convert("RGB")))
    bits = recipe.bits(perturbation, difficulty, image_id)
    return perturbations.apply(perturbation, clean, bits, difficulty, recipe.profile)


def _recipe(benchmark: str, kind: str, seed: int) -> Recipe:
    known = [name for name in DATASETS if kind in name]
    if benchmark not in known:
        raise ValueError(f"unknown benchmark {benchmark!r}{suggest(benchmark, known)}")
    return Recipe(benchmark, DATASETS[benchmark], seed)
