"""Sample images of scikit-image, and a folder of JPEGs generated from them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageOps

from imagenet_cp.images.source_images import pixels, resize_shorter

FOLDER = Path(skimage.__file__).parent / "data"
FILES = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
)


def photographs() -> list[Image.Image]:
    return [Image.open(FOLDER / file).convert("RGB") for file in FILES]


def resized() -> list[np.ndarray]:
    """Return every image with its shorter side at 256."""
    return [resize_shorter(pixels(photo), 256) for photo in photographs()]


def cropped() -> list[np.ndarray]:
    """Return the 224x224 centre of every resized image."""
    return [resize_shorter(pixels(photo), 256, crop=224) for photo in photographs()]


def write_source(folder: Path, count: int) -> list[Path]:
    """Write ``count`` JPEGs of 500x375, quality 90, into class folders, as in ImageNet's validation set.

    Each round over the images takes different crops, and every second round is mirrored.
    """
    photos, paths = photographs(), []
    for k in range(count):
        photo, turn = photos[k % len(photos)], k // len(photos)
        if turn % 2:
            photo = ImageOps.mirror(photo)
        place = (0.5, turn * 0.37 % 1.0)
        image = ImageOps.fit(photo, (500, 375), Image.Resampling.LANCZOS, 0.02 * (turn % 5), place)
        path = folder / ("n01440764", "n01443537")[k % 2] / f"image{k + 1:06d}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, quality=90)
        paths.append(path)
    return paths


def prepared_by_pillow(file: bytes, crop: bool = True) -> np.ndarray:
    """An image of `write_source` with its shorter side at 256, or its 224x224 centre, by Pillow alone."""
    with Image.open(io.BytesIO(file)) as image:
        resized = image.convert("RGB").resize((341, 256), Image.Resampling.BILINEAR)
    return np.array(resized.crop((58, 16, 282, 240)) if crop else resized)
