"""The motion blur is ImageMagick's to the last bit, also where its sums come near a whole level."""

import numpy as np
import pytest
from numpy.random import default_rng

from imagenet_cp.kernels import motion

SPECIAL = [*range(-180, 181, 15), -150, -126, -116, 84, 44.999999, -44.999999]


def line_blur(image, radius, sigma, angle):
    """The formula in float64, tap after tap, with the package's own weights and offsets."""
    weights = motion.weights(radius, sigma)
    rows, columns = np.indices(image.shape[:2])
    total = np.zeros(image.shape)
    for weight, (down, right) in zip(weights, motion.offsets(len(weights), angle), strict=True):
        row = np.clip(rows + down, 0, image.shape[0] - 1)
        column = np.clip(columns + right, 0, image.shape[1] - 1)
        total += weight * (257.0 * image[row, column])
    return (np.floor(total + 0.5) // 257).astype(np.uint8)


@pytest.mark.parametrize(("radius", "sigma"), [(6, 1), (10, 3), (15, 8), (20, 15), (22, 16)])
@pytest.mark.parametrize("shape", [(40, 200, 3), (90, 33, 3), (64, 64)])
def test_deciding_in_float32_changes_nothing(shape, radius, sigma):
    noise = default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for image in (noise, noise // 128 * 255, np.full(shape, 255, np.uint8)):
        before = image.copy()
        for angle in (0, 13.7, -44.9, 30, 90, -150):
            made = motion.blur(image, radius, sigma, angle)
            assert made.dtype == np.uint8 and np.array_equal(made, line_blur(image, radius, sigma, angle)), (
                angle
            )
        assert (image == before).all()


@pytest.mark.parametrize(("radius", "sigma"), [(10, 3), (10, 4), (12, 12), (14, 4), (20, 15)])
def test_grey_is_image_magicks(radius, sigma):
    wand = pytest.importorskip("wand.image", exc_type=ImportError)
    grey = default_rng(3).integers(0, 256, (48, 70), dtype=np.uint8)
    for angle in SPECIAL:
        with wand.Image.from_array(grey) as picture:
            picture.motion_blur(radius, sigma, angle)
            expected = (
                np.array(picture.export_pixels(channel_map="R", storage="short")).reshape(grey.shape) // 257
            )
        assert np.array_equal(motion.blur(grey, radius, sigma, angle), expected), angle


def test_the_line_starts_at_the_pixel_and_leads_along_the_angle():
    assert motion.offsets(5, 0).tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]]
    assert motion.offsets(3, 90).tolist() == [[0, 0], [1, 0], [2, 0]]
    assert motion.offsets(3, -90).tolist() == [[0, 0], [-1, 0], [-2, 0]]
    assert motion.weights(10, 3).shape == (21,) and motion.weights(9.5, 3).shape == (21,)
    assert motion.weights(10, 3).sum() == pytest.approx(1, abs=1e-15)


def test_offsets_do_not_depend_on_the_way_they_are_computed(monkeypatch):
    angles = [*default_rng(5).uniform(-180, 180, 300), *SPECIAL]
    made = [motion.offsets(41, angle) for angle in angles]
    monkeypatch.setattr(motion, "_decided", lambda radians, out: False)
    assert all(np.array_equal(a, motion.offsets(41, angle)) for a, angle in zip(made, angles, strict=True))
