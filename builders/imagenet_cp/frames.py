"""Encoded frames of the sequences of ImageNet-P."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import codecs


def encode(frames: NDArray[np.uint8], codec: str) -> list[tuple[bytes, str]]:
    """Encode every frame by itself.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, 3)
        A sequence.
    codec : str
        Of the recipe: ``"png"``, or ``"jpeg:QUALITY:SUBSAMPLING"`` such as ``"jpeg:95:4:4:4"``.

    Returns
    -------
    list of (bytes, str)
        The file of each frame, and its name's ending.
    """
    if codec == "png":
        return [(codecs.encode_png(frame), "png") for frame in frames]
    _, quality, subsampling = codec.split(":", 2)
    return [(codecs.encode_jpeg(frame, int(quality), True, subsampling), "JPEG") for frame in frames]
