"""The folder of a build: its lock and identity, stray files, and checksums."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..files import sha256_of, write_json
from ..jobs.job_folder import RECORD_FILE, STATE_DIR, Shard, differences, read_record
from ..jobs.locks import Claim, lock_folder, lock_record
from ..progress import Progress
from .parquet import FileInfo


@contextlib.contextmanager
def lock_build(folder: Path, identity: dict[str, Any], shard: Shard) -> Iterator[Claim]:
    """Lock a folder that is new or empty or holds a build of the same identity.

    Yields
    ------
    Claim
        For the workers that write to the folder.

    Raises
    ------
    BuildError
        The folder holds other files or another build, cannot be written, or is in use.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            names = sorted(path.name for path in folder.iterdir())
            if STATE_DIR not in names and not _is_bare(folder):
                raise BuildError(
                    f"{folder}: holds something else ({', '.join(names[:3])}); choose a new folder with --out"
                )
            (folder / STATE_DIR / "units").mkdir(parents=True, exist_ok=True)
            claim = stack.enter_context(lock_folder(folder, shard))
            with lock_record(folder):
                stored = read_record(folder).get("identity")
                if shard.count == 1 and _holds_nothing(folder):
                    stored = None
                if stored is None:
                    write_json(folder / RECORD_FILE, {"identity": identity})
        except (FileExistsError, NotADirectoryError):
            raise BuildError(f"{folder}: is a file; choose a folder with --out") from None
        except OSError as error:
            raise BuildError(
                f"{folder}: cannot be written ({error.strerror}); choose another with --out"
            ) from None
        if stored is not None:
            different = differences(stored, identity)
            if different:
                raise BuildError(
                    f"{folder}: holds a build with {different}. The two cannot be mixed: choose another folder with "
                    "--out, or delete this one"
                )
        yield claim


def _holds_nothing(folder: Path) -> bool:
    """Test if a build stopped before it finished its first file."""
    units = folder / STATE_DIR / "units"
    return not any(units.glob("*.json")) and not any(path.is_file() for path in (folder / "data").rglob("*"))


def _is_bare(folder: Path) -> bool:
    """Test if a folder holds only unfinished files, as when it was deleted during a build."""
    return all(path.is_dir() or (path.name[0] == "." and path.suffix == ".tmp") for path in folder.rglob("*"))


def unexpected_files(folder: Path, known: set[str]) -> list[str]:
    """List files among the data that do not belong to the build."""
    files = (
        path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if not path.is_dir()
    )
    return sorted(path for path in files if path not in known and not path.endswith(".tmp"))


def damaged_files(
    folder: Path, files: Mapping[str, FileInfo], threads: int, progress: Progress
) -> dict[str, str]:
    """Compare the checksums of files with their records.

    Parameters
    ----------
    folder : Path
        Folder of the build.
    files : dict
        Relative path -> its record.
    threads : int
        Number of files read at once.
    progress : callable
        Called with ``"checking files"``, the number done and the total.

    Returns
    -------
    dict
        Relative path -> problem, of the files that differ from their records.
    """
    with ThreadPoolExecutor(threads) as pool:
        problems = {}
        checked = pool.map(lambda path: problem_of(folder / path, files[path]), files)
        for done, (path, problem) in enumerate(zip(files, checked, strict=True), start=1):
            if problem:
                problems[path] = problem
            progress("checking files", done, len(files))
    return problems


def problem_of(path: Path, info: FileInfo) -> str | None:
    """Compare the size and checksum of a file with its record; None if they agree."""
    if problem := size_problem(path, info):
        return problem
    return None if sha256_of(path) == info.sha256 else "its checksum is not the recorded one"


def size_problem(path: str | os.PathLike[str], info: FileInfo) -> str | None:
    """Compare the size of a file with its record; None if they agree."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    if not stat.S_ISREG(status.st_mode):
        return "missing"
    size = status.st_size
    return None if size == info.size else f"{size} bytes, not {info.size} as recorded"
