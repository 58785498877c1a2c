"""Time every corruption at several sizes, per pixel: none should take much longer than at 224x224.

Each pass goes size by size, corruption by corruption, through all images at all severities: one by one with
`imagenet_cp.corruptions.apply`, and in batches with `imagenet_cp.corrupt`, which also creates the random streams. The
times are medians over the passes.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
from collections.abc import Callable

import measure
import numpy as np
from photographs import photographs
from PIL import Image, ImageOps

from imagenet_cp import corrupt
from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply

SIZES = ((224, 224), (64, 64), (512, 384), (1024, 768))
#: Number of repetitions of the images at each size.
ROUNDS = (4, 8, 1, 1)
#: Largest acceptable ratio of the time per pixel to that at 224x224.
MOST = 1.5


def pictures(size: tuple[int, int], count: int) -> np.ndarray:
    """Return images cropped and resized to a width and height, shape (count, height, width, 3)."""
    return np.stack([ImageOps.fit(photo, size, Image.Resampling.LANCZOS) for photo in photographs()[:count]])


def alone(name: str, images: np.ndarray) -> float:
    """Return the milliseconds of all images at all severities, without creating their random streams."""
    calls = [
        (name, image, severity, stream("imagenet_c", "imagenet", name, severity, 0, str(place)))
        for place, image in enumerate(images)
        for severity in SEVERITIES
    ]

    def run() -> None:
        for call in calls:
            apply(*call)

    return measure.cpu_ms(run)


def in_batches(name: str, images: np.ndarray) -> float:
    """Return the milliseconds of one batch of the images for each severity."""

    def run() -> None:
        for severity in SEVERITIES:
            corrupt(images, name, severity)

    return measure.cpu_ms(run)


def one_pass(
    way: Callable[[str, np.ndarray], float], names: list[str], images: list[np.ndarray]
) -> np.ndarray:
    """Return microseconds per image, shape (sizes, names)."""
    times = np.array([[way(name, of_size) for name in names] for of_size in images])
    return times * 1e3 / (np.array([[len(of_size)] for of_size in images]) * len(SEVERITIES))


def report(title: str, sentence: str, names: list[str], micros: np.ndarray) -> list[str]:
    """Return a table of nanoseconds per pixel and its comparison with the goal."""
    pixels = np.array([width * height for width, height in SIZES])
    times = 1e3 * np.column_stack([micros, micros.sum(axis=1) * len(SEVERITIES)]) / pixels[:, None]
    ratios = times[1:] / times[0]
    sizes = [f"{width}x{height}" for width, height in SIZES]
    above = [
        f"{name} at {size} ({ratio:.2f}; {call:.0f} µs per image)"
        for name, *cells in zip(
            names, *(zip(r, m, strict=False) for r, m in zip(ratios, micros[1:], strict=True)), strict=False
        )
        for size, (ratio, call) in zip(sizes[1:], cells, strict=True)
        if ratio > MOST
    ]
    labels = [*names, f"**sum of all {len(names) * len(SEVERITIES)}**"]
    sums = ", ".join(f"{ratio:.2f} at {size}" for size, ratio in zip(sizes[1:], ratios[:, -1], strict=True))
    return [
        f"## {title}",
        sentence,
        "\n".join(
            [
                measure.goal(
                    f"the sum of all at most {MOST} times that of 224x224 ({sums})",
                    ratios[:, -1].max() <= MOST,
                ),
                measure.goal(
                    f"each at most {MOST} times that of 224x224; above: {', '.join(above) or 'none'}",
                    not above,
                ),
            ]
        ),
        measure.table(
            ["corruption", *sizes, *(f"{size} / {sizes[0]}" for size in sizes[1:])],
            [
                [label, *map(float, t), *map(float, r)]
                for label, t, r in zip(labels, times.T, ratios.T, strict=True)
            ],
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--photographs", type=int, default=4)
    parser.add_argument("--only", nargs="*", help="corruptions to time; all by default")
    parser.add_argument("--save", action="store_true", help="write results/sizes.md")
    options = parser.parse_args()
    names = options.only or list(CORRUPTIONS)
    images = [pictures(size, options.photographs) for size in SIZES]
    # small images take too little time for a single measurement
    images = [np.concatenate([of_size] * times) for of_size, times in zip(images, ROUNDS, strict=True)]

    passes: dict[Callable[[str, np.ndarray], float], list[np.ndarray]] = {alone: [], in_batches: []}
    for way in passes:
        one_pass(way, names, images)  # compiles, fills caches
    for _ in range(options.passes):
        for way, made in passes.items():
            made.append(one_pass(way, names, images))
    micros = {way: np.median(made, axis=0) for way, made in passes.items()}

    measure.save(
        "sizes" if options.save and not options.only else "",
        "# Corruptions at several sizes, nanoseconds per pixel",
        measure.machine(),
        f"{options.photographs} images, the mean of all severities, median of {options.passes} passes; "
        "one thread, CPU time. A call takes a few microseconds at any size: the fastest kernels take no longer "
        "than that for 64x64 pixels.",
        *report("One image per call", "Without creating the random stream.", names, micros[alone]),
        *report(
            "In batches",
            "`imagenet_cp.corrupt(batch)`, including the random streams.",
            names,
            micros[in_batches],
        ),
    )


if __name__ == "__main__":
    main()
