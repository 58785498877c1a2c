"""Shifts are rounded to thousandths as by a division."""

import numpy as np

from imagenet_cp.kernels.refraction import THOUSANDTH, THOUSANDTH_REST


def test_products_with_a_thousandth_are_quotients():
    whole = np.arange(-(2.0**19), 2.0**19)
    assert np.array_equal(whole * THOUSANDTH + whole * THOUSANDTH_REST, whole / 1000)
