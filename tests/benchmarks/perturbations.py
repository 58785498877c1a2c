"""Time the 14 sequences of ImageNet-P: this package against the plain implementation beside this file."""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import io
from collections.abc import Callable

import measure
import numpy as np
import plain_perturbations as plain
from imagenet_cp.codecs import encode_jpeg
from imagenet_cp.perturbations import PERTURBATIONS, apply
from imagenet_cp.recipe import stream
from photographs import resized
from PIL import Image


def sequence(make: Callable[..., np.ndarray], name: str, image: np.ndarray) -> np.ndarray:
    image_id = f"ILSVRC2012_val_{int(image[0, 0].sum()):08d}"
    return make(name, image, stream("imagenet_p", "imagenet", name, 1, 0, image_id))


def sequence_by_png(make: Callable[..., np.ndarray], name: str, image: np.ndarray) -> np.ndarray:
    plain.PNG_EXCHANGE = True
    try:
        return sequence(make, name, image)
    finally:
        plain.PNG_EXCHANGE = False


def encoded(name: str, image: np.ndarray) -> list[bytes]:
    return [encode_jpeg(frame, **JPEG) for frame in sequence(apply, name, image)]


def pillow_encoded(frames: list[Image.Image]) -> None:
    for frame in frames:
        frame.save(io.BytesIO(), "JPEG", **JPEG)


JPEG = {"quality": 85, "optimize": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--passes", type=int, default=3, help="the median counts")
    options = parser.parse_args()
    names, images = list(PERTURBATIONS), resized()[-options.images :]

    def one_pass(run: Callable[..., object], *first: object) -> np.ndarray:
        return np.array([[measure.cpu_ms(run, *first, name, image) for name in names] for image in images])

    def timed(run: Callable[..., object], *first: object) -> np.ndarray:
        one_pass(run, *first)  # compiles, fills caches
        return np.median([one_pass(run, *first) for _ in range(options.passes)], axis=0).mean(axis=0)

    mine = timed(sequence, apply)
    theirs = timed(sequence, plain.apply)
    by_png = timed(sequence_by_png, plain.apply)
    with_jpeg = timed(encoded)

    def floor_pass() -> np.ndarray:
        return np.array(
            [
                [
                    measure.cpu_ms(pillow_encoded, [Image.fromarray(f) for f in sequence(apply, name, image)])
                    for name in names
                ]
                for image in images
            ]
        )

    floor = np.median([floor_pass() for _ in range(options.passes)], axis=0).mean(axis=0)
    columns = (mine, theirs, by_png, with_jpeg, floor)
    rows = [
        [name, *(float(c[k]) for c in columns), float(theirs[k] / mine[k])] for k, name in enumerate(names)
    ]
    sums = [float(c.sum()) for c in columns]
    rows.append([f"**sum of all {len(names)}**", *sums, sums[1] / sums[0]])
    measure.save(
        "perturbations",
        "# ImageNet-P sequences, milliseconds a sequence",
        measure.machine(),
        f"{options.images} photographs in sequence, median of {options.passes} passes. `plain` is "
        "plain_perturbations.py; `plain, PNG` the same with pictures handed to ImageMagick and back as PNG, "
        "as the published corruption functions do. `floor` is Pillow's encoding of the very frames.",
        "\n".join(
            [
                measure.goal(f"at most 1/20 of plain (1/{sums[1] / sums[0]:.1f})", sums[1] >= 20 * sums[0]),
                measure.goal(
                    f"at most 1/20 of plain, PNG (1/{sums[2] / sums[0]:.1f})", sums[2] >= 20 * sums[0]
                ),
                measure.goal(
                    f"with JPEG at most 2x the codec floor ({sums[3] / sums[4]:.2f}x)", sums[3] <= 2 * sums[4]
                ),
            ]
        ),
        measure.table(
            ["perturbation", "ours", "plain", "plain, PNG", "ours with JPEG", "floor", "plain / ours"], rows
        ),
    )


if __name__ == "__main__":
    main()
