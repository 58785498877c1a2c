"""One image at a time."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import corruptions, perturbations
from .preprocessing import pixels, resize_shorter
from .recipe import Recipe


@overload
def corrupt(
    image: Image.Image, corruption: str, severity: int = ..., seed: int = ..., image_id: str = ...
) -> Image.Image: ...
@overload
def corrupt(
    image: NDArray[np.uint8], corruption: str, severity: int = ..., seed: int = ..., image_id: str = ...
) -> NDArray[np.uint8]: ...
def corrupt(
    image: Image.Image | NDArray[np.uint8],
    corruption: str,
    severity: int = 1,
    seed: int = 0,
    image_id: str = "",
) -> Image.Image | NDArray[np.uint8]:
    """Corrupt one image of any size from 32 x 32 up.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3)
        It is neither resized nor cropped nor changed. A Pillow image is converted to RGB first.
    corruption : str
        One of ``imagenet_cp.corruptions.CORRUPTIONS``.
    severity : int
        From 1 to 5.
    seed : int
        Of the random draws.
    image_id : str
        Which image this is: with the id of a row of ImageNet-C and its clean picture, the result is the picture
        that row holds, before its JPEG.

    Returns
    -------
    PIL.Image.Image or ndarray of uint8, shape (H, W, 3)
        Of the kind that was given.

    Raises
    ------
    ValueError, TypeError
        As `imagenet_cp.corruptions.apply` does.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.1. Sizes other than 224 x 224 are an extension of the paper.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((224, 224, 3), 128, np.uint8)
    >>> corrupt(grey, "brightness", severity=3)[0, 0].tolist()
    [204, 204, 204]
    """
    given = np.array(image.convert("RGB")) if isinstance(image, Image.Image) else image
    bits = Recipe("imagenet_c", seed=seed).bits(corruption, severity, image_id)
    made = corruptions.apply(corruption, given, severity, bits)
    return Image.fromarray(made) if isinstance(image, Image.Image) else made


def perturb(
    image: Image.Image | NDArray[np.uint8],
    perturbation: str,
    difficulty: int = 1,
    seed: int = 0,
    image_id: str = "",
) -> NDArray[np.uint8]:
    """Make one sequence of ImageNet-P.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of uint8, shape (H, W, 3)
        Of any size; it is resized so that its shorter side is 256 pixels. It is not changed.
    perturbation : str
        One of ``imagenet_cp.perturbations.PERTURBATIONS``.
    difficulty : int
        1, and for the noises also 2 or 3.
    seed : int
        Of the random draws.
    image_id : str
        Which image this is, as for `corrupt`.

    Returns
    -------
    ndarray of uint8, shape (31, 224, 224, 3)
        The frames, RGB; 41 of translate.

    Raises
    ------
    ValueError, TypeError
        As `imagenet_cp.perturbations.apply` does.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    picture = image if isinstance(image, Image.Image) else Image.fromarray(corruptions.check_image(image))
    bits = Recipe("imagenet_p", seed=seed).bits(perturbation, difficulty, image_id)
    return perturbations.apply(
        perturbation, pixels(resize_shorter(picture.convert("RGB"), 256)), bits, difficulty
    )
