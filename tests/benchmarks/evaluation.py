"""Time the data of an evaluation, with a model that does nothing: CPU time per image, all in one run.

Row by row is the plain way, and how an evaluation made its data before units: Pillow decodes and resizes a source image
for every config, and each image is encoded by libjpeg (through OpenCV; a sequence at quality 99) and decoded. The
reference is Pillow, which only decodes the files of a build. Two threads against one show what holds the interpreter
lock, which limits a process that feeds a fast GPU.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import measure
import numpy as np
from numpy.typing import NDArray
from photographs import prepared_by_pillow, write_source
from PIL import Image

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.build.plan import build
from imagenet_cp.evaluation.data.built_rows import from_folder
from imagenet_cp.evaluation.data.generated_rows import from_source
from imagenet_cp.evaluation.data.rows import Rows
from imagenet_cp.evaluation.models.spec import ModelSpec
from imagenet_cp.evaluation.prediction_units import Settings, predict
from imagenet_cp.images import codecs
from imagenet_cp.sources import Item, open_source

CONFIGS = {"imagenet_c": ["test", "clean"], "imagenet_p": ["test"]}
SCORES = np.random.RandomState(0).normal(size=(256, 1000)).astype(np.float32)


def null(images: np.ndarray) -> np.ndarray:
    return SCORES[: len(images)]


def evaluate(rows: Rows, count: int, threads: int) -> int:
    """Run the pipeline of a unit; returns the number of images."""
    settings = Settings(len(rows.classes), rows.sequences, 256, threads, ("cpu",))
    done: list[int] = []
    predict(rows.slice(rows.cells, 0, count), {0: ModelSpec(null)}, settings, done.append)
    return sum(done)


def source_rows(rows: Rows, folder: Path) -> Iterator[tuple[Cell, NDArray[np.uint8], Item]]:
    """Every cell with every clean image, decoded and resized each time by Pillow."""
    images = open_source(folder)
    for cell in rows.cells:
        for item in images.items:
            yield cell, prepared_by_pillow(images.reader.read(item), crop=not rows.sequences), item


def row_by_row(rows: Rows, folder: Path) -> int:
    """Generate, encode and decode every row by itself."""
    recipe, count = Recipe.parse(rows.signature), 0
    for cell, clean, item in source_rows(rows, folder):
        for image in rows.benchmark.generate(recipe, cell, clean, item.image_id).frames:
            codecs.decode(libjpeg(image, rows.sequences))
            count += 1
    return count


def libjpeg(image: NDArray[np.uint8], sequence: bool) -> bytes:
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if sequence else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, 99 if sequence else 85, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes()


def stored(rows: Rows, folder: Path) -> list[bytes]:
    """The files of a build."""
    recipe, files = Recipe.parse(rows.signature), []
    for cell, clean, item in source_rows(rows, folder):
        row = rows.benchmark.row(recipe, cell, clean, item)
        files += [file["bytes"] for file in row.get("sequence", [row.get("image")])]
    return files


def pillow(encoded: list[bytes]) -> int:
    for file in encoded:
        with Image.open(io.BytesIO(file)) as image:
            np.array(image)
    return len(encoded)


def rates(ways: Mapping[str, Callable[[], int]], turns: int) -> dict[str, tuple[float, float]]:
    """Images per second of CPU time and of wall time.

    The ways take turns, and the best of each counts, because whatever else the machine does only slows them.
    """
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(turns):
        for way, run in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            count = run()
            found[way].append((count / (time.process_time() - cpu), count / (time.perf_counter() - wall)))
    return {
        way: (float(cpu), float(wall))
        for way, (cpu, wall) in ((w, np.max(f, axis=0)) for w, f in found.items())
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--images", type=int, default=18, help="source images of ImageNet-C; of ImageNet-P a third"
    )
    parser.add_argument("--turns", type=int, default=4)
    options = parser.parse_args()
    lines: list[list[object]] = []
    goals = []
    with tempfile.TemporaryDirectory() as temporary:
        for dataset, configs in CONFIGS.items():
            folder = Path(temporary, dataset)
            count = options.images if dataset == "imagenet_c" else max(1, options.images // 3)
            write_source(folder / "val", count)
            build(dataset, open_source(folder / "val"), folder / "built", configs, workers_count=1)
            fly = from_source(dataset, folder / "val").select(configs)
            built = from_folder(folder / "built")
            encoded = stored(fly, folder / "val")
            ways: dict[str, Callable[[], int]] = {
                "row by row": lambda fly=fly, folder=folder: row_by_row(fly, folder / "val"),
                "Pillow, decoding alone": lambda files=encoded: pillow(files),
                "from a build": lambda rows=built, count=count: evaluate(rows, count, 1),
                "on the fly": lambda rows=fly, count=count: evaluate(rows, count, 1),
                "on the fly, two threads": lambda rows=fly, count=count: evaluate(rows, count, 2),
            }
            found = rates(ways, options.turns)
            slow = found["row by row"][0]
            for way, (cpu, wall) in found.items():
                lines.append([f"{dataset} {way}", cpu, cpu / slow, wall])
            faster, share = (
                found["on the fly"][0] / slow,
                found["on the fly"][0] / found["Pillow, decoding alone"][0],
            )
            least = 5 if dataset == "imagenet_c" else 4
            goals.append(
                measure.goal(
                    f"{dataset} on the fly is at least {least} times row by row ({faster:.2f})",
                    faster >= least,
                )
            )
            if dataset == "imagenet_c":
                goals.append(
                    measure.goal(f"and at least half as fast as Pillow decodes ({share:.2f})", share >= 0.5)
                )
    measure.save(
        "evaluation",
        "# Data of an evaluation, images per second",
        measure.machine(),
        f"A model that does nothing; CPU time of all threads, and wall time; the best of {options.turns} rounds.",
        "\n".join(goals),
        measure.table(
            ["data", "images per second of CPU time", "times row by row", "images per second"], lines
        ),
    )


if __name__ == "__main__":
    main()
