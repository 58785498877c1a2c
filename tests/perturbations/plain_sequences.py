"""Every sequence of every profile, written from the specification on NumPy, Pillow, SciPy and scikit-image.

It is slow and simple, shares no code with the package, and has its own copy of the published numbers.
"""

import math

import numpy as np
from numpy.random import RandomState
from opencv_oracle import cv2
from PIL import Image
from scipy.ndimage import zoom
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian

SIDES = {"imagenet": 224, "imagenet_299": 299, "tiny": 64, "cifar": 32}

BLUR = {
    "imagenet": (10, 3, [(i - 30) * 4 for i in range(31)]),
    "imagenet_299": (13, 3, [(i - 30) * 4 for i in range(31)]),
    "tiny": (14, 3, [(i - 30) * 5 for i in range(31)]),
    "cifar": (6, 1.8, [(i - 20) * 9 for i in range(21)]),
}
SNOW = {  # scale of the field, zoom, radius, sigma
    "imagenet": (0.3, 3, 14, 4),
    "imagenet_299": (0.3, 3, 14, 4),
    "tiny": (0.28, 2, 10, 2.5),
    "cifar": (0.3, 2, 10, 2),
}
GAUSSIAN = {  # truncate, first sigma, step
    "imagenet": (6, 0.25, 0.035),
    "imagenet_299": (6, 0.35, 0.035),
    "tiny": (7, 0.35, 0.014),
    "cifar": (7, 0.3, 0.015),
}
SPATTER = {  # loc, scale, sigma, threshold, drip
    "imagenet": (0.65, 0.27, 3.7, 0.69, [0.05, 0.1, 0.15, 0.7]),
    "imagenet_299": (0.65, 0.3, 4, 0.69, [0.05, 0.1, 0.15, 0.7]),
    "tiny": (0.6, 0.25, 1.75, 0.7, [0.2, 0.8]),
    "cifar": (0.6, 0.265, 1.75, 0.7, [0.2, 0.8]),
}


def crop(image, height, width):
    top, left = round((image.shape[0] - height) / 2.0), round((image.shape[1] - width) / 2.0)
    return image[top : top + height, left : left + width]


def resize(image, height, width):
    """Along the rows first, as published; Pillow from version 13 on begins with the columns of some images."""
    rows = Image.fromarray(image).resize((width, image.shape[0]), Image.Resampling.BILINEAR)
    return np.array(rows.resize((width, height), Image.Resampling.BILINEAR))


def uncropped(image, profile):
    """The image R."""
    height, width = image.shape[:2]
    short = {"imagenet": 256, "tiny": 64}.get(profile, min(height, width))
    if short == min(height, width):
        return image
    if height < width:
        return resize(image, short, int(short * width / height))
    return resize(image, int(short * height / width), short)


def cropped(image, profile):
    """The image C, from R."""
    side = SIDES[profile]
    if profile == "imagenet_299":
        return resize(crop(image, *(int(0.875 * length) for length in image.shape[:2])), side, side)
    return crop(image, side, side)


def truncated(y):
    return (np.clip(y, 0, 1) * 255).astype(np.uint8)


def shifted_line(image, radius, sigma, angle):
    """ImageMagick's motion blur."""
    width = 2 * math.ceil(radius) + 1
    weights = [math.exp(-(i**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma) for i in range(width)]
    weights = np.array(weights) / sum(weights)
    x, y = width * math.sin(math.pi * angle / 180), width * math.cos(math.pi * angle / 180)
    rows, columns = np.arange(image.shape[0]), np.arange(image.shape[1])
    total = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        down, right = math.ceil(i * x / math.hypot(x, y) - 0.5), math.ceil(i * y / math.hypot(x, y) - 0.5)
        lines = np.clip(rows + down, 0, rows[-1])[:, None], np.clip(columns + right, 0, columns[-1])
        total += weight * (257.0 * image[lines])
    return (np.floor(total + 0.5) // 257).astype(np.uint8)


def motion_blur(image, profile, random):
    radius, sigma, angles = BLUR[profile]
    for angle in angles:
        if profile == "tiny":
            yield cropped(uncropped(shifted_line(image, radius, sigma, angle), profile), profile)
        else:
            yield shifted_line(cropped(uncropped(image, profile), profile), radius, sigma, angle)


def affine(image, angle=0.0, right=0, scale=1.0, shear=0.0, resample=Image.Resampling.BILINEAR):
    picture = Image.fromarray(image)
    cx, cy = picture.width * 0.5 + 0.5, picture.height * 0.5 + 0.5
    a, s = math.radians(angle), math.radians(shear)
    d = math.cos(a + s) * math.cos(a) + math.sin(a + s) * math.sin(a)
    m = [(1 / scale) / d * v for v in (math.cos(a + s), math.sin(a + s), 0, -math.sin(a), math.cos(a), 0)]
    m[2] += m[0] * (-cx - right) + m[1] * -cy
    m[5] += m[3] * (-cx - right) + m[4] * -cy
    m[2] += cx
    m[5] += cy
    return np.array(picture.transform(picture.size, Image.Transform.AFFINE, m, resample))


def zoom_blur(image, profile, random):
    clean = cropped(uncropped(image, profile), profile)
    source = clean if profile == "imagenet_299" else uncropped(image, profile)
    total = clean.astype(np.float32) / np.float32(255)
    yield clean
    for i in range(1, 31):
        scaled = crop(affine(source, scale=1 + 0.004 * i), *clean.shape[:2])
        total = total + scaled.astype(np.float32) / np.float32(255)
        yield (total / np.float32(i + 1) * np.float32(255)).astype(np.uint8)


def snow(image, profile, random):
    clean = cropped(uncropped(image, profile), profile)
    side = SIDES[profile]
    scale, factor, radius, sigma = SNOW[profile]
    layer = random.normal(0.05, scale, size=(side, side))
    inner = math.ceil(side / factor)
    layer = zoom(crop_down(layer, inner), factor, order=1)
    layer = crop_down(layer, side)
    layer[layer < 0.5] = 0
    layer = truncated(layer)
    x = clean / 255.0
    grey = cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
    base = 0.85 * x + (1 - 0.85) * np.maximum(x, grey * 1.5 + 0.5)
    for i in range(31):
        flakes = shifted_line(layer, radius, sigma, i * 4 - 150)[..., None] / 255.0
        yield truncated(base + flakes + flakes[::-1, ::-1])


def crop_down(layer, side):
    """The middle, its start rounded down."""
    start = (layer.shape[0] - side) // 2
    return layer[start : start + side, start : start + side]


def brightness(image, profile, random):
    hsv = rgb2hsv(cropped(uncropped(image, profile), profile) / 255.0)
    for i in range(31):
        lit = hsv.copy()
        lit[..., 2] = np.clip(hsv[..., 2] + (i - 15) * (0.015 if profile == "cifar" else 0.02), 0, 1)
        yield (hsv2rgb(lit) * 255).astype(np.uint8)


def translate(image, profile, random):
    for shift in {"tiny": range(-15, 16), "cifar": range(-7, 9)}.get(profile, range(-20, 21)):
        moved = affine(uncropped(image, profile), right=shift, resample=Image.Resampling.NEAREST)
        yield cropped(moved, profile)


def rotate(image, profile, random):
    for i in range(31):
        yield cropped(affine(uncropped(image, profile), angle=i - 15), profile)


def shear(image, profile, random):
    for i in range(31):
        yield cropped(affine(uncropped(image, profile), shear=i - 15), profile)


def scale(image, profile, random):
    source = uncropped(image, profile)
    source = cropped(source, profile) if profile == "imagenet_299" else source
    for i in range(31):
        factor = (i * 2 + 70) / 100 if profile == "cifar" else (i * 2.5 + 40) / 100
        yield crop(affine(source, scale=factor), SIDES[profile], SIDES[profile])


def tilt(image, profile, random):
    for i in range(31):
        degrees = 0.75 * (i - 15) if profile == "cifar" else i - 15
        yield cropped(seen_by_camera(uncropped(image, profile), degrees), profile)


def seen_by_camera(image, degrees):
    height, width = image.shape[:2]
    f, a = math.hypot(width, height), math.radians(degrees)
    c, s = math.cos(a), math.sin(a)
    p1 = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    rx = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]])
    ry = np.array([[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, 0], [0, 0, 0, 1]])
    t = np.eye(4)
    t[2, 3] = f
    p2 = np.array([[f, 0, width / 2, 0], [0, f, height / 2, 0], [0, 0, 1, 0]])
    m = np.linalg.inv(p2 @ t @ rx @ ry @ p1)
    y, x = np.mgrid[:height, :width].astype(float)
    u, v, w = (line[0] * x + line[1] * y + line[2] for line in m)
    u, v = (np.rint(place * (32 / w)).astype(int) for place in (u, v))
    a, b = (u & 31)[..., None], (v & 31)[..., None]
    padded = np.pad(image.astype(int), ((2, 2), (2, 2), (0, 0)))
    column, row = np.clip(u >> 5, -2, width) + 2, np.clip(v >> 5, -2, height) + 2
    upper = (32 - a) * padded[row, column] + a * padded[row, column + 1]
    lower = (32 - a) * padded[row + 1, column] + a * padded[row + 1, column + 1]
    return (((32 - b) * upper + b * lower + 512) >> 10).astype(np.uint8)


def gaussian_blur(image, profile, random):
    truncate, first, step = GAUSSIAN[profile]
    x = cropped(uncropped(image, profile), profile) / 255.0
    for i in range(31):
        blurred = gaussian(x, first + step * i, mode="nearest", truncate=truncate, channel_axis=-1)
        yield (blurred * 255).astype(np.uint8)


def spatter(image, profile, random):
    x = cropped(uncropped(image, profile), profile).astype(np.float32) / np.float32(255)
    loc, deviation, sigma, threshold, drip = SPATTER[profile]
    layer = gaussian(random.normal(loc, deviation, size=x.shape[:2]), sigma, mode="nearest", truncate=4.0)
    layer[layer < threshold] = 0
    colour = (np.array([175, 238, 238]) / 255).astype(np.float32)
    for _ in range(31):
        layer8 = (layer * 255).astype(np.uint8)
        near = cv2.distanceTransform(255 - cv2.Canny(layer8, 50, 150), cv2.DIST_L2, 5)
        near = cv2.equalizeHist(cv2.blur(np.minimum(near, 20), (3, 3)).astype(np.uint8))
        near = cv2.filter2D(near, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
        m = layer8 * cv2.blur(near, (3, 3)).astype(np.float32)
        if m.max() > 0:
            m = m / m.max() * np.float32(0.6)
        yield truncated(x + m[..., None] * colour)
        layer = np.apply_along_axis(np.convolve, 0, layer, drip, "same")


def sequence(name, image, bits, profile):
    """Return all frames of one of the eleven sequences that are not noise."""
    return np.stack(list(globals()[name](image, profile, RandomState(bits))))
