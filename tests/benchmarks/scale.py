"""How the build grows: with workers, with images, and what the size of a row group costs a reader.

Wall time of the command in a process of its own, best of a few runs in turns. ``python tests/benchmarks/scale.py``
takes some ten minutes and writes ``results/scale.md``.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import pyarrow as pa
import pyarrow.parquet as pq
from photographs import write_source

PROGRAM = Path(sys.executable).with_name("imagenet-cp")


def build_seconds(source: Path, *options: str) -> tuple[float, float]:
    """Wall time and the largest process's memory (MB) of one build."""
    with tempfile.TemporaryDirectory() as out:
        command = [PROGRAM, "build", "imagenet_c", "--source", source, "--out", f"{out}/imagenet_c", *options]
        begun = time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
        seconds = time.perf_counter() - begun
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def workers(folder: Path, images: int, turns: int = 3) -> str:
    """All 95 configs with one worker and with two; a build of 8 images is taken off as the cost of starting."""
    small, large = folder / "few", folder / "many"
    write_source(small, 8)
    write_source(large, images)
    seconds: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(turns):
        for count in seconds:
            options = ("--workers", count, "--images-per-file", "16")
            seconds[count].append(build_seconds(large, *options)[0] - build_seconds(small, *options)[0])
    best = {count: min(times) for count, times in seconds.items()}
    rate = {count: images / best[count] for count in best}
    ratio = best["1"] / best["2"]
    lines = [f"- {count} worker{'s' * (count != '1')}: {rate[count]:.1f} images a second" for count in best]
    return "\n".join(
        [*lines, measure.goal(f"two workers are {ratio:.2f} times one (at least 1.85)", ratio >= 1.85)]
    )


def growth(folder: Path) -> str:
    """Images a second and memory over three sizes of source, for two configs."""
    rows = []
    for images in (100, 1000, 10_000):
        source = folder / f"source{images}"
        write_source(source, images)
        seconds, memory = build_seconds(
            source, "--workers", "2", "--configs", "fog_3,brightness_1", "--images-per-file", "100"
        )
        rows.append((f"{images:,}", images / seconds, memory))
    return measure.table(("images", "images a second", "largest process (MB)"), rows)


def memory(folder: Path, images: int = 250) -> str:
    source = folder / "memory"
    write_source(source, images)
    largest = build_seconds(source, "--workers", "2", "--images-per-file", str(images // 2))[1]
    return measure.goal(
        f"with all 95 configs the largest process takes {largest:.0f} MB (at most 1024)", largest <= 1024
    )


def row_groups(folder: Path) -> str:
    """Reading a file of 2500 rows of 20 KB from its beginning, and 200 single rows of it, by size of row group."""
    chance = random.Random(0)
    table = pa.table({"image": pa.array([chance.randbytes(20_000) for _ in range(2500)], pa.binary())})
    rows = []
    for size in (10, 50, 100, 500, 2500):
        path = folder / f"groups{size}.parquet"
        pq.write_table(
            table, path, row_group_size=size, compression="none", use_dictionary=False, write_page_index=True
        )
        begun = time.perf_counter()
        for batch in pq.ParquetFile(path).iter_batches(100):
            batch.to_pylist()
        streaming = time.perf_counter() - begun
        picks = [chance.randrange(2500) for _ in range(200)]
        begun = time.perf_counter()
        file = pq.ParquetFile(path)
        for pick in picks:
            file.read_row_group(pick // size).slice(pick % size, 1).to_pylist()
        single = time.perf_counter() - begun
        rows.append(
            (str(size), 2500 / streaming, 1000 * single / 200, path.stat().st_size / 1e6 - 50.0, size * 0.02)
        )
    header = (
        "rows a group",
        "rows a second, streamed",
        "ms a single row",
        "overhead (MB)",
        "memory of a group (MB)",
    )
    return measure.table(header, rows)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "groups").mkdir()
        measure.save(
            "scale",
            "# How the build grows",
            measure.machine(),
            "## Row groups",
            row_groups(folder / "groups"),
            "## Workers, all 95 configs",
            workers(folder, 160),
            memory(folder),
            "## Images, two configs, two workers",
            growth(folder),
        )
