"""ImageNet-P's sequences written plainly on scikit-image, OpenCV, Pillow and ImageMagick (wand).

It is the opponent of perturbations.py: the formulas as they stand, each library called as one would call it,
what is the same for every frame worked out once.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.random import BitGenerator, RandomState
from PIL import Image
from scipy.ndimage import zoom
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian
from wand.image import Image as WandImage

#: True to pass images to and from ImageMagick as PNG, as in the published corruption functions.
PNG_EXCHANGE = False

Frames = Iterator[np.ndarray]
Perturbation = Callable[[np.ndarray, np.ndarray, RandomState, int], Frames]


def crop(image: np.ndarray) -> np.ndarray:
    top, left = (round((side - 224) / 2.0) for side in image.shape[:2])
    return image[top : top + 224, left : left + 224]


def to_uint8(y: np.ndarray) -> np.ndarray:
    return (np.clip(y, 0, 1) * 255).astype(np.uint8)


def magick_motion_blur(image: np.ndarray, radius: float, sigma: float, angle: float) -> np.ndarray:
    """Blur a uint8 image, (H, W, 3) or (H, W), by ImageMagick; its 16-bit result is truncated to 8."""
    if PNG_EXCHANGE:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        with WandImage(blob=file.getvalue()) as picture:
            picture.motion_blur(radius, sigma, angle)
            blurred = cv2.imdecode(np.frombuffer(picture.make_blob("png"), np.uint8), cv2.IMREAD_UNCHANGED)
        return blurred[..., ::-1] if blurred.ndim == 3 else blurred
    height, width = image.shape[:2]
    mode = "rgb" if image.ndim == 3 else "gray"
    with WandImage(blob=image.tobytes(), format=mode, width=width, height=height, depth=8) as picture:
        picture.motion_blur(radius, sigma, angle)
        picture.depth = 16
        blurred = np.frombuffer(picture.make_blob(mode), np.uint16).reshape(image.shape)
    return (blurred // 257).astype(np.uint8)


def affine(
    image: np.ndarray,
    angle: float = 0,
    right: float = 0,
    scale: float = 1,
    shear: float = 0,
    resample: Image.Resampling = Image.Resampling.BILINEAR,
) -> np.ndarray:
    """Turn, shift, scale or shear about the centre as torchvision 0.2 does; degrees; black outside."""
    picture = Image.fromarray(image)
    cx, cy = picture.width * 0.5 + 0.5, picture.height * 0.5 + 0.5
    a, s = math.radians(angle), math.radians(shear)
    determinant = math.cos(a + s) * math.cos(a) + math.sin(a + s) * math.sin(a)
    factor = 1.0 / scale / determinant
    m = [math.cos(a + s), math.sin(a + s), 0, -math.sin(a), math.cos(a), 0]
    m = [factor * value for value in m]
    m[2] += m[0] * (-cx - right) + m[1] * -cy
    m[5] += m[3] * (-cx - right) + m[4] * -cy
    m[2] += cx
    m[5] += cy
    return np.asarray(picture.transform(picture.size, Image.Transform.AFFINE, m, resample))


def gaussian_noise(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    sigma = (0.03, 0.05, 0.08)[difficulty - 1]
    yield clean
    for _ in range(30):
        yield to_uint8(clean / 255 + random.normal(scale=sigma, size=clean.shape))


def shot_noise(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    photons = (300, 120, 60)[difficulty - 1]
    yield clean
    for _ in range(30):
        yield to_uint8(random.poisson(clean / 255 * photons) / photons)


def speckle_noise(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    sigma = (0.05, 0.1, 0.15)[difficulty - 1]
    x = clean / 255
    yield clean
    for _ in range(30):
        yield to_uint8(x + x * random.normal(scale=sigma, size=clean.shape))


def motion_blur(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    for i in range(31):
        yield magick_motion_blur(clean, 10, 3, (i - 30) * 4)


def zoom_blur(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    total = (clean / 255).astype(np.float32)
    yield clean
    for i in range(1, 31):
        total += (crop(affine(image, scale=1 + 0.004 * i)) / 255).astype(np.float32)
        yield to_uint8(total / np.float32(i + 1))


def snow(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    layer = random.normal(0.05, 0.3, size=(224, 224))
    inner = math.ceil(224 / 3)
    start = (224 - inner) // 2
    layer = zoom(layer[start : start + inner, start : start + inner], 3, order=1)
    start = (layer.shape[0] - 224) // 2
    layer = layer[start : start + 224, start : start + 224]
    layer[layer < 0.5] = 0
    layer = to_uint8(layer)
    grey = cv2.cvtColor((clean / 255).astype(np.float32), cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    x = clean / 255
    base = 0.85 * x + (1 - 0.85) * np.maximum(x, grey * 1.5 + 0.5)
    for i in range(31):
        fall = magick_motion_blur(layer, 14, 4, i * 4 - 150)[..., np.newaxis] / 255
        yield to_uint8(base + fall + np.rot90(fall, 2))


def brightness(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    hsv = rgb2hsv(clean / 255)
    for i in range(31):
        shifted = hsv.copy()
        shifted[..., 2] = np.clip(hsv[..., 2] + (i - 15) * 0.02, 0, 1)
        yield to_uint8(hsv2rgb(shifted))


def translate(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    for i in range(41):
        yield crop(affine(image, right=i - 20, resample=Image.Resampling.NEAREST))


def rotate(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    for i in range(31):
        yield crop(affine(image, angle=i - 15))


def tilt(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    # OpenCV 5 rounds otherwise than the OpenCV 3.4 of the benchmark: up to 3 levels on 3 % of the values.
    height, width = image.shape[:2]
    f = math.hypot(width, height)
    p1 = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    p2 = np.array([[f, 0, width / 2, 0], [0, f, height / 2, 0], [0, 0, 1, 0]])
    away = np.eye(4)
    away[2, 3] = f
    for i in range(31):
        a = math.radians(i - 15)
        c, s = math.cos(a), math.sin(a)
        rx = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]])
        ry = np.array([[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, 0], [0, 0, 0, 1]])
        yield crop(cv2.warpPerspective(image, p2 @ away @ rx @ ry @ p1, (width, height)))


def scale(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    for i in range(31):
        yield crop(affine(image, scale=(2.5 * i + 40) / 100))


def gaussian_blur(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    for i in range(31):
        yield to_uint8(gaussian(clean / 255, 0.25 + 0.035 * i, truncate=6.0, channel_axis=-1))


def spatter(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    x = (clean / 255).astype(np.float32)
    colour = np.array([175, 238, 238], np.float32) / 255
    drip = np.array([0.05, 0.1, 0.15, 0.7])
    emboss = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    layer = gaussian(random.normal(0.65, 0.27, size=(224, 224)), 3.7)
    layer[layer < 0.69] = 0
    for _ in range(31):
        layer8 = (layer * 255).astype(np.uint8)
        distance = cv2.distanceTransform(255 - cv2.Canny(layer8, 50, 150), cv2.DIST_L2, 5)
        distance = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
        distance = cv2.filter2D(cv2.equalizeHist(distance), cv2.CV_8U, emboss)
        water = layer8 * cv2.blur(distance, (3, 3)).astype(np.float32)
        peak = water.max()
        if peak > 0:
            water = water / peak * np.float32(0.6)
        yield to_uint8(x + water[..., np.newaxis] * colour)
        layer = np.apply_along_axis(np.convolve, 0, layer, drip, "same")


def shear(image: np.ndarray, clean: np.ndarray, random: RandomState, difficulty: int) -> Frames:
    for i in range(31):
        yield crop(affine(image, shear=i - 15))


PERTURBATIONS: dict[str, Perturbation] = {
    function.__name__: function
    for function in (
        gaussian_noise,
        shot_noise,
        motion_blur,
        zoom_blur,
        snow,
        brightness,
        translate,
        rotate,
        tilt,
        scale,
        speckle_noise,
        gaussian_blur,
        spatter,
        shear,
    )
}


def apply(name: str, image: np.ndarray, bits: BitGenerator, difficulty: int = 1) -> np.ndarray:
    """Make one sequence from an image whose shorter side is 256: uint8 (frames, 224, 224, 3)."""
    frames = PERTURBATIONS[name](image, crop(image), RandomState(bits), difficulty)
    return np.stack(list(frames))
