"""Zip archives of images, one folder per class, read without unpacking."""

from __future__ import annotations

import functools
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError
from .image_paths import files_in_archive, is_image, source_of_archive
from .source import Item, Source, check_size, check_stamp, stamp_of

#: Errors of damaged zip archives; the last is that of encrypted ones.
FAULTS = (OSError, KeyError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
_ENCRYPTED = 1


@dataclass(frozen=True)
class ZipReader:
    """Reads items that are members of a zip archive."""

    archive: str

    def read(self, item: Item) -> bytes:
        """Read the member, if the archive is still the one that was listed."""
        name = item.location[len(self.archive) + 1 :]
        try:
            check_stamp(os.stat(self.archive), item.stamp, item.location)
            # A process of its own opens the file anew: the place in an open one is shared with its parent.
            return read_member(_opened(self.archive, item.stamp, os.getpid()), name)
        except FAULTS as error:
            raise SourceError(f"{item.location}: cannot be read ({error})") from error


@functools.lru_cache(maxsize=1)
def _opened(archive: str, stamp: str, process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a member of a zip archive in the memory of its size.

    Raises
    ------
    SourceError
        It is larger than any image, or compressed in another way than zip archives usually are.
    """
    member = archive.getinfo(name)
    check_size(member.file_size, f"{archive.filename}#{name}")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SourceError(
            f"{archive.filename}#{name}: compressed in a way that few programs read; unpack the archive and name "
            "its folder"
        )
    with archive.open(member) as file:
        # Not archive.read(name), which inflates all there is before it looks at the size.
        return file.read(member.file_size + 1)


def open_zip(archive: str | os.PathLike[str]) -> Source:
    """List a zip archive of one folder per class, or of ImageNet's flat validation images.

    The rules are those of `open_tar`.

    Raises
    ------
    SourceError
        It is damaged, cut short or encrypted; else as for `open_tar`.
    """
    path = Path(archive).expanduser().resolve()
    root = str(path)
    try:
        stamp = stamp_of(path.stat())
        with zipfile.ZipFile(path) as file:
            files = files_in_archive(_locations(file.infolist(), root), root, stamp)
    except FAULTS as error:
        raise SourceError(f"{root}: damaged, or cut short ({error}); fetch it again") from error
    return source_of_archive(root, files, ZipReader(root))


def _locations(members: list[zipfile.ZipInfo], root: str) -> Iterator[tuple[str, str]]:
    for member in members:
        if member.is_dir():
            continue
        if stat.S_ISLNK(member.external_attr >> 16):
            raise SourceError(
                f"{root}: its member {member.filename!r} is a symbolic link, which has no place among images; pack the "
                "files themselves"
            )
        # Some programs for Windows write backslashes.
        path = member.filename.replace("\\", "/")
        if member.flag_bits & _ENCRYPTED and is_image(path.rpartition("/")[2]):
            raise SourceError(f"{root}: is encrypted; unpack it and name the folder")
        yield path, member.filename
