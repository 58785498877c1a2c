"""Time every corruption at every severity: this package, imagenet-c 0.0.3, imagecorruptions-imaug 1.1.5.

Each pass goes image by image, corruption by corruption, severity by severity, as a build does;
the time of a cell is the median over the passes, averaged over the images.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
from collections.abc import Callable

import measure
import numpy as np
import opponents
from photographs import cropped

from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply


def ours(name: str, image: np.ndarray, severity: int) -> np.ndarray:
    image_id = f"ILSVRC2012_val_{int(image[0, 0].sum()):08d}"
    return apply(name, image, severity, stream("imagenet_c", "imagenet", name, severity, 0, image_id))


def one_pass(corrupt: Callable[..., np.ndarray], names: list[str], images: list[np.ndarray]) -> np.ndarray:
    """Return milliseconds, shape (images, names, severities)."""
    return np.array(
        [
            [[measure.cpu_ms(corrupt, name, image, s) for s in SEVERITIES] for name in names]
            for image in images
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="corruptions to time; all by default")
    options = parser.parse_args()
    names = options.only or list(CORRUPTIONS)
    images = cropped()
    runners = {"ours": ours, "published": opponents.published(), "imaug": opponents.imaug()}

    passes: dict[str, list[np.ndarray]] = {runner: [] for runner in runners}
    for runner, corrupt in runners.items():  # compiles, fills caches; ours meets every frost texture
        one_pass(corrupt, names, images if runner == "ours" else images[:1])
    for _ in range(options.passes):  # the runners take turns, so that a busy spell meets all of them
        for runner, corrupt in runners.items():
            passes[runner].append(one_pass(corrupt, names, images))
    times = {runner: np.median(made, axis=0).mean(axis=0) for runner, made in passes.items()}

    mine, theirs, peers = times["ours"], times["published"], times["imaug"]
    rows = []
    for k, name in enumerate(names):
        a, b, c = mine[k].mean(), theirs[k].mean(), peers[k].mean()
        rows.append([name, float(a), float(b), float(c), float(b / a), float(c / a)])

    def summed(title: str, chosen: list[int]) -> tuple[float, float]:
        total = [float(t[chosen].sum()) for t in (mine, theirs, peers)]
        ratios = total[1] / total[0], total[2] / total[0]
        rows.append([f"**{title}**", *total, *ratios])
        return ratios

    ratios = np.array([row[-2:] for row in rows])
    by_published, by_imaug = summed(f"sum of all {mine.size}", list(range(len(names))))
    summed("sum without glass_blur", [k for k, name in enumerate(names) if name != "glass_blur"])
    rows.append([f"**geometric mean of the {len(names)}**", "", "", "", *np.exp(np.log(ratios).mean(axis=0))])
    slower = [
        f"{name} {s}"
        for k, name in enumerate(names)
        for s in SEVERITIES
        if mine[k, s - 1] > min(theirs[k, s - 1], peers[k, s - 1])
    ]
    cells = [
        [f"{name} {s}", *(float(t[k, s - 1]) for t in (mine, theirs, peers))]
        for k, name in enumerate(names)
        for s in SEVERITIES
    ]
    measure.save(
        "" if options.only else "kernels",
        "# Corruption kernels, milliseconds per image",
        measure.machine("imagenet-c", "imagecorruptions-imaug"),
        f"{len(images)} images at 224x224 in sequence, median of {options.passes} passes; "
        "one thread, CPU time.",
        "\n".join(
            [
                measure.goal(f"at most 1/80 of imagenet-c (1/{by_published:.1f})", by_published >= 80),
                measure.goal(f"at most 1/18 of imagecorruptions-imaug (1/{by_imaug:.1f})", by_imaug >= 18),
                measure.goal(f"severities slower than either: {', '.join(slower) or 'none'}", not slower),
            ]
        ),
        "## Mean of the five severities",
        measure.table(
            ["corruption", "ours", "imagenet-c", "imaug", "imagenet-c / ours", "imaug / ours"], rows
        ),
        "## Every severity",
        measure.table(["corruption and severity", "ours", "imagenet-c", "imaug"], cells),
    )


if __name__ == "__main__":
    main()
