"""The three channels of a row of pixels, taken apart and put together."""

from __future__ import annotations

from .compiled import kernel


@kernel
def split(line, red, green, blue):
    """Copy the channels of ``line``, pixel after pixel, to an array each."""
    for j in range(line.size // 3):
        red[j], green[j], blue[j] = line[3 * j], line[3 * j + 1], line[3 * j + 2]


@kernel
def interleave(red, green, blue, out):
    """Copy three channels to ``out``, pixel after pixel."""
    for j in range(out.size // 3):
        out[3 * j], out[3 * j + 1], out[3 * j + 2] = red[j], green[j], blue[j]
