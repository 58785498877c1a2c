"""The build: every config's Parquet files from a source of clean images, resumable."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from . import cards, workers
from .benchmarks import BENCHMARKS, Benchmark, Cell
from .errors import BuildError
from .parquet import Written, write_json, write_text
from .recipe import Recipe
from .sources import Source
from .sources.base import digest
from .units import PRIVATE, Finished, Unit

#: Files of 30 to 120 MB each: few enough for the Hub, small enough to lose little when a build is stopped.
IMAGES_PER_FILE = 2500
RECORD = "build.json"
_LIBRARIES = ("imagenet-cp", "datasets", "numba", "numpy", "opencv-python", "Pillow", "pyarrow")


@dataclass(frozen=True)
class Plan:
    """What a build is to make, and what of it exists.

    Attributes
    ----------
    benchmark, recipe, source, out
        As given.
    cells : tuple of Cell
        All that were asked for.
    units : tuple of Unit
        What is still to do, each with just the cells it lacks.
    finished : dict
        Relative path -> what the file holds, of all that is done.
    skipped : dict
        Image id -> why it could not be read.
    """

    benchmark: Benchmark
    recipe: Recipe
    source: Source
    out: Path
    cells: tuple[Cell, ...]
    units: tuple[Unit, ...]
    finished: dict[str, Written]
    skipped: dict[str, str]


def build(
    dataset: str,
    source: Source,
    out: str | os.PathLike[str],
    configs: Sequence[str] = (),
    *,
    seed: int = 0,
    workers_count: int | None = None,
    images_per_file: int = IMAGES_PER_FILE,
    on_error: str = "raise",
    executor: Executor | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Build configs of a benchmark as a folder that stock ``load_dataset`` and the Hub read.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    source : Source
        From `imagenet_cp.sources.open_source`.
    out : path
        The folder; a build of the same recipe and source in it is completed, anything else in it is an error.
    configs : sequence of str
        Names of configs; all corruptions and severities by default.
    seed : int
        Of the random draws.
    workers_count : int, optional
        Processes on this machine; all its cores by default.
    images_per_file : int
        How many source images' rows one Parquet file holds.
    on_error : {"raise", "skip"}
        What to do about an image that cannot be read: stop, or record it and go on.
    executor : concurrent.futures.Executor, optional
        Runs the units instead of processes on this machine.
    progress : callable
        Told the images done and to do, several times a second.

    Returns
    -------
    Plan
        With nothing left to do.

    Raises
    ------
    ValueError
        Unknown dataset or config.
    SourceError
        A clean image cannot be read.
    BuildError
        The folder holds something else, cannot be written, or is being built by another process.
    """
    folder = Path(out).expanduser().resolve()
    benchmark = BENCHMARKS[dataset]
    cells = benchmark.cells(list(configs) or ["test", "extra"])
    recipe = benchmark.recipe(seed)
    identity = _identity(recipe, source, images_per_file, on_error)
    with _folder_of_a_build(folder, identity):
        plan = make_plan(benchmark, recipe, source, folder, cells, images_per_file, on_error)
        _remove_leftovers(plan)
        total = sum(len(unit.items) for unit in plan.units)
        if plan.units:
            _compile(plan)
        count = workers_count or os.cpu_count() or 1
        if executor is None:
            made = workers.run_here(
                plan.units, min(count, max(1, len(plan.units))), lambda n: progress(n, total)
            )
        else:
            made = workers.run_on(executor, plan.units, lambda: None)
        done = 0
        for unit, finished in made:
            plan.finished.update(finished.files)
            plan.skipped.update(finished.skipped)
            done += len(unit.items)
            progress(done, total)
        _finish(plan, identity)
    return plan


def make_plan(
    benchmark: Benchmark,
    recipe: Recipe,
    source: Source,
    out: Path,
    cells: tuple[Cell, ...],
    images_per_file: int,
    on_error: str,
) -> Plan:
    """Compare what is wanted with the records of what is finished."""
    finished: dict[str, Written] = {}
    skipped: dict[str, str] = {}
    for record in sorted((out / PRIVATE / "units").glob("*.json")):
        recorded = Finished.read(record)
        finished.update(recorded.files)
        skipped.update(recorded.skipped)
    finished = {path: written for path, written in finished.items() if _is_whole(out / path, written)}
    count = math.ceil(len(source.items) / images_per_file)
    todo = []
    for index in range(count):
        items = source.items[index * images_per_file : (index + 1) * images_per_file]
        unit = Unit(out, index, count, cells, items, source.classes, source.reader, recipe, on_error)
        lacking = tuple(
            cell for cell, path in unit.files.items() if path.relative_to(out).as_posix() not in finished
        )
        if lacking:
            todo.append(
                Unit(out, index, count, lacking, items, source.classes, source.reader, recipe, on_error)
            )
    return Plan(benchmark, recipe, source, out, cells, tuple(todo), finished, skipped)


def _is_whole(path: Path, written: Written) -> bool:
    return path.is_file() and path.stat().st_size == written.size


def _identity(recipe: Recipe, source: Source, images_per_file: int, on_error: str) -> dict[str, Any]:
    """What two runs must agree on to share a folder."""
    return {
        "signature": recipe.signature,
        "source": digest((item.image_id, item.label) for item in source.items),
        "images": len(source.items),
        "classes": digest([source.classes]),
        "images_per_file": images_per_file,
        "on_error": on_error,
    }


@contextlib.contextmanager
def _folder_of_a_build(folder: Path, identity: dict[str, Any]) -> Iterator[None]:
    """Make sure that the folder is empty or holds this very build, and that nobody else builds in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        existing = sorted(path.name for path in folder.iterdir())
        (folder / PRIVATE).mkdir(exist_ok=True) if not existing else None
    except FileExistsError:
        raise BuildError(f"{folder}: is a file; choose a folder with --out") from None
    except OSError as error:
        raise BuildError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder with --out"
        ) from None
    if existing and PRIVATE not in existing:
        raise BuildError(
            f"{folder}: holds something else ({', '.join(existing[:3])}); choose an empty or new folder with --out"
        )
    try:
        lock = open(folder / PRIVATE / "lock", "a+", encoding="utf-8")  # noqa: SIM115  (held until the build ends)
    except OSError as error:
        raise BuildError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder with --out"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise BuildError(
                f"{folder}: is being built by {lock.read().strip() or 'another process'}"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {platform.node()}\n")
        lock.flush()
        record = folder / RECORD
        if record.is_file():
            _compare(folder, json.loads(record.read_text(encoding="utf-8"))["identity"], identity)
        else:
            write_json(record, {"identity": identity})
        yield


def _compare(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    different = [name for name in now if before.get(name) != now[name]]
    if different:
        said = "; ".join(f"{name} {before.get(name)!r}, not {now[name]!r}" for name in different)
        raise BuildError(
            f"{folder}: holds a build with {said}. The two cannot be mixed: choose another folder with --out, or "
            "delete this one"
        )


def _remove_leftovers(plan: Plan) -> None:
    """Delete the temporary files of a build that was killed."""
    for temporary in (
        *plan.out.glob(".*.tmp"),
        *plan.out.glob("data/*/.*.tmp"),
        *plan.out.glob(f"{PRIVATE}/units/.*.tmp"),
    ):
        temporary.unlink(missing_ok=True)


def _compile(plan: Plan) -> None:
    """Compile the kernels once, here, so that the workers find them in numba's cache."""
    import numpy as np

    from .sources import Item

    side = 224
    clean = (np.indices((side, side, 3)).sum(axis=0) % 256).astype(np.uint8)
    for name in {cell.corruption: cell for cell in plan.cells}.values():
        plan.benchmark.row(plan.recipe, name, clean, Item("", 0, ""))


def _finish(plan: Plan, identity: dict[str, Any]) -> None:
    """Write the record of the whole build, then the README that makes it loadable."""
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[library] = metadata.version(library)
    files = {path: plan.finished[path]._asdict() for path in sorted(plan.finished)}
    write_json(
        plan.out / RECORD,
        {"identity": identity, "versions": versions, "skipped": plan.skipped, "files": files},
    )
    write_text(
        plan.out / "README.md", cards.dataset_card(plan.benchmark, plan.recipe, plan.source.classes, files)
    )
