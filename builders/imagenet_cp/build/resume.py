"""Resumption of a build: finished files are found by their records, verified, and dropped from the plan."""

from __future__ import annotations

import contextlib
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

#: The index of a unit's slice of the images in the names of records, of temporary files and of temporary records.
_INDEX = re.compile(rf"\.?(?:{SPLIT}-)?(\d{{5}})-")


class Resumed(NamedTuple):
    """State of a build that was started before.

    Attributes
    ----------
    todo : list of Unit
        Units of the shard to run, each with the cells it lacks.
    files : dict
        Relative path -> record, of the finished files of the shard, and of configs that are not built now.
    skipped : dict
        Image id -> reason why it could not be read, in the slices of the shard.
    damaged : dict
        Relative path -> problem, of finished files and records that are damaged or of another build, and made again.
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
    finished, problems = finished_units(folder, units[0].identity)
    own = {record for record in (*finished, *problems) if shard.has(slice_of(record))}
    stale = {*problems}
    # The rest are of another source.
    finished = {record: result for record, result in finished.items() if result.images.keys() <= items.keys()}
    owners = {*{path: record for record, result in finished.items() for path in result.files}.values()}
    # An image is in all files of its slice or in none.
    read = {image_id for record in owners for image_id in finished[record].images}
    for record, result in [*finished.items()]:
        retry = result.skipped and (units[0].on_error == "raise" or result.skipped.keys() & read)
        if record not in owners or retry:
            stale.add(record)
            del finished[record]
            continue
        _check_unchanged(result, items, source, folder)
        files.update(result.files)
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
    known: dict[str, str | None] = {}
    skipped: dict[str, str] = {}
    for record, result in finished.items():
        if result.files.keys() & files.keys():
            known.update(dict.fromkeys(result.images))
            skipped.update(result.skipped if record in own else {})
        else:
            stale.add(record)
    known.update(skipped)
    for record in stale & own:  # another shard may have written its own anew by now
        record.unlink(missing_ok=True)
    todo = [
        replace(
            unit,
            cells=lacking,
            known={i.image_id: known[i.image_id] for i in unit.items if i.image_id in known},
        )
        for unit in units
        if shard.has(unit.index)
        and (lacking := tuple(cell for cell in unit.cells if unit.file_of(cell) not in files))
    ]
    foreign = {
        record.relative_to(folder).as_posix(): problem
        for record, problem in problems.items()
        if record in own
    }
    checked = {path: info for path, info in files.items() if path in to_check}
    return Resumed(todo, checked, skipped, {**foreign, **dict(sorted(damaged.items()))})


def slice_of(record: Path) -> int:
    """Index of the slice of a unit's record."""
    index = _INDEX.match(record.name)
    return int(index[1]) if index else 0


def finished_units(
    folder: Path, identity: Mapping[str, Any]
) -> tuple[dict[Path, UnitResult], dict[Path, str]]:
    """Read the records of finished units.

    Returns
    -------
    dict
        Record -> what it holds, the latest last.
    dict
        Record -> problem, of those that are damaged or of another build.
    """
    results, problems, times = {}, {}, {}
    for record in (folder / STATE_DIR / "units").glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # another shard may have deleted it
            times[record] = record.stat().st_mtime_ns
    for record in sorted(times, key=lambda record: (times[record], record.name)):
        try:
            results[record] = UnitResult.read(record, identity)
        except FileNotFoundError:
            continue
        except ValueError as error:
            problems[record] = str(error)
    return results, problems


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
