"""Finds the files of a published benchmark in its archives, or in the folders these were unpacked to."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import SourceError
from .releases import IMAGES, Release
from .sources import imagenet
from .sources.folder import stamp_of
from .sources.tar_members import is_tar, members

_BLOCK = 1 << 20
_EXAMPLES = 3

Progress = Callable[[int], None]


@dataclass
class Pictures:
    """Where the files of one config are, by the number of the image.

    Attributes
    ----------
    labels : ndarray of int16, shape (IMAGES + 1,)
        -1 where there is no such file.
    offsets, sizes : ndarray of int64, shape (IMAGES + 1,)
        Places in an archive.
    folder : Path or None
        Holds the folders of classes, where it is no archive.
    """

    folder: Path | None = None
    labels: NDArray[np.int16] = field(default_factory=lambda: np.full(IMAGES + 1, -1, np.int16))
    offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(IMAGES + 1, np.int64))
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(IMAGES + 1, np.int64))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the images that are there, in order."""
        found: list[int] = np.flatnonzero(self.labels >= 0).tolist()
        return found


@dataclass
class Found:
    """What an archive or a folder holds of a release.

    Attributes
    ----------
    path : Path
        The archive or folder.
    cells : dict
        Config -> its pictures.
    others : int
        How many files are not of the release, or come twice.
    examples : list of str
        Some of those.
    stamp : str
        Changes when the archive does.
    md5 : str
        Of the whole archive, where it was asked for.
    """

    path: Path
    cells: dict[str, Pictures] = field(default_factory=dict)
    others: int = 0
    examples: list[str] = field(default_factory=list)
    stamp: str = ""
    md5: str = ""

    def pass_over(self, name: str, why: str) -> None:
        """Note a file that is not taken."""
        self.others += 1
        if self.others <= _EXAMPLES:
            self.examples.append(f"{name[:200]!r} ({why})")


class _Hashing:
    """An archive that is read from beginning to end and hashed on the way."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self.file, self.progress = file, progress
        self.hash = hashlib.md5(usedforsecurity=False)
        self.place = 0

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        self.hash.update(data)
        self.place += len(data)
        return data

    def seek(self, offset: int) -> int:
        while self.place < offset:
            data = self.read(min(_BLOCK, offset - self.place))
            self.progress(len(data))
            if not data:
                break
        return self.place


def release_of(path: Path, releases: Mapping[str, Release], cells: Mapping[str, set[str]]) -> Release:
    """Tell by its first file which release an archive or folder is of.

    Raises
    ------
    SourceError
        It cannot be read, or holds nothing of any release.
    """
    patterns = {name: re.compile(release.layout, re.ASCII) for name, release in releases.items()}
    for text, *_ in _files(path, Found(path)):
        for name, pattern in patterns.items():
            found = pattern.search(text)
            if found and found["cell"].replace("/", "_") in cells[name]:
                return releases[name]
    shown = " or ".join(f".../{release.example}" for release in releases.values())
    raise SourceError(f"{path}: holds no published files, which are called {shown}")


def find(
    path: Path,
    release: Release,
    cells: set[str],
    hashed: bool = False,
    progress: Progress = lambda count: None,
) -> Found:
    """List what an archive or a folder holds of a release.

    Parameters
    ----------
    path : Path
        A tar archive, or a folder: of everything, of some corruptions, or of one, or of one severity.
    release : Release
        What to look for.
    cells : set of str
        The configs there are.
    hashed : bool
        Read all of the archive and take its MD5.
    progress : callable
        Told how many bytes more have been hashed.

    Raises
    ------
    SourceError
        It cannot be read; or it is an archive that is damaged or cut short.
    """
    found = Found(path)
    pattern = re.compile(release.layout, re.ASCII)
    place = {wnid: label for label, wnid in enumerate(imagenet.wnids())}
    for text, name, offset, size, other in _files(path, found, hashed, progress):
        match = pattern.search(text)
        cell = match["cell"].replace("/", "_") if match else ""
        if other:
            found.pass_over(name, other)
        elif match is None or cell not in cells or match["wnid"] not in place:
            found.pass_over(name, "no file of the release")
        elif not 1 <= int(match["number"]) <= IMAGES:
            found.pass_over(name, "no image of ImageNet")
        elif size > release.largest:
            found.pass_over(name, f"{size:,} bytes")
        else:
            home = None if offset is not None else Path(text).parents[1]
            if cell not in found.cells:
                found.cells[cell] = Pictures(home)
            pictures = found.cells[cell]
            number = int(match["number"])
            if pictures.labels[number] >= 0 or pictures.folder != home:
                found.pass_over(name, "comes twice")
                continue
            pictures.labels[number] = place[match["wnid"]]
            pictures.offsets[number], pictures.sizes[number] = offset or 0, size
    return found


def _files(
    path: Path, found: Found, hashed: bool = False, progress: Progress = lambda count: None
) -> Iterator[tuple[str, str, int | None, int, str]]:
    """Yield the whole path, the name for messages, the place if in an archive, and what it is if no plain file."""
    if path.is_dir():
        for folder, folders, names in os.walk(path, onerror=_unreadable):
            folders.sort()
            for name in sorted(names):
                whole = os.path.join(folder, name)
                yield whole, whole, None, 0, ""
        return
    if not is_tar(path):
        raise SourceError(f"{path}: not a folder, and not a tar archive")
    try:
        with open(path, "rb") as raw:
            stat = os.fstat(raw.fileno())
            found.stamp = stamp_of(stat)
            file = _Hashing(raw, progress) if hashed else raw
            for member in members(file, stat.st_size, str(path)):
                outside = member.name.startswith("/") or ".." in member.name.split("/")
                other = member.other or ("a name that leads out of the archive" if outside else "")
                # The archive of one corruption may have been packed inside its folder: fog.tar with 3/n01440764/...
                yield f"/{path.stem}/{member.name}", member.name, member.offset, member.size, other
            if isinstance(file, _Hashing):
                file.seek(stat.st_size)
                found.md5 = file.hash.hexdigest()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error})") from error


def _unreadable(error: OSError) -> None:
    raise SourceError(f"{error.filename}: cannot be read ({error.strerror or error})") from error


@contextmanager
def opened(found: Found, pictures: Pictures, release: Release) -> Iterator[Callable[[int], bytes]]:
    """Yield a function that reads the file of a number, no further than a byte beyond the largest there may be.

    Raises
    ------
    SourceError
        It cannot be read, also in the function.
    """
    if pictures.folder is not None:
        yield lambda number: _read_file(pictures, number, release)
        return
    try:
        file = open(found.path, "rb", buffering=0)  # noqa: SIM115  (closed below)
    except OSError as error:
        raise SourceError(f"{found.path}: cannot be read ({error.strerror or error})") from error
    with file:
        if stamp_of(os.fstat(file.fileno())) != found.stamp:
            raise SourceError(f"{found.path}: has changed since it was listed; start again")
        _fetch(file.fileno(), pictures)
        yield lambda number: _read_member(found, file, pictures, number)


def _fetch(file: int, pictures: Pictures) -> None:
    """Let the system read the pictures' stretch of an archive in one go, for they are taken in another order."""
    there = pictures.labels >= 0
    if hasattr(os, "posix_fadvise") and there.any():
        start = int(pictures.offsets[there].min())
        stop = int((pictures.offsets + pictures.sizes)[there].max())
        os.posix_fadvise(file, start, stop - start, os.POSIX_FADV_WILLNEED)


def _read_member(found: Found, file: Any, pictures: Pictures, number: int) -> bytes:
    try:
        return os.pread(file.fileno(), int(pictures.sizes[number]), int(pictures.offsets[number]))
    except OSError as error:
        raise SourceError(f"{found.path}: cannot be read ({error.strerror or error})") from error


def _read_file(pictures: Pictures, number: int, release: Release) -> bytes:
    assert pictures.folder is not None
    path = (
        pictures.folder / imagenet.wnids()[pictures.labels[number]] / f"{image_id(number)}.{release.ending}"
    )
    try:
        if not path.is_file():  # to open a pipe would be to wait for ever
            return b""
        with open(path, "rb") as file:
            return file.read(release.largest + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error})") from error


def image_id(number: int) -> str:
    """Return ImageNet's id of a validation image."""
    return f"ILSVRC2012_val_{number:08d}"
