"""The weather corruptions."""

from __future__ import annotations

from ..kernels import draws, hsv, liquid, motion, plasma, pointwise, snowfall
from ..kernels.rng import Bits
from ..kernels.types import Image
from . import textures
from .registry import corruption

#: Parameters of snow at both sizes of ImageNet.
SNOW = (
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)


@corruption(
    "weather",
    imagenet=SNOW,
    imagenet_299=SNOW,
    tiny=[
        (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
    ],
    cifar=[
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ],
)
def snow(
    image: Image,
    bits: Bits,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    blend: float,
) -> Image:
    """Snow: flakes driven by the wind, over a whitened image.

    Notes
    -----
    A normal field of ``loc`` and ``scale`` is enlarged by ``zoom``, cut off below ``threshold`` and
    blurred along a drawn angle: the flakes. The image is whitened,
    ``blend * x + (1 - blend) * max(x, 1.5 * grey(x) + 0.5)``, and the flakes are added, together with
    a copy rotated by 180 degrees.
    """
    height, width = image.shape[:2]
    layer = snowfall.flakes(bits, height, width, loc, scale, zoom, threshold)
    angle = draws.uniform(bits, -135.0, -45.0, 1)[0]
    return snowfall.cover(image, motion.blur(layer, radius, sigma, angle), blend)


@corruption(
    "weather",
    imagenet=[(1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)],
    imagenet_299=[(1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)],
    tiny=[(1, 0.3, 0.3), (0.9, 0.4, 0.3), (0.8, 0.45, 0.3), (0.75, 0.5, 0.3), (0.7, 0.55, 0.3)],
    cifar=[(1, 0.2, 0.2), (1, 0.3, 0.2), (0.9, 0.4, 0.2), (0.85, 0.4, 0.2), (0.75, 0.45, 0.2)],
)
def frost(image: Image, bits: Bits, image_weight: float, frost_weight: float, texture_scale: float) -> Image:
    """Ice crystals on a window pane: the image blended with a crop of a frost texture.

    Notes
    -----
    ``y = image_weight * x + frost_weight * texture``. A published quirk: of the six textures that were
    released, five are drawn from. At small sizes the texture is shrunk by ``texture_scale`` first.
    """
    height, width = image.shape[:2]
    ice = textures.texture(draws.integer(bits, len(textures.SHA256)), texture_scale, height, width)
    top, left = draws.integer(bits, ice.shape[0] - height), draws.integer(bits, ice.shape[1] - width)
    return pointwise.blend(image, ice, top, left, image_weight, frost_weight)


@corruption(
    "weather",
    imagenet=[(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)],
    imagenet_299=[(1.5, 2), (2, 2), (2.5, 1.8), (2.5, 1.6), (3, 1.5)],
    tiny=[(0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75)],
    cifar=[(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)],
)
def fog(image: Image, bits: Bits, strength: float, wibbledecay: float) -> Image:
    """Fog banks: a plasma fractal added to the image.

    Notes
    -----
    ``y = (x + strength * plasma) * m / (m + strength)``, with ``m`` the maximum of the image and a plasma
    fractal between 0 and 1 whose roughness falls by ``wibbledecay`` at each of its scales. Where the
    plasma is near 0, the image becomes darker.
    """
    height, width = image.shape[:2]
    mapsize = 1 << (max(height, width) - 1).bit_length()  # the next power of two that covers the image
    return plasma.blend(image, plasma.fractal(bits, mapsize, wibbledecay), strength)


@corruption(
    "weather",
    imagenet=[0.1, 0.2, 0.3, 0.4, 0.5],
    imagenet_299=[0.1, 0.2, 0.3, 0.4, 0.5],
    tiny=[0.1, 0.2, 0.3, 0.4, 0.5],
    cifar=[0.05, 0.1, 0.15, 0.2, 0.3],
)
def brightness(image: Image, shift: float) -> Image:
    """Brighter daylight: the value V of HSV is increased.

    Notes
    -----
    ``V = clip(V + shift, 0, 1)`` in HSV.
    """
    return hsv.brighten(image, shift)


@corruption(
    "weather",
    extra=True,
    imagenet=[
        (0.65, 0.3, 4, 0.69, 0.6, 0),
        (0.65, 0.3, 3, 0.68, 0.6, 0),
        (0.65, 0.3, 2, 0.68, 0.5, 0),
        (0.65, 0.3, 1, 0.65, 1.5, 1),
        (0.67, 0.4, 1, 0.65, 1.5, 1),
    ],
    imagenet_299=[
        (0.65, 0.3, 4, 0.69, 0.9, 0),
        (0.65, 0.3, 3.5, 0.68, 0.9, 0),
        (0.65, 0.3, 3, 0.68, 0.8, 0),
        (0.65, 0.3, 1.2, 0.65, 1.8, 1),
        (0.67, 0.4, 1.2, 0.65, 1.8, 1),
    ],
    tiny=[
        (0.62, 0.1, 0.7, 0.7, 0.6, 0),
        (0.65, 0.1, 0.8, 0.7, 0.6, 0),
        (0.65, 0.3, 1, 0.69, 0.6, 0),
        (0.65, 0.1, 0.7, 0.68, 0.6, 1),
        (0.65, 0.1, 0.5, 0.67, 0.6, 1),
    ],
    cifar=[
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ],
)
def spatter(
    image: Image,
    bits: Bits,
    loc: float,
    scale: float,
    sigma: float,
    threshold: float,
    amount: float,
    muddy: int,
) -> Image:
    """Drops on the lens: water at severities 1 to 3, mud at 4 and 5.

    Notes
    -----
    A normal field of ``loc`` and ``scale``, smoothed by ``sigma`` and cut off below ``threshold``, is the
    liquid. As water it is added in a pale turquoise, with bright and dark edges; as mud it covers the
    image in brown. A published quirk: the liquid changes between severities 3 and 4.
    """
    height, width = image.shape[:2]
    layer = liquid.drops(bits, height, width, loc, scale, sigma, threshold)
    if muddy:
        return liquid.mud(image, layer, threshold, amount)
    return liquid.water(image, layer, amount)
