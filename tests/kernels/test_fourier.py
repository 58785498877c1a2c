"""The compiled transforms equal NumPy's."""

import numpy as np
import pytest

from imagenet_cp.kernels.fourier import LANES, factors, inverse, plan, turns


@pytest.mark.parametrize("n", [2, 6, 32, 34, 90, 224])
def test_inverse_is_numpys_without_the_division(n):
    numbers = np.random.default_rng(n).normal(size=(2, n, LANES))
    re, im = out = np.empty((2, n * LANES))
    buffers = np.empty((4, n * LANES))
    inverse(*numbers.reshape(2, -1), 0, LANES, buffers, *out, 0, LANES, plan(n), turns(n))
    expected = n * np.fft.ifft(numbers[0] + 1j * numbers[1], axis=0)
    assert np.abs((re + 1j * im).reshape(n, LANES) - expected).max() < 1e-13


def test_factors_multiply_to_the_length():
    for n in range(2, 500, 2):
        assert factors(n).prod() == n
