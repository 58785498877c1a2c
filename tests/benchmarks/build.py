"""Time the image-major build of ImageNet-C against the codec floor, in CPU time per source image.

The floor is the minimum for any build: Pillow decodes, resizes and crops the source image once and encodes the same
images. The build runs as a command on two sizes of source, so that its start-up cancels.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import io
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
import numpy as np
from photographs import FILES, write_source
from PIL import Image

from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, apply
from imagenet_cp.images.codecs import encode_jpeg
from imagenet_cp.images.source_images import center_crop, pixels, resize_shorter


def build_cpu_ms(source: Path, out: Path) -> float:
    """Build every config of ImageNet-C in a separate process; return the CPU time of it and its children."""
    program = Path(sys.executable).with_name("imagenet-cp")
    command = [program, "build", "imagenet_c", "--source", source, "--out", out, "--workers", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def clean(path: Path) -> np.ndarray:
    with Image.open(io.BytesIO(path.read_bytes())) as photo:
        return pixels(center_crop(resize_shorter(photo.convert("RGB"), 256), 224))


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


def parts(path: Path) -> dict[str, float]:
    """Milliseconds of one image: decoding, all kernels, all encodes by Pillow and by the package."""
    image = clean(path)
    made = corrupt_all(image, path.stem)
    pillows = [Image.fromarray(one) for one in made]
    return {
        "decode, resize, crop": measure.cpu_ms(clean, path),
        "kernels": measure.cpu_ms(corrupt_all, image, path.stem),
        "Pillow": measure.cpu_ms(lambda: [pillow_jpeg(pillow) for pillow in pillows]),
        "encoder": measure.cpu_ms(lambda: [encode_jpeg(one, 85) for one in made]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=4, help=f"additional rounds of {len(FILES)} images in the larger source"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="builds of each size, of which the median is taken"
    )
    options = parser.parse_args()
    few, many = len(FILES), len(FILES) * (1 + options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_source(root / "few", few)
        added = write_source(root / "many", many)[few:]
        build_cpu_ms(root / "few", root / "warm_up")
        cpu = {
            size: np.median([build_cpu_ms(root / size, root / f"{size}_{k}") for k in range(options.repeats)])
            for size in ("few", "many")
        }
        parts(added[0])
        steps = [parts(path) for path in added]
    ms = {step: float(np.mean([image[step] for image in steps])) for step in steps[0]}
    build = float(cpu["many"] - cpu["few"]) / (many - few)
    floor = ms["decode, resize, crop"] + ms["Pillow"]
    rest = build - ms["decode, resize, crop"] - ms["kernels"] - ms["encoder"]
    count = len(CORRUPTIONS) * len(SEVERITIES)
    measure.save(
        "build",
        "# Building ImageNet-C, milliseconds of CPU time per source image",
        measure.machine(),
        f"{count} configs; sources of {few} and {many} JPEGs of 500x375; "
        f"median of {options.repeats} builds of each, so that the start-up cancels.",
        measure.goal(f"at most 1.1x the codec floor ({build / floor:.2f}x)", build <= 1.1 * floor),
        measure.table(
            ["step", "ms per source image"],
            [
                [f"codec floor: decode, resize, crop, {count} encodes by Pillow", floor],
                ["**build command**", build],
                ["of that: decode, resize, crop", ms["decode, resize, crop"]],
                ["of that: kernels", ms["kernels"]],
                ["of that: the package's JPEG encoder", ms["encoder"]],
                ["of that: the remainder (Parquet, Python, files)", rest],
                ["start-up of the command", float(cpu["few"]) - build * few],
            ],
        ),
    )


if __name__ == "__main__":
    main()
