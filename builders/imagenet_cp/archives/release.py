"""Releases of the authors: their archives, their images, and the listing of the files at a path."""

from __future__ import annotations

import hashlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import SourceError
from ..sources.source import reading, stamp_of
from ..sources.tar_members import is_tar, members

_BLOCK = 1 << 20
_EXAMPLES = 3
_SEEKING = threading.Lock()

#: Called with a number of bytes that were read.
Tick = Callable[[int], None]


class Archive(NamedTuple):
    """MD5 of a released archive, and its size in bytes; 0 if unknown."""

    md5: str
    size: int = 0


class ReleasedImage(NamedTuple):
    """An image of a release.

    Attributes
    ----------
    place : int
        Position among all images of the benchmark, from 0; decides the file that it is written to.
    image_id : str
        Its id.
    label : int
        Index into the classes.
    data : bytes or None
        The encoded image; None if it is damaged.
    """

    place: int
    image_id: str
    label: int
    data: bytes | None


class Images(ABC):
    """Images of one config at a path."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of images."""

    @abstractmethod
    def read(self) -> Iterator[ReleasedImage]:
        """Yield the images by position and id.

        Raises
        ------
        SourceError
            The archive or an image of it cannot be read.
        """


@dataclass
class Listing:
    """Files of a release at a path.

    Attributes
    ----------
    path : Path
        The archive, folder or file.
    classes : tuple of str
        Names of the labels.
    cells : dict
        Config -> its images.
    skipped : int
        Number of files that are repeated or not part of the release.
    examples : list of str
        Some of those.
    stamp : str
        Changes when the archive does.
    md5 : str
        MD5 of the archive, if requested.
    """

    path: Path
    classes: tuple[str, ...] = ()
    cells: dict[str, Images] = field(default_factory=dict)
    skipped: int = 0
    examples: list[str] = field(default_factory=list)
    stamp: str = ""
    md5: str = ""

    def skip(self, name: str, reason: str) -> None:
        """Record a file that is not imported."""
        self.skipped += 1
        if self.skipped <= _EXAMPLES:
            self.examples.append(f"{name[:200]!r} ({reason})")


@dataclass(frozen=True, kw_only=True)
class Release(ABC):
    """A benchmark as released by its authors.

    Attributes
    ----------
    dataset : str
        Its name in this package.
    record : str
        Its number at zenodo.org, or a name if it is elsewhere.
    address : str
        Its address if it is elsewhere.
    codec : str
        Storage of its images.
    ending : str
        Ending of the files of images.
    images : int
        Number of images of every config.
    classes : tuple of str
        Names of the labels; empty if they follow from the release.
    example : str
        Name of a file, for messages.
    archives : dict
        Name of the file -> its checksum.
    """

    dataset: str
    record: str
    codec: str
    ending: str
    images: int
    classes: Sequence[str]
    example: str
    archives: Mapping[str, Archive]
    address: str = ""

    @property
    def url(self) -> str:
        """Address of the release."""
        return self.address or f"https://zenodo.org/records/{self.record}"

    @abstractmethod
    def matches(self, path: str, cells: set[str]) -> bool:
        """Test if the path of a file may be one of this release, which has these configs."""

    @abstractmethod
    def scan(
        self, path: Path, cells: set[str], hashed: bool = False, tick: Tick = lambda count: None
    ) -> Listing:
        """List the files of this release at a path.

        Parameters
        ----------
        path : Path
            A tar archive, or the folder it was unpacked to, or a part of that.
        cells : set of str
            The configs of the release.
        hashed : bool
            Read the whole archive and compute its MD5.
        tick : callable
            Called with the number of bytes hashed since the last call.

        Raises
        ------
        SourceError
            It cannot be read, is damaged or cut short, or differs from the release.
        """


class Entry(NamedTuple):
    """A file in an archive or a folder.

    Attributes
    ----------
    path : str
        Its whole path.
    name : str
        Its name in messages.
    offset : int or None
        Position of its first byte in the archive; None in a folder.
    size : int
        Size in bytes; 0 in a folder, where it is not known yet.
    other : str
        Its kind if it is no plain file.
    """

    path: str
    name: str
    offset: int | None
    size: int
    other: str


class _Hashing:
    """An archive that is read from beginning to end and hashed on the way."""

    def __init__(self, file: BinaryIO, tick: Tick) -> None:
        self.file, self.tick = file, tick
        self.hash = hashlib.md5(usedforsecurity=False)
        self.position = 0

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        self.hash.update(data)
        self.position += len(data)
        return data

    def seek(self, offset: int) -> int:
        while self.position < offset:
            data = self.read(min(_BLOCK, offset - self.position))
            self.tick(len(data))
            if not data:
                break
        return self.position


def list_entries(
    path: Path, listing: Listing, hashed: bool = False, tick: Tick = lambda count: None
) -> Iterator[Entry]:
    """Yield the files of a folder or an archive; its stamp and MD5 are stored in ``listing``.

    An array ``*.npy`` is listed with the ``labels.npy`` beside it.

    Raises
    ------
    SourceError
        It cannot be read, or is an archive that is damaged or cut short.
    """
    if path.is_dir():
        for folder, folders, names in os.walk(path, onerror=_fail):
            folders.sort()
            for whole in (os.path.join(folder, name) for name in sorted(names)):
                yield Entry(whole, whole, None, 0, "")
    elif path.suffix == ".npy" and path.exists():
        for file in dict.fromkeys((path, path.with_name("labels.npy"))):
            if file.exists():
                yield Entry(str(file), str(file), None, 0, "")
    elif is_tar(path):
        with reading(path), open(path, "rb") as raw:
            stat = os.fstat(raw.fileno())
            listing.stamp = stamp_of(stat)
            archive = _Hashing(raw, tick) if hashed else raw
            for member in members(archive, stat.st_size, str(path)):
                outside = member.name.startswith("/") or ".." in member.name.split("/")
                other = member.other or ("a name that leads out of the archive" if outside else "")
                # The archive of one corruption may have been packed inside its folder: fog.tar with 3/n01440764/...
                yield Entry(f"/{path.stem}/{member.name}", member.name, member.offset, member.size, other)
            if isinstance(archive, _Hashing):
                archive.seek(stat.st_size)
                listing.md5 = archive.hash.hexdigest()
    else:
        raise SourceError(f"{path}: not a folder, and not a tar archive")


@contextmanager
def open_unchanged(path: Path, stamp: str, name: str) -> Iterator[int]:
    """Open the descriptor of a file that must not have changed since it was listed.

    Raises
    ------
    SourceError
        It cannot be read, or has changed.
    """
    with reading(name):
        file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed below)
    with file:
        if stamp_of(os.fstat(file.fileno())) != stamp:
            raise SourceError(f"{path}: has changed since it was listed; start again")
        yield file.fileno()


def read_at(file: int, size: int, offset: int, name: str) -> bytes:
    """Read bytes at an offset of an open file; SourceError, with the name, if it cannot be read."""
    with reading(name):
        if hasattr(os, "pread"):
            return os.pread(file, size, offset)
        with _SEEKING:  # Windows has no read that leaves the place in the file as it is
            os.lseek(file, offset, os.SEEK_SET)
            return os.read(file, size)


def _fail(error: OSError) -> None:
    with reading(error.filename):
        raise error
