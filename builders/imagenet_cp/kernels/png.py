"""Filters of the rows of a PNG image, chosen as by libpng."""

from __future__ import annotations

import numpy as np

from .compiled import kernel


@kernel
def filter_rows(rows):
    """Filter each row with the type whose residuals, as signed bytes, have the least sum of magnitudes.

    Takes uint8 (H, 3 W); returns uint8 (H, 1 + 3 W), each row with its type before it. The types are none,
    sub, up, average and Paeth; of equal ones the first.
    """
    height, length = rows.shape
    out = np.empty((height, length + 1), np.uint8)
    candidates = np.empty((5, length), np.uint8)
    # Each with the pixel to the left of its first, which counts as zero.
    row, above = np.zeros(length + 3, np.uint8), np.zeros(length + 3, np.uint8)
    for i in range(height):
        row[3:] = rows[i]
        for j in range(length):
            x, left = np.int16(row[j + 3]), np.int16(row[j])
            up, corner = np.int16(above[j + 3]), np.int16(above[j])
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            nearer = left if to_left <= to_up else up
            paeth = nearer if min(to_left, to_up) <= to_corner else corner
            candidates[0, j] = x
            candidates[1, j] = x - left
            candidates[2, j] = x - up
            candidates[3, j] = x - ((left + up) >> 1)
            candidates[4, j] = x - paeth
        best, least = 0, np.uint32(0xFFFFFFFF)
        for k in range(5):
            # libpng filters a single row by none or sub only, a single column by none or up.
            if (height == 1 and k > 1) or (length == 3 and k not in (0, 2)):
                continue
            total = np.uint32(0)
            for j in range(length):
                residual = candidates[k, j]
                total += np.uint32(min(residual, np.uint8(-residual)))
            if total < least:
                best, least = k, total
        out[i, 0] = best
        out[i, 1:] = candidates[best]
        row, above = above, row
    return out
