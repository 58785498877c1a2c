"""Tar archives of images, such as ImageNet's own ILSVRC2012_img_val.tar, read without unpacking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..errors import SourceError
from . import classes as imagenet
from .base import Item, Source, check_size, check_stamp, image_id_of, in_order, reading, stamp_of
from .folder import ENDINGS, classes_of, flat_label, is_image, looks_like_image, warn_of_ignored
from .tar_members import Member, is_tar, members


class _Image(NamedTuple):
    folder: str
    name: str
    offset: int
    size: int


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
            return os.pread(file.fileno(), int(size), int(offset))


def open_tar(archive: str | os.PathLike[str]) -> Source:
    """List a tar archive of ImageNet's flat validation images, or of one folder per class.

    The rules for classes are those of `open_folder`. Folders around those of the classes are skipped; so are files
    and folders whose names begin with a dot, and files that are no images.

    Raises
    ------
    SourceError
        It is no tar archive, compressed, damaged or cut short; it holds no images, or some deeper than others; a
        member is a link or a device, or its name is absolute or leads out by ``..``; names that mix wnids with
        others, or one image id twice.
    """
    path = Path(archive).expanduser().resolve()
    if not is_tar(path):
        raise SourceError(f"{path}: not a folder, and not a tar archive")
    root = str(path)
    with reading(root), open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        images = list(_images(members(file, stat.st_size, root), root))
    if not images:
        raise SourceError(f"{root}: no image in it; files ending in {', '.join(sorted(ENDINGS))} count")
    classes, labels = _labels(root, images)
    stamp = stamp_of(stat)
    items = (
        Item(image_id_of(os.path.splitext(name)[0]), label, f"{root}#{inside}{name}@{offset}+{size}", stamp)
        for (inside, name, offset, size), label in zip(images, labels, strict=True)
    )
    return Source(root, classes, in_order(items, root), TarReader(root))


def _images(every: Iterator[Member], root: str) -> Iterator[_Image]:
    folders: dict[str, str] = {}
    ignored = []
    for member in every:
        parts = member.name.split("/")
        if member.other:
            raise SourceError(
                f"{root}: its member {member.name!r} is {member.other}, which has no place among images"
            )
        if not parts[0] or ".." in parts:
            raise SourceError(f"{root}: its member {member.name!r} has a name that leads out of the archive")
        *inside, name = [part for part in parts if part not in ("", ".")] or [""]
        if any(part.startswith(".") for part in inside):
            continue
        if looks_like_image(name):
            ignored.append(member.name)
        if is_image(name):
            folder = "".join(f"{part}/" for part in inside)
            yield _Image(folders.setdefault(folder, folder), name, member.offset, member.size)
    warn_of_ignored(root, ignored)


def _labels(root: str, images: list[_Image]) -> tuple[tuple[str, ...], Iterator[int]]:
    """Classes, and the label of every image."""
    folders = {image.folder for image in images}
    first = images[0]
    if len(folders) == 1 and (not first.folder or _is_flat(first)):
        return imagenet.wnids(), (flat_label(root, image.name) for image in images)
    class_of = {folder: PurePosixPath(folder).name for folder in folders}
    around = {folder: PurePosixPath(folder).parent for folder in folders if folder}
    if "" in folders or len(set(around.values())) > 1:
        strange = next(i for i in images if around.get(i.folder) != around.get(first.folder))
        raise SourceError(
            f"{root}: {first.folder}{first.name} and {strange.folder}{strange.name} are not in folders side by side; "
            "put images into one folder per class"
        )
    classes = classes_of(root, class_of.values())
    place = {name: label for label, name in enumerate(classes)}
    return classes, (place[class_of[image.folder]] for image in images)


def _is_flat(image: _Image) -> bool:
    # The flat folder may have been packed with its own name, such as val/.
    own = PurePosixPath(image.folder).name
    return own not in imagenet.wnids() and image_id_of(image.name) in imagenet.validation_labels()
