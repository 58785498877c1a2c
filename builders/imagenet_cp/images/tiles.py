"""Tiles of contact sheets and strips: crops at native pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def tile(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Crop the centre of an image, without resampling: shrinking would remove noise and hide blocks.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        The image. One that is at most half as large as the tile has its pixels repeated.
    side : int
        Side of the tile in pixels.

    Returns
    -------
    ndarray of uint8, shape (side, side, 3)
        The tile; an image smaller than it lies in its middle, on white.
    """
    times = max(side // max(image.shape[:2]), 1)
    image = image.repeat(times, axis=0).repeat(times, axis=1)
    height, width = (min(length, side) for length in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    cropped = image[top : top + height, left : left + width]
    if (height, width) == (side, side):
        return cropped
    result = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    result[top : top + height, left : left + width] = cropped
    return result
