"""Where OpenCV doesn't load, one line says so and everything gives the same bytes."""

import io
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from imagenet_cp import notices
from imagenet_cp.errors import BuildError
from imagenet_cp.evaluation.preprocessors import clahe
from imagenet_cp.images import codecs, opencv

IMAGES = [
    data.chelsea(),
    data.coffee()[::2, 1::3],
    *(np.random.default_rng(0).integers(0, 256, (n, n + 1, 3), np.uint8) for n in (1, 7, 224)),
]


@pytest.fixture(params=[ImportError, OSError])
def without(request, monkeypatch):
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "cv2":
                raise request.param("libGL.so.1: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    opencv.load.cache_clear()
    notices.notice.cache_clear()
    yield
    opencv.load.cache_clear()


def test_one_line_names_the_reason_and_the_way_out(without, capsys):
    codecs.decode(codecs.encode_jpeg(IMAGES[0], 85))
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    for part in ("libGL.so.1", "Pillow", "apt-get install libgl1", "opencv-python-headless"):
        assert part in message


def test_clahe_names_what_it_needs(without):
    with pytest.raises(BuildError, match=r"clahe needs OpenCV.*apt-get install"):
        clahe(IMAGES[0])


def test_bytes_that_are_no_image_are_refused(without):
    with pytest.raises(ValueError, match="no image"):
        codecs.decode(b"no image")


def decoded_by_pillow(encoded):
    with Image.open(io.BytesIO(encoded)) as image:
        return np.array(image.convert("RGB"))


def test_opencv_is_used_where_it_loads():
    assert opencv.load() is pytest.importorskip("cv2", exc_type=ImportError) is opencv.require("this")


@pytest.mark.parametrize("quality", [1, 50, 85, 90, 95, 99, 100])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_pillow_gives_the_pixels_of_opencv(quality, subsampling):
    pytest.importorskip("cv2", exc_type=ImportError)
    for image in IMAGES:
        encoded = codecs.encode_jpeg(image, quality, subsampling)
        assert (decoded_by_pillow(encoded) == codecs.decode(encoded)).all()


def test_pillow_decodes_grey_as_opencv_does():
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    for ending in (".jpg", ".png"):
        encoded = bytes(cv2.imencode(ending, IMAGES[0][..., 0])[1].data)
        assert (decoded_by_pillow(encoded) == codecs.decode(encoded)).all()


def test_a_failed_import_leaves_the_search_path_as_it_was(tmp_path, monkeypatch):
    # OpenCV puts its own folder first while it loads; worker processes would then find its typing there.
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(
        "import sys\nsys.path.insert(0, __path__[0])\nraise ImportError('libxcb.so.1')\n"
    )
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    path = list(sys.path)
    opencv.load.cache_clear()
    assert opencv.load() is None and sys.path == path
    opencv.load.cache_clear()
