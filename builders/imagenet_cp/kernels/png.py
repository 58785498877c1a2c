"""Filters of the rows of a PNG image, chosen as by libpng."""

from __future__ import annotations

import numpy as np

from .compiled import kernel


@kernel
def filter_rows(padded):
    """Filter each row with the type whose residuals, as signed bytes, have the least sum of magnitudes.

    Takes uint8 (1 + H, 3 + 3 W), the image below a row and to the right of a pixel of zeros; returns uint8
    (H (1 + 3 W),), each row with its type before it. The types are none, sub, up, average and Paeth; of equal ones the
    first.
    """
    # Loops with signed indices, which may be negative, are not vectorized.
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    values, stride = padded.reshape(-1), np.uint64(padded.shape[1])
    height, length = np.uint64(padded.shape[0]) - one, stride - three
    out, at = np.empty(height * (length + one), np.uint8), np.uint64(0)
    residuals = np.empty(5 * length, np.uint8)
    for i in range(height):
        start = (i + one) * stride + three
        for j in range(length):
            here = start + j
            x, left = np.int16(values[here]), np.int16(values[here - three])
            up, corner = np.int16(values[here - stride]), np.int16(values[here - stride - three])
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            nearer = left if to_left <= to_up else up
            paeth = nearer if min(to_left, to_up) <= to_corner else corner
            residuals[j] = x
            residuals[j + length] = x - left
            residuals[j + two * length] = x - up
            residuals[j + three * length] = x - ((left + up) >> 1)
            residuals[j + (two + two) * length] = x - paeth
        best, least = np.uint64(0), np.uint32(0xFFFFFFFF)
        for k in range(5):
            kind = np.uint64(k)
            # libpng filters a single row by none or sub only, a single column by none or up.
            if (height == one and k > 1) or (length == three and k not in (0, 2)):
                continue
            total = np.uint32(0)
            for j in range(kind * length, (kind + one) * length):
                total += np.uint32(min(residuals[j], np.uint8(-residuals[j])))
            if total < least:
                best, least = kind, total
        out[at] = best
        for j in range(length):
            out[at + one + j] = residuals[best * length + j]
        at += one + length
    return out
