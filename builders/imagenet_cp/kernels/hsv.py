"""Brightness and saturation: a shift of V, a scaling of S, in HSV exactly as scikit-image computes it.

The largest and the smallest of a pixel's three values stay the largest and the smallest; their new values come
from a table. The middle one is, but for rounding, linear between them: it is computed in fixed point, and
where that ends so near a whole number that scikit-image's rounding decides, once more by its own formulas.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .types import Image

BLOCK = 512  # pixels worked on at a time
FRACTION = 22  # bits behind the point; 8 before it leave two of 32 free
# The slope of the line is off by at most half a unit, the middle value by at most 256 of them.
DOUBT = 1 << 8
LEVELS = np.arange(256) / 255.0


def brighten(image: Image, shift: float) -> Image:
    """Add ``shift`` to V in HSV and clip it to 0..1.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB, C-contiguous. It is not changed.
    shift : float
        Of V, on the scale from 0 to 1; it may be negative.

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
        RGB, C-contiguous. It is not changed.
    factor, shift : float
        Of S, on the scale from 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        ``uint8(clip(hsv2rgb(...), 0, 1) * 255)``, truncated. Grey has the hue 0: a shift tints it red.
    """
    return _convert(image, float(factor), float(shift), 0.0)


def _convert(image: Image, factor: float, shift: float, lift: float) -> Image:
    """Make S to ``S * factor + shift`` and V to ``V + lift``, both clipped to 0..1."""
    table, offset = _table(factor, shift, lift)
    return _apply(image, table, offset, LEVELS, factor, shift, lift)


@lru_cache(maxsize=64)
def _table(factor: float, shift: float, lift: float) -> tuple[NDArray[np.uint64], int]:
    """Return what becomes of the pixels with the largest value M and the smallest m, at ``[M << 8 | m]``.

    Each entry holds, from its low end, the new smallest value (8 bits before the point, FRACTION behind it; its
    whole part is exact), the difference between the new largest value and ``clip(M + offset, 0, 255)``, which
    is 0 or 1 (2 bits), and the slope of the line from the smallest to the largest value (32 bits).
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
    offset = math.floor(lift * 255.0 - 1e-6)  # if a whole number, one less: rounding may have taken it away
    extra = high - np.clip(level + offset, 0.0, 255.0)
    entry = start.astype(np.uint64) | slope.astype(np.uint64) << np.uint64(32)
    return (entry | extra[:, None].astype(np.uint64) << np.uint64(30)).reshape(-1), offset


@kernel
def _exact_middle(r, g, b, factor, shift, lift):
    """Return the middle of the three values, which differ, as rgb2hsv and hsv2rgb of scikit-image round it."""
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
    return np.uint8(np.int32(value * (1.0 - f * saturation) * 255.0))


@kernel
def _apply(image, table, offset, levels, factor, shift, lift):
    flat, out = image.reshape(-1), np.empty(image.size, np.uint8)
    red, green, blue = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    high, low, above = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    new_high, new_middle = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    new_low = np.empty(BLOCK, np.uint8)
    key, entry = np.empty(BLOCK, np.uint16), np.empty(BLOCK, np.uint64)
    between, doubtful = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    eight_doubtful = doubtful.view(np.uint64)
    doubts, answers = np.empty(BLOCK + 1, np.uint16), np.empty(BLOCK, np.uint8)
    r, g, b = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    offset32 = np.int32(offset)
    mask = np.uint32((1 << FRACTION) - 1)

    for start in range(0, flat.size, 3 * BLOCK):
        source, target = flat[start : start + 3 * BLOCK], out[start : start + 3 * BLOCK]
        for i in range(source.size // 3):
            red[i], green[i], blue[i] = source[3 * i], source[3 * i + 1], source[3 * i + 2]
        count = source.size // 3
        for i in range(count):
            most, least = max(red[i], green[i]), min(red[i], green[i])
            middle = max(least, min(most, blue[i]))
            most, least = max(most, blue[i]), min(least, blue[i])
            high[i], low[i], above[i] = most, least, middle - least
            between[i] = (middle != most) & (middle != least)
            key[i] = np.uint16(most) << np.uint16(8) | np.uint16(least)
        for i in range(count):
            entry[i] = table[key[i]]
        for i in range(count):
            lower, slope = np.uint32(entry[i]), np.uint32(entry[i] >> np.uint64(32))
            base = lower & np.uint32((1 << 30) - 1)
            fixed = np.uint32(base + slope * np.uint32(above[i]))
            new_low[i] = np.uint8(base >> np.uint32(FRACTION))
            new_middle[i] = np.uint8(fixed >> np.uint32(FRACTION))
            shifted = min(max(np.int32(high[i]) + offset32, np.int32(0)), np.int32(255))
            new_high[i] = np.uint8(shifted + np.int32(lower >> np.uint32(30)))
            near = np.uint32(fixed + np.uint32(DOUBT)) & mask
            doubtful[i] = np.uint8(near <= np.uint32(2 * DOUBT)) & between[i]

        for i in range(count, BLOCK):
            doubtful[i] = 0
        n = 0
        for eight in range(BLOCK // 8):
            if eight_doubtful[eight] != 0:
                for i in range(8 * eight, 8 * eight + 8):
                    doubts[n] = i
                    n += doubtful[i]
        for k in range(n):
            i = doubts[k]
            r[k], g[k], b[k] = levels[red[i]], levels[green[i]], levels[blue[i]]
        for k in range(n):
            answers[k] = _exact_middle(r[k], g[k], b[k], factor, shift, lift)
        for k in range(n):
            new_middle[doubts[k]] = answers[k]

        for i in range(count):
            x, y, z = red[i], green[i], blue[i]
            most, least, top, middle, bottom = high[i], low[i], new_high[i], new_middle[i], new_low[i]
            # Of a grey pixel red becomes the largest value, the others the smallest: its hue is 0.
            red[i] = top if x == most else (bottom if x == least else middle)
            green[i] = bottom if y == least else (top if y == most else middle)
            blue[i] = bottom if z == least else (top if z == most else middle)
        for i in range(target.size // 3):
            target[3 * i], target[3 * i + 1], target[3 * i + 2] = red[i], green[i], blue[i]
    return out.reshape(image.shape)
