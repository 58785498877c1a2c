"""The frost textures are the published ones, whole, and never smaller than the image."""

import hashlib
import sys
from importlib import metadata

import numpy as np
import pytest
from opencv_oracle import cv2

from imagenet_cp.corruptions import textures
from imagenet_cp.errors import BuildError

NAMES = ["frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg"]


def installed(name):
    return metadata.distribution("imagecorruptions").locate_file(f"imagecorruptions/frost/{name}")


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """Let the distribution lie in a folder of its own, and return that of the textures."""

    class Elsewhere:
        def locate_file(self, path):
            return tmp_path / path

    monkeypatch.setattr(metadata, "distribution", lambda name: Elsewhere())
    folder = tmp_path / "imagecorruptions" / "frost"
    folder.mkdir(parents=True)
    textures._pixels.cache_clear()
    textures._scaled.cache_clear()
    yield folder
    textures._pixels.cache_clear()
    textures._scaled.cache_clear()


@pytest.mark.parametrize("index", range(5))
def test_is_what_opencv_reads(index):
    expected = cv2.imread(str(installed(NAMES[index])))[..., ::-1]
    assert (textures.texture(index, 1, 224, 224) == expected).all()


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize(("scale", "side"), [(0.3, 64), (0.2, 32)])
def test_is_scaled_by_factors(index, scale, side):
    whole = cv2.imread(str(installed(NAMES[index])))[..., ::-1]
    expected = cv2.resize(whole, (0, 0), fx=scale, fy=scale)
    assert (textures.texture(index, scale, side, side) == expected).all()


#: Textures of 600 x 900 and 315 x 560 pixels exceed the last two by one row, and by one column.
SIZES = [(32, 512), (512, 33), (600, 900), (1000, 1500), (315, 315), (599, 32), (32, 559)]


@pytest.mark.parametrize("scale", [1, 0.2])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_is_larger_than_the_image_and_keeps_its_aspect(scale, height, width):
    for index in range(5):
        made = textures.texture(index, scale, height, width)
        small = textures.texture(index, scale, 32, 32)
        rows, columns = small.shape[:2]
        assert made.shape[0] > height and made.shape[1] > width
        assert abs(made.shape[0] * columns - made.shape[1] * rows) <= rows + columns
        if rows > height and columns > width:
            assert made.shape == (rows, columns, 3)
        assert (made == cv2.resize(small, made.shape[1::-1])).all()


def test_the_sixth_texture_is_never_drawn():
    assert list(textures.SHA256) == NAMES


def test_is_read_only():
    assert not textures.texture(0, 1, 32, 32).flags.writeable
    assert not textures.texture(0, 1, 800, 800).flags.writeable


def test_the_package_is_not_imported():
    textures.texture(0, 1, 32, 32)
    assert "imagecorruptions" not in sys.modules


def test_an_altered_file_is_refused(moved):
    data = b"no frost"
    (moved / "frost3.png").write_bytes(data)
    with pytest.raises(BuildError) as caught:
        textures.texture(2, 1, 224, 224)
    for part in (
        str(moved / "frost3.png"),
        hashlib.sha256(data).hexdigest(),
        textures.SHA256["frost3.png"],
        "pip install --force-reinstall",
    ):
        assert part in str(caught.value)


def test_a_missing_file_is_named(moved):
    with pytest.raises(BuildError, match="pip install --force-reinstall") as caught:
        textures.texture(4, 1, 224, 224)
    assert str(moved / "frost5.jpg") in str(caught.value)


def test_a_missing_distribution_is_named(moved, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(BuildError, match="imagecorruptions, which is not installed"):
        textures.texture(0, 1, 224, 224)


def test_the_whole_texture_is_decoded():
    shapes = [textures.texture(index, 1, 32, 32).shape for index in range(5)]
    assert shapes == [(600, 900, 3), (315, 560, 3), (315, 560, 3), (350, 527, 3), (495, 660, 3)]
    assert all(np.ptp(textures.texture(index, 1, 32, 32)) > 100 for index in range(5))
