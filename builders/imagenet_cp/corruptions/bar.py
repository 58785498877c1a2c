"""The corruptions of ImageNet-C-bar and CIFAR-10-C-bar (Mintun, Kirillov & Xie, NeurIPS 2021).

They are perceptually apart from ImageNet-C's. A severity stands for a level from 0 to 10, which the authors chose such
that a set is as hard as ImageNet-C or CIFAR-10-C. Images are squares, as in the published functions.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from ..kernels import checkerboard, draws, nested, perlin, refraction, spectrum, splines, waves
from ..kernels import lines as drawn
from ..kernels import sparkles as stars
from ..kernels.rng import Bits
from ..kernels.types import Image
from .registry import corruption

bar = functools.partial(corruption, suite="c_bar")


def _scaled(level: float, most: float) -> float:
    """Return the value of a parameter at a level, ``most`` being that at level 10."""
    return level * most / 10


def _side(image: Image) -> int:
    """Return the side of a square image.

    Raises
    ------
    ValueError
        The image is not a square, or its side is odd or less than 32 pixels.
    """
    height, width = image.shape[:2]
    if height != width or height % 2 or height < 32:
        raise ValueError(
            "the corruptions of ImageNet-C-bar take squares with an even side, from 32 x 32 pixels, not "
            f"{height} x {width}; crop or enlarge the image"
        )
    return height


def _uniform(bits: Bits, low: float, high: float) -> float:
    return float(draws.uniform(bits, low, high, 1)[0])


def _integer(bits: Bits, low: int, high: int) -> int:
    return int(draws.integers(bits, low, high, 1)[0])


@bar("obscuring", imagenet=[0.8, 1.6, 2.4, 4, 5.6], cifar=[0.7, 1.4, 2.1, 3.5, 4.2])
def blue_noise_sample(image: Image, bits: Bits, level: float) -> Image:
    """Black pixels, spread evenly: the others are where blue noise exceeds a threshold."""
    _side(image)
    return spectrum.hide(image, nested.seed(bits), _scaled(level, 3) - 2.5)


@bar("additive noise", imagenet=[1, 2, 3, 4, 5], cifar=[2.5, 4, 5.5, 6.5, 7])
def brownish_noise(image: Image, bits: Bits, level: float) -> Image:
    """Clouds of colour: noise whose power falls with the square of the frequency is added to each channel."""
    _side(image)
    return spectrum.tint(image, nested.seed(bits), _scaled(level, 64))


@bar("distortion", imagenet=[2.35, 3.2, 4.9, 6.6, 9.15])
def caustic_refraction(image: Image, bits: Bits, level: float) -> Image:
    """An image under moving water: refracted, with bright lines where the light gathers."""
    side = _side(image)
    time, size = _uniform(bits, 0.5, 2), _uniform(bits, 0.75, 1.25) * side
    return refraction.caustic(image, time, size, _scaled(level, 0.5 * side), _scaled(level, 2))


@bar("obscuring", imagenet=[2, 3, 4, 5, 6], cifar=[1, 2, 3, 4, 5])
def checkerboard_cutout(image: Image, bits: Bits, level: float) -> Image:
    """Grey cells: some of those of one colour of a turned checkerboard hide the image."""
    side = _side(image)
    angle = _uniform(bits, 0, 2 * math.pi)
    scale = max(_uniform(bits, 0.1, 0.25) * side, 1)
    count = int(4 * side // scale)
    cells = nested.uniform(nested.seed(bits), count * count).reshape(count, count)
    return checkerboard.cut_out(image, angle, scale, cells < _scaled(level, 1))


@bar("blur", cifar=[2.8, 3.6, 4.4, 5.2, 6])
def circular_motion_blur(image: Image, level: float) -> Image:
    """Blur along circles: the weighted mean of 21 rotations."""
    _side(image)
    return splines.spin(image, _scaled(level, 15))


@bar("additive noise", imagenet=[3, 5, 8, 9, 10])
def cocentric_sine_waves(image: Image, bits: Bits, level: float) -> Image:
    """Rings around a point, wavy and with sharp edges, are added to the image."""
    side = _side(image)
    left, top = draws.uniform(bits, 0, side, 2).tolist()
    frequency = _uniform(bits, 0, 10)
    wobble, ring = _uniform(bits, 0, side / 10), _uniform(bits, 0, side / 10)
    return waves.rings(image, left, top, frequency, wobble, ring, _scaled(level, 128))


@bar("additive noise", imagenet=[1, 2, 4, 9, 10], cifar=[1, 1.5, 2.5, 4.5, 5])
def inverse_sparkles(image: Image, bits: Bits, level: float) -> Image:
    """White surroundings: only the centre of a star with many rays shows the image."""
    side = _side(image)
    centre = draws.uniform(bits, 0.25, 0.75, 2) * side
    seed, count = nested.seed(bits), _integer(bits, 50, 200)
    radius = 0.25 * side
    rays = radius + 0.25 * radius * nested.normals(seed, count)
    return stars.whiten(image, centre, rays, (100 - (100 - _scaled(level, 65))) / 50)


@bar("obscuring", cifar=[0.5, 1, 1.5, 2, 2.5])
def lines(image: Image, bits: Bits, level: float) -> Image:
    """Thin grey lines across the image, in similar directions."""
    side = _side(image)
    angle, variation = _uniform(bits, 0, 2 * math.pi), _uniform(bits, 0.1, 1)
    count = int(_scaled(level, 1) * side)
    points = nested.uniform(nested.seed(bits), 3 * count).reshape(count, 3)
    return drawn.draw(image, points, angle, variation)


@bar("additive noise", imagenet=[4.6, 5.2, 5.8, 7.6, 8.8])
def perlin_noise(image: Image, bits: Bits, level: float) -> Image:
    """Bright mist: the image is blended with the turbulence of Perlin noise."""
    _side(image)
    return perlin.turbulence(image, nested.seed(bits), _scaled(level, 0.5))


@bar("distortion", cifar=[5.5, 6, 6.5, 8.5, 10])
def pinch_and_twirl(image: Image, bits: Bits, level: float) -> Image:
    """Nine discs, each pinched and turned to the left or to the right."""
    _side(image)
    directions = 1 - 2 * draws.integers(bits, 0, 2, (3, 3))
    return refraction.pinch_and_twirl(
        image, directions * np.float64(_scaled(level, math.pi / 2)), _scaled(level, 0.4) + 0.1
    )


@bar("additive noise", imagenet=[4.75, 7, 8.5, 9.25, 10])
def plasma_noise(image: Image, bits: Bits, level: float) -> Image:
    """Colours of a plasma: the image is blended with nested sines."""
    side = _side(image)
    time, count = _uniform(bits, 0, 6 * math.pi), _integer(bits, 4, 7)
    sharpness, scale = _uniform(bits, 0.5, 1), _uniform(bits, 0.075, 0.2) * side
    return waves.plasma(image, time, count, sharpness, scale, _scaled(level, 64))


@bar("distortion", cifar=[5.5, 6, 6.5, 7.5, 8])
def ripple(image: Image, bits: Bits, level: float) -> Image:
    """Wavy rows and columns: both are shifted by sines."""
    side = _side(image)
    wavelengths, phases = draws.uniform(bits, 0.1, 0.3, 2) * side, draws.uniform(bits, 0, 2 * math.pi, 2)
    return refraction.ripple(image, wavelengths, phases, _scaled(level, 0.025) * side)


@bar("additive noise", imagenet=[1, 1.5, 2, 4.5, 5])
def single_frequency_greyscale(image: Image, bits: Bits, level: float) -> Image:
    """Stripes of one frequency and direction are added to the image."""
    _side(image)
    first = _uniform(bits, -math.pi, math.pi)
    frequencies = first, _uniform(bits, -abs(first), abs(first))
    across, down = (frequencies[i] for i in nested.permutation(bits, 2))
    return waves.single_frequency(image, across, down, _uniform(bits, 0, 2 * math.pi), _scaled(level, 196))


@bar("additive noise", imagenet=[1, 2, 3, 5, 6], cifar=[0.7, 3.5, 5.6, 6.3, 7])
def sparkles(image: Image, bits: Bits, level: float) -> Image:
    """Five bright stars with many rays."""
    side = _side(image)
    centres = draws.uniform(bits, 0, side, (5, 2))
    seed, counts = nested.seed(bits), draws.integers(bits, 50, 200, 5)
    radius = _scaled(level, 0.1) * side
    rays = np.maximum(1, radius + 0.25 * radius * nested.normals(seed, int(counts.sum())))
    return stars.brighten(image, centres, rays, counts)


@bar("blur", cifar=[1, 2, 5, 9, 10])
def transverse_chromatic_abberation(image: Image, bits: Bits, level: float) -> Image:
    """Coloured edges, as of a lens: each channel is blurred and enlarged by another factor."""
    _side(image)
    most = _scaled(level, 0.5)
    factors = (1, 1 + most / 2, 1 + most)
    red, green, blue = (factors[i] for i in nested.permutation(bits, 3))
    return splines.aberrate(image, (red, green, blue))
