"""Resumption of a build: finished files are found by their records, verified, and dropped from the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ..benchmarks.file_names import SPLIT
from ..errors import BuildError, SourceError
from ..jobs.job_folder import STATE_DIR, Shard
from ..jobs.locks import lock_record
from ..progress import Progress
from ..sources import Item, Source
from .build_folder import unexpected_files
from .checksums import damaged_files
from .parquet import FileInfo, read_footer
from .units import Unit, UnitResult, image_digest

#: The index of a unit's slice of the images in the names of temporary files and of temporary records.
_INDEX = re.compile(rf"\.(?:{SPLIT}-)?(\d{{5}})-")


class Resumed(NamedTuple):
    """State of a build that was started before.

    Attributes
    ----------
    todo : list of Unit
        Units of the shard to run, each with the cells it lacks.
    files : dict
        Relative path -> record, of all finished files.
    skipped : dict
        Image id -> reason why it could not be read.
    damaged : dict
        Relative path -> problem, of finished files and records that are damaged, outdated or of another build, and made
        again.
    """

    todo: list[Unit]
    files: dict[str, FileInfo]
    skipped: dict[str, str]
    damaged: dict[str, str]


def resume(units: Sequence[Unit], shard: Shard, source: Source, threads: int, progress: Progress) -> Resumed:
    """Drop finished cells from the units of a shard, after verifying the checksums of their files.

    Parameters
    ----------
    units : sequence of Unit
        All units of the build.
    shard : Shard
        Part of the build to run; only its files are verified.
    source : Source
        The clean images, which must not have changed.
    threads : int
        Number of files read at once.
    progress : callable
        Called with ``"checking files"``, the number done and the total.

    Raises
    ------
    SourceError
        An image has changed since it was corrupted.
    BuildError
        There are files of another build among the data.
    """
    folder = units[0].out
    planned = {unit.file_of(cell): unit for unit in units for cell in unit.cells}
    items = {item.image_id: item for item in source.items}
    files: dict[str, FileInfo] = {}
    skipped: dict[str, str] = {}
    results, foreign = finished_units(folder, units[0].identity)
    for result in results:
        retry = result.skipped and units[0].on_error == "raise"
        if retry or not result.images.keys() <= items.keys():  # the latter is a record of another source
            continue
        _check_unchanged(result, items, source, folder)
        files.update(result.files)
        skipped.update(result.skipped)
    unexpected = unexpected_files(folder, {*files, *planned})
    if unexpected:
        raise BuildError(
            f"{', '.join(unexpected[:3])} in {folder}: not part of this build ({len(unexpected)} such files); "
            "move them away, because they would be read along with the data"
        )
    to_check = {
        path: info for path, info in files.items() if path not in planned or shard.has(planned[path].index)
    }
    damaged = damaged_files(folder, to_check, threads, progress)
    for path in damaged:
        del files[path]
        (folder / path).unlink(missing_ok=True)
    for path in planned.keys() - files.keys() - damaged.keys():  # without a record
        signature, _ = read_footer(folder / path)
        if signature not in ("", units[0].recipe.signature):  # "" if there is no file, or an unfinished one
            damaged[path] = f"is of {signature!r}, not of {units[0].recipe.signature!r}"
    todo = [
        replace(unit, cells=lacking)
        for unit in units
        if shard.has(unit.index)
        and (lacking := tuple(cell for cell in unit.cells if unit.file_of(cell) not in files))
    ]
    for record in foreign:
        (folder / record).unlink(missing_ok=True)
    return Resumed(todo, files, skipped, {**foreign, **dict(sorted(damaged.items()))})


def finished_units(folder: Path, identity: Mapping[str, Any]) -> tuple[list[UnitResult], dict[str, str]]:
    """Read the records of finished units.

    Returns
    -------
    list of UnitResult
        The latest last.
    dict
        Relative path of a record -> problem, of those that are damaged or of another build, or that skip an image
        which a later one has.
    """
    results: list[UnitResult] = []
    problems: dict[str, str] = {}
    read: set[str] = set()
    records = (folder / STATE_DIR / "units").glob("*.json")
    for record in sorted(records, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True):
        try:
            result = UnitResult.read(record, identity)
            if again := result.skipped.keys() & read:
                raise ValueError(f"skips {min(again)}, which could be read later")
        except ValueError as error:
            problems[record.relative_to(folder).as_posix()] = str(error)
        else:
            results.append(result)
            read.update(result.images)
    return results[::-1], problems


def remove_leftovers(folder: Path, shard: Shard) -> None:
    """Delete temporary files that killed processes of a shard left behind."""
    if not (folder / STATE_DIR).is_dir():  # the folder was deleted during the build
        return
    for place in (folder / STATE_DIR / "units", *(folder / "data").glob("*")):
        for temporary in place.glob(".*.tmp"):
            index = _INDEX.match(temporary.name)
            if index and shard.has(int(index[1])):
                temporary.unlink(missing_ok=True)
    with lock_record(folder):
        for temporary in folder.glob(".*.tmp"):
            temporary.unlink()


def _check_unchanged(result: UnitResult, items: Mapping[str, Item], source: Source, folder: Path) -> None:
    for image_id, (stamp, digest) in result.images.items():
        item = items[image_id]
        if item.stamp != stamp and image_digest(source.reader.read(item)) != digest:
            raise SourceError(
                f"{item.location}: has changed since the build in {folder} was started; choose another folder with "
                "--out, or delete that one"
            )
