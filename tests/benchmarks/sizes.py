"""Time every corruption at several sizes, per pixel: none should take much longer than at 224x224.

Each pass goes photograph by photograph, size by size, corruption by corruption, severity by severity; the time of a
cell is the median over the passes, averaged over photographs and severities.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse

import measure
import numpy as np
from photographs import photographs
from PIL import Image, ImageOps

from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply
from imagenet_cp.recipe import stream

SIZES = ((224, 224), (64, 64), (512, 384), (1024, 768))
#: How many times longer per pixel is still well.
MOST = 1.5


def pictures(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """Return photographs cut and resized to a width and height."""
    return [np.array(ImageOps.fit(photo, size, Image.Resampling.LANCZOS)) for photo in photographs()[:count]]


def cell(name: str, image: np.ndarray, severity: int, image_id: str) -> float:
    """Return the milliseconds of one picture, its random stream being there already."""
    bits = stream("imagenet_c", "imagenet", name, severity, 0, image_id)
    return measure.cpu_ms(apply, name, image, severity, bits)


def one_pass(names: list[str], images: list[list[np.ndarray]], rounds: list[int]) -> np.ndarray:
    """Return nanoseconds per pixel, shape (sizes, names)."""
    made = np.zeros((len(images), len(names)))
    for s, (of_size, repeats) in enumerate(zip(images, rounds, strict=True)):
        for k, name in enumerate(names):
            times = [
                cell(name, image, severity, str(place))
                for _ in range(repeats)
                for place, image in enumerate(of_size)
                for severity in SEVERITIES
            ]
            made[s, k] = np.mean(times) * 1e6 / (of_size[0].shape[0] * of_size[0].shape[1])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--photographs", type=int, default=4)
    parser.add_argument("--only", nargs="*", help="corruptions to time; all by default")
    parser.add_argument("--save", action="store_true", help="write results/sizes.md")
    options = parser.parse_args()
    names = options.only or list(CORRUPTIONS)
    images = [pictures(size, options.photographs) for size in SIZES]
    rounds = [4, 8, 1, 1]  # small pictures are over too soon to be timed once

    one_pass(names, images, [1] * len(SIZES))  # compiles, fills caches
    times = np.median([one_pass(names, images, rounds) for _ in range(options.passes)], axis=0)

    rows: list[list[object]] = []
    slow = []
    for k, name in enumerate(names):
        ratios = times[1:, k] / times[0, k]
        rows.append([name, *map(float, times[:, k]), *map(float, ratios)])
        slow += [
            f"{name} at {size[0]}x{size[1]} ({ratio:.2f})"
            for size, ratio in zip(SIZES[1:], ratios, strict=True)
            if ratio > MOST
        ]
    titles = [f"{width}x{height}" for width, height in SIZES]
    measure.save(
        "sizes" if options.save and not options.only else "",
        "# Corruptions at other sizes, nanoseconds a pixel",
        measure.machine(),
        f"{options.photographs} photographs, the mean of all severities, median of {options.passes} passes; "
        "one thread, CPU time; without making the random stream, which takes 10 to 20 µs at every size.",
        measure.goal(f"at most {MOST} times those of 224x224; above: {', '.join(slow) or 'none'}", not slow),
        measure.table(["corruption", *titles, *(f"{title} / 224x224" for title in titles[1:])], rows),
    )


if __name__ == "__main__":
    main()
