"""Build of a benchmark from a source of clean images: its plan, its execution and its record."""

from __future__ import annotations

import contextlib
import math
import os
import platform
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from ..arguments import check_on_error, name_list, optional_number
from ..benchmarks.benchmark import Benchmark, Cell
from ..benchmarks.catalog import get_benchmark
from ..benchmarks.recipe import Recipe
from ..cards import card as cards
from ..errors import RESUME_HINT, BuildError, SourceError, UsageError, wrap_os_errors
from ..files import local_path, write_json, write_text
from ..jobs.job_folder import RECORD_FILE, Shard, read_record
from ..jobs.local import TITLE, run_local, run_on_executor
from ..jobs.locks import lock_record
from ..jobs.memory import default_workers
from ..progress import Progress, resumed, silent
from ..sources import Source
from .build_folder import lock_build
from .parquet import FileInfo, read_footer
from .resume import finished_units, remove_leftovers, resume, slice_of
from .schedule import divide
from .units import Unit, run, warm_up

_LIBRARIES = ("imagenet-cp", "datasets", "numba", "numpy", "opencv-python", "Pillow", "pyarrow")


@dataclass
class Plan:
    """Units of a build and the files that are finished.

    Attributes
    ----------
    benchmark, recipe, source, out
        The data set to build, its recipe, its clean images and its folder.
    cells : tuple of Cell
        The requested cells.
    images_per_file : int
        Number of source images whose rows one file holds.
    identity : dict
        Everything that files of one build have in common.
    todo : list of Unit
        Units to run, each with the cells it lacks.
    files : dict
        Relative path -> record, of the finished files.
    skipped : dict
        Image id -> reason why it could not be read.
    damaged : dict
        Relative path -> problem, of the finished files and records that were made again.
    missing : int
        Number of files that other shards have yet to build.
    """

    benchmark: Benchmark
    recipe: Recipe
    source: Source
    out: Path
    cells: tuple[Cell, ...]
    images_per_file: int
    identity: dict[str, Any]
    todo: list[Unit]
    files: dict[str, FileInfo] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    missing: int = 0


def new_plan(
    dataset: str,
    source: Source,
    out: str | os.PathLike[str],
    configs: Sequence[str] = (),
    *,
    seed: int = 0,
    codec: str | None = None,
    size: str | None = None,
    images_per_file: int | None = None,
    on_error: str = "raise",
) -> Plan:
    """Plan a build from its beginning.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    source : Source
        From `imagenet_cp.sources.open_source`.
    out : path
        The folder. A build of the same recipe and source in it is resumed; other content is an error.
    configs : sequence of str
        Names of configs; all corruptions and severities by default.
    seed : int
        Seed of the random draws.
    codec : str, optional
        Storage of the images, one of the benchmark's ``codecs``; the first by default.
    size : {"keep"}, optional
        Corrupt images of any size at their own size, an extension of the paper; the profile's size by default. The
        source is then usually opened with ``recursive=True``.
    images_per_file : int, optional
        Number of source images whose rows one Parquet file holds; by default that of the build being resumed, or the
        benchmark's ``images_per_file``.
    on_error : {"raise", "skip"}
        Stop at an image that cannot be read, or record it and leave it out of all files, also when the build is
        resumed, until a run with ``"raise"`` makes them again.

    Raises
    ------
    ValueError
        Unknown dataset, config, codec or ``on_error``; ``images_per_file`` is no number from 1.
    SourceError
        The source is of another benchmark.
    """
    check_on_error(on_error)
    images_per_file = optional_number("images_per_file", images_per_file)
    if not isinstance(source, Source):
        raise UsageError(f"the source of a build comes from open_source, not {type(source).__name__}")
    folder = local_path(out).resolve()
    benchmark = get_benchmark(dataset)
    benchmark.check(source)
    cells = benchmark.cells(name_list("configs", configs) or benchmark.default_configs)
    recipe = benchmark.recipe(seed, codec, size, source)
    stored = read_record(folder).get("identity", {})
    step = images_per_file or stored.get("images_per_file") or benchmark.images_per_file
    count = math.ceil(len(source.items) / step)
    identity = {
        "signature": recipe.signature,
        "source": source.contents,
        "images": len(source.items),
        "images_per_file": step,
    }
    if source.columns:
        identity["columns"] = ", ".join(source.columns)
    todo = [
        Unit(
            folder,
            index,
            count,
            cells,
            source.items[index * step : (index + 1) * step],
            source.classes,
            source.reader,
            recipe,
            identity,
            on_error,
            source.columns,
        )
        for index in range(count)
    ]
    return Plan(benchmark, recipe, source, folder, cells, step, identity, todo)


def build(
    dataset: str,
    source: Source,
    out: str | os.PathLike[str],
    configs: Sequence[str] = (),
    *,
    workers_count: int | None = None,
    executor: Executor | None = None,
    shard: Shard = Shard(),  # noqa: B008  (immutable)
    progress: Progress = silent,
    **options: Any,
) -> Plan:
    """Build configs of a benchmark as a folder for ``load_dataset`` and the Hub.

    Parameters
    ----------
    dataset, source, out, configs, **options
        As for `new_plan`.
    workers_count : int, optional
        Number of processes on this machine; as many as there are cores and memory for by default.
    executor : concurrent.futures.Executor, optional
        Executor that runs the units instead of processes on this machine.
    shard : Shard
        Part of the build to run; all by default.
    progress : callable
        Called with ``"checking files"``, ``"compiling kernels"`` or ``"building images"``, the number done and the
        total.

    Returns
    -------
    Plan
        The plan after execution, with nothing left to do.

    Raises
    ------
    ValueError
        As for `new_plan`.
    SourceError
        The same, or a clean image cannot be read.
    BuildError
        The folder holds something else, cannot be written, or is in use by another process.
    """
    workers = optional_number("workers_count", workers_count) or default_workers()
    plan = new_plan(dataset, source, out, configs, **options)
    with lock_build(plan.out, plan.identity, shard) as claim, wrap_os_errors(plan.out):
        units = [replace(unit, claim=claim) for unit in plan.todo]
        remove_leftovers(plan.out, shard)
        plan.todo, plan.files, plan.skipped, plan.damaged = resume(units, shard, source, workers, progress)
        todo = sum(len(unit.items) for unit in plan.todo)
        before = sum(len(unit.items) for unit in units if shard.has(unit.index)) - todo
        try:
            _run(plan, workers, executor, resumed(progress, TITLE, before))
        except MemoryError:
            raise BuildError(f"{plan.out}: out of memory; try fewer --workers. {RESUME_HINT}") from None
        finally:
            remove_leftovers(plan.out, shard)
        _finish(plan, units, shard)
        if plan.missing and shard == Shard():
            raise BuildError(
                f"{plan.out}: {plan.missing} files have vanished or were replaced by others; run the same command again"
            )
    return plan


def _run(plan: Plan, workers: int, executor: Executor | None, progress: Progress) -> None:
    """Run the units of a plan and add their files to it."""
    images = sum(len(unit.items) for unit in plan.todo)
    if executor is None:
        for unit in plan.todo[:1]:
            if unit.on_error == "raise":  # images of a wrong kind are named before the kernels are compiled
                plan.benchmark.load(unit.reader, unit.items[0], plan.recipe.size, unit.on_error)
        kernels = {cell.name: cell for unit in plan.todo for cell in unit.cells}
        warm_ups = [partial(warm_up, plan.recipe, cell) for cell in kernels.values()]
        plan.todo = divide(plan.todo, workers)
    done, total = 0, sum(len(unit.items) for unit in plan.todo)

    def count(title: str, done: int, total: int) -> None:  # an image of several units is one image
        progress(title, *((done * images // total, images) if title == TITLE else (done, total)))

    if executor is None:
        results = run_local(run, plan.todo, min(workers, len(plan.todo)), count, warm_ups)
    else:
        results = run_on_executor(executor, run, plan.todo, lambda: count(TITLE, done, total))
    read: set[str] = set()
    with contextlib.closing(results):
        for unit, result in results:
            plan.files.update(result.files)
            plan.skipped.update(result.skipped)
            read.update(result.images)
            done += len(unit.items)
            count(TITLE, done, total)
    if unsteady := plan.skipped.keys() & read:
        raise SourceError(
            f"{plan.out}: {min(unsteady)} could be read for some configs and not for others; run the same command again"
        )
    plan.todo = []


def _finish(plan: Plan, units: list[Unit], shard: Shard) -> None:
    """Write the record and then the card, which makes the build loadable, once no file is missing."""
    planned = {unit.file_of(cell) for unit in units for cell in plan.cells}
    if shard != Shard():
        results, _ = finished_units(plan.out, plan.identity)
        for record, result in results.items():  # of other shards, which may have finished in the meantime
            if not shard.has(slice_of(record)):
                plan.files.update(result.files)
                plan.skipped.update(result.skipped)
    footers = {path: read_footer(plan.out / path) for path in plan.files}
    plan.files = {
        path: info._replace(rows=footers[path][1])
        for path, info in plan.files.items()
        if footers[path][0] == plan.recipe.signature
    }
    plan.missing = len(planned - plan.files.keys())
    if plan.missing:
        return
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[library] = metadata.version(library)
    files = {path: plan.files[path]._asdict() for path in sorted(plan.files)}
    ids = {item.image_id for item in plan.source.items} - plan.skipped.keys()
    source = plan.source
    card = cards.dataset_card(
        plan.benchmark, plan.recipe, source.classes, files, image_ids=ids, extra=source.columns
    )
    with lock_record(plan.out):
        write_json(
            plan.out / RECORD_FILE,
            {"identity": plan.identity, "versions": versions, "skipped": plan.skipped, "files": files},
        )
        write_text(plan.out / "README.md", card)
