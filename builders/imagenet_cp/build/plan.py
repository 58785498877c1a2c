"""The build: every config's Parquet files from a source of clean images, resumable."""

from __future__ import annotations

import contextlib
import math
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from ..benchmarks.base import Benchmark, Cell
from ..benchmarks.catalog import get_benchmark
from ..benchmarks.recipe import Recipe
from ..cards import card as cards
from ..errors import RESUME_HINT, BuildError, SourceError, wrap_os_errors
from ..files import write_json, write_text
from ..jobs import local as workers
from ..jobs.folder import RECORD_FILE, Shard, lock_build, lock_record, read_record
from ..sources import Item, Source
from . import folder as build_folder
from . import units
from .parquet import FileInfo
from .units import Unit, UnitResult, digest_of_bytes

_LIBRARIES = ("imagenet-cp", "datasets", "numba", "numpy", "opencv-python", "Pillow", "pyarrow")

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    pass


@dataclass
class Plan:
    """What a build makes, and what of it exists.

    Attributes
    ----------
    benchmark, recipe, source, out
        What is built, of what, and where.
    cells : tuple of Cell
        All that were asked for.
    images_per_file : int
        How many source images' rows one file holds.
    todo : list of Unit
        What is still to do, each with just the cells it lacks.
    files : dict
        Relative path -> what the file holds, of all that is done.
    skipped : dict
        Image id -> why it could not be read.
    remade : dict
        Relative path -> what was wrong with a finished file that is made again.
    missing : int
        How many files other shards have still to make.
    """

    benchmark: Benchmark
    recipe: Recipe
    source: Source
    out: Path
    cells: tuple[Cell, ...]
    images_per_file: int
    todo: list[Unit]
    files: dict[str, FileInfo] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    remade: dict[str, str] = field(default_factory=dict)
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
    """Plan a build as if nothing of it existed; arguments as for `build`."""
    benchmark = get_benchmark(dataset)
    benchmark.check(source)
    folder = Path(out).expanduser().resolve()
    cells = benchmark.cells(list(configs) or benchmark.default_configs)
    recipe = benchmark.recipe(seed, codec, size)
    before = read_record(folder).get("identity", {})
    step = images_per_file or before.get("images_per_file") or benchmark.images_per_file
    count = math.ceil(len(source.items) / step)
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
            on_error,
        )
        for index in range(count)
    ]
    return Plan(benchmark, recipe, source, folder, cells, step, todo)


def build(
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
    workers_count: int | None = None,
    executor: Executor | None = None,
    shard: Shard = Shard(),  # noqa: B008  (immutable)
    progress: Progress = _silent,
    checking: Progress = _silent,
    compiling: Progress = _silent,
) -> Plan:
    """Build configs of a benchmark as a folder that stock ``load_dataset`` and the Hub read.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    source : Source
        From `imagenet_cp.sources.open_source`.
    out : path
        The folder. A build of the same recipe and source in it is completed; anything else in it is an error.
    configs : sequence of str
        Names of configs; all corruptions and severities by default.
    seed : int
        Of the random draws.
    codec : str, optional
        How pictures are stored, if not in the usual way: see the benchmark's ``codecs``.
    size : {"keep"}, optional
        Corrupt pictures of any size as they are, an extension of the paper; the profile's size by default. The source
        is then usually opened with ``recursive=True``.
    images_per_file : int, optional
        How many source images' rows one Parquet file holds; what the folder was begun with, else
        the benchmark's ``images_per_file``.
    on_error : {"raise", "skip"}
        What to do about an image that cannot be read: stop, or record it and go on.
    workers_count : int, optional
        Processes on this machine; all its cores by default.
    executor : concurrent.futures.Executor, optional
        Runs the units instead of processes on this machine.
    shard : Shard
        Which part to make; all by default.
    progress, checking, compiling : callable
        Told the images made, the finished files compared with their records, and the kernels compiled or loaded, each
        with of how many.

    Returns
    -------
    Plan
        With nothing left to do.

    Raises
    ------
    ValueError
        Unknown dataset, config or codec.
    SourceError
        A clean image cannot be read.
    BuildError
        The folder holds something else, cannot be written, or is being built by another process.
    """
    plan = new_plan(
        dataset,
        source,
        out,
        configs,
        seed=seed,
        codec=codec,
        size=size,
        images_per_file=images_per_file,
        on_error=on_error,
    )
    every = plan.todo
    identity = {
        "signature": plan.recipe.signature,
        "source": source.contents,
        "images": len(source.items),
        "images_per_file": plan.images_per_file,
    }
    count = workers_count or os.cpu_count() or 1
    with lock_build(plan.out, identity, shard), _enough_memory(plan.out), wrap_os_errors(plan.out):
        plan.todo = [unit for unit in every if shard.has(unit.index)]
        build_folder.remove_leftovers(plan.out, shard)
        _resume(plan, every, count, checking)
        total = sum(len(unit.items) for unit in plan.todo)
        if executor is None:
            warm_ups = [partial(units.warm_up, plan.recipe, cell) for cell in _kernels(plan.todo)]
            processes = min(count, max(1, len(plan.todo)))
            made = workers.run_local(
                units.run, plan.todo, processes, lambda done: progress(done, total), warm_ups, compiling
            )
        else:
            made = workers.run_on_executor(executor, units.run, plan.todo, lambda: None)
        done = 0
        if total:
            progress(done, total)
        try:
            for unit, finished in made:
                plan.files.update(finished.files)
                plan.skipped.update(finished.skipped)
                done += len(unit.items)
                progress(done, total)
        finally:
            made.close()
            build_folder.remove_leftovers(plan.out, shard)
        plan.todo = []
        _finish(plan, every, identity)
    return plan


def _kernels(todo: Sequence[Unit]) -> list[Cell]:
    """Return one cell of every corruption or perturbation."""
    return list({cell.name: cell for unit in todo for cell in unit.cells}.values())


@contextlib.contextmanager
def _enough_memory(folder: Path) -> Iterator[None]:
    """Turn a lack of memory into an error that says how to get on."""
    try:
        yield
    except MemoryError:
        raise BuildError(f"{folder}: out of memory; try fewer --workers. {RESUME_HINT}") from None


def _resume(plan: Plan, every: list[Unit], threads: int, checking: Progress) -> None:
    """Leave to do only what is not finished, comparing what is with its records."""
    planned = {unit.file_of(cell): unit for unit in every for cell in plan.cells}
    mine = {unit.index for unit in plan.todo}
    to_check: dict[str, FileInfo] = {}
    now = {item.image_id: item for item in plan.source.items}
    for finished in build_folder.finished_units(plan.out):
        if finished.skipped and plan.todo and plan.todo[0].on_error == "raise":
            continue
        if not finished.images.keys() <= now.keys():  # not written by a build of this source
            continue
        _same_images(plan, finished, now)
        plan.files.update(finished.files)
        plan.skipped.update(finished.skipped)
        to_check.update(
            {p: w for p, w in finished.files.items() if p not in planned or planned[p].index in mine}
        )
    strange = build_folder.unexpected_files(plan.out, {*plan.files, *planned})
    if strange:
        raise BuildError(
            f"{', '.join(strange[:3])} in {plan.out}: not of this build ({len(strange)} such files); "
            "move them away, or they would be read along with the data"
        )
    plan.remade = build_folder.corrupt_files(plan.out, to_check, threads, checking)
    for path in plan.remade:
        del plan.files[path]
        (plan.out / path).unlink(missing_ok=True)
    lacking = {
        unit.index: tuple(cell for cell in plan.cells if unit.file_of(cell) not in plan.files)
        for unit in plan.todo
    }
    plan.todo = [replace(unit, cells=lacking[unit.index]) for unit in plan.todo if lacking[unit.index]]


def _same_images(plan: Plan, finished: UnitResult, now: dict[str, Item]) -> None:
    for image_id, (stamp, digest) in finished.images.items():
        item = now[image_id]
        if item.stamp != stamp and digest_of_bytes(plan.source.reader.read(item)) != digest:
            raise SourceError(
                f"{item.location}: has changed since {plan.out} was begun; choose another folder with --out, or "
                "delete that one"
            )


def _finish(plan: Plan, every: list[Unit], identity: dict[str, Any]) -> None:
    """Write the record of the whole build, then the README that makes it loadable, if no shard is missing."""
    wanted = {unit.file_of(cell) for unit in every for cell in plan.cells}
    if not wanted <= plan.files.keys():
        # Other shards may have got on in the meantime, and the last one has to do this.
        for finished in build_folder.finished_units(plan.out):
            plan.files = {**finished.files, **plan.files}
            plan.skipped = {**finished.skipped, **plan.skipped}
    plan.missing = len(wanted - plan.files.keys())
    if plan.missing:
        return
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[library] = metadata.version(library)
    files = {path: plan.files[path]._asdict() for path in sorted(plan.files)}
    card = cards.dataset_card(plan.benchmark, plan.recipe, plan.source.classes, files)
    with lock_record(plan.out):
        write_json(
            plan.out / RECORD_FILE,
            {"identity": identity, "versions": versions, "skipped": plan.skipped, "files": files},
        )
        write_text(plan.out / "README.md", card)
