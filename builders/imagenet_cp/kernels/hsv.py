"""Brightness and saturation: a shift of V, a scaling of S, in HSV exactly as scikit-image computes it.

The largest and the smallest of a pixel's three values stay the largest and the smallest; their new values come
from a table. The middle one is, apart from rounding, linear between them: it is computed in fixed point, and where
the result is so near an integer that scikit-image's rounding decides, recomputed by scikit-image's formulas.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .channels import interleave, split
from .compiled import kernel
from .types import Image

BLOCK = 1024  # pixels processed at a time, so that they stay in the L1 cache
FRACTION = 22  # fractional bits; 8 integer bits leave two of 32 free
# The error of the slope is at most half a unit, that of the middle value at most 256 units.
ERROR_BOUND = 1 << 8
LEVELS = np.arange(256) / 255.0


def brighten(image: Image, shift: float) -> Image:
    """Add ``shift`` to V in HSV and clip it to 0..1.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. Not changed.
    shift : float
        Shift of V, on the scale from 0 to 1; may be negative.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip(hsv2rgb(...), 0, 1) * 255)``, truncated.
    """
    return _convert(image, 1.0, 0.0, float(shift))


def saturate(image: Image, factor: float, shift: float) -> Image:
    """Multiply S in HSV by ``factor``, add ``shift`` and clip it to 0..1.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. Not changed.
    factor, shift : float
        Factor and shift of S, on the scale from 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip(hsv2rgb(...), 0, 1) * 255)``, truncated. Grey has the hue 0: a shift tints it red.
    """
    return _convert(image, float(factor), float(shift), 0.0)


def _convert(image: Image, factor: float, shift: float, lift: float) -> Image:
    """Replace S by ``S * factor + shift`` and V by ``V + lift``, both clipped to 0..1."""
    table, offset = _table(factor, shift, lift)
    return _apply(image, table, offset, LEVELS, factor, shift, lift)


@lru_cache(maxsize=64)
def _table(factor: float, shift: float, lift: float) -> tuple[NDArray[np.uint64], int]:
    """Return the new values of pixels with largest value M and smallest value m, at ``[M << 8 | m]``.

    Each entry holds, from its lowest bit, the new smallest value (8 integer bits, which are exact, and FRACTION
    fractional bits), the difference between the new largest value and ``clip(M + offset, 0, 255)``, which is 0 or 1
    (2 bits), and the slope of the line from the smallest to the largest value (32 bits).
    """
    level = np.arange(256.0)
    largest, smallest = LEVELS[:, None], LEVELS[None, :]
    chroma = np.maximum(largest - smallest, 0.0)
    saturation = np.divide(chroma, largest, out=np.zeros_like(chroma), where=chroma > 0)
    saturation = np.clip(saturation * factor + shift, 0.0, 1.0)
    value = np.clip(largest + lift, 0.0, 1.0)
    low = value * (1.0 - saturation)

    unit = 1 << FRACTION
    whole = np.trunc(low * 255.0) * unit
    start = np.clip(np.rint(low * 255.0 * unit), whole, whole + (unit - 1))
    slope = np.rint((value - low) * 255.0 * unit / np.maximum(level[:, None] - level, 1.0))
    high = np.trunc(value[:, 0] * 255.0)
    offset = math.floor(lift * 255.0 - 1e-6)  # one less if it is an integer, which rounding may miss
    extra = high - np.clip(level + offset, 0.0, 255.0)
    entry = start.astype(np.uint64) | slope.astype(np.uint64) << np.uint64(32)
    return (entry | extra[:, None].astype(np.uint64) << np.uint64(30)).reshape(-1), offset


@kernel
def _exact_middle(r, g, b, factor, shift, lift):
    """Return 255 times the new middle value of three distinct values, rounded as by rgb2hsv and hsv2rgb."""
    value = max(max(r, g), b)
    chroma = value - min(min(r, g), b)
    part, sextant = g - b, 0.0
    if g == value:
        part, sextant = b - r, 2.0
    if b == value:
        part, sextant = r - g, 4.0
    hue = (sextant + part / chroma) / 6.0
    hue = hue + 1.0 if hue < 0.0 else hue
    saturation = min(max(chroma / value * factor + shift, 0.0), 1.0)
    value = min(max(value + lift, 0.0), 1.0)
    sixth = np.int32(hue * 6.0)
    f = hue * 6.0 - np.float64(sixth)
    f = f if sixth & 1 else 1.0 - f
    return value * (1.0 - f * saturation) * 255.0


@kernel
def _apply(image, table, offset, levels, factor, shift, lift):
    """Change S and V of every pixel.

    Notes
    -----
    The same in scikit-image::

        x = rgb2hsv(image / 255.0)
        x[..., 1] = np.clip(x[..., 1] * factor + shift, 0, 1)
        x[..., 2] = np.clip(x[..., 2] + lift, 0, 1)
        return (np.clip(hsv2rgb(x), 0, 1) * 255).astype(np.uint8)

    Here the values of each pixel are sorted, new ones are computed for the largest, the middle and the smallest, and
    each is written to the channel of the old one.
    """
    flat, out = image.reshape(-1), np.empty(image.size, np.uint8)
    old, new = np.empty((3, BLOCK), np.uint8), np.empty((3, BLOCK), np.uint8)
    rgb, rise = np.empty((3, BLOCK), np.uint8), np.empty(BLOCK, np.uint8)
    three, ambiguous = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    key, entry = np.empty(BLOCK, np.uint16), np.empty(BLOCK, np.uint64)
    marked, scratch = np.empty(BLOCK + 1, np.uint16), np.empty((3, BLOCK))
    red, green, blue = rgb[0], rgb[1], rgb[2]
    for start in range(0, flat.size, 3 * BLOCK):
        source = flat[start : start + 3 * BLOCK]
        count = source.size // 3
        split(source, red, green, blue)
        _sort(red, green, blue, count, old[0], old[2], rise, key, three)
        for i in range(count):
            entry[i] = table[key[i]]
        _compute(entry[:count], old[0], rise, three, np.int32(offset), new[0], new[1], new[2], ambiguous)
        ambiguous[count:] = 0
        _repair(rgb, ambiguous, marked, scratch, levels, factor, shift, lift, new[1])
        _replace(red, green, blue, count, old[0], old[2], new[0], new[1], new[2])
        interleave(red, green, blue, out[start : start + 3 * BLOCK])
    return out.reshape(image.shape)


@kernel
def _sort(red, green, blue, count, high, low, rise, key, three):
    """Find the largest and the smallest value, the middle one minus the smallest, and whether all three differ."""
    for i in range(count):
        most, least = max(red[i], green[i]), min(red[i], green[i])
        middle = max(least, min(most, blue[i]))
        most, least = max(most, blue[i]), min(least, blue[i])
        high[i], low[i], rise[i] = most, least, middle - least
        three[i] = (middle != most) & (middle != least)
        key[i] = np.uint16(most) << np.uint16(8) | np.uint16(least)


@kernel
def _compute(entry, high, rise, three, offset, new_high, new_middle, new_low, ambiguous):
    """Compute the new values from the table's entries; mark middle values that are too near an integer."""
    fraction, mask = np.uint32(FRACTION), np.uint32((1 << FRACTION) - 1)
    for i in range(entry.size):
        lower, slope = np.uint32(entry[i]), np.uint32(entry[i] >> np.uint64(32))
        base = lower & np.uint32((1 << 30) - 1)
        fixed = np.uint32(base + slope * np.uint32(rise[i]))
        new_low[i] = np.uint8(base >> fraction)
        new_middle[i] = np.uint8(fixed >> fraction)
        shifted = min(max(np.int32(high[i]) + offset, np.int32(0)), np.int32(255))
        new_high[i] = np.uint8(shifted + np.int32(lower >> np.uint32(30)))
        near = np.uint32(fixed + np.uint32(ERROR_BOUND)) & mask
        ambiguous[i] = np.uint8(near <= np.uint32(2 * ERROR_BOUND)) & three[i]


@kernel
def _repair(rgb, ambiguous, marked, scratch, levels, factor, shift, lift, new_middle):
    """Compute marked middle values exactly, all of a block together so that the loop is vectorized."""
    n, eights = 0, ambiguous.view(np.uint64)
    for eight in range(eights.size):
        if eights[eight] != 0:
            for i in range(8 * eight, 8 * eight + 8):
                marked[n] = i
                n += ambiguous[i]
    r, g, b = scratch[0], scratch[1], scratch[2]
    for k in range(n):
        i = marked[k]
        r[k], g[k], b[k] = levels[rgb[0, i]], levels[rgb[1, i]], levels[rgb[2, i]]
    for k in range(n):
        r[k] = _exact_middle(r[k], g[k], b[k], factor, shift, lift)
    for k in range(n):
        new_middle[marked[k]] = np.uint8(np.int32(r[k]))


@kernel
def _replace(red, green, blue, count, high, low, new_high, new_middle, new_low):
    """Write each new value to the channel of the old one; in a grey pixel red gets the largest, as its hue is 0."""
    for i in range(count):
        r, g, b = red[i], green[i], blue[i]
        most, least, top, middle, bottom = high[i], low[i], new_high[i], new_middle[i], new_low[i]
        red[i] = top if r == most else (bottom if r == least else middle)
        green[i] = bottom if g == least else (top if g == most else middle)
        blue[i] = bottom if b == least else (top if b == most else middle)
