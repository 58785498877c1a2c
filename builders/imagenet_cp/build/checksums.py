"""Checksums of the files of a build, computed when a file is made or first read, and remembered."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from ..errors import SourceError
from ..jobs.job_folder import STATE_DIR
from .build_folder import problem_of
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
            raise SourceError(f"{file}: missing; run the same build command again, which makes it") from None
        if known in self.verified or known in self._remembered():
            return
        if problem := problem_of(file, self.files[path]):
            raise SourceError(f"{file}: {problem}; run the same build command again, which replaces it")
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
