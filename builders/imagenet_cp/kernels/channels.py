"""Splitting and interleaving of the three channels of a row of pixels."""

from __future__ import annotations

from .compiled import kernel


@kernel
def split(line, red, green, blue):
    """Copy each channel of the interleaved pixels of ``line`` to an array of its own."""
    for j in range(line.size // 3):
        red[j], green[j], blue[j] = line[3 * j], line[3 * j + 1], line[3 * j + 2]


@kernel
def interleave(red, green, blue, out):
    """Copy three channels to ``out`` as interleaved pixels."""
    for j in range(out.size // 3):
        out[3 * j], out[3 * j + 1], out[3 * j + 2] = red[j], green[j], blue[j]
