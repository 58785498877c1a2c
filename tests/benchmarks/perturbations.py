"""Time the 14 sequences of ImageNet-P: this package against plain_perturbations.py."""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import io
from collections.abc import Callable

import measure
import numpy as np
import plain_perturbations as plain
from photographs import FILES, resized
from PIL import Image

from imagenet_cp.benchmarks.jpeg_quality import frame_codec
from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.images.codecs import encode_jpeg, parse_jpeg
from imagenet_cp.perturbations import PERTURBATIONS, apply


def sequence(make: Callable[..., np.ndarray], name: str, image: np.ndarray) -> np.ndarray:
    image_id = f"ILSVRC2012_val_{int(image[0, 0].sum()):08d}"
    return make(name, image, stream("imagenet_p", "imagenet", name, 1, 0, image_id).to_sfc64())


def ours_ms(name: str, image: np.ndarray) -> float:
    return measure.cpu_ms(sequence, apply, name, image)


def plain_ms(name: str, image: np.ndarray) -> float:
    return measure.cpu_ms(sequence, plain.apply, name, image)


def plain_png_ms(name: str, image: np.ndarray) -> float:
    plain.PNG_EXCHANGE = True
    try:
        return plain_ms(name, image)
    finally:
        plain.PNG_EXCHANGE = False


def ours_jpeg_ms(name: str, image: np.ndarray) -> float:
    quality = parse_jpeg(frame_codec(name))
    return measure.cpu_ms(lambda: [encode_jpeg(frame, *quality) for frame in sequence(apply, name, image)])


def floor_ms(name: str, image: np.ndarray) -> float:
    frames = [Image.fromarray(frame) for frame in sequence(apply, name, image)]
    quality, subsampling = parse_jpeg(frame_codec(name))
    options = {"quality": quality, "subsampling": subsampling, "optimize": True}
    return measure.cpu_ms(lambda: [frame.save(io.BytesIO(), "JPEG", **options) for frame in frames])


RUNNERS = {
    "ours": ours_ms,
    "plain": plain_ms,
    "plain, PNG": plain_png_ms,
    "ours with JPEG": ours_jpeg_ms,
    "codec floor": floor_ms,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=len(FILES))
    parser.add_argument("--passes", type=int, default=3, help="the median counts")
    options = parser.parse_args()
    names, images = list(PERTURBATIONS), resized()[: options.images]

    def one_pass(run: Callable[[str, np.ndarray], float], images: list[np.ndarray]) -> np.ndarray:
        return np.array([[run(name, image) for name in names] for image in images])

    passes: dict[str, list[np.ndarray]] = {runner: [] for runner in RUNNERS}
    for run in RUNNERS.values():
        one_pass(run, images[:1])  # compiles, fills caches
    for _ in range(options.passes):  # the runners take turns, so that a busy spell meets all of them
        for runner, run in RUNNERS.items():
            passes[runner].append(one_pass(run, images))
    columns = [np.median(made, axis=0).mean(axis=0) for made in passes.values()]

    rows = [
        [name, *(float(c[k]) for c in columns), float(columns[1][k] / columns[0][k])]
        for k, name in enumerate(names)
    ]
    sums = [float(c.sum()) for c in columns]
    rows.append([f"**sum of all {len(names)}**", *sums, sums[1] / sums[0]])
    measure.save(
        "perturbations",
        "# ImageNet-P sequences, milliseconds per sequence",
        measure.machine(),
        f"{options.images} images in sequence, median of {options.passes} passes; one thread, CPU time. "
        "`plain` is plain_perturbations.py; `plain, PNG` the same with images passed to and from "
        "ImageMagick as PNG, as in the published corruption functions. `codec floor` is Pillow's encoding of the "
        "same frames.",
        "\n".join(
            [
                measure.goal(f"at most 1/20 of plain (1/{sums[1] / sums[0]:.1f})", sums[1] >= 20 * sums[0]),
                measure.goal(
                    f"at most 1/20 of plain, PNG (1/{sums[2] / sums[0]:.1f})", sums[2] >= 20 * sums[0]
                ),
                measure.goal(
                    f"with JPEG at most 0.6x the codec floor ({sums[3] / sums[4]:.2f}x)",
                    sums[3] <= 0.6 * sums[4],
                ),
            ]
        ),
        measure.table(["perturbation", *RUNNERS, "plain / ours"], rows),
    )


if __name__ == "__main__":
    main()
