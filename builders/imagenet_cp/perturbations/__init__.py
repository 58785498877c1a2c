"""The 14 perturbations of ImageNet-P (Hendrycks & Dietterich, ICLR 2019, section 4.2 and appendix C).

- `blur`: motion, zoom and Gaussian blur
- `crops`: crop and resize of an image before it is perturbed, or of its frames afterwards
- `geometry`: translate, rotate, tilt, scale and shear
- `noise`: Gaussian, shot and speckle noise
- `registry`: the decorator ``@perturbation``, and the list that everything else is derived from
- `weather`: snow, brightness and spatter
"""

from __future__ import annotations

import numpy as np

from ..arguments import whole_number
from ..corruptions import check_image
from ..errors import UsageError, suggest
from ..images.profiles import MIN_FRAME_SIDE
from ..kernels.rng import Bits, compiled_stream
from ..kernels.types import Frames, Image
from .crops import check_size, crop, to_profile_size
from .registry import DIFFICULTIES, Perturbation, published_order

# In the published order.
from . import noise, blur, weather, geometry  # noqa: F401  # isort: skip

__all__ = ["DIFFICULTIES", "EXTRA", "NOISE", "PERTURBATIONS", "TEST", "Perturbation", "apply"]

#: Perturbations by name, in the published order.
PERTURBATIONS = published_order()
#: The ten perturbations over which mFR and mT5D are averaged, in the published order.
TEST = tuple(name for name, p in PERTURBATIONS.items() if not p.extra)
#: The perturbations for validation: the four of the paper, and all that are not in the paper.
EXTRA = tuple(name for name, p in PERTURBATIONS.items() if p.extra)
#: The three noises, whose difficulties are separate sequences.
NOISE = tuple(name for name, p in PERTURBATIONS.items() if p.noise)


def apply(name: str, image: Image, bits: Bits, difficulty: int = 1, profile: str = "imagenet") -> Frames:
    """Perturb one image: generate a sequence of frames.

    Parameters
    ----------
    name : str
        One of ``PERTURBATIONS``.
    image : ndarray of uint8, shape (H, W, 3)
        RGB, before the centre crop; not modified. For the profile ``imagenet`` it is resized so that its
        shorter side is 256 pixels. ``imagenet_299`` and ``tiny`` take an image of any size and resize it, before or
        after perturbing, depending on the perturbation; ``cifar`` takes 32 x 32 pixels.
    bits : numpy.random.BitGenerator or Stream
        Source of all random draws, such as ``SFC64(0)`` or ``Recipe.bits``; it is advanced.
    difficulty : int
        1, and for the noises also 2 or 3, which are separate sequences. For all other perturbations a difficulty d is
        a stride of the metric, which compares frames d apart in the same sequence.
    profile : str
        Parameters and size to use: ``imagenet``, ``imagenet_299``, ``tiny`` or ``cifar``.

    Returns
    -------
    ndarray of uint8, shape (frames, side, side, 3)
        31 frames, 41 of translate (``PERTURBATIONS[name].frames(profile)``); the side is 224, 299, 64 or 32.

    Raises
    ------
    ValueError
        The name, profile or difficulty is unknown, or the shape or size of the image is wrong.
    TypeError
        ``image`` is not a uint8 array, or ``bits`` not a BitGenerator.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.2 and appendix C.
    """
    known = PERTURBATIONS.get(name) if isinstance(name, str) else None
    if known is None:
        raise UsageError(f"unknown perturbation {name!r}{suggest(name, PERTURBATIONS)}")
    table = known.table(profile)
    check_difficulty(name, difficulty)
    image = check_image(image, MIN_FRAME_SIDE)
    check_size(image, profile)
    resized_after = profile in known.resized_after
    view, parameters = crop(image, profile, resized_after), table[int(difficulty) - 1]
    with compiled_stream(bits) as stream:
        if not resized_after:
            return known(view, stream, *parameters)
        # One frame at a time: all frames at the size of a large image would fill the memory.
        *fixed, values = parameters
        return np.stack(
            [to_profile_size(known(view, stream, *fixed, (value,))[0], profile) for value in values]
        )


def check_difficulty(name: str, difficulty: object) -> None:
    """Raise ValueError if the perturbation ``name`` has no sequence of this difficulty."""
    known = PERTURBATIONS[name]
    if whole_number("difficulty", difficulty, 1, len(DIFFICULTIES)) not in known.levels:
        raise ValueError(
            f"{name} has one sequence, of difficulty 1, not {difficulty}: for every perturbation but "
            f"{', '.join(NOISE)} a difficulty d is a stride of the metric, which compares frames d apart in "
            f"the same sequence"
        )
