"""Corruption of one image or a batch, and perturbation of one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import corruptions, perturbations
from .arguments import whole_number
from .benchmarks import names
from .benchmarks.recipe import Recipe, pixel_id
from .errors import UsageError, suggest
from .images.profiles import PROFILES
from .images.source_images import pixels, to_rgb
from .kernels.rng import Stream, seeded

AnyImage = TypeVar("AnyImage", Image.Image, NDArray[np.uint8])
Rng: TypeAlias = np.random.Generator | np.random.BitGenerator


def corrupt(
    image: AnyImage,
    corruption: str,
    severity: int = 1,
    seed: int | None = 0,
    image_id: str | Sequence[str] | None = None,
    *,
    rng: Rng | None = None,
    benchmark: str = "imagenet_c",
) -> AnyImage:
    """Corrupt one image of any size from 8 x 8 up, or a batch of images.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3) or (N, H, W, 3)
        Neither resized nor cropped, and not modified. A Pillow image is converted to RGB first.
    corruption : str
        One of ``imagenet_cp.corruptions.CORRUPTIONS``, or of ``BAR`` for the two data sets of that name.
    severity : int
        From 1 to 5.
    seed : int, optional
        Seed of the random draws; None for fresh draws at every call, as in NumPy.
    image_id : str, or sequence of N str for a batch, optional
        Id of the image, which the draws depend on: with the id and the clean image of a row of ImageNet-C, the result
        is the image of that row before JPEG. By default a digest of the pixels, so that the draws of an image are
        always the same, and different images get different ones.
    rng : numpy.random.Generator or numpy.random.BitGenerator, optional
        Source of the draws instead of ``seed`` and ``image_id``, such as ``np.random.default_rng(0)``. Every image
        advances it by 32 bytes, whatever the corruption.
    benchmark : str
        Severities and draws to use: ``imagenet_c``, ``imagenet_c_299``, ``tiny_imagenet_c``, ``cifar10_c``,
        ``cifar100_c``, ``imagenet_c_bar`` or ``cifar10_c_bar``.

    Returns
    -------
    PIL.Image.Image or ndarray of uint8, shape (H, W, 3) or (N, H, W, 3)
        A Pillow image of a Pillow image, an array of an array.

    Raises
    ------
    ValueError, TypeError
        As from `imagenet_cp.corruptions.apply`; or an unknown benchmark, not as many ids as images, or ``rng``
        together with a seed or an id.

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
    draws = _Draws(benchmark, {**names.CORRUPTIONS, **names.BAR}, seed, image_id, rng)
    recipe = draws.recipe
    suite = "c_bar" if recipe.dataset in names.BAR else "c"
    known, parameters = corruptions.lookup(corruption, severity, recipe.profile, suite)
    level = int(severity)  # 3.0 has the draws of 3

    def one(image: NDArray[np.uint8], image_id: str | None) -> NDArray[np.uint8]:
        drawn = known.random or rng is not None  # a generator is advanced whatever the corruption
        bits = draws.bits(corruption, level, image, image_id) if drawn else None
        return known(image, bits, *parameters)

    if isinstance(image, np.ndarray) and image.ndim == 4:
        if isinstance(image_id, str) or (image_id is not None and len(image_id) != len(image)):
            given = "one id" if isinstance(image_id, str) else f"{len(image_id)} ids"
            raise ValueError(f"a batch of {len(image)} images needs a sequence of as many ids, not {given}")
        batch = np.require(image, requirements=["C", "W"])
        for first in batch[:1]:  # every image of a batch has its shape and type
            corruptions.check_image(first)
        corrupted = np.empty_like(batch)
        for index, single in enumerate(batch):
            corrupted[index] = one(single, None if image_id is None else image_id[index])
        return corrupted
    if not (image_id is None or isinstance(image_id, str)):
        raise ValueError("one image has one id; a sequence of ids belongs to a batch of shape (N, H, W, 3)")
    if isinstance(image, Image.Image):
        return Image.fromarray(one(corruptions.check_image(pixels(to_rgb(image))), image_id))
    return one(corruptions.check_image(image), image_id)


@overload
def perturb(
    image: Image.Image,
    perturbation: str,
    difficulty: int = ...,
    seed: int | None = ...,
    image_id: str | None = ...,
    *,
    rng: Rng | None = ...,
    benchmark: str = ...,
) -> list[Image.Image]: ...
@overload
def perturb(
    image: NDArray[np.uint8],
    perturbation: str,
    difficulty: int = ...,
    seed: int | None = ...,
    image_id: str | None = ...,
    *,
    rng: Rng | None = ...,
    benchmark: str = ...,
) -> NDArray[np.uint8]: ...
def perturb(
    image: Image.Image | NDArray[np.uint8],
    perturbation: str,
    difficulty: int = 1,
    seed: int | None = 0,
    image_id: str | None = None,
    *,
    rng: Rng | None = None,
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
    seed, image_id, rng
        As for `corrupt`; the default id is a digest of the pixels of ``image`` before it is resized.
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
        As from `imagenet_cp.perturbations.apply`; or an unknown benchmark, a size it does not take, or ``rng``
        together with a seed or an id.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    draws = _Draws(benchmark, names.PERTURBATIONS, seed, image_id, rng)
    profile = draws.recipe.profile
    source = pixels(to_rgb(image)) if isinstance(image, Image.Image) else corruptions.check_image(image)
    bits = draws.bits(perturbation, difficulty, source, image_id)
    clean = PROFILES[profile].uncropped(source)
    frames = perturbations.apply(perturbation, clean, bits, difficulty, profile)
    return [Image.fromarray(frame) for frame in frames] if isinstance(image, Image.Image) else frames


def seeded_recipe(benchmark: str, profiles: Mapping[str, str], seed: int | None) -> Recipe:
    """Recipe of a benchmark and a seed; None, for fresh draws, stands for 0."""
    if str(benchmark) not in profiles:
        raise UsageError(f"unknown benchmark {benchmark!r}{suggest(benchmark, profiles)}")
    whole = 0 if seed is None else whole_number("seed", seed, hint=", or None for fresh draws")
    return Recipe(benchmark, profiles[benchmark], whole)


class _Draws:
    """Random streams of the images of one call."""

    def __init__(
        self,
        benchmark: str,
        profiles: Mapping[str, str],
        seed: int | None,
        image_id: str | Sequence[str] | None,
        rng: Rng | None,
    ) -> None:
        self.recipe = seeded_recipe(benchmark, profiles, seed)
        if rng is not None and (self.recipe.seed or image_id is not None):
            raise ValueError("rng replaces seed and image_id; pass rng alone, or the other two")
        if isinstance(rng, np.random.BitGenerator):
            rng = np.random.Generator(rng)
        if rng is None and seed is None:
            rng = np.random.default_rng()
        if not (rng is None or isinstance(rng, np.random.Generator)):
            raise TypeError(
                f"rng must be a numpy Generator such as np.random.default_rng(0), not {type(rng).__name__}"
            )
        self._rng = rng

    def bits(self, name: str, level: int, image: NDArray[np.uint8], image_id: str | None) -> Stream:
        """Stream of one image: from ``rng``, or of its id, by default a digest of its pixels."""
        if self._rng is not None:
            return seeded(self._rng.bytes(32))
        if not (image_id is None or isinstance(image_id, str)):
            raise TypeError(f"an image id is a string, not {image_id!r}")
        return self.recipe.bits(name, level, pixel_id(image) if image_id is None else image_id)
