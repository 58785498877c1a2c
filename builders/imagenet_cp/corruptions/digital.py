"""The digital corruptions, and saturate (Hendrycks & Dietterich, ICLR 2019, section 4.1 and appendix B)."""

from __future__ import annotations

from ..kernels import cosines, draws, elastic, hsv, jpeg, mosaic, pointwise
from ..kernels.rng import Bits
from ..kernels.types import Image
from .registry import corruption

#: alpha, sigma and affine of elastic_transform.
ELASTIC = ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))


@corruption(
    "digital",
    imagenet=[0.4, 0.3, 0.2, 0.1, 0.05],
    imagenet_299=[0.4, 0.3, 0.2, 0.1, 0.05],
    tiny=[0.4, 0.3, 0.2, 0.1, 0.05],
    cifar=[0.75, 0.5, 0.4, 0.3, 0.15],
)
def contrast(image: Image, factor: float) -> Image:
    """Low contrast: every value is moved towards the mean of its channel, y = (x - mean) * factor + mean.

    Notes
    -----
    The mean is that of each channel of the whole image.
    """
    return pointwise.contrast(image, factor)


@corruption(
    "digital",
    # The published base is 244, not 224.
    imagenet=[(244, 224, *row) for row in ELASTIC],
    imagenet_299=[(360, 299, *row) for row in ELASTIC],
    tiny=[
        (64, 64, 0, 0, 0.08),
        (64, 64, 0.05, 0.3, 0.06),
        (64, 64, 0.1, 0.08, 0.06),
        (64, 64, 0.1, 0.03, 0.03),
        (64, 64, 0.16, 0.03, 0.02),
    ],
    cifar=[
        (32, 32, 0, 0, 0.08),
        (32, 32, 0.05, 0.2, 0.07),
        (32, 32, 0.08, 0.06, 0.06),
        (32, 32, 0.1, 0.04, 0.05),
        (32, 32, 0.1, 0.03, 0.03),
    ],
)
def elastic_transform(
    image: Image, bits: Bits, base: int, side: int, alpha: float, sigma: float, affine: float
) -> Image:
    """Stretched or moved small regions: a random affine map, then smooth random displacements.

    ``alpha`` (strength), ``sigma`` (smoothness) and ``affine`` are in units of ``base`` pixels of an image with
    ``side`` pixels on its shorter side.

    Notes
    -----
    The affine map moves three points by up to ``affine``; then
    ``y(row, column) = warped(row + dy, column + dx)``, bilinearly, where ``dx`` and ``dy`` are uniform noise,
    smoothed by ``sigma`` and scaled by ``alpha``. A published quirk: severities 1 and 2 move large parts of the
    image, 3 to 5 small ones, so severity 2 is harder for AlexNet than 3; and the unit is 244 pixels, not 224.
    """
    height, width = image.shape[:2]
    unit = base * min(height, width) / side
    offsets = draws.uniform(bits, -unit * affine, unit * affine, (3, 2))
    warped = elastic.warp(image, elastic.inverse_affine(height, width, offsets))
    noise = draws.uniform(bits, -1.0, 1.0, (2, height, width))
    dx, dy = (cosines.smooth(field, unit * sigma) for field in noise)
    return elastic.sample(warped, dx, dy, float(unit * alpha))


@corruption(
    "digital",
    imagenet=[0.6, 0.5, 0.4, 0.3, 0.25],
    imagenet_299=[0.5, 0.4, 0.3, 0.25, 0.2],
    tiny=[0.9, 0.8, 0.7, 0.6, 0.5],
    cifar=[0.95, 0.9, 0.85, 0.75, 0.65],
)
def pixelate(image: Image, factor: float) -> Image:
    """Large pixels: Pillow's BOX resize to ``int(side * factor)`` and back.

    Notes
    -----
    Shrinking takes the mean of the pixels that fall into a block.
    """
    height, width = image.shape[:2]
    return mosaic.pixelate(image, int(height * factor), int(width * factor))


@corruption(
    "digital",
    imagenet=[25, 18, 15, 10, 7],
    imagenet_299=[23, 16, 13, 8, 5],
    tiny=[65, 58, 50, 40, 25],
    cifar=[80, 65, 58, 50, 40],
)
def jpeg_compression(image: Image, quality: int) -> Image:
    """JPEG artefacts: one round trip at Pillow's ``quality``, with its other options at their defaults.

    Notes
    -----
    Chroma is stored at half the resolution (4:2:0). Built data are compressed once more for storage, at
    quality 85.
    """
    return jpeg.round_trip(image, quality)


@corruption(
    "digital",
    extra=True,
    imagenet=[(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
    imagenet_299=[(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
    tiny=[(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)],
    cifar=[(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)],
)
def saturate(image: Image, factor: float, shift: float) -> Image:
    """Too pale or too strong colours: the saturation S of HSV is scaled and shifted.

    Notes
    -----
    ``S = clip(S * factor + shift, 0, 1)`` in HSV. A published quirk: severities 1 and 2 take colour away,
    3 to 5 add it.
    """
    return hsv.saturate(image, factor, shift)
