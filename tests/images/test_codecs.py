"""The codecs give Pillow's bytes and pixels."""

import io

import golden_images as golden
import numpy as np
import pytest
from PIL import Image
from skimage import data

import imagenet_cp
from imagenet_cp.errors import SourceError
from imagenet_cp.images import codecs

NOISE = np.random.RandomState(0)
PICTURES = {
    "chelsea": data.chelsea(),
    "coffee": data.coffee(),
    "rocket": data.rocket()[:224, :224],
    "view": data.astronaut()[::2, 1::3],
    "black": np.zeros((224, 224, 3), np.uint8),
    "white": np.full((33, 45, 3), 255, np.uint8),
} | {
    f"noise {height}x{width}": NOISE.randint(0, 256, (height, width, 3), np.uint8)
    for height, width in [
        (1, 1),
        (1, 70),
        (7, 9),
        (8, 8),
        (15, 17),
        (16, 16),
        (33, 32),
        (224, 224),
        (225, 223),
    ]
}


def pillow_jpeg(image: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("name", PICTURES)
def test_the_benchmark_s_jpeg_is_pillow_s(name):
    assert codecs.encode_jpeg(PICTURES[name], 85) == pillow_jpeg(PICTURES[name], quality=85, optimize=True)


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("imagenet_c/*_3.png")), ids=lambda path: path.stem)
def test_corrupted_pictures_are_encoded_as_pillow_does(path):
    image = golden.read(str(path))
    assert codecs.encode_jpeg(image, 85) == pillow_jpeg(image, quality=85, optimize=True)


@pytest.mark.parametrize("quality", [1, 5, 24, 25, 50, 75, 84, 90, 95, 100])
def test_every_quality_is_pillow_s(quality):
    for image in (PICTURES["chelsea"], PICTURES["noise 33x32"]):
        assert codecs.encode_jpeg(image, quality) == pillow_jpeg(image, quality=quality, optimize=True)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_every_subsampling_is_pillow_s(subsampling):
    for image in (PICTURES["chelsea"], PICTURES["noise 33x32"]):
        made = codecs.encode_jpeg(image, 85, subsampling)
        assert made == pillow_jpeg(image, quality=85, optimize=True, subsampling=subsampling)


@pytest.mark.parametrize("name", PICTURES)
def test_jpeg_is_decoded_as_pillow_does(name):
    for quality in (7, 50, 85):
        encoded = codecs.encode_jpeg(PICTURES[name], quality)
        with Image.open(io.BytesIO(encoded)) as picture:
            expected = np.asarray(picture)
        made = codecs.decode(encoded)
        assert made.dtype == np.uint8 and made.flags.writeable
        np.testing.assert_array_equal(made, expected)


def is_decoded_without_pillow_s_headers(data, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(codecs, "open_image", None)
        try:
            codecs.decode_image(data)
        except TypeError:
            return False
    return True


@pytest.mark.parametrize("name", PICTURES)
def test_images_of_pillow_have_the_pixels_of_decode(name, monkeypatch):
    stored = codecs.encode_jpeg(PICTURES[name], 85)
    assert is_decoded_without_pillow_s_headers(stored, monkeypatch)
    grey = pillow_jpeg(PICTURES[name][..., 0])
    progressive = pillow_jpeg(PICTURES[name], progressive=True)
    for file in (stored, pillow_jpeg(PICTURES[name]), progressive, grey, codecs.encode_png(PICTURES[name])):
        image = codecs.decode_image(file)
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), codecs.decode(file))


@pytest.mark.parametrize("at, value, message", [
    (163, b"\xff\xff\xff\xff", "more pixels than the limit"),
    (163, b"\0\0\0\0", "not an image"),
    (400, None, "truncated"),
])  # fmt: skip
def test_a_damaged_jpeg_is_refused_by_name(at, value, message):
    data = codecs.encode_jpeg(PICTURES["chelsea"], 85)
    damaged = data[:at] if value is None else data[:at] + value + data[at + len(value) :]
    with pytest.raises(SourceError, match=f"an image: .*{message}"):
        codecs.decode_image(damaged)
    with pytest.raises(SourceError, match=f"an image: .*({message}|its data are damaged)"):
        codecs.decode(damaged)


@pytest.mark.parametrize("name", PICTURES)
def test_png_is_lossless(name):
    with Image.open(io.BytesIO(codecs.encode_png(PICTURES[name]))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), PICTURES[name])


def test_the_image_is_left_alone():
    image = PICTURES["chelsea"].copy()
    image.flags.writeable = False
    codecs.encode_jpeg(image, 85)
    codecs.encode_png(image)
    np.testing.assert_array_equal(image, PICTURES["chelsea"])


def test_decode_is_public_and_takes_values_of_a_column():
    encoded = codecs.encode(PICTURES["coffee"], "jpeg:85", "coffee")
    assert imagenet_cp.decode is codecs.decode
    np.testing.assert_array_equal(imagenet_cp.decode(encoded), codecs.decode(encoded["bytes"]))


def test_what_is_no_jpeg_is_refused():
    with pytest.raises(ValueError, match="not an image in a supported format"):
        codecs.decode(b"no image")
