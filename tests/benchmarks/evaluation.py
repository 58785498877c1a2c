"""Time the data of an evaluation, with a model that does nothing: CPU time per image, all in one run.

Row by row is how an evaluation made its data before units: a source image is decoded and resized for every config, and
each image is encoded and decoded. The reference is Pillow, which only decodes the stored files. Two threads against one
show what holds the interpreter lock, which limits a process that feeds a fast GPU.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measure
import numpy as np
from photographs import write_source
from PIL import Image

from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.build.plan import build
from imagenet_cp.evaluation.data.folder import from_folder
from imagenet_cp.evaluation.data.rows import Rows
from imagenet_cp.evaluation.data.source import from_source
from imagenet_cp.evaluation.model_source import ModelSource
from imagenet_cp.evaluation.units import Settings, predict
from imagenet_cp.images import codecs
from imagenet_cp.sources import open_source

CONFIGS = {"imagenet_c": ["test", "clean"], "imagenet_p": ["test"]}
SCORES = np.random.RandomState(0).normal(size=(256, 1000)).astype(np.float32)


def null(images: np.ndarray) -> np.ndarray:
    return SCORES[: len(images)]


def evaluate(rows: Rows, count: int, threads: int) -> int:
    """Run the pipeline of a unit; returns the number of images."""
    settings = Settings(len(rows.classes), rows.sequences, 256, threads, ("cpu",))
    done: list[int] = []
    predict(rows.slice(rows.cells, 0, count), {0: ModelSource(null)}, settings, done.append)
    return sum(done)


def row_by_row(rows: Rows, folder: Path, encoded: list[bytes]) -> int:
    """Generate, encode and decode every row by itself, keeping the files."""
    images, recipe = open_source(folder), Recipe.parse(rows.signature)
    encoded.clear()
    for cell in rows.cells:
        for item in images.items:
            clean = rows.benchmark.prepare(images.reader.read(item), item.location)
            row = rows.benchmark.row(recipe, cell, clean, item)
            files = [file["bytes"] for file in row.get("sequence", [row.get("image")])]
            for file in files:
                codecs.decode(file)
            encoded += files
    return len(encoded)


def pillow(encoded: list[bytes]) -> int:
    for file in encoded:
        with Image.open(io.BytesIO(file)) as image:
            np.array(image)
    return len(encoded)


def rates(run: Callable[[], int], turns: int) -> tuple[float, float]:
    """Images per second of CPU time and of wall time, the medians of some turns after one that is not counted."""
    run()
    found = []
    for _ in range(turns):
        wall, cpu = time.perf_counter(), time.process_time()
        count = run()
        found.append((count / (time.process_time() - cpu), count / (time.perf_counter() - wall)))
    return tuple(np.median(found, axis=0))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--images", type=int, default=18, help="source images of ImageNet-C; of ImageNet-P a third"
    )
    parser.add_argument("--turns", type=int, default=3)
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
            encoded: list[bytes] = []
            ways: dict[str, Callable[[], int]] = {
                "row by row": lambda fly=fly, folder=folder, to=encoded: row_by_row(fly, folder / "val", to),
                "Pillow, decoding alone": lambda files=encoded: pillow(files),
                "from a build": lambda rows=built, count=count: evaluate(rows, count, 1),
                "on the fly": lambda rows=fly, count=count: evaluate(rows, count, 1),
                "on the fly, two threads": lambda rows=fly, count=count: evaluate(rows, count, 2),
            }
            found = {way: rates(run, options.turns) for way, run in ways.items()}
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
        f"A model that does nothing; CPU time of all threads, and wall time; median of {options.turns} rounds.",
        "\n".join(goals),
        measure.table(
            ["data", "images per second of CPU time", "times row by row", "images per second"], lines
        ),
    )


if __name__ == "__main__":
    main()
