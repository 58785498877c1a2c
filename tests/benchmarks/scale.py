"""Scaling of the build with workers and with images, and the cost of the size of a row group for a reader.

``python tests/benchmarks/scale.py`` takes about ten minutes on two idle cores and writes ``results/scale.md``;
``--short`` is a check of the script in two minutes. ``TMPDIR=/dev/shm`` excludes the disk.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import measure
import pyarrow as pa
import pyarrow.parquet as pq
from photographs import write_source

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.parquet import BYTES_PER_GROUP, ROWS_PER_GROUP

COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()", "build", "imagenet_c"]
#: Of the builds with one worker and with two: enough to distribute evenly, large enough not to be limited by the disk.
UNITS = 10
#: Distinct images; larger sources repeat them under further names.
DRAWN = 250


@dataclass
class Build:
    """Measurements of one build.

    ``rate`` is units per second from the time when every worker has finished its first unit, without start-up, loading
    of kernels and listing of the source; ``seconds`` is the time of the whole command.
    """

    seconds: float
    rate: float
    parent: float  # peak memory of the process (MB)
    worker: float  # peak memory of the largest worker process (MB)
    row: float  # mean bytes of a row


def processes(session: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                yield int(entry.name)


def peak(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0
    )


def run(source: Path, workers: int, *options: str) -> Build:
    with tempfile.TemporaryDirectory(dir=source.parent) as out:
        command = [*COMMAND, "--source", source, "--out", f"{out}/c", "--workers", workers, *options]
        begun = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        peaks: dict[int, float] = defaultdict(float)
        while process.poll() is None:
            for pid in processes(process.pid):
                peaks[pid] = max(peaks[pid], peak(pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - begun
        assert process.returncode == 0, command
        parent = peaks.pop(process.pid)
        ends = sorted(path.stat().st_mtime for path in Path(out).glob("c/.imagenet_cp/units/*.json"))
        rate = (len(ends) - workers) / (ends[-1] - ends[workers - 1])
        files = list(Path(out).glob("c/data/*/*.parquet"))
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        size = sum(path.stat().st_size for path in files) / rows
    return Build(seconds, rate, parent, max(peaks.values(), default=parent), size)


def source_of(folder: Path, images: int) -> Path:
    """Folder with this number of images, named as in ImageNet's validation set."""
    drawn = sorted((folder / "drawn").glob("*/*")) or write_source(folder / "drawn", DRAWN)
    source = folder / f"source{images}"
    (source / "n01440764").mkdir(parents=True, exist_ok=True)
    for number in range(images):
        name = source / "n01440764" / f"{number + 1:08d}.JPEG"
        if not name.exists():
            os.link(drawn[number % DRAWN], name)
    return source


def medians(builds: list[Build]) -> Build:
    return Build(
        *(statistics.median(values) for values in zip(*(vars(b).values() for b in builds), strict=True))
    )


def workers(folder: Path, images: int, turns: int) -> str:
    source = source_of(folder, images)
    builds: dict[int, list[Build]] = {1: [], 2: []}
    for _ in range(turns):
        for count, done in builds.items():
            done.append(run(source, count, "--images-per-file", str(images // UNITS)))
    found = {count: medians(done) for count, done in builds.items()}
    ratio = statistics.median(two.rate / one.rate for one, two in zip(*builds.values(), strict=True))
    rows = [(str(count), one.rate * images / UNITS, one.seconds) for count, one in found.items()]
    return "\n\n".join(
        [
            f"{images} images in {UNITS} units; medians of {turns} builds with one worker and with two, alternating.",
            measure.table(("workers", "images per second", "seconds per command"), rows),
            measure.goal(f"two workers are {ratio:.2f} times one (at least 1.9)", ratio >= 1.9),
        ]
    )


def growth(folder: Path, turns: dict[int, int]) -> str:
    sources = {images: source_of(folder, images) for images in turns}
    builds = defaultdict(list)
    for turn in range(max(turns.values())):
        for images, source in sources.items():
            if turn < turns[images]:
                builds[images].append(
                    run(source, 2, "--configs", "fog,brightness", "--images-per-file", "10")
                )
    found = {images: medians(done) for images, done in builds.items()}
    rows = [(f"{images:,}", b.rate, b.seconds, b.worker, b.parent) for images, b in found.items()]
    first, *_, last = found.values()
    return "\n\n".join(
        [
            "Units of 10 images for ten configs; medians of "
            + ", ".join(f"{count}" for count in turns.values())
            + " builds, alternating.",
            measure.table(
                ("images", "units per second", "seconds per command", "worker (MB)", "parent (MB)"),
                rows,
            ),
            "\n".join(
                [
                    measure.goal(
                        f"units per second with the most images are {last.rate / first.rate:.2f} of those with the "
                        "fewest (at least 0.9)",
                        last.rate >= 0.9 * first.rate,
                    ),
                    measure.goal(
                        f"the memory of a worker is {last.worker / first.worker:.2f} (at most 1.1)",
                        last.worker <= 1.1 * first.worker,
                    ),
                ]
            ),
        ]
    )


def memory(folder: Path) -> str:
    """All 95 configs, units of more rows than a row group holds."""
    build = run(source_of(folder, 4 * 125), 2, "--images-per-file", "125")
    chosen = BENCHMARKS["imagenet_c"].images_per_file
    return "\n\n".join(
        [
            measure.goal(
                f"with all 95 configs the largest worker takes {build.worker:.0f} MB (at most 1024)",
                build.worker <= 1024,
            ),
            f"A row takes {build.row / 1000:.1f} KB on average, so a file of {chosen} rows, the default of "
            f"`--images-per-file`, takes {build.row * chosen / 1e6:.0f} MB: a config of 50,000 images is "
            f"{50_000 // chosen} files and all 95 are {95 * 50_000 // chosen}, far below the 100,000 that the Hub "
            "accepts, and a build that is stopped loses at most two minutes of work per worker.",
        ]
    )


def row_groups(folder: Path, turns: int) -> str:
    chance = random.Random(0)
    table = pa.table({"image": pa.array([chance.randbytes(20_000) for _ in range(2500)], pa.binary())})
    sizes = (10, 50, 100, 500, 2500)
    for size in sizes:
        pq.write_table(
            table,
            folder / f"{size}.parquet",
            row_group_size=size,
            compression="none",
            use_dictionary=False,
            write_page_index=True,
        )
    streamed, single = defaultdict(list), defaultdict(list)
    for _ in range(turns):
        for size in sizes:
            begun = time.perf_counter()
            for batch in pq.ParquetFile(folder / f"{size}.parquet").iter_batches(100):
                batch.to_pylist()
            streamed[size].append(2500 / (time.perf_counter() - begun))
            picks = [chance.randrange(2500) for _ in range(50)]
            file = pq.ParquetFile(folder / f"{size}.parquet")
            begun = time.perf_counter()
            for pick in picks:
                file.read_row_group(pick // size).slice(pick % size, 1).to_pylist()
            single[size].append(1000 * (time.perf_counter() - begun) / len(picks))
    stream = {size: statistics.median(rates) for size, rates in streamed.items()}
    pick_ms = {size: statistics.median(times) for size, times in single.items()}
    over = {size: (folder / f"{size}.parquet").stat().st_size / 1e6 - 50.0 for size in sizes}
    rows = [(str(size), stream[size], pick_ms[size], over[size], size * 0.02) for size in sizes]
    header = (
        "rows per group",
        "rows per second, streamed",
        "ms per single row",
        "overhead (MB)",
        "size of a group (MB)",
    )
    chosen = ROWS_PER_GROUP
    return "\n\n".join(
        [
            f"A file of 2500 rows of 20 KB, medians of {turns} rounds.",
            measure.table(header, rows),
            f"Default: {chosen} rows, or fewer if they have {BYTES_PER_GROUP >> 20} MiB before. Streaming then runs "
            f"at {stream[chosen] / max(stream.values()):.0%} of the fastest, and a single row takes "
            f"{pick_ms[chosen]:.2g} ms, not the {pick_ms[2500]:.2g} ms of one group per file. The size of a group is "
            "also the number of bytes that a reader fetches over a network for one row, and that a worker holds for "
            "each of 95 configs.",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--short", action="store_true", help="print the tables of a run that is too short for reliable times"
    )
    short = parser.parse_args().short
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(source_of(folder, 2), 1, "--images-per-file", "1")  # compiles the kernels if necessary
        measure.save(
            "" if short else "scale",
            "# Scaling of the build",
            measure.machine(),
            "## Workers, all 95 configs",
            workers(folder, 40 if short else 400, 1 if short else 5),
            "## Images, two workers",
            growth(folder, {100: 2, 300: 1} if short else {100: 7, 1000: 3, 10_000: 2}),
            "## Memory and files, all 95 configs, two workers",
            memory(folder),
            "## Row groups",
            row_groups(folder, 2 if short else 9),
        )
