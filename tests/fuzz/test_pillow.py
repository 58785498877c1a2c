"""The images of Pillow's own tests: each has its values, or is refused by name."""

import io
import os
import tarfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from imagenet_cp.errors import SourceError
from imagenet_cp.images.source_images import FORMATS, decode
from imagenet_cp.sources.image_folder import is_image

#: Modes whose values have no known range.
REFUSED = {"I", "F"}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Images by their names, from the source distribution of Pillow in the folder IMAGENET_CP_PILLOW."""
    folder = os.environ.get("IMAGENET_CP_PILLOW")
    if not folder:
        pytest.skip("IMAGENET_CP_PILLOW names no folder with the source distribution of Pillow")
    (archive,) = Path(folder).glob("pillow-*.tar.gz")
    with tarfile.open(archive) as members:
        return {
            member.name: members.extractfile(member).read()
            for member in members
            if member.isfile() and is_image(PurePosixPath(member.name).name)
        }


def expected(image: Image.Image) -> np.ndarray:
    """RGB by the definition of the mode, from the decoded values."""
    values = np.asarray(image)
    match image.mode:
        case "1" | "L":
            values = values.astype(np.uint8) * (255 if image.mode == "1" else 1)
            return np.repeat(values[..., None], 3, axis=2)
        case "LA":
            return np.repeat(values[..., :1], 3, axis=2)
        case "P" | "PA":
            palette = np.zeros((256, 3), np.uint8)
            colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
            palette[: len(colours)] = colours
            return palette[values if image.mode == "P" else values[..., 0]]
        case "RGB" | "RGBA" | "RGBX":
            return values[..., :3]
        case "CMYK":
            inks = values.astype(int)
            return np.round((255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255).astype(np.uint8)
        case "YCbCr":
            luma, blue, red = (values[..., band].astype(float) - (0, 128, 128)[band] for band in range(3))
            rgb = luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue
            return np.round(np.stack(rgb, axis=2)).clip(0, 255).astype(np.uint8)
        case "LAB":
            return _lab(values)
        case mode if mode.startswith("I;16") or mode == "I":
            bits = getattr(image, "tag_v2", {}).get(258, (16,))[0]
            grey = np.floor(values / 2 ** (bits - 8))
            if getattr(image, "tag_v2", {}).get(262) == 0:
                grey = 255 - grey
            return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
        case mode:
            raise AssertionError(mode)


def _lab(values: np.ndarray) -> np.ndarray:
    """RGB of sRGB from CIE L*a*b* with the white of D50."""
    light = (values[..., 0] / 2.55 + 16) / 116
    red, yellow = values[..., 1].astype(np.int8) / 500, values[..., 2].astype(np.int8) / 200
    roots = np.stack([light + red, light, light - yellow], axis=2)
    bend = 6 / 29
    xyz = np.where(roots > bend, roots**3, 3 * bend**2 * (roots - 4 / 29)) * (0.9642, 1, 0.8249)
    matrix = (3.13386, -1.61687, -0.49061), (-0.97877, 1.91614, 0.03345), (0.07195, -0.22899, 1.40524)
    linear = (xyz @ np.transpose(matrix)).clip(0, 1)
    curve = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.round(255 * curve)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
def test_every_image_of_pillows_tests_has_its_values_or_is_refused(files):
    assert len(files) > 500
    wrong = []
    for name, data in files.items():
        try:
            found = np.asarray(decode(data, name)).astype(int)
        except SourceError as error:
            found = str(error)
        try:
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                image.load()
                mode = image.mode
                deep = mode == "I" and image.format in ("PNG", "PPM")
                right = None if mode in REFUSED and not deep else expected(image)
        except Exception:  # damaged, or in another format
            right = None
        if right is None:
            fits = isinstance(found, str) and found.startswith(f"{name}: ")
        else:
            # The tables with which LAB is converted are coarse near the edge of what RGB can show.
            most = 9 if mode == "LAB" else 1
            difference = np.array(256) if isinstance(found, str) else abs(found - right)
            fits = difference.max() <= most and difference.mean() <= 1
        if not fits:
            wrong.append((name, found))
    assert not wrong
