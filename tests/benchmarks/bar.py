"""Time the corruptions of ImageNet-C-bar and CIFAR-10-C-bar: this package against plain_bar.py.

Also the cost of one corrupted image in a build, against that of ImageNet-C: kernel and JPEG, and all that a build does.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import measure
import numpy as np
import plain_bar as plain
from photographs import FILES, cropped, write_source
from PIL import Image

from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.build import units
from imagenet_cp.build.parquet import ROWS_PER_GROUP
from imagenet_cp.build.plan import new_plan
from imagenet_cp.corruptions import BAR, SEVERITIES, TEST, apply
from imagenet_cp.images.codecs import encode_jpeg
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.jobs.local import reuse_freed_memory
from imagenet_cp.jobs.locks import lock_folder
from imagenet_cp.sources import Source, open_source

PROFILES = {"imagenet": ("ImageNet-C-bar", 224), "cifar": ("CIFAR-10-C-bar", 32)}
BUILDS = {"ImageNet-C": "imagenet_c", "ImageNet-C-bar": "imagenet_c_bar"}
#: Images of a build: one before the clock starts, and those of a row group, whose last one writes the group.
BUILD_IMAGES = 1 + ROWS_PER_GROUP
#: Of the loop over pixels, whose time does not depend on it.
LOOP_SEVERITY = 3


def ours(profile: str, name: str, severity: int, index: int, image: np.ndarray) -> np.ndarray:
    return apply(name, image, severity, stream("bar", profile, name, severity, 0, str(index)), profile)


def theirs(
    profile: str, name: str, severity: int, index: int, image: np.ndarray, evaluate: object = plain.whole
) -> np.ndarray:
    bits = stream("bar", profile, name, severity, 0, str(index)).to_sfc64()
    return plain.apply(name, image, bits, BAR[name].tables[profile][severity - 1][0], evaluate)


def compare(profile: str, images: list[np.ndarray], passes: int) -> list[str]:
    """Sections of the report for one profile."""
    title, side = PROFILES[profile]
    images = [np.asarray(Image.fromarray(image).resize((side, side))) for image in images]
    names = [name for name in plain.CORRUPTIONS if profile in BAR[name].tables]
    times = np.empty((2, passes + 1, len(names)))
    for turn in range(passes + 1):
        for k, run in enumerate((ours, theirs)):
            for n, name in enumerate(names):
                times[k, turn, n] = np.mean(
                    [
                        measure.cpu_ms(run, profile, name, severity, index, image)
                        for index, image in enumerate(images)
                        for severity in SEVERITIES
                    ]
                )
    own, arrays = np.median(times[:, 1:], axis=1)  # the first pass compiles and fills caches
    loops = np.array(
        [measure.cpu_ms(theirs, profile, name, LOOP_SEVERITY, 0, images[0], plain.loop) for name in names]
    )
    rows = [
        [name, float(a), float(b), float(c), float(b / a), float(c / a)]
        for name, a, b, c in zip(names, own, arrays, loops, strict=True)
    ]
    a, b, c = (float(each.sum()) for each in (own, arrays, loops))
    rows.append([f"**sum of {len(names)}**", a, b, c, b / a, c / a])
    slower = [row[0] for row in rows if min(row[4], row[5]) < 1]
    return [
        f"## {title}, {side}x{side}",
        measure.goal(f"at most 1/20 of the loop over pixels (1/{c / a:.0f})", c >= 20 * a),
        measure.goal(f"slower than either: {', '.join(map(str, slower)) or 'none'}", not slower),
        measure.table(
            [
                "corruption, mean of the five severities",
                "ours",
                "arrays",
                "loop",
                "arrays / ours",
                "loop / ours",
            ],
            rows,
        ),
    ]


def cost(images: list[np.ndarray], passes: int) -> list[str]:
    """Section of the report on one corrupted image of a build."""
    suites = {"ImageNet-C": TEST, "ImageNet-C-bar": [name for name in BAR if "imagenet" in BAR[name].tables]}
    times = np.empty((passes, len(suites), 2))
    for turn in range(passes):
        for k, names in enumerate(suites.values()):
            parts = []
            for name in names:
                for severity in SEVERITIES:
                    for index, image in enumerate(images):
                        kernel = measure.cpu_ms(ours, "imagenet", name, severity, index, image)
                        corrupted = ours("imagenet", name, severity, index, image)
                        parts.append((kernel, measure.cpu_ms(encode_jpeg, corrupted, 85)))
            times[turn, k] = np.mean(parts, axis=0)
    both = np.min(times[1:], axis=0)  # the first pass compiles
    rows = [[name, *map(float, part), float(part.sum())] for name, part in zip(suites, both, strict=True)]
    ratio = float(both[1].sum() / both[0].sum())
    return [
        "## One corrupted image, kernel and JPEG, 224x224",
        measure.goal(f"ImageNet-C-bar at most 1.2x ImageNet-C ({ratio:.2f}x)", ratio <= 1.2),
        measure.table(["mean of all configs, the least pass", "kernel", "JPEG", "both"], rows),
    ]


def build_cost(passes: int) -> list[str]:
    """Section of the report on builds of both data sets, which take turns image by image in one process.

    As a worker of a build does, the process reuses the memory of freed arrays: without that, the system clears the
    memory of the kernels' buffers anew for each image.
    """
    reuse_freed_memory(own_process=True)
    with tempfile.TemporaryDirectory() as folder:
        write_source(Path(folder, "clean"), BUILD_IMAGES)
        source = open_source(Path(folder, "clean"))
        times = np.array([_builds(source, Path(folder, str(turn))) for turn in range(passes)])
    # Of each image the least time, because whatever else the machine does only adds to it.
    own, bar = times.min(axis=0)[:, 1:].mean(axis=1)
    return [
        "## One corrupted image of a build, all included",
        measure.goal(f"ImageNet-C-bar at most 1.2x ImageNet-C ({bar / own:.2f}x)", bar <= 1.2 * own),
        measure.table(
            ["mean of all configs, the least pass of each image", "reading, kernel, JPEG and Parquet"],
            zip(BUILDS, (own, bar), strict=True),
        ),
    ]


def _builds(source: Source, out: Path) -> list[list[float]]:
    """Milliseconds for each image of both builds, divided by the number of configs."""
    turns = threading.Semaphore(1), threading.Semaphore(0)
    times: list[list[float]] = [[], []]

    def run(k: int, dataset: str) -> None:
        unit = new_plan(dataset, source, out / dataset).todo[0]
        start = 0

        def tick() -> None:
            nonlocal start
            times[k].append((time.thread_time_ns() - start) / 1e6 / len(unit.cells))
            turns[1 - k].release()
            turns[k].acquire()
            start = time.thread_time_ns()

        unit.record.parent.mkdir(parents=True)
        turns[k].acquire()
        try:
            with lock_folder(unit.out, Shard()) as claim:
                units.run(replace(unit, claim=claim), tick)
        finally:
            turns[1 - k].release()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(BUILDS.values())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=len(FILES))
    parser.add_argument("--passes", type=int, default=3, help="the median counts")
    options = parser.parse_args()
    images = cropped()[: options.images]
    parts = [part for profile in PROFILES for part in compare(profile, images, options.passes)]
    measure.save(
        "bar",
        "# Corruptions of ImageNet-C-bar, milliseconds per image",
        measure.machine(),
        f"{options.images} images, median of {options.passes} passes; one thread, CPU time. `arrays` and `loop` are "
        "plain_bar.py: whole arrays in NumPy, and a loop over the pixels as in the published functions, for one image.",
        *parts,
        *cost(images, options.passes + 1),
        *build_cost(options.passes),
    )


if __name__ == "__main__":
    main()
