"""What every published benchmark is to an import: its archives, its pictures, and the list of what a path holds."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import SourceError
from ..sources.base import stamp_of
from ..sources.tar_members import is_tar, members

_BLOCK = 1 << 20
_EXAMPLES = 3

Progress = Callable[[int], None]


class Archive(NamedTuple):
    """An archive as it was published; ``size`` in bytes, 0 where nobody says."""

    md5: str
    size: int = 0


class Picture(NamedTuple):
    """One row to be.

    Attributes
    ----------
    place : int
        Where among all images of the benchmark, from 0: decides the file it goes to, whatever else is there.
    image_id : str
        Its id.
    label : int
        Index into the classes.
    number : int
        By which the pictures of its config find it.
    """

    place: int
    image_id: str
    label: int
    number: int


class Pictures(ABC):
    """The pictures of one config, and where they are."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def rows(self) -> list[Picture]:
        """List them in order."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[Callable[[Picture], bytes | None]]:
        """Return a context with a function that reads a picture: its encoded bytes, None if it is spoilt.

        Raises
        ------
        SourceError
            It cannot be read, also in the function.
        """


@dataclass
class Listing:
    """What a path holds of a release.

    Attributes
    ----------
    path : Path
        The archive, folder or file.
    classes : tuple of str
        Names of the labels.
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
    classes: tuple[str, ...] = ()
    cells: dict[str, Pictures] = field(default_factory=dict)
    others: int = 0
    examples: list[str] = field(default_factory=list)
    stamp: str = ""
    md5: str = ""

    def skip(self, name: str, why: str) -> None:
        """Note a file that is not taken."""
        self.others += 1
        if self.others <= _EXAMPLES:
            self.examples.append(f"{name[:200]!r} ({why})")


@dataclass(frozen=True)
class Release(ABC):
    """A benchmark as its authors published it.

    Attributes
    ----------
    dataset : str
        What this package calls it.
    record : str
        Its number at zenodo.org.
    codec : str
        How its pictures are stored.
    ending : str
        Of a picture's name.
    images : int
        How many there are in every config.
    classes : tuple of str
        Names of the labels; empty where only the release itself says.
    example : str
        What a file is called, to show in messages.
    archives : dict
        Name of the file -> what it is known by.
    """

    dataset: str
    record: str
    codec: str
    ending: str
    images: int
    classes: Sequence[str]
    example: str
    archives: Mapping[str, Archive]

    @abstractmethod
    def holds(self, text: str, cells: set[str]) -> bool:
        """Whether a file that is called so may be of this release, which has these configs."""

    @abstractmethod
    def find(
        self, path: Path, cells: set[str], hashed: bool = False, progress: Progress = lambda count: None
    ) -> Listing:
        """List what a path holds of this release.

        Parameters
        ----------
        path : Path
            A tar archive, or what it was unpacked to, or a part of that.
        cells : set of str
            The configs there are.
        hashed : bool
            Read all of the archive and take its MD5.
        progress : callable
            Told how many bytes more have been hashed.

        Raises
        ------
        SourceError
            It cannot be read, is damaged or cut short, or is not what was published.
        """


class Entry(NamedTuple):
    """A file in an archive or a folder.

    Attributes
    ----------
    text : str
        Its whole path, to tell what it is by.
    name : str
        What messages call it.
    offset : int or None
        Where in the archive it begins; None in a folder.
    size : int
        In bytes; 0 in a folder, where it is not known yet.
    other : str
        What it is if no plain file.
    """

    text: str
    name: str
    offset: int | None
    size: int
    other: str


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


def listing(
    path: Path, found: Listing, hashed: bool = False, progress: Progress = lambda count: None
) -> Iterator[Entry]:
    """Yield the files of a folder or an archive, whose stamp and MD5 go to ``found``.

    An array, a file ``*.npy``, is listed with the ``labels.npy`` beside it.

    Raises
    ------
    SourceError
        It cannot be read, or is an archive that is damaged or cut short.
    """
    if path.is_dir():
        for folder, folders, names in os.walk(path, onerror=_unreadable):
            folders.sort()
            for name in sorted(names):
                whole = os.path.join(folder, name)
                yield Entry(whole, whole, None, 0, "")
        return
    if path.suffix == ".npy" and path.exists():
        for whole in map(str, dict.fromkeys((path, path.with_name("labels.npy")))):
            if os.path.exists(whole):
                yield Entry(whole, whole, None, 0, "")
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
                yield Entry(f"/{path.stem}/{member.name}", member.name, member.offset, member.size, other)
            if isinstance(file, _Hashing):
                file.seek(stat.st_size)
                found.md5 = file.hash.hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: object, error: OSError) -> SourceError:
    """Return the error that says so."""
    return SourceError(f"{path}: cannot be read ({error.strerror or error})")


def _unreadable(error: OSError) -> None:
    raise unreadable(error.filename, error) from error
