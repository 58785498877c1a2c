"""Drop-in replacement of the package ``imagecorruptions``: the same functions with the same arguments.

Corruptions are those of ImageNet-C, whose ``elastic_transform`` has another definition than that package's.
"""

from __future__ import annotations

import numpy as np
from numpy.random.mtrand import get_bit_generator
from numpy.typing import NDArray

from . import api, corruptions
from .arguments import whole_number
from .errors import suggest
from .metrics import CORRUPTIONS, EXTRA_CORRUPTIONS

_COMMON, _VALIDATION = list(CORRUPTIONS), list(EXTRA_CORRUPTIONS)
_SUBSETS = {
    "common": _COMMON,
    "validation": _VALIDATION,
    "all": _COMMON + _VALIDATION,
    **{
        family: [n for n in _COMMON if corruptions.CORRUPTIONS[n].family == family]
        for family in corruptions.FAMILIES
    },
}


def get_corruption_names(subset: str = "common") -> list[str]:
    """List the names of a subset of the corruptions, in the published order.

    Parameters
    ----------
    subset : str
        ``common`` for the fifteen of the benchmark, ``validation`` for the other four of the paper, ``all`` for the
        nineteen; or those of the fifteen in one family: ``noise``, ``blur``, ``weather`` or ``digital``.

    Raises
    ------
    ValueError
        The subset is unknown.
    """
    if str(subset) not in _SUBSETS:
        raise ValueError(f"unknown subset {subset!r}{suggest(subset, _SUBSETS)}")
    return list(_SUBSETS[subset])


def corrupt(
    image: NDArray[np.uint8],
    severity: int = 1,
    corruption_name: str | None = None,
    corruption_number: int = -1,
    *,
    seed: int | None = None,
) -> NDArray[np.uint8]:
    """Corrupt one image.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3), (H, W, 1) or (H, W)
        RGB or grey, of any size from 8 x 8 up; not modified.
    severity : int
        From 1 to 5.
    corruption_name : str, optional
        One of ``get_corruption_names("all")``; it precedes ``corruption_number``.
    corruption_number : int
        Position in that list, from 0 to 18.
    seed : int, optional
        Seed of the random draws, which then depend on it and on the pixels, as in `imagenet_cp.corrupt`. By default
        they are from NumPy's global state, as in imagecorruptions: ``np.random.seed`` repeats a series of calls. Every
        call advances that state by 32 bytes. This argument is the only one that imagecorruptions lacks.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        The corrupted image; of a grey image too it has three channels.

    Raises
    ------
    ValueError
        Neither a name nor a number is given, one of them or the severity is unknown, or the image has another shape or
        is smaller than 8 x 8.
    TypeError
        The image is not an array of uint8.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((100, 200), 128, np.uint8)
    >>> corrupt(grey, corruption_name="brightness", severity=3)[0, 0].tolist()
    [204, 204, 204]
    """
    names = _SUBSETS["all"]
    if corruption_name is None:
        if isinstance(corruption_number, int) and corruption_number == -1:
            raise ValueError(
                "neither corruption_name nor corruption_number is given; pass one, such as 'fog'"
            )
        corruption_name = names[whole_number("corruption_number", corruption_number, 0, len(names) - 1)]
    if isinstance(image, np.ndarray):
        if image.ndim == 2:
            image = image[:, :, np.newaxis]
        if image.ndim == 3 and image.shape[2] == 1:
            image = image.repeat(3, axis=2)
    image = corruptions.check_image(image)
    if seed is None:
        return api.corrupt(image, corruption_name, severity, rng=get_bit_generator())
    return api.corrupt(image, corruption_name, severity, seed)
