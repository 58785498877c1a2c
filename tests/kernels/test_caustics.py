"""The pattern of light follows its formula."""

import numpy as np
import pytest

from imagenet_cp.kernels import caustics


@pytest.mark.parametrize(("time", "size"), [(0.5, 40.0), (1.3, 28.0), (2.0, 24.5)])
def test_the_pattern_is_that_of_the_formula(time, size):
    side = 34
    out = np.empty((side, side))
    caustics.fill(time, size, out)
    p = np.array(np.mgrid[:side, :side] / size % 1 * 6.28318530718 - 250)
    i, c = p, 1
    for n in range(5):
        t = time * (1 - 3.5 / (n + 1))
        i = p + np.array([np.cos(t - i[0]) + np.sin(t + i[1]), np.sin(t - i[1]) + np.cos(t + i[0])])
        c += 1 / np.sqrt((p[0] / (np.sin(i[0] + t) / 0.005)) ** 2 + (p[1] / (np.cos(i[1] + t) / 0.005)) ** 2)
    assert np.abs(out - np.minimum(np.abs(1.17 - (c / 5) ** 1.4) ** 8, 1)).max() < 1e-11
