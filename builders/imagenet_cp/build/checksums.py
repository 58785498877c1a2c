"""Sizes and checksums of the files of a build, compared with its records; `Checksums` remembers the comparison."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..errors import SourceError
from ..files import sha256_of
from ..jobs.job_folder import STATE_DIR
from ..progress import Progress
from .parquet import FileInfo

_VERIFIED = f"{STATE_DIR}/verified.txt"


class Checksums:
    """Checksums of a build's files, compared once and remembered in the folder while a file is unchanged.

    Parameters
    ----------
    folder : Path
        Folder of the build.
    files : dict
        Path relative to the folder -> its record.
    """

    def __init__(self, folder: Path, files: Mapping[str, FileInfo]) -> None:
        self.folder, self.files = folder, files
        self.verified: set[str] = set()

    def verify(self, path: str) -> None:
        """Compare the checksum of a file, unless it is remembered.

        Raises
        ------
        SourceError
            It differs from the record.
        """
        file = self.folder / path
        try:
            known = self._line(path)
        except (FileNotFoundError, NotADirectoryError):
            raise SourceError(f"{file}: missing; run the same build command again") from None
        if known in self.verified or known in self._remembered():
            return
        if problem := problem_of(file, self.files[path]):
            raise SourceError(f"{file}: {problem}; run the same build command again")
        self._append(known)

    def remember(self) -> None:
        """Remember all files, as soon as they are written, for their checksums are of what was written."""
        self._append(*map(self._line, self.files))

    def _line(self, path: str) -> str:
        # A copy that keeps the time of its content has an inode and a time of change of its own.
        state = (self.folder / path).stat()
        stamp = f"{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}:{state.st_ino}"
        return f"{self.files[path].sha256} {stamp} {path}"

    def _remembered(self) -> set[str]:
        with contextlib.suppress(OSError, ValueError):
            self.verified.update((self.folder / _VERIFIED).read_text("utf-8").splitlines())
        return self.verified

    def _append(self, *lines: str) -> None:
        self.verified.update(lines)
        record = self.folder / _VERIFIED
        with contextlib.suppress(OSError):  # the folder may be read-only
            record.parent.mkdir(exist_ok=True)
            with open(record, "ab", buffering=0) as file:  # in one write: other processes append theirs
                file.write("".join(f"{line}\n" for line in lines).encode())


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
