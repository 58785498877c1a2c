"""Time the image-major build of ImageNet-C against the codec floor, in CPU time per source image.

The floor is the minimum for any build: Pillow decodes, resizes and crops the source image once and encodes the same
images. The build runs as a command on two sizes of source, so that its start-up cancels, and so does `load_dataset`.
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
from collections.abc import Callable
from pathlib import Path

import measure
import numpy as np
from photographs import FILES, write_source
from PIL import Image

from imagenet_cp.benchmarks.recipe import stream
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, TEST, apply
from imagenet_cp.images.codecs import encode_jpeg
from imagenet_cp.images.source_images import center_crop, pixels, resize_shorter

LOAD = """
import sys, imagenet_cp, datasets
datasets.load_dataset("imagenet_c", "test", data_dir=sys.argv[1], cache_dir=sys.argv[2])
"""


def build_command(source: Path, out: Path) -> list[object]:
    program = Path(sys.executable).with_name("imagenet-cp")
    return [program, "build", "imagenet_c", "--source", source, "--out", out, "--workers", "1"]


def load_command(source: Path, out: Path) -> list[object]:
    return [sys.executable, "-c", LOAD, source, out]


def cpu_ms(command: list[object]) -> float:
    """Run a command; return the CPU time of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def per_image(command: Callable[[Path, Path], list[object]], root: Path, repeats: int) -> tuple[float, float]:
    """CPU time of a command per source image, and that of its start-up."""
    cpu_ms(command(root / "few", root / command.__name__))
    times = {
        size: [cpu_ms(command(root / size, root / f"{command.__name__}_{size}_{k}")) for k in range(repeats)]
        for size in ("few", "many")
    }
    few, many = (float(np.median(of_size)) for of_size in times.values())
    counts = [len(list((root / size).rglob("*.JPEG"))) for size in times]
    each = (many - few) / (counts[1] - counts[0])
    return each, few - each * counts[0]


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
        build, start = per_image(build_command, root, options.repeats)
        load, _ = per_image(load_command, root, options.repeats)
        parts(added[0])
        steps = [parts(path) for path in added]
    ms = {step: float(np.mean([image[step] for image in steps])) for step in steps[0]}
    floor = ms["decode, resize, crop"] + ms["Pillow"]
    rest = build - ms["decode, resize, crop"] - ms["kernels"] - ms["encoder"]
    count, tested = len(CORRUPTIONS) * len(SEVERITIES), len(TEST) * len(SEVERITIES)
    ratio = (load / tested) / (build / count)
    measure.save(
        "build",
        "# Building ImageNet-C, milliseconds of CPU time per source image",
        measure.machine(),
        f"{count} configs; sources of {few} and {many} JPEGs of 500x375; "
        f"median of {options.repeats} builds of each, so that the start-up cancels.",
        "\n".join(
            [
                measure.goal(f"at most 1.1x the codec floor ({build / floor:.2f}x)", build <= 1.1 * floor),
                measure.goal(
                    f"a row of load_dataset at most 1.3x one of a build ({ratio:.2f}x)", ratio <= 1.3
                ),
            ]
        ),
        measure.table(
            ["step", "ms per source image"],
            [
                [f"codec floor: decode, resize, crop, {count} encodes by Pillow", floor],
                ["**build command**", build],
                ["of that: decode, resize, crop", ms["decode, resize, crop"]],
                ["of that: kernels", ms["kernels"]],
                ["of that: the package's JPEG encoder", ms["encoder"]],
                ["of that: the remainder (Parquet, Python, files)", rest],
                ["start-up of the command", start],
                [f'`load_dataset("imagenet_c", "test")`, {tested} configs', load],
            ],
        ),
    )


if __name__ == "__main__":
    main()
