"""Time the corruptions of ImageNet-C-bar and CIFAR-10-C-bar: this package against plain_bar.py."""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse

import measure
import numpy as np
import plain_bar as plain
from photographs import FILES, cropped
from PIL import Image

from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.corruptions import BAR, SEVERITIES, apply

PROFILES = {"imagenet": ("ImageNet-C-bar", 224), "cifar": ("CIFAR-10-C-bar", 32)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=len(FILES))
    parser.add_argument("--passes", type=int, default=3, help="the median counts")
    options = parser.parse_args()
    parts = []
    for profile, (title, side) in PROFILES.items():
        images = [
            np.asarray(Image.fromarray(image).resize((side, side))) for image in cropped()[: options.images]
        ]
        names = [name for name in plain.CORRUPTIONS if profile in BAR[name].tables]

        def ours(
            name: str, severity: int, index: int, image: np.ndarray, profile: str = profile
        ) -> np.ndarray:
            bits = stream("bar", profile, name, severity, 0, str(index))
            return apply(name, image, severity, bits, profile)

        def theirs(
            name: str, severity: int, index: int, image: np.ndarray, profile: str = profile
        ) -> np.ndarray:
            bits = stream("bar", profile, name, severity, 0, str(index)).to_sfc64()
            return plain.apply(name, image, bits, BAR[name].tables[profile][severity - 1][0])

        times = np.empty((2, options.passes + 1, len(names)))
        for turn in range(options.passes + 1):
            for k, run in enumerate((ours, theirs)):
                for n, name in enumerate(names):
                    times[k, turn, n] = np.mean(
                        [
                            measure.cpu_ms(run, name, severity, index, image)
                            for index, image in enumerate(images)
                            for severity in SEVERITIES
                        ]
                    )
        own, other = np.median(times[:, 1:], axis=1)  # the first pass compiles and fills caches
        rows = [
            [name, float(a), float(b), float(b / a)] for name, a, b in zip(names, own, other, strict=True)
        ]
        rows.append(
            [f"**sum of {len(names)}**", float(own.sum()), float(other.sum()), float(other.sum() / own.sum())]
        )
        slower = [row[0] for row in rows if row[3] < 1]
        parts += [
            f"## {title}, {side}x{side}",
            measure.goal(f"slower than plain: {', '.join(map(str, slower)) or 'none'}", not slower),
            measure.table(["corruption, mean of the five severities", "ours", "plain", "plain / ours"], rows),
        ]
    measure.save(
        "bar",
        "# Corruptions of ImageNet-C-bar, milliseconds per image",
        measure.machine(),
        f"{options.images} images, median of {options.passes} passes; one thread, CPU time. `plain` is plain_bar.py, "
        "whole arrays in NumPy, where the published functions loop over pixels.",
        *parts,
    )


if __name__ == "__main__":
    main()
