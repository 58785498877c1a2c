"""Tar archives of images, such as ImageNet's own ILSVRC2012_img_val.tar, read without unpacking."""

from __future__ import annotations

import functools
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError
from .gzip_stream import GzipStream
from .image_paths import File, files_in_archive, path_in_archive, source_of_archive
from .source import Item, Source, check_size, check_stamp, reading, stamp_of
from .tar_members import GZIP, Member, is_tar, members


@dataclass(frozen=True)
class TarReader:
    """Reads items that are members of a tar archive, by their place in it, or in what it inflates to."""

    archive: str
    compressed: bool

    def read(self, item: Item) -> bytes:
        """Read the member, if the archive is still the one that was listed."""
        name, _, span = item.location.rpartition("@")
        offset, _, size = span.partition("+")
        check_size(int(size), name)
        if self.compressed:
            return self._inflated(item, name, int(offset), int(size))
        with reading(name), open(self.archive, "rb", buffering=0) as file:
            check_stamp(os.fstat(file.fileno()), item.stamp, name)
            file.seek(int(offset))
            return file.read(int(size))

    def _inflated(self, item: Item, name: str, offset: int, size: int) -> bytes:
        with reading(name), _name_damage(name):
            check_stamp(os.stat(self.archive), item.stamp, name)
            data = _stream(self.archive, item.stamp, os.getpid()).read_at(offset, size)
        if len(data) < size:
            raise SourceError(f"{name}: cut short; fetch the archive again")
        return data


@contextmanager
def _name_damage(name: str) -> Iterator[None]:
    """Convert errors of a damaged gzip file."""
    try:
        yield
    except zlib.error as error:
        raise SourceError(f"{name}: damaged ({error}); fetch the archive again") from error


@functools.lru_cache(maxsize=1)
def _stream(archive: str, stamp: str, process: int) -> GzipStream:
    # A process of its own opens the file anew: the place in an open one is shared with its parent.
    return GzipStream(archive)


def open_tar(archive: str | os.PathLike[str]) -> Source:
    """List a tar archive of ImageNet's flat validation images, or of one folder per class.

    The archive may be compressed with gzip; it is inflated while it is read, and nothing is written.
    The rules for classes are those of `open_folder`. Folders around those of the classes are skipped; so are files
    and folders whose names begin with a dot, and files that are no images.

    Raises
    ------
    SourceError
        It is no tar archive, compressed in another way, damaged or cut short; it holds no images, or some deeper than
        others; a member is a link or a device, or its name is absolute or leads out by ``..``; classes as for
        `open_folder`, or one image id twice.
    """
    root, files, reader = list_tar(archive)
    return source_of_archive(root, files, reader)


def list_tar(archive: str | os.PathLike[str]) -> tuple[str, list[File], TarReader]:
    """Find the absolute path of a tar archive, all images in it, and their reader; errors as `open_tar`."""
    path = Path(archive).expanduser().resolve()
    root = str(path)
    if not is_tar(path, gzip=True):
        raise SourceError(
            f"{root}: not a folder, and not a tar archive or a zip; name one of these, or a data set on the Hub"
        )
    with reading(root), open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        compressed = file.read(len(GZIP)) == GZIP
        with _name_damage(root):
            every = members(
                GzipStream(path) if compressed else file, sys.maxsize if compressed else stat.st_size, root
            )
            files = files_in_archive(_locations(every, root), root, stamp_of(stat))
    return root, files, TarReader(root, compressed)


def _locations(every: Iterator[Member], root: str) -> Iterator[tuple[str, str]]:
    for member in every:
        if member.other:
            raise SourceError(
                f"{root}: its member {member.name!r} is {member.other}, which has no place among images; pack the "
                "files themselves"
            )
        place = "/".join(path_in_archive(member.name, root))
        yield member.name, f"{place}@{member.offset}+{member.size}"
