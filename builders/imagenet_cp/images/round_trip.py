"""Pixels that storing an image and reading it back give, without the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import jpeg
from ..kernels.channels import interleave
from ..kernels.compiled import kernel
from . import codecs


def round_trip(image: NDArray[np.uint8], codec: str) -> NDArray[np.uint8]:
    """Compute the pixels of an image that is encoded and decoded.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, at least 8 x 8 pixels. Not changed.
    codec : str
        As for `imagenet_cp.images.codecs.encode`.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        Equal to ``codecs.decode(codecs.encode(image, codec, name)["bytes"])``; of a lossless codec the image itself.
    """
    if codec == "png":
        return image
    quality, subsampling = codecs.parse_jpeg(codec)
    image = np.ascontiguousarray(image)
    if subsampling == "4:2:0":
        return jpeg.round_trip(image, quality)
    full: NDArray[np.uint8] = _full_chroma(image, *jpeg.step_tables(quality))
    return full


@kernel
def _full_chroma(image, luma_steps, chroma_steps):  # type: ignore[no-untyped-def]
    """Round trip with chroma at the resolution of luma (4:4:4); every step is that of `jpeg`."""
    height, width = image.shape[:2]
    luma, blue, red = jpeg.to_planes(image.reshape(height, 3 * width), 1)
    jpeg._requantise(luma, luma_steps)
    jpeg._requantise(blue, chroma_steps)
    jpeg._requantise(red, chroma_steps)
    out = np.empty((height, 3 * width), np.uint8)
    r, g, b = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    for i in range(height):
        light, to_blue, to_red = luma[i], blue[i], red[i]
        for j in range(width):
            y = min(max(np.int32(light[j]) + np.int32(128), np.int32(0)), np.int32(255))
            u = min(max(np.int32(to_blue[j]), np.int32(-128)), np.int32(127))
            v = min(max(np.int32(to_red[j]), np.int32(-128)), np.int32(127))
            r[j] = jpeg._clipped(y + (np.int32(np.int32(91881) * v + np.int32(32768)) >> np.int32(16)))
            g[j] = jpeg._clipped(
                y + (np.int32(np.int32(32768) - np.int32(22554) * u - np.int32(46802) * v) >> np.int32(16))
            )
            b[j] = jpeg._clipped(y + (np.int32(np.int32(116130) * u + np.int32(32768)) >> np.int32(16)))
        interleave(r, g, b, out[i])
    return out.reshape(height, width, 3)
