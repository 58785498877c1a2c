"""Zoom blur of ImageNet-P: a running mean of increasingly enlarged copies of the image, in single precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import projection as maps
from . import sampling
from .channels import interleave
from .compiled import kernel
from .types import Frames, View


def running_mean(view: View, factors: Sequence[float]) -> Frames:
    """Average the window with zoomed copies of the image, one more of ``factors`` in each frame.

    Parameters
    ----------
    view : View
        The image and the window of each frame.
    factors : sequence of float
        At least 1 each.

    Returns
    -------
    ndarray of uint8, shape (1 + number of factors, height, width, 3)
        The first frame is the window itself. The copies are those of Pillow's bilinear ``Image.transform``; their
        running sum of values from 0 to 1 in float32 is divided by their number, multiplied by 255 and truncated.
    """
    height, width = view.image.shape[:2]
    rows, columns = [], []
    for factor in factors:
        # There is no rotation: the maps of rows and columns are separate, and every position is inside the image.
        x_step, _, x_start, _, y_step, y_start = maps.affine(height, width, scale=factor)
        rows.append(y_step * (np.arange(view.top, view.top + view.height) + 0.5) + y_start - 0.5)
        columns.append(x_step * (np.arange(view.left, view.left + view.width) + 0.5) + x_start - 0.5)
    above, down = _split(rows)
    before, right = _split(columns)
    crop = view.crop
    total = np.ascontiguousarray(crop.transpose(0, 2, 1)) / np.float32(255.0)
    out = np.empty((1 + len(factors), view.height, 3 * view.width), np.uint8)
    out[0] = crop.reshape(view.height, -1)
    _add_copies(sampling.pack(view.image, 1, "edge"), above, down, before, right, total, out)
    return out.reshape(-1, view.height, view.width, 3)


def _split(places: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Split positions on an axis into the preceding pixel, counted in the padded image, and the fraction."""
    stacked = np.array(places, dtype=np.float64)
    before = np.floor(stacked)
    return before.astype(np.int64) + 1, stacked - before


@kernel
def _add_copies(packed, rows, down, columns, right, total, out):
    count, height = rows.shape
    width = columns.shape[1]
    pairs = np.empty(width, np.uint64)
    lines = np.empty((2, 3, width))
    channels = np.empty((3, width), np.uint8)
    for n in range(count):
        number, done = np.float32(n + 2), -1
        for i in range(height):
            above = rows[n, i]
            for row in range(max(done + 1, above), above + 2):
                _fetch(packed[row], columns[n], pairs)
                _across(pairs.view(np.uint32), right[n], lines[row % 2])
                done = row
            upper, lower = lines[above % 2], lines[(above + 1) % 2]
            for channel in range(3):
                _down(
                    upper[channel], lower[channel], down[n, i], number, total[i, channel], channels[channel]
                )
            interleave(channels[0], channels[1], channels[2], out[n + 1, i])


@kernel
def _fetch(line, columns, pairs):
    for j in range(columns.size):
        pairs[j] = line[np.uint64(columns[j])]


@kernel
def _across(words, right, lines):
    red, green, blue = lines[0], lines[1], lines[2]
    for j in range(right.size):
        red[j] = sampling.between(words[2 * j], words[2 * j + 1], right[j])
        green[j] = sampling.between(words[2 * j] >> np.uint32(8), words[2 * j + 1] >> np.uint32(8), right[j])
        blue[j] = sampling.between(words[2 * j] >> np.uint32(16), words[2 * j + 1] >> np.uint32(16), right[j])


@kernel
def _down(upper, lower, ratio, number, total, out):
    for j in range(out.size):
        value = np.int32(upper[j] + (lower[j] - upper[j]) * ratio)
        summed = total[j] + np.float32(value) / np.float32(255.0)
        total[j] = summed
        out[j] = np.uint8(np.int32(summed / number * np.float32(255.0)))
