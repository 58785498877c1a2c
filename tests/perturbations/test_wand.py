"""Motion blur and snow equal ImageMagick's motion blur bit for bit."""

import numpy as np
import pytest
import skimage.data
from numpy.random import SFC64
from perturbations import plain_sequences

from imagenet_cp.perturbations import apply

wand = pytest.importorskip("wand.image", exc_type=ImportError)

PROFILES = ("imagenet", "imagenet_299", "tiny", "cifar")


def magick(image, radius, sigma, angle):
    layout = "RGB" if image.ndim == 3 else "I"
    with wand.Image.from_array(image, channel_map=layout) as picture:
        picture.motion_blur(radius, sigma, angle)
        blurred = picture.export_pixels(channel_map=layout, storage="short")
    return (np.array(blurred).reshape(image.shape) // 257).astype(np.uint8)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["motion_blur", "snow"])
def test_equals_image_magick(name, profile, monkeypatch):
    side = {"imagenet": 256, "imagenet_299": 310, "tiny": 90, "cifar": 32}[profile]
    image = np.ascontiguousarray(skimage.data.astronaut()[40 : 40 + side, 150 : 150 + side])
    monkeypatch.setattr(plain_sequences, "shifted_line", magick)
    expected = plain_sequences.sequence(name, image, SFC64(2), profile)
    assert (apply(name, image, SFC64(2), profile=profile) == expected).all()
