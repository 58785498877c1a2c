"""Preprocessing of an encoded source image to the clean image."""

import io
import re
import struct
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageFile

from imagenet_cp.errors import SourceError
from imagenet_cp.images import codecs, opencv
from imagenet_cp.images.profiles import PROFILES
from imagenet_cp.images.source_images import (
    FORMATS,
    MAX_PIXELS,
    center_crop,
    decode,
    open_image,
    pixels,
    resize_shorter,
    to_rgb,
)


def encoded(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **{"format": "PNG", **options})
    return buffer.getvalue()


def black(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def gradient(mode: str) -> Image.Image:
    grey = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    return grey.convert(mode)


@pytest.mark.parametrize(
    ("size", "resized"),
    [((500, 375), (341, 256)), ((375, 500), (256, 341)), ((256, 999), (256, 999)), ((1, 1), (256, 256)),
     ((5000, 20), (64000, 256)), ((383, 256), (383, 256))],
)  # fmt: skip
def test_the_shorter_side_becomes_256_and_the_longer_is_rounded_down(size, resized):
    assert resize_shorter(black(*size), 256).shape == (resized[1], resized[0], 3)


@pytest.mark.parametrize(
    ("size", "corner"), [((227, 229), (2, 2)), ((225, 231), (0, 4)), ((224, 224), (0, 0))]
)
def test_the_crop_rounds_halves_to_even(size, corner):
    across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.stack([across, down, down], axis=-1).astype(np.uint8)
    assert tuple(center_crop(image, 224, 224)[0, 0, :2]) == corner


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (3, 2), (500, 375), (70_000, 3), (1, 70_000)])
def test_every_strip_of_an_image_is_converted(size):
    image = Image.effect_noise(size, 90).convert("RGB")
    found = pixels(image)
    assert found.shape == (size[1], size[0], 3) and found.flags.carray
    assert np.array_equal(found, np.asarray(image))


@pytest.mark.parametrize("size", [(1, 1), (5000, 20), (224, 224), (33, 2000)])
def test_any_size_becomes_224(size):
    assert PROFILES["imagenet"].square(black(*size)).shape == (224, 224, 3)


@pytest.mark.parametrize("size", [(500, 375), (256, 300), (256, 256), (100, 80), (9, 2000)])
def test_resized_images_are_pillows(size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    for photo in (image, np.ascontiguousarray(image.transpose(1, 0, 2))):
        found = resize_shorter(photo, 256)
        # Along the rows first, which Pillow does not do by itself to every tall image.
        rows = Image.fromarray(photo).resize((found.shape[1], photo.shape[0]), Image.Resampling.BILINEAR)
        whole = rows.resize((found.shape[1], found.shape[0]), Image.Resampling.BILINEAR)
        assert np.array_equal(found, whole)
        assert np.array_equal(resize_shorter(photo, 256, crop=224), center_crop(found, 224, 224))


RAMP = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
#: All modes of Pillow, but La, which it makes and never converts.
MODES = ["1", "CMYK", "HSV", "L", "LA", "LAB", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "YCbCr"]
GREY_16 = ["I;16", "I;16B", "I;16L", "I;16N"]


def test_every_mode_of_pillow_has_a_test():
    assert {*MODES, *GREY_16, "I", "F", "La"} >= set(Image.MODES)


@pytest.mark.parametrize("mode", MODES)
def test_other_modes_are_converted_as_pillow_does(mode):
    first = "RGBA" if mode == "RGBa" else "L" if mode == "PA" else "RGB"
    image = gradient(first).convert("LAB" if mode == "LAB" else mode)
    assert image.mode == mode
    assert np.array_equal(to_rgb(image), image.convert("RGB"))
    if mode in ("1", "L", "P", "RGBA", "LA", "CMYK"):
        data = encoded(image, format="TIFF" if mode == "CMYK" else "PNG")
        with Image.open(io.BytesIO(data)) as opened:
            assert np.array_equal(decode(data, "file"), opened.convert("RGB"))


@pytest.mark.parametrize("mode", GREY_16)
def test_16_bit_grey_is_its_upper_byte(mode):
    values = RAMP.astype(np.uint16) * 256 + RAMP.T
    kind = ">u2" if mode == "I;16B" else "<u2"
    image = Image.frombytes(mode, (256, 256), values.astype(kind).tobytes())
    assert np.array_equal(to_rgb(image), np.repeat(RAMP[..., None], 3, axis=2))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_files_are_neither_white_nor_black(format, monkeypatch):
    data = encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), format=format)
    assert np.array_equal(decode(data, "file"), gradient("RGB"))
    if format == "PNG":
        assert np.array_equal(codecs.decode(data), gradient("RGB"))
        monkeypatch.setattr(opencv, "load", lambda: None)
        assert np.array_equal(codecs.decode(data), gradient("RGB"))


def tiff(values: np.ndarray, bits: int, white: int) -> bytes:
    """A TIFF file of one row of grey values, of this number of bits, where ``white`` 0 says that 0 is white."""
    packed = int("".join(f"{value:0{bits}b}" for value in values), 2).to_bytes(len(values) * bits // 8, "big")
    if bits == 16:
        packed = values.astype("<u2").tobytes()
    tags = {256: len(values), 257: 1, 258: bits, 259: 1, 262: white, 273: 8, 277: 1, 278: 1, 279: len(packed)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    header = struct.pack("<2sHI", b"II", 42, 8 + len(packed))
    return header + packed + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_grey_of_12_bits_and_grey_whose_0_is_white():
    assert decode(tiff(np.array([0, 16, 2048, 4095]), 12, 1), "file")[0, :, 0].tolist() == [
        0,
        1,
        128,
        255,
    ]
    inverted = decode(tiff(np.array([0, 255, 256, 65535]), 16, 0), "file")
    assert inverted[0, :, 0].tolist() == [255, 255, 254, 0]


@pytest.mark.parametrize(("mode", "kind"), [("I", "32-bit integers"), ("F", "floats")])
def test_values_of_no_known_range_are_refused(mode, kind):
    with pytest.raises(ValueError, match=rf"its values are {kind} of no known range"):
        to_rgb(gradient(mode))
    with pytest.raises(SourceError, match=rf"x\.tif: .*its values are {kind} of no known range"):
        decode(encoded(gradient(mode), format="TIFF"), "x.tif")


def test_an_orientation_in_exif_is_not_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (60, 40)), format="JPEG", exif=exif)
    assert decode(data, "file").shape == (40, 60, 3)


@pytest.mark.parametrize("error", [MemoryError(), SourceError("own message")])
def test_what_is_no_fault_of_the_image_is_raised_as_it_is(error):
    with pytest.raises(type(error)) as raised, open_image(encoded(gradient("RGB")), "x.png"):
        raise error
    assert raised.value is error


def test_unreadable_files_are_named():
    whole = encoded(gradient("RGB"), format="JPEG")
    for data, says in [(b"", "empty"), (whole[:-300], "read in full"), (b"no image at all", "not an image")]:
        with pytest.raises(SourceError, match=f"photo.jpg: .*{says}"):
            decode(data, "photo.jpg")


@pytest.mark.parametrize("pillows_limit", [Image.MAX_IMAGE_PIXELS, None])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(pillows_limit, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows_limit)
    side = int(MAX_PIXELS**0.5) + 2
    bomb = encoded(Image.new("1", (side, side)))
    assert len(bomb) < 100_000
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    for opened in (lambda: decode(bomb, "bomb.png"), lambda: codecs.decode(bomb)):
        with pytest.raises(SourceError, match=r"more pixels than the limit of 178,956,970"):
            opened()


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 64 64
%%EndComments
0 0 moveto 64 64 lineto stroke
"""


@pytest.mark.parametrize(
    "data",
    [EPS, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", encoded(Image.new("RGB", (64, 64)), format="TGA"),
     encoded(Image.new("RGB", (64, 64)), format="PCX"), encoded(Image.new("RGB", (64, 64)), format="ICO")],
)  # fmt: skip
def test_a_file_in_any_other_format_is_named_and_starts_no_program(data, monkeypatch):
    def start(*arguments, **options):
        raise AssertionError(f"starts {arguments}")

    for way in ("Popen", "run", "call", "check_call", "check_output"):
        monkeypatch.setattr(subprocess, way, start)
    says = rf"not an image in a supported format \(.*JPEG.*\); it begins with {re.escape(repr(data[:16]))}"
    with pytest.raises(SourceError, match=rf"x\.jpg: {says}"):
        decode(data, "x.jpg")
    with pytest.raises(ValueError, match=says):
        codecs.decode(data)


@pytest.mark.parametrize("format", FORMATS)
def test_formats_are_recognized_by_content(format):
    data = encoded(Image.new("RGB", (40, 30), (200, 10, 10)), format=format)
    assert decode(data, "x.jpg").shape == (30, 40, 3)
    assert {Image.registered_extensions()[ending] for ending in FORMATS[format]} == {format}


def test_a_line_of_pixels_is_not_enlarged_without_end():
    with pytest.raises(SourceError, match="too large"):
        resize_shorter(black(60_000, 1), 256)
