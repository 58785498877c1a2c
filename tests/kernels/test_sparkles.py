"""The guess of a star's intensity is within its bound, and rarely ambiguous."""

import numpy as np
import pytest

from imagenet_cp.kernels import sparkles


@pytest.mark.parametrize(("radius", "exponent"), [(2.0, 1.0), (13.0, 1.0), (56.0, 0.13), (56.0, 1.3)])
def test_the_guess_is_within_its_bound(radius, exponent):
    random, width = np.random.default_rng(0), 224
    glow, error, place = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.int32)
    across = sparkles._distances(90.6, width)
    for count in (50, 83, 199):
        rays = np.empty(count + 2)
        sparkles._close(radius * (1 + 0.25 * random.standard_normal(count)), rays)
        pairs = sparkles._pairs(rays)
        for y in (-150.3, -9.1, -0.4, 0.2, 31.7):
            between, chosen = np.empty(width, np.float32), np.empty(width, np.int64)
            sparkles._guess(y, across, pairs, exponent, between, place, chosen, glow, error)
            exact = np.array([sparkles.intensity(y, j - 90.6, rays, exponent) for j in range(width)])
            assert (np.abs(glow - exact) <= error).all()
            assert np.mean(255 * error > 0.01) < 0.1
