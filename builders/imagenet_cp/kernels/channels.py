"""Splitting and interleaving of the channels of pixels, and packing of each pixel into one word."""

from __future__ import annotations

import numpy as np

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


@kernel
def pack(values, words):
    """Put each pixel into a word: red in the lowest byte, then green and blue."""
    for j in range(words.size):
        words[j] = values[3 * j] | np.uint32(values[3 * j + 1]) << 8 | np.uint32(values[3 * j + 2]) << 16


@kernel
def unpack(words, values):
    """Write the pixels of words."""
    for j in range(words.size):
        word = words[j]
        values[3 * j], values[3 * j + 1], values[3 * j + 2] = word & 255, word >> 8 & 255, word >> 16
