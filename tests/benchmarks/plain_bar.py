"""ImageNet-C-bar's and CIFAR-10-C-bar's corruptions written plainly on NumPy, SciPy and scikit-image.

They are the opponents of bar.py: the formulas as they stand. ``each`` evaluates a function of row and column: once for
whole arrays, or, as the published functions do, in a loop over the pixels. The loop is lighter than the published one,
which also blends, draws rays and adds light pixel by pixel.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.random import BitGenerator, RandomState
from scipy import ndimage
from skimage.draw import line_aa

TAU = 2 * math.pi


Each = Callable[[Callable[[np.ndarray, np.ndarray], np.ndarray]], np.ndarray]


def whole(side: int) -> Each:
    """Evaluate a function once, for all rows and columns."""
    rows, columns = np.mgrid[:side, :side].astype(float)
    return lambda function: function(rows, columns)


def loop(side: int) -> Each:
    """Evaluate a function pixel by pixel."""
    axis = np.arange(side, dtype=float)
    return lambda function: np.array([[function(row, column) for column in axis] for row in axis])


def apply(
    name: str, image: np.ndarray, bits: BitGenerator, level: float, evaluate: Callable[[int], Each] = whole
) -> np.ndarray:
    side = len(image)
    y = CORRUPTIONS[name](image, RandomState(bits), level, side, evaluate(side))
    return np.clip(y, 0, 255).astype(np.uint8)


def nested(random: RandomState) -> RandomState:
    return RandomState(random.randint(0, 2**32, dtype=np.int64))


def field(
    random: RandomState, side: int, each: Each, power: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    half = random.uniform(0, TAU, size=(side, side // 2))
    phases = np.hstack([half, half[::-1, ::-1]])
    powers = each(lambda row, column: power(np.sqrt((row - side / 2) ** 2 + (column - side / 2) ** 2)))
    spectrum = powers * (np.cos(phases) + 1j * np.sin(phases))
    noise = np.fft.ifft2(np.roll(spectrum, (side // 2, side // 2), (0, 1))).real
    return noise / noise.std()


def bilinear(padded: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    side = len(padded) - 2
    low, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    r, c = (rows - low)[..., None], (columns - left)[..., None]

    def at(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return padded[np.clip(i + 1, 0, side + 1), np.clip(j + 1, 0, side + 1)]

    above = at(low, left) * (1 - c) + at(low, left + 1) * c
    return above * (1 - r) + (at(low + 1, left) * (1 - c) + at(low + 1, left + 1) * c) * r


def padded(image: np.ndarray) -> np.ndarray:
    return np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)))


def blue_noise_sample(p, random, level, side, each):
    return p * (field(nested(random), side, each, lambda d: d) > level * 3 / 10 - 2.5)[..., None]


def brownish_noise(p, random, level, side, each):
    random = nested(random)
    noise = [field(random, side, each, lambda d: 1 / (d**2 + 1)) for _ in range(3)]
    return p + level * 64 / 10 * np.stack(noise, axis=2)


def caustic_refraction(p, random, level, side, each):
    time, size = random.uniform(0.5, 2), random.uniform(0.75, 1.25) * side

    def pattern(row, column):
        p0, p1 = (x / size % 1 * 6.28318530718 - 250 for x in (row, column))
        i0, i1, c = p0, p1, 1
        for n in range(5):
            t = time * (1 - 3.5 / (n + 1))
            i0, i1 = p0 + np.cos(t - i0) + np.sin(t + i1), p1 + np.sin(t - i1) + np.cos(t + i0)
            c = c + 1 / np.sqrt((p0 / (np.sin(i0 + t) / 0.005)) ** 2 + (p1 / (np.cos(i1 + t) / 0.005)) ** 2)
        return np.clip(np.abs(1.17 - (c / 5) ** 1.4) ** 8, 0, 1)

    surface, values = np.pad(ndimage.gaussian_filter(each(pattern), 1), 1), padded(p / 255)
    light = level * 2 / 10

    def refracted(row, column):
        i, j = row.astype(int) + 1, column.astype(int) + 1
        down, across = surface[i + 1, j] - surface[i - 1, j], surface[i, j + 1] - surface[i, j - 1]
        length = np.sqrt(down**2 + across**2 + 1)
        sine = np.sqrt(down**2 + across**2) / length
        bend = np.cos(np.arcsin(sine / 4)) - 0.25 / length
        bend = np.where(1 / length < 1 - 1e-3, bend * level * 0.5 * side / 10, 0)
        rows, columns = row + np.round(down / length * bend, 3), column + np.round(across / length * bend, 3)
        lit = bilinear(values, rows, columns) - (across * light)[..., None] + (down * light)[..., None]
        return np.clip(lit, 0, 1)

    return 255 * each(refracted)


def checkerboard_cutout(p, random, level, side, each):
    angle, scale = random.uniform(0, TAU), max(random.uniform(0.1, 0.25) * side, 1)
    n = int(4 * side // scale)
    grid = nested(random).uniform(size=(n, n)) < level / 10
    s, c = math.sin(angle), math.cos(angle)

    def hidden(row, column):
        a, b = (c * row + s * column) / scale, (-s * row + c * column) / scale
        return ((a % 2).astype(int) == (b % 2).astype(int)) & grid[a.astype(int), b.astype(int)]

    return np.where(each(hidden)[..., None], 128, p)


def circular_motion_blur(p, random, level, side, each):
    x, total, weights = (p / 255).astype(np.float32), 0, 0
    for u in np.linspace(-1, 1, 21):
        weight = math.exp(-2 * u * u)
        total = total + np.float32(weight) * ndimage.rotate(x, u * level * 15 / 10, reshape=False)
        weights += weight
    return total / np.float32(weights) * np.float32(255)


def cocentric_sine_waves(p, random, level, side, each):
    (left, top), frequency = random.uniform(0, side, size=2), random.uniform(0, 10)
    wobble, ring = random.uniform(0, side / 10), random.uniform(0, side / 10)

    def wave(row, column):
        x, y = column - left, row - top
        return (np.sqrt(x**2 + y**2) + wobble * np.sin(frequency * np.arctan2(x, y))) % ring / ring - 0.5

    return p + (level * 128 / 10 * each(wave))[..., None]


def star(lengths, top, left, exponent, row, column):
    t = (np.arctan2(column - left, row - top) + math.pi) / TAU * len(lengths)
    i = t.astype(int)
    f = t - i
    length = lengths[i % len(lengths)] + f * (lengths[(i + 1) % len(lengths)] - lengths[i % len(lengths)])
    g = length**2 / ((row - top) ** 2 + (column - left) ** 2 + 1e-4)
    return np.clip((1 - (f - 0.5) ** 2) * g**exponent, 0, 1)


def inverse_sparkles(p, random, level, side, each):
    top, left = random.uniform(0.25, 0.75, size=2) * side
    second, n = nested(random), random.randint(50, 200)
    lengths, exponent = 0.25 * side * (1 + 0.25 * second.randn(n)), level * 65 / 10 / 50
    h = each(functools.partial(star, lengths, top, left, exponent))
    return 255 + h[..., None] * (p - 255.0)


def sparkles(p, random, level, side, each):
    centres, second, counts = (
        random.uniform(0, side, size=(5, 2)),
        nested(random),
        random.randint(50, 200, size=5),
    )
    v, radius = p, level * 0.1 / 10 * side
    for (top, left), n in zip(centres, counts, strict=True):
        lengths = np.maximum(1, radius + 0.25 * radius * second.randn(n))
        h = each(functools.partial(star, lengths, top, left, 1))
        v = v.astype(np.float32).astype(float)
        v = v + h[..., None] * (255 - v)
    return v


def lines(p, random, level, side, each):
    angle, variation = random.uniform(0, TAU), random.uniform(0.1, 1)
    second, image = nested(random), p.copy()
    for _ in range(int(level / 10 * side)):
        x, y, turn = second.uniform(size=3)
        a = angle + TAU * variation * (turn - 0.5)
        s, c = side * math.sin(a), side * math.cos(a)
        ends = (side * x - c, side * y - s, side * x + c, side * y + s)
        r, k, cover = line_aa(*(int(end) for end in ends))
        inside = (r >= 0) & (r < side) & (k >= 0) & (k < side)
        r, k, cover = r[inside], k[inside], cover[inside, None]
        image[r, k] = (1 - cover) * image[r, k] + 128 * cover
    return image


def perlin_noise(p, random, level, side, each):
    words = nested(random).randint(0, 2**31, size=514 * 2 + 256)
    gradients = ((words[:1028] % 512 - 256) / 256).reshape(514, 2)
    gradients /= np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    order = np.arange(514)
    for i, word in zip(range(255, -1, -1), words[1028:] % 256, strict=True):
        order[[i, word]] = order[[word, i]]
    for i in range(258):
        order[256 + i], gradients[256 + i] = order[i], gradients[i]

    def corner(i, j, x, y):
        g = gradients[order[order[i % 256] + j % 256]]
        return x * g[..., 0] + y * g[..., 1]

    def turbulence(row, column):
        total = 0
        for f in (1, 2, 4, 8, 16):
            x, y = (f * axis * 224 / (32 * side) for axis in (row, column))
            i, j = x.astype(int), y.astype(int)
            x, y = x - i, y - j
            s, t = x * x * (3 - 2 * x), y * y * (3 - 2 * y)
            a = corner(i, j, x, y) * (1 - s) + s * corner(i + 1, j, x - 1, y)
            b = corner(i, j + 1, x, y - 1) * (1 - s) + s * corner(i + 1, j + 1, x - 1, y - 1)
            total = total + np.abs(1.5 * (a + t * (b - a))) / f
        return np.clip(total / 2 + 0.5, 0, 1)

    weight = level * 0.5 / 10
    noise = 255 * weight * each(turbulence)
    return (np.float32(1 - weight) * p.astype(np.float32)).astype(float) + noise[..., None]


def plasma_noise(p, random, level, side, each):
    time, n = random.uniform(0, 6 * math.pi), random.randint(4, 7)
    sharpness, scale = random.uniform(0.5, 1), random.uniform(0.075, 0.2) * side

    def colours(row, column):
        x, y, i0, i1, i2 = column / scale, row / scale, 1, 1, 1
        for _ in range(n):
            r0, r1 = np.cos(y * i0 + time / i1) / i2, np.sin(x * i0 + time / i1) / i2
            x, y = x + r0 - 0.3 * r1, y + r1 + 0.3 * r0
            i0, i1, i2 = i0 * 1.93, i1 * 1.15, i2 * (2.25 - sharpness)
        return np.stack([np.sin(x - time), np.sin((x + y + math.sin(time)) / 2), np.sin(y + time)], axis=-1)

    weight = level * 64 / 10
    return (1 - weight / 255) * p + weight * each(colours)


def single_frequency_greyscale(p, random, level, side, each):
    first = random.uniform(-math.pi, math.pi)
    pair = np.array([first, random.uniform(-abs(first), abs(first))])
    across, down = pair[random.permutation(2)]
    phase = random.uniform(0, TAU)
    wave = each(lambda row, column: np.sin(column * across + row * down + phase))
    return p + (level * 196 / 10 * wave)[..., None]


def ripple(p, random, level, side, each):
    lengths, phases = random.uniform(0.1, 0.3, size=2) * side, random.uniform(0, TAU, size=2)
    amplitude = level * 0.025 / 10 * side
    values = padded(p)

    def moved(row, column):
        rows, columns = (
            axis + amplitude * np.sin(TAU * axis / length + phase)
            for axis, length, phase in zip((row, column), lengths, phases, strict=True)
        )
        return bilinear(values, rows, columns)

    return each(moved)


def transverse_chromatic_abberation(p, random, level, side, each):
    most = level * 0.5 / 10
    factors = np.array([1, 1 + most / 2, 1 + most])[random.permutation(3)]
    channels = []
    for channel, factor in zip(np.moveaxis(p, 2, 0), factors, strict=True):
        large = ndimage.zoom(channel, factor, prefilter=False)
        start = (len(large) - side) // 2
        channels.append(large[start : start + side, start : start + side])
    return np.stack(channels, axis=2)


CORRUPTIONS = {
    function.__name__: function
    for function in (
        blue_noise_sample,
        brownish_noise,
        caustic_refraction,
        checkerboard_cutout,
        circular_motion_blur,
        cocentric_sine_waves,
        inverse_sparkles,
        lines,
        perlin_noise,
        plasma_noise,
        ripple,
        single_frequency_greyscale,
        sparkles,
        transverse_chromatic_abberation,
    )
}
