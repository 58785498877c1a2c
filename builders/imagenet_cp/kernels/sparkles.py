"""Stars of many rays, brighter or darker than the image.

The intensity is guessed in float32. Beside it stands the bound of its error, from which the levels that are computed
exactly follow (see `kernels`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .channels import interleave, split
from .compiled import kernel
from .elementary import arctan2, power
from .types import Image
from .vectors import aligned, wide
from .waves import level

Field = NDArray[np.float64]


def _single(*values: float) -> tuple[np.float32, ...]:
    return tuple(np.float32(value) for value in values)


# Chebyshev approximations: of arctan(x) / x in x ** 2, for x from 0 to 1; of log2(1 + x) / x, for 1 + x from the root
# of a half to that of 2; and of 2 ** x, for x from -0.5 to 0.5. Their errors are 2e-8, 5e-8 and 2e-9.
A = _single(
    *(
        0.9999999817886557,
        -0.33333036709286273,
        0.19991872029109073,
        -0.14197797794085124,
        0.10618370636953849,
    ),
    *(-0.07456854826004547, 0.04213762358919304, -0.01573124912218365, 0.002766283501762026),
)
L = _single(
    *(
        1.4426950035679822,
        -0.7213474682495624,
        0.48091075345941253,
        -0.36069326813533614,
        0.28790326092450147,
    ),
    *(-0.2391698814010418, 0.21607822552243777, -0.20586188051276055, 0.1231096846719146),
)
E = _single(
    *(
        1.0,
        0.6931472067028326,
        0.24022650922288757,
        0.05550327226670302,
        0.009618056678524637,
        0.0013400428177615838,
    ),
    0.0001546144469856913,
)
SQRT_HALF = np.int32(0x3F3504F3)  # as the bits of a float32
ZERO, HALF, ONE, TWO, WHITE, LARGEST, TINY, HUGE, LINEAR = _single(0, 0.5, 1, 2, 255, 120, 1e-20, 1e20, 0.05)
# Bound of the error of a place among the rays, divided by their number: 4.5 roundings are those of the arctangent,
# three those of the product and the sums, which are an eighth of the rays at most.
PLACE_ERROR = (4.5 / (2 * math.pi) + 3 / 8) * 2.0**-24
# Of the square of a length by that of the distance; and of its power, whose logarithm is below 32.
RATIO_ERROR, POWER_ERROR = _single(12 * 2.0**-24, 64 * 2.0**-24)
# Of their product with the share of a place, which falls with the square of its distance to the middle of two rays:
# four roundings.
SHINE_ERROR = np.float32(4 * 2.0**-24)
# Levels: four roundings of values up to 255, and one to float32 before each of five stars.
LEVEL_ERROR = np.float32(9 * 2.0**-17)


def brighten(image: Image, centres: Field, rays: Field, counts: NDArray[np.int64]) -> Image:
    """Turn an image white at the centre and along the rays of each star.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    centres : ndarray of float64, shape (N, 2)
        Row and column of each star.
    rays : ndarray of float64, shape (rays,)
        Lengths of the rays of each star, around its centre; one star after the other.
    counts : ndarray of int64, shape (N,)
        Number of the rays of each star.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)

    Notes
    -----
    One after the other, with the `intensity` of each star::

        values = float32(values)
        values = values + intensity * (255 - values)
    """
    out = np.empty_like(image)
    _brighten(image, centres, rays, counts, out)
    return out


@kernel
def _brighten(image, centres, rays, counts, out):
    height, width, _ = image.shape
    closed, starts = np.empty(rays.size + 2 * counts.size), np.zeros(counts.size + 1, np.int64)
    for n in range(counts.size):
        start = starts[n]
        starts[n + 1] = start + counts[n] + 2
        _close(rays[start - 2 * n : start - 2 * n + counts[n]], closed[start : starts[n + 1]])
    pairs = _pairs(closed)
    shades, bounds, glow, error = _row(height * width), _row(height * width), _row(width), _row(width)
    between, place, chosen = _row(width), np.empty(width, np.int32), aligned(width).view(np.int64)
    across = _row(counts.size * width).reshape(-1, width)
    for n in range(counts.size):
        across[n] = _distances(centres[n, 1], width)
    shades[:], bounds[:] = ONE, ZERO
    for i in range(height):
        shade, bound = shades[i * width : (i + 1) * width], bounds[i * width : (i + 1) * width]
        for n in range(counts.size):
            y, star = i - centres[n, 0], pairs[starts[n] : starts[n + 1]]
            _guess(y, across[n], star, 1.0, between, place, chosen, glow, error)
            for j in range(width):
                dark = ONE - glow[j]
                bound[j] = bound[j] * dark + shade[j] * error[j]
                shade[j] *= dark
    intensities = np.empty(counts.size)
    for pixel in _darken(image, shades, bounds, out):
        i, j = pixel // width, pixel % width
        for n in range(counts.size):
            star = closed[starts[n] : starts[n + 1]]
            intensities[n] = intensity(i - centres[n, 0], j - centres[n, 1], star, 1.0)
        for k in range(3):
            v = np.float64(image[i, j, k])
            for n in range(counts.size):
                v = np.float64(np.float32(v))
                v += intensities[n] * (255.0 - v)
            out[i, j, k] = level(v)


def whiten(image: Image, centre: Field, rays: Field, exponent: float) -> Image:
    """Turn an image white, except at the centre and along the rays of a star.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    centre : ndarray of float64, shape (2,)
        Row and column of the star.
    rays : ndarray of float64, shape (rays,)
        Lengths of the rays.
    exponent : float
        The larger it is, the sooner the image turns white.

    Returns
    -------
    ndarray of uint8, shape (S, S, 3)

    Notes
    -----
    With the `intensity` of the star, ``255 + intensity * (values - 255)``.
    """
    out = np.empty_like(image)
    _whiten(image, centre[0], centre[1], rays, exponent, out)
    return out


@kernel
def _whiten(image, row, column, rays, exponent, out):
    height, width, _ = image.shape
    closed = np.empty(rays.size + 2)
    _close(rays, closed)
    pairs = _pairs(closed)
    glow, error, across = _row(height * width), _row(height * width), _distances(column, width)
    between, place, chosen = _row(width), np.empty(width, np.int32), aligned(width).view(np.int64)
    for i in range(height):
        part = slice(i * width, (i + 1) * width)
        _guess(i - row, across, pairs, exponent, between, place, chosen, glow[part], error[part])
    for pixel in _darken(image, glow, error, out):
        i, j = pixel // width, pixel % width
        shown = intensity(i - row, j - column, closed, exponent)
        for k in range(3):
            out[i, j, k] = level(255.0 + shown * (image[i, j, k] - 255.0))


@kernel
def _close(rays, out):
    """Copy rays and append the first two, so that each has a next one, also at an angle rounded to a whole turn."""
    out[: rays.size] = rays
    out[rays.size :] = rays[:2]


@kernel
def intensity(y, x, rays, exponent):
    """Return the intensity of a star: 1 at its centre, less between two rays and beyond their ends.

    Parameters
    ----------
    y, x : float
        Distance to its centre, in pixels.
    rays : ndarray of float64, shape (rays + 2,)
        Their lengths; the first two again at the end.
    exponent : float
    """
    between = (arctan2(x, y) + math.pi) / (2.0 * math.pi) * (rays.size - 2)
    ray = np.int64(between)
    between -= ray
    length = rays[ray] + between * (rays[ray + 1] - rays[ray])
    ratio = length * length / (x * x + y * y + 1e-4)
    ratio = ratio if exponent == 1.0 else power(ratio, exponent)
    return min(max((1.0 - (between - 0.5) * (between - 0.5)) * ratio, 0.0), 1.0)


@kernel
def _row(width):
    return aligned(width // 2 + 1).view(np.float32)[:width]


@kernel
def _distances(column, width):
    """Return the distance of each column of pixels to a column, in float32."""
    distances = _row(width)
    for j in range(width):
        distances[j] = j - column
    return distances


@kernel
def _pairs(rays):
    """Return the length of each ray and its difference to that of the next, two float32 in a word: one lookup."""
    pairs = aligned(rays.size).view(np.int64)
    singles = pairs.view(np.float32)
    for k in range(rays.size - 1):
        singles[2 * k], singles[2 * k + 1] = rays[k], rays[k + 1] - rays[k]
    return pairs


@kernel
def _guess(y, across, pairs, exponent, between, place, chosen, glow, error):
    """Compute the intensity in a row at the distances y and ``across``, and the bound of its error.

    ``between``, ``place`` and ``chosen`` are buffers for the place of each pixel among the rays and the pair there.
    """
    wide()
    _locate(y, across, pairs.size - 2, place, between)
    for j in range(glow.size):
        chosen[j] = pairs[np.uint32(place[j])]
    singles = chosen.view(np.float32)
    square, place_error = np.float32(y * y + 1e-4), np.float32(PLACE_ERROR * (pairs.size - 2))
    factor, plain = np.float32(exponent), exponent == 1.0
    for j in range(glow.size):
        length, slope = singles[2 * j], singles[2 * j + 1]
        x, ray, distance = across[j], length + between[j] * slope, between[j] - HALF
        inverse = ONE / (x * x + square)
        ratio = ray * ray * inverse
        margin = TWO * place_error * abs(slope * ray) * inverse + RATIO_ERROR * ratio
        if not plain:
            relative = margin / max(ratio, TINY)
            ratio = _power(ratio, factor)
            margin = HUGE if relative > LINEAR else ratio * (factor * relative + POWER_ERROR)
        shine = (ONE - distance * distance) * ratio
        margin += (TWO * place_error * abs(distance) + SHINE_ERROR) * ratio
        glow[j] = min(shine, ONE)
        error[j] = ZERO if shine - margin >= ONE else min(margin, ONE)


@kernel
def _locate(y, distances, rays, place, between):
    """Compute the ray before each pixel of a row at the distance y, and the place between it and the next one.

    The place among the rays is a multiple of a quarter of them, plus or minus the angle to the nearest axis, which is
    below an eighth. The whole part of the former is added last, so that the fraction is precise.
    """
    wide()
    upper, down, part = y < 0.0, np.float32(abs(y)), np.float32(rays / (2.0 * math.pi))
    middle, quarter, axis = (
        np.float32(0.5 * rays),
        np.float32(0.25 * rays),
        np.float32(0.5 * rays if upper else 0.0),
    )
    for j in range(place.size):
        x = distances[j]
        across = abs(x)
        q = min(across, down) / max(max(across, down), TINY)
        z = q * q
        t = A[4] + z * (A[5] + z * (A[6] + z * (A[7] + z * A[8])))
        t = q * (A[0] + z * (A[1] + z * (A[2] + z * (A[3] + z * t)))) * part
        steep = across > down
        t, start = -t if steep != upper else t, quarter if steep else axis
        t, start = -t if x < ZERO else t, middle + (-start if x < ZERO else start)
        whole = np.floor(start)
        t += start - whole
        floor = np.floor(t)
        place[j], between[j] = np.int32(whole + floor), t - floor


@kernel
def _power(x, exponent):
    """Return ``x ** exponent`` of float32."""
    bits = np.float32(min(max(x, TINY), HUGE)).view(np.int32)
    k = (bits - SQRT_HALF) >> np.int32(23)
    f = np.int32(bits - (k << np.int32(23))).view(np.float32) - ONE
    t = L[4] + f * (L[5] + f * (L[6] + f * (L[7] + f * L[8])))
    y = exponent * (np.float32(k) + f * (L[0] + f * (L[1] + f * (L[2] + f * (L[3] + f * t)))))
    y = min(max(y, -LARGEST), LARGEST)
    k = np.int32(np.rint(y))
    f = y - np.float32(k)
    t = E[0] + f * (E[1] + f * (E[2] + f * (E[3] + f * (E[4] + f * (E[5] + f * E[6])))))
    return t * np.int32((k + np.int32(127)) << np.int32(23)).view(np.float32)


@kernel
def _darken(image, shade, error, out):
    """Compute ``255 - (255 - image) * shade``, and return the indices of the pixels with an ambiguous level."""
    size = shade.size
    planes, ambiguous = np.empty((6, size), np.uint8), np.empty(size, np.uint8)
    red, green, blue, darker_red, darker_green, darker_blue = planes
    split(image.reshape(-1), red, green, blue)
    _darken_planes(red, green, blue, shade, error, darker_red, darker_green, darker_blue, ambiguous)
    interleave(darker_red, darker_green, darker_blue, out.reshape(-1))
    return _marked(ambiguous)


@kernel
def _marked(flags):
    """Return the indices of the few flags that are set. Their number is a multiple of four."""
    words, marked, count = flags.view(np.uint32), np.empty(flags.size, np.int32), 0
    for w in range(words.size):
        if words[w]:
            for k in range(4 * w, 4 * w + 4):
                marked[count] = k
                count += flags[k]
    return marked[:count]


@kernel
def _darken_planes(red, green, blue, shade, error, darker_red, darker_green, darker_blue, ambiguous):
    wide()
    for j in range(shade.size):
        margin = LEVEL_ERROR if error[j] > ZERO else ZERO
        low_red, high_red = _bounds(red[j], shade[j], error[j], margin)
        low_green, high_green = _bounds(green[j], shade[j], error[j], margin)
        low_blue, high_blue = _bounds(blue[j], shade[j], error[j], margin)
        darker_red[j], darker_green[j], darker_blue[j] = low_red, low_green, low_blue
        ambiguous[j] = np.uint8((low_red != high_red) | (low_green != high_green) | (low_blue != high_blue))


@kernel
def _bounds(value, shade, error, margin):
    """Return the level of the lowest and of the highest result that a value may have; white stays white."""
    dark = WHITE - np.float32(value)
    v, margin = WHITE - dark * shade, dark * error + min(dark, margin)
    return np.int32(max(v - margin, ZERO)), np.int32(min(v + margin, WHITE))
