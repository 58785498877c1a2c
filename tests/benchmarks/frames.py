"""Choice of the JPEG settings for frames: as good as the published H.264, at the fewest bytes.

PSNR is taken over all frames of all sample images against the uncompressed frames, for every perturbation. Run
it as ``python tests/benchmarks/frames.py``; it takes some ten minutes and writes ``results/frames.md``.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from imagenet_cp import perturbations
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.images import codecs
from imagenet_cp.images.video import decode_video, encode_video
from imagenet_cp.sources import open_source

RESULTS = Path(__file__).parent / "results" / "frames.md"
VIDEO = "h264"
SUBSAMPLINGS, QUALITIES = ("4:2:0", "4:2:2", "4:4:4"), range(80, 100)
CANDIDATES = [
    f"{subsampling} {quality}" for subsampling, quality in itertools.product(SUBSAMPLINGS, QUALITIES)
]


def squared_error(one: np.ndarray, two: np.ndarray) -> float:
    difference = one.astype(np.int32) - two
    return float((difference * difference).sum())


def psnr(error: float, values: int) -> float:
    return float(10 * np.log10(255**2 * values / error))


def measure(names: list[str]) -> tuple[dict[str, Counter], dict[str, Counter], Counter]:
    """Squared errors and bytes, perturbation -> codec -> sum over the sample; and values per perturbation."""
    benchmark = BENCHMARKS["imagenet_p"]
    recipe, source = benchmark.recipe(), open_source("sample")
    errors = {name: Counter() for name in names}
    sizes = {name: Counter() for name in names}
    values: Counter = Counter()
    for item in source.items:
        clean = benchmark.prepare(source.reader.read(item), item.location)
        for name in names:
            frames = perturbations.apply(name, clean, recipe.bits(name, 1, item.image_id))
            values[name] += frames.size
            video = encode_video(frames, noisy=name in perturbations.NOISE)
            errors[name][VIDEO] += squared_error(decode_video(video), frames)
            sizes[name][VIDEO] += len(video)
            for candidate in CANDIDATES:
                subsampling, quality = candidate.split()
                for frame in frames:
                    data = codecs.encode_jpeg(frame, int(quality), subsampling=subsampling)
                    errors[name][candidate] += squared_error(codecs.decode(data), frame)
                    sizes[name][candidate] += len(data)
        print(item.image_id, file=sys.stderr, flush=True)
    return errors, sizes, values


def table(names: list[str]) -> str:
    errors, sizes, values = measure(names)

    def as_good(candidate: str) -> bool:
        return all(errors[name][candidate] <= errors[name][VIDEO] for name in names)

    def total(candidate: str) -> int:
        return sum(sizes[name][candidate] for name in names)

    good = sorted(filter(as_good, CANDIDATES), key=total)
    chosen = good[0]
    images = len(open_source("sample").items)
    lines = [
        f"Chosen: JPEG of quality {chosen.split()[1]}, {chosen.split()[0]}.",
        "",
        "| perturbation | H.264 as published: PSNR (dB) | KB per sequence | JPEG: PSNR (dB) | KB per sequence |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in names:
        row = [name]
        for codec in (VIDEO, chosen):
            row += [
                f"{psnr(errors[name][codec], values[name]):.2f}",
                f"{sizes[name][codec] / images / 1000:.0f}",
            ]
        lines.append(f"| {' | '.join(row)} |")
    lines += ["", "The candidates that are as good for every perturbation, and their total size:", ""]
    lines += [f"- {candidate}: {total(candidate) / total(VIDEO):.2f} times H.264" for candidate in good[:5]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = table([*perturbations.TEST, *perturbations.EXTRA])
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
