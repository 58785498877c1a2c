"""The zooms are SciPy's to the last bit, at any size, and their blend is the published sum."""

import numpy as np
import pytest
from numpy.random import default_rng
from scipy import ndimage

from imagenet_cp.kernels import zoom


def clipped_zoom(field, factor):
    height, width = field.shape[:2]
    return zoom.enlarge(field[zoom.crop(height, width, factor)], factor, height, width)


def zoomed(x, factor):
    """Zoom into the centre with SciPy, and trim."""
    size = x.shape[:2]
    crop = [int(np.ceil(n / factor)) for n in size]
    (top, left), (h, w) = [(n - m) // 2 for n, m in zip(size, crop, strict=True)], crop
    z = ndimage.zoom(x[top : top + h, left : left + w], (factor, factor) + (1,) * (x.ndim - 2), order=1)
    top, left = [(m - n) // 2 for n, m in zip(size, z.shape, strict=False)]
    return z[top : top + size[0], left : left + size[1]]


def published(image, factors):
    x = (image / 255.0).astype(np.float32)
    total = np.zeros_like(x)
    for factor in factors:
        total += zoomed(x, factor)
    return (np.clip((x + total) / (len(factors) + 1), 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("factor", [1.0, 1.01, 1.2, 1.27, 1.75, 2.0, 2.5, 4.5])
@pytest.mark.parametrize("size", [(32, 32), (36, 71), (64, 300), (225, 224)])
def test_one_zoom_is_scipys(size, factor):
    field = default_rng(0).random(size)
    assert np.array_equal(clipped_zoom(field, factor), zoomed(field, factor))


FACTORS = [(1, 1.11, 0.01), (1, 1.26, 0.02), (1, 1.31, 0.03), (1, 1.26, 0.01)]


@pytest.mark.parametrize("arange", FACTORS)
@pytest.mark.parametrize("size", [(32, 32), (36, 36), (32, 211), (90, 71)])
def test_the_blend_is_exact(size, arange):
    noise = default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    factors = tuple(np.arange(*arange).tolist())
    for image in (
        noise,
        noise // 128 * 255,
        noise // 86 * 85,
        *(np.full_like(noise, v) for v in (0, 77, 255)),
    ):
        assert np.array_equal(zoom.blend(image, factors), published(image, factors))


def test_scipys_black_border_is_kept():
    # 36 * 1.2 is cut from 30 pixels whose last position rounds to a little beyond 29: outside, so 0
    field = np.ones((36, 36))
    made = clipped_zoom(field, np.arange(1, 1.26, 0.01)[20])
    assert np.array_equal(made, zoomed(field, np.arange(1, 1.26, 0.01)[20]))
    assert (made[-1] == 0).all() and (made[:, -1] == 0).all() and (made[:-1, :-1] == pytest.approx(1))


def test_sixteen_values_at_a_time_stay_in_memory():
    """Also at sizes where a zoom ends in black, and there at the end of its last row."""
    for height, width, factor in ((1247, 32, 1.24), (1251, 1251, 1.32), (224, 224, 1.0), (33, 32, 1.01)):
        zooms = zoom._zooms((height, width, 3), (factor,))
        last = (zooms.rows.max() + 1) * (width + 2) * 3 + zooms.runs[:, 1].max() + 3 + zoom.SIXTEEN
        assert last <= (height + 3) * (width + 2) * 3
