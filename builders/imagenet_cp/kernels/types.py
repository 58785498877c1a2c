"""Types of the arrays that the kernels take and return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: An RGB image: uint8 (H, W, 3), C-contiguous.
Image = NDArray[np.uint8]
#: The frames of a sequence: uint8 (frames, H, W, 3).
Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """Image and the window of it that the frames show.

    Attributes
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        C-contiguous.
    top, left, height, width : int
        The window, in pixels, inside the image.
    """

    image: Image
    top: int
    left: int
    height: int
    width: int

    @property
    def crop(self) -> Image:
        """Cropped window: C-contiguous uint8 (height, width, 3)."""
        rows, columns = slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
        return np.ascontiguousarray(self.image[rows, columns])
