"""The folder of a build: which build it is, what is finished in it, and that nobody else is at work there."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..benchmarks.layout import SPLIT
from ..jobs.folder import STATE_DIR, Shard, lock_record
from .parquet import FileInfo
from .units import UnitResult

#: In the names of files and records, even temporary ones, the index of the slice.
_INDEX = re.compile(rf"\.(?:{SPLIT}-)?(\d{{5}})-")


def finished_units(folder: Path) -> list[UnitResult]:
    """Read the records of all finished units, the latest last; one that is damaged counts as none."""
    found = []
    records = (folder / STATE_DIR / "units").glob("*.json")
    for record in sorted(records, key=lambda path: (path.stat().st_mtime_ns, path.name)):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            found.append(UnitResult.read(record))
    return found


def remove_leftovers(folder: Path, shard: Shard) -> None:
    """Delete what a killed process left of a shard: files under a temporary name."""
    for place in (folder / STATE_DIR / "units", *(folder / "data").glob("*")):
        for temporary in place.glob(".*.tmp"):
            index = _INDEX.match(temporary.name)
            if index and shard.has(int(index[1])):
                temporary.unlink(missing_ok=True)
    with lock_record(folder):
        for temporary in folder.glob(".*.tmp"):
            temporary.unlink(missing_ok=True)


def unexpected_files(folder: Path, known: set[str]) -> list[str]:
    """Return the files among the data that this build neither made nor will make."""
    files = (
        path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if not path.is_dir()
    )
    return sorted(path for path in files if path not in known and not path.endswith(".tmp"))


def corrupt_files(
    folder: Path, files: dict[str, FileInfo], threads: int, progress: Callable[[int, int], None]
) -> dict[str, str]:
    """Compare files with their records to the last byte.

    Parameters
    ----------
    folder : Path
        Of the build.
    files : dict
        Relative path -> what should be in it.
    threads : int
        How many files to read at once.
    progress : callable
        Told the files done and in all.

    Returns
    -------
    dict
        Relative path -> what is wrong with it, of those that are not as recorded.
    """
    wrong = {}
    with ThreadPoolExecutor(threads) as pool:
        checked = pool.map(lambda path: problem_of(folder / path, files[path]), files)
        for done, (path, fault) in enumerate(zip(files, checked, strict=True), start=1):
            if fault:
                wrong[path] = fault
            progress(done, len(files))
    return wrong


def problem_of(path: Path, written: FileInfo) -> str | None:
    """Return what is wrong with one file, or None."""
    if not path.is_file():
        return "missing"
    if path.stat().st_size != written.size:
        return f"{path.stat().st_size} bytes, not {written.size} as recorded"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return None if digest.hexdigest() == written.sha256 else "its content is not what was recorded"
