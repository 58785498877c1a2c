"""The wide Gaussian filter is SciPy's, far below the resolution of its use."""

import numpy as np
import pytest
from numpy.random import RandomState
from scipy.ndimage import gaussian_filter

from imagenet_cp.kernels import cosines

SIZES = [(224, 224), (32, 32), (32, 512), (300, 512), (225, 224), (67, 33), (8, 13)]


def test_the_cosines_are_a_gaussian():
    t = np.linspace(-3.06, 3.06, 100001)
    waves = np.cos(np.outer(t, cosines.FREQUENCIES)) @ cosines.AMPLITUDES
    assert np.abs(waves - np.exp(-t * t / 2)).max() < 1e-10


@pytest.mark.parametrize("sigma", [0.3, 2.44, 7.99, 8.0, 19.52, 170.8, 400.0])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_smooth_is_scipy_s_gaussian(height, width, sigma):
    field = RandomState(0).uniform(-1, 1, (height, width))
    expected = gaussian_filter(field, sigma, mode="reflect", truncate=3)
    np.testing.assert_allclose(cosines.smooth(field, sigma), expected, rtol=0, atol=1e-10)


def test_from_the_width_on_the_cosines_filter(monkeypatch):
    field = RandomState(0).uniform(-1, 1, (40, 40))
    by_default = cosines.smooth(field.copy(), 8.0)
    monkeypatch.setattr(cosines, "WIDE", 7.0)
    assert np.array_equal(cosines.smooth(field.copy(), 8.0), by_default)
    monkeypatch.setattr(cosines, "WIDE", 9.0)
    assert not np.array_equal(cosines.smooth(field, 8.0), by_default)


def test_smooth_keeps_a_flat_field():
    for sigma in (2.44, 19.52, 170.8):
        np.testing.assert_allclose(cosines.smooth(np.ones((224, 99)), sigma), 1, rtol=0, atol=1e-9)
