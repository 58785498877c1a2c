"""Time the JPEG encoder against OpenCV's and Pillow's, which give the same bytes, in CPU time per image.

Every image through every corruption at severities 1, 3 and 5, 224x224, one image after the other. The encoders
take turns, and the median over the passes counts.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import io
from collections.abc import Callable

import cv2
import measure
import numpy as np
from photographs import cropped
from PIL import Image, ImageFile

from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.corruptions import CORRUPTIONS, apply
from imagenet_cp.kernels import jpeg_file

FACTORS = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}
SETTINGS = ((85, "4:2:0"), (95, "4:4:4"), (99, "4:4:4"))
GOAL = 1 / 3  # of OpenCV's time
ImageFile.MAXBLOCK = 1 << 24  # Pillow refuses noise of high quality without


def by_opencv(image: np.ndarray, quality: int, subsampling: str) -> bytes:
    options = {
        cv2.IMWRITE_JPEG_QUALITY: quality,
        cv2.IMWRITE_JPEG_OPTIMIZE: 1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR: FACTORS[subsampling],
    }
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [n for p in options.items() for n in p]
    )
    return bytes(data.data)


def by_pillow(image: np.ndarray, quality: int, subsampling: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=subsampling, optimize=True)
    return file.getvalue()


ENCODERS: dict[str, Callable[..., bytes]] = {
    "ours": jpeg_file.encode,
    "OpenCV": by_opencv,
    "Pillow": by_pillow,
}


def corrupted() -> list[np.ndarray]:
    return [
        apply(name, image, severity, stream("imagenet_c", "imagenet", name, severity, 0, str(number)))
        for number, image in enumerate(cropped())
        for name in CORRUPTIONS
        for severity in (1, 3, 5)
    ]


def one_pass(encode: Callable[..., bytes], images: list[np.ndarray], *setting: object) -> float:
    """Return microseconds per image."""
    return 1e3 * measure.cpu_ms(lambda: [encode(image, *setting) for image in images]) / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=5)
    options = parser.parse_args()
    images, rows = corrupted(), []
    for setting in SETTINGS:
        for image in images:
            if len({encode(image, *setting) for encode in ENCODERS.values()}) > 1:
                raise SystemExit(f"the encoders differ at {setting}")
        passes = [
            [one_pass(encode, images, *setting) for encode in ENCODERS.values()]
            for _ in range(options.passes)
        ]
        ours, opencv, pillow = (float(time) for time in np.median(passes, axis=0))
        rows.append([" ".join(map(str, setting)), ours, opencv, pillow, ours / opencv, ours / pillow])
    measure.save(
        "jpeg",
        "# JPEG encoding, microseconds of CPU time per image of 224x224",
        measure.machine(),
        f"{len(images)} images; with the best Huffman tables; median of {options.passes} passes; all files equal.",
        measure.goal(f"at most a third of OpenCV's time at 85 4:2:0 ({rows[0][4]:.2f})", rows[0][4] <= GOAL),
        measure.table(["quality, subsampling", "ours", "OpenCV", "Pillow", "of OpenCV", "of Pillow"], rows),
    )


if __name__ == "__main__":
    main()
