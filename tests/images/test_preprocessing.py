"""Preprocessing of an encoded source image to the clean image."""

import io

import numpy as np
import pytest
from PIL import Image

from imagenet_cp.errors import SourceError
from imagenet_cp.images.preprocessing import MAX_PIXELS, center_crop, decode, pixels, resize_shorter
from imagenet_cp.images.profiles import PROFILES


def encoded(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **{"format": "PNG", **options})
    return buffer.getvalue()


def gradient(mode: str) -> Image.Image:
    grey = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    return grey.convert(mode)


@pytest.mark.parametrize(
    ("size", "resized"),
    [((500, 375), (341, 256)), ((375, 500), (256, 341)), ((256, 999), (256, 999)), ((1, 1), (256, 256)),
     ((5000, 20), (64000, 256)), ((383, 256), (383, 256))],
)  # fmt: skip
def test_the_shorter_side_becomes_256_and_the_longer_is_rounded_down(size, resized):
    assert resize_shorter(Image.new("RGB", size), 256).size == resized


@pytest.mark.parametrize(
    ("size", "corner"), [((227, 229), (2, 2)), ((225, 231), (0, 4)), ((224, 224), (0, 0))]
)
def test_the_crop_rounds_halves_to_even(size, corner):
    across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = Image.fromarray(np.stack([across, down, down], axis=-1).astype(np.uint8))
    assert tuple(pixels(center_crop(image, 224))[0, 0, :2]) == corner


@pytest.mark.parametrize("size", [(1, 1), (5000, 20), (224, 224), (33, 2000)])
def test_any_size_becomes_224(size):
    assert PROFILES["imagenet"].square(Image.new("RGB", size)).size == (224, 224)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "I;16", "CMYK"])
def test_other_kinds_of_pixels_are_converted_as_pillow_does(mode):
    if mode == "I;16":
        image = Image.fromarray(np.tile(np.arange(256, dtype=np.uint16) * 256, (256, 1)))
    else:
        image = gradient("L").convert(mode)
    data = encoded(image, format="TIFF" if mode == "CMYK" else "PNG")
    with Image.open(io.BytesIO(data)) as opened:
        assert np.array_equal(decode(data, "file"), opened.convert("RGB"))


def test_an_orientation_in_exif_is_not_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (60, 40)), format="JPEG", exif=exif)
    assert decode(data, "file").size == (60, 40)


def test_unreadable_files_are_named():
    whole = encoded(gradient("RGB"), format="JPEG")
    for data, says in [(b"", "empty"), (whole[:-300], "read in full"), (b"no image at all", "not an image")]:
        with pytest.raises(SourceError, match=f"photo.jpg: .*{says}"):
            decode(data, "photo.jpg")


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    side = int(MAX_PIXELS**0.5) + 2
    bomb = encoded(Image.new("1", (side, side)))
    assert len(bomb) < 100_000
    with pytest.raises(SourceError, match=r"bomb\.png"):
        decode(bomb, "bomb.png")


def test_a_line_of_pixels_is_not_enlarged_without_end():
    with pytest.raises(SourceError, match="too large"):
        resize_shorter(Image.new("RGB", (60_000, 1)), 256)
