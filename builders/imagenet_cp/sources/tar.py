"""Tar archives of images, such as ImageNet's own ILSVRC2012_img_val.tar, read without unpacking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError
from .base import Item, Source, check_size, check_stamp, reading, stamp_of
from .layout import File, is_image, looks_like_image, path_in_archive, source_of_archive, warn_of_ignored
from .tar_members import Member, is_tar, members


@dataclass(frozen=True)
class TarReader:
    """Reads items that are members of a tar archive, by their place in it."""

    archive: str

    def read(self, item: Item) -> bytes:
        """Read the member, if the archive is still the one that was listed."""
        name, _, span = item.location.rpartition("@")
        offset, _, size = span.partition("+")
        check_size(int(size), name)
        with reading(name), open(self.archive, "rb", buffering=0) as file:
            check_stamp(os.fstat(file.fileno()), item.stamp, name)
            file.seek(int(offset))
            return file.read(int(size))


def open_tar(archive: str | os.PathLike[str]) -> Source:
    """List a tar archive of ImageNet's flat validation images, or of one folder per class.

    The rules for classes are those of `open_folder`. Folders around those of the classes are skipped; so are files
    and folders whose names begin with a dot, and files that are no images.

    Raises
    ------
    SourceError
        It is no tar archive, compressed, damaged or cut short; it holds no images, or some deeper than others; a
        member is a link or a device, or its name is absolute or leads out by ``..``; classes as for `open_folder`, or
        one image id twice.
    """
    path = Path(archive).expanduser().resolve()
    if not is_tar(path):
        raise SourceError(f"{path}: not a folder, and not a tar archive")
    root = str(path)
    with reading(root), open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        files = list(_images(members(file, stat.st_size, root), root, stamp_of(stat)))
    return source_of_archive(root, files, TarReader(root))


def _images(every: Iterator[Member], root: str, stamp: str) -> Iterator[File]:
    folders: dict[tuple[str, ...], tuple[str, ...]] = {}
    ignored = []
    for member in every:
        if member.other:
            raise SourceError(
                f"{root}: its member {member.name!r} is {member.other}, which has no place among images; pack the "
                "files themselves"
            )
        *inside, name = path_in_archive(member.name, root)
        if any(part.startswith(".") for part in inside):
            continue
        if looks_like_image(name):
            ignored.append(member.name)
        if is_image(name):
            folder = folders.setdefault(tuple(inside), tuple(inside))
            place = "/".join((*inside, name))
            yield File(folder, name, f"{root}#{place}@{member.offset}+{member.size}", stamp)
    warn_of_ignored(root, ignored)
