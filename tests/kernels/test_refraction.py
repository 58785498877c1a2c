"""Pixels are refracted as one by one, shifts are rounded to thousandths, and levels truncated as by float64."""

import numpy as np

from imagenet_cp.kernels import refraction
from imagenet_cp.kernels.refraction import THOUSANDTH, THOUSANDTH_REST


def test_products_with_a_thousandth_are_quotients():
    whole = np.arange(-(2.0**19), 2.0**19)
    assert np.array_equal(whole * THOUSANDTH + whole * THOUSANDTH_REST, whole / 1000)


def test_levels_are_those_of_float64():
    edges = np.concatenate([np.arange(256) / 255, np.arange(257) / 256]).astype(np.float32)
    values = np.concatenate(
        [edges + k * np.spacing(edges) for k in range(-3, 4)]
        + [np.random.default_rng(0).uniform(-0.5, 1.5, 1000).astype(np.float32)]
    )
    out = np.empty(values.size, np.uint8)
    refraction._levels(values, out)
    assert np.array_equal(out, (255.0 * np.clip(np.float64(values), 0, 1)).astype(np.uint8))


def test_all_pixels_are_those_of_bilinear():
    random, side, lens, light = np.random.default_rng(0), 34, 20.0, 0.4
    image = random.integers(0, 256, (side, side, 3), np.uint8)
    surface = np.zeros((side + 2, side + 2))
    surface[1:-1, 1:-1] = 0.02 * random.random((side, side))
    surface[8:16, 4:20] += 0.1 * random.random((8, 16))
    out, pixel, values = np.empty_like(image), np.empty(3), image.astype(np.float32) / np.float32(255)
    refraction._refract(image, surface, lens, light, out)
    for i in range(side):
        for j in range(side):
            down = surface[i + 2, j + 1] - surface[i, j + 1]
            across = surface[i + 1, j + 2] - surface[i + 1, j]
            square = down * down + across * across
            bend = (np.sqrt(1 + 15 / 16 * square) - 0.25) / (1 + square) * lens
            bend = bend if 1 + square > 1 / 0.999**2 else 0
            row, column = i + np.rint(1000 * down * bend) / 1000, j + np.rint(1000 * across * bend) / 1000
            dtype = np.float32 if refraction.bilinear(values, row, column, pixel) else np.float64
            lit = pixel.astype(dtype) + dtype(-across * light) + dtype(down * light)
            assert np.array_equal(
                out[i, j], (255.0 * np.clip(lit.astype(np.float64), 0, 1)).astype(np.uint8)
            ), (i, j)
