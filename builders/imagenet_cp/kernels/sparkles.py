"""Stars of many rays, brighter or darker than the image.

The intensity is guessed in float32. Beside it stands the bound of its error, from which the levels that are computed
exactly follow (see `kernels`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
# Levels: four roundings of values up to 255, and one to float32 before each of five stars.
LEVEL_ERROR = np.float32(9 * 2.0**-17)


def brighten(image: Image, centres: Field, rays: list[Field]) -> Image:
    """Turn an image white at the centre and along the rays of each star.

    Parameters
    ----------
    image : ndarray of uint8, shape (S, S, 3)
        Not changed.
    centres : ndarray of float64, shape (N, 2)
        Row and column of each star.
    rays : list of N ndarrays of float64, shape (rays,)
        Lengths of the rays of each star, around its centre.

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
    starts = np.cumsum([0, *(len(lengths) + 2 for lengths in rays)])
    _brighten(image, centres, np.concatenate([_closed(lengths) for lengths in rays]), starts, out)
    return out


@kernel
def _brighten(image, centres, rays, starts, out):
    height, width, _ = image.shape
    pairs = _pairs(rays)
    shade, bound, glow, error = _row(width), _row(width), _row(width), _row(width)
    between, place, chosen = _row(width), np.empty(width, np.int32), aligned(width).view(np.int64)
    triple, ambiguous = _row(6 * width).reshape(2, -1), np.empty(3 * width, np.uint8)
    across = _row(len(centres) * width).reshape(-1, width)
    for n in range(len(centres)):
        across[n] = _distances(centres[n, 1], width)
    for i in range(height):
        shade[:], bound[:] = ONE, ZERO
        for n in range(len(centres)):
            start, end = starts[n], starts[n + 1]
            y = i - centres[n, 0]
            _guess(y, across[n], pairs[start:end], 1.0, between, place, chosen, glow, error)
            for j in range(width):
                dark = ONE - glow[j]
                bound[j] = bound[j] * dark + shade[j] * error[j]
                shade[j] *= dark
        if _darken(image[i].reshape(-1), shade, bound, triple, out[i].reshape(-1), ambiguous):
            for j in range(width):
                if ambiguous[3 * j] | ambiguous[3 * j + 1] | ambiguous[3 * j + 2]:
                    for k in range(3):
                        out[i, j, k] = _brightened(i, j, image[i, j, k], centres, rays, starts)


@kernel
def _brightened(i, j, value, centres, rays, starts):
    v = np.float64(value)
    for n in range(len(centres)):
        v = np.float64(np.float32(v))
        v += intensity(i - centres[n, 0], j - centres[n, 1], rays[starts[n] : starts[n + 1]], 1.0) * (
            255.0 - v
        )
    return level(v)


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
    _whiten(image, centre[0], centre[1], _closed(rays), exponent, out)
    return out


@kernel
def _whiten(image, row, column, rays, exponent, out):
    height, width, _ = image.shape
    pairs = _pairs(rays)
    glow, error, across = _row(width), _row(width), _distances(column, width)
    between, place, chosen = _row(width), np.empty(width, np.int32), aligned(width).view(np.int64)
    triple, ambiguous = _row(6 * width).reshape(2, -1), np.empty(3 * width, np.uint8)
    for i in range(height):
        _guess(i - row, across, pairs, exponent, between, place, chosen, glow, error)
        if _darken(image[i].reshape(-1), glow, error, triple, out[i].reshape(-1), ambiguous):
            for j in range(width):
                if ambiguous[3 * j] | ambiguous[3 * j + 1] | ambiguous[3 * j + 2]:
                    shown = intensity(i - row, j - column, rays, exponent)
                    for k in range(3):
                        out[i, j, k] = level(255.0 + shown * (image[i, j, k] - 255.0))


def _closed(rays: Field) -> Field:
    """Append the first two rays, so that each has a next one, also at an angle rounded to a whole turn."""
    return np.concatenate([rays, rays[:1], rays[1:2]])


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
        margin += TWO * place_error * shine
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
def _darken(values, shade, error, triple, out, ambiguous):
    """Compute ``255 - (255 - values) * shade`` of a row, and mark the ambiguous levels; return 1 if there are any.

    ``triple`` is a buffer for the shade and the error of each value.
    """
    wide()
    for j in range(shade.size):
        triple[0, 3 * j] = triple[0, 3 * j + 1] = triple[0, 3 * j + 2] = shade[j]
        triple[1, 3 * j] = triple[1, 3 * j + 1] = triple[1, 3 * j + 2] = error[j]
    shades, errors, any_ambiguous = triple[0], triple[1], np.uint8(0)
    for j in range(out.size):
        dark = WHITE - np.float32(values[j])
        v, margin = WHITE - dark * shades[j], dark * errors[j] + (LEVEL_ERROR if errors[j] > ZERO else ZERO)
        low, high = np.int32(max(v - margin, ZERO)), np.int32(min(v + margin, WHITE))
        out[j] = low
        ambiguous[j] = np.uint8(high != low)
        any_ambiguous = np.uint8(any_ambiguous | ambiguous[j])
    return any_ambiguous
