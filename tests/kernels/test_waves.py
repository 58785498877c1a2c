"""Whole parts are added to levels as sums of levels and values are truncated."""

import numpy as np

from imagenet_cp.kernels import waves


def test_a_layer_is_added_as_sums_are_truncated():
    below = np.nextafter([1.0, 3.0, 98.0, -2.0, 0.0], -np.inf)
    rows = (
        np.random.default_rng(0).uniform(-98, 98, 40),
        np.array([*below, 0.0, -0.0, 2.0, -1.0, -1e-20, 2.0 - 2.0**-41, np.nan]),
        np.arange(-98.0, 98),
    )
    for layer in rows:
        for value in (0, 1, 97, 254, 255):
            row = np.full(3 * layer.size, value, np.uint8)
            out, whole, triple = (
                np.empty_like(row),
                np.empty(layer.size, np.int16),
                np.empty(row.size, np.int16),
            )
            waves.add_row(row, layer, whole, triple, out)
            sums = np.repeat(np.nan_to_num(value + layer, nan=0.0), 3)
            assert np.array_equal(out, np.clip(sums, 0, 255).astype(np.uint8))
