"""Time the image-major build of ImageNet-C against the codec floor, in CPU time per source image.

The floor is the minimum for any build: Pillow decodes the source image, which is resized and cropped once, and encodes
the same images. The build and the floor take turns, image by image, in one process, so that a machine whose speed
changes slows both, and of each image the least time counts, because whatever else the machine does only adds to it. The
process reuses the memory of freed arrays, as workers of a build do. `load_dataset` runs on two sources, so that its
start-up cancels.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import functools
import io
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import measure
import numpy as np
from datasets import load_dataset
from photographs import prepared_by_pillow, write_source
from PIL import Image

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.build import units
from imagenet_cp.build.parquet import ROWS_PER_GROUP
from imagenet_cp.build.plan import new_plan
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, TEST, apply
from imagenet_cp.images.codecs import encode_jpeg
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.jobs.local import reuse_freed_memory
from imagenet_cp.jobs.locks import lock_folder
from imagenet_cp.sources import open_source

#: Images of a build: one before the clock starts, and those of a row group, whose last one writes the group.
BUILD_IMAGES = 1 + ROWS_PER_GROUP
#: Of the two sources whose difference is the time of load_dataset.
LOADED_IMAGES = 5, 45


def pillow_jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def corrupt_all(image: np.ndarray, image_id: str) -> list[np.ndarray]:
    """Apply every corruption at every severity."""
    return [
        apply(name, image, severity, stream("imagenet_c", "imagenet", name, severity, 0, image_id))
        for name in CORRUPTIONS
        for severity in SEVERITIES
    ]


def parts(path: Path) -> list[float]:
    """Milliseconds of one image: decoding, by Pillow and by the package, all kernels, all encodes by both."""
    image = prepared_by_pillow(path.read_bytes())
    made = corrupt_all(image, path.stem)
    pillows = [Image.fromarray(one) for one in made]
    return [
        measure.cpu_ms(lambda: prepared_by_pillow(path.read_bytes())),
        measure.cpu_ms(lambda: BENCHMARKS["imagenet_c"].prepare(path.read_bytes(), path.name)),
        measure.cpu_ms(corrupt_all, image, path.stem),
        measure.cpu_ms(lambda: [pillow_jpeg(pillow) for pillow in pillows]),
        measure.cpu_ms(lambda: [encode_jpeg(one, 85) for one in made]),
    ]


def build(source: Path, out: Path) -> list[float]:
    """Milliseconds of a build for each image but the first."""
    unit = new_plan("imagenet_c", open_source(source), out).todo[0]
    ends: list[int] = []
    unit.record.parent.mkdir(parents=True)
    with lock_folder(unit.out, Shard()) as claim:
        units.run(replace(unit, claim=claim), lambda: ends.append(time.process_time_ns()))
    return [float(ms) for ms in np.diff(ends) / 1e6]


def loading(root: Path, passes: int) -> float:
    """Milliseconds of load_dataset per source image."""
    for count in LOADED_IMAGES:
        write_source(root / str(count), count)
    times = np.empty((passes, len(LOADED_IMAGES)))
    for turn, k in np.ndindex(*times.shape):
        folders = {"data_dir": str(root / str(LOADED_IMAGES[k])), "cache_dir": str(root / f"cache{turn}_{k}")}
        times[turn, k] = measure.cpu_ms(functools.partial(load_dataset, "imagenet_c", "test", **folders))
    few, many = times.min(axis=0)
    return float(many - few) / (LOADED_IMAGES[1] - LOADED_IMAGES[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--passes", type=int, default=5, help="builds, of which each image's least time counts"
    )
    passes = parser.parse_args().passes
    reuse_freed_memory(own_process=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = write_source(root / "clean", BUILD_IMAGES)
        builds, rest = [], []
        for turn in range(passes):
            builds.append(build(root / "clean", root / f"build{turn}"))
            rest.append([parts(path) for path in paths])
        load = loading(root, passes)
    whole = float(np.min(builds, axis=0).mean())
    by_pillow, decoding, kernels, pillow, encoder = map(float, np.min(rest, axis=0).mean(axis=0))
    floor = by_pillow + pillow
    count, tested = len(CORRUPTIONS) * len(SEVERITIES), len(TEST) * len(SEVERITIES)
    ratio = (load / tested) / (whole / count)
    measure.save(
        "build",
        "# Building ImageNet-C, milliseconds of CPU time per source image",
        measure.machine(),
        f"{count} configs, {ROWS_PER_GROUP} JPEGs of 500x375; of each image the least of {passes} passes.",
        "\n".join(
            [
                measure.goal(f"at most 1.1x the codec floor ({whole / floor:.2f}x)", whole <= 1.1 * floor),
                measure.goal(
                    f"a row of load_dataset at most 1.3x one of a build ({ratio:.2f}x)", ratio <= 1.3
                ),
            ]
        ),
        measure.table(
            ["step", "ms per source image"],
            [
                [f"codec floor: decode, resize, crop, {count} encodes by Pillow", floor],
                ["**build**", whole],
                ["of that: decode, resize, crop", decoding],
                ["of that: kernels", kernels],
                ["of that: the package's JPEG encoder", encoder],
                [
                    "of that: the remainder (clean PNG, Parquet, Python, files)",
                    whole - decoding - kernels - encoder,
                ],
                [f'`load_dataset("imagenet_c", "test")`, {tested} configs', load],
            ],
        ),
    )


if __name__ == "__main__":
    main()
