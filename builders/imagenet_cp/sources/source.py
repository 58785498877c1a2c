"""A source of clean images, its items and their reader."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..errors import SourceError

#: No image is larger; a crafted source could ask for any amount of memory.
_LARGEST = 1 << 30
_IMAGENET_ID = re.compile(r"ILSVRC2012_(?:val|test)_\d{8}")


class Item(NamedTuple):
    """One clean image.

    Attributes
    ----------
    image_id : str
        Unique in its source.
    label : int
        Index into the source's classes; -1 if the source has no labels.
    location : str
        Place of its bytes, shown in errors.
    stamp : str
        Changes when the bytes do, such as a file's size and time of writing.
    extra : dict, optional
        Values of the source's further columns, which the rows carry along.
    """

    image_id: str
    label: int
    location: str
    stamp: str = ""
    extra: Mapping[str, Any] | None = None


class Reader(Protocol):
    """Fetches the bytes of an item; small, and safe to send to another process."""

    def read(self, item: Item) -> bytes:
        """Read the encoded image; SourceError, naming the item, on failure."""


@dataclass(frozen=True)
class Source:
    """A list of clean images with labels.

    Attributes
    ----------
    name : str
        Name in messages, such as a folder's absolute path.
    classes : tuple of str
        Names of the labels 0, 1, ...
    items : tuple of Item
        In the order of the rows; their ids are unique.
    reader : Reader
        Fetches their bytes.
    order : str
        Order in which numbered classes are taken for ImageNet's, where no id confirms it, such as ``"0-999"``.
    ids, class_list : str
        Name of the subset of images, and of the list of classes, that the source is restricted to.
    columns : datasets.Features or dict
        Features of further columns, whose values the items hold.
    """

    name: str
    classes: tuple[str, ...]
    items: tuple[Item, ...] = field(repr=False)
    reader: Reader = field(repr=False)
    order: str = ""
    ids: str = ""
    class_list: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def stamp(self) -> str:
        """Digest that changes when an image is added, removed, relabelled or written anew."""
        return digest((item.image_id, item.label, item.stamp) for item in self.items)

    def check_labels(self) -> None:
        """Raise SourceError if the images have no labels."""
        if any(item.label < 0 for item in self.items):
            raise SourceError(
                f"{self.name}: its images have no labels (-1), so no model can be scored on it and no classes chosen; "
                "name images with labels, such as a folder with one sub-folder per class"
            )

    @functools.cached_property
    def contents(self) -> str:
        """Digest of the ids and labels, independent of where the images are stored."""
        return digest([self.classes, *((item.image_id, item.label) for item in self.items)])


@contextmanager
def reading(place: object = None) -> Iterator[None]:
    """Turn an error of the file system into a SourceError that names ``place``, or by default the file."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{place or error.filename}: cannot be read ({error.strerror or error})") from error


def stamp_of(status: os.stat_result) -> str:
    """Stamp of a file, which changes when the file is written anew."""
    return f"{status.st_size}:{status.st_mtime_ns}"


def file_stamp(path: str | os.PathLike[str]) -> str:
    """Stamp of a regular file.

    Raises
    ------
    SourceError
        It is a link to nothing, a pipe or a device, or its folder cannot be read.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and os.path.islink(path)
        reason = "a link to nothing" if missing else f"cannot be read ({error.strerror or error})"
        raise SourceError(f"{path}: {reason}") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise SourceError(f"{path}: {kind}, not a file")
    return stamp_of(status)


def check_size(size: int, name: str) -> None:
    """Raise SourceError for a file that is larger than any image."""
    if size > _LARGEST:
        raise SourceError(f"{name}: {size:,} bytes are too many for an image; remove it")


def check_stamp(status: os.stat_result, stamp: str, place: str) -> None:
    """Raise SourceError if a file is not the one that was listed with this stamp."""
    if stamp_of(status) != stamp:
        raise SourceError(f"{place}: has changed since it was listed; start again")


def image_id_of(stem: str) -> str:
    """Id of an image: ImageNet's own id if the file's name contains one, or the stem of the name."""
    found = _IMAGENET_ID.search(stem)
    return found.group() if found else stem


def row_id(row: int) -> str:
    """Id of an image without a name: the number of its row, from 0."""
    return f"row-{row:06d}"


def in_order(items: Iterable[Item], name: str) -> tuple[Item, ...]:
    """Sort items by id; an id that comes twice is an error that names both places."""
    ordered = sorted(items)
    for item in ordered:
        if not item.image_id.isprintable():
            raise SourceError(
                f"{name}: the file name {item.location!r} holds characters that cannot be stored; rename it"
            )
    for one, two in itertools.pairwise(ordered):
        if one.image_id == two.image_id:
            raise SourceError(
                f"{name}: two images have the id {one.image_id!r}: {one.location} and {two.location}; "
                "ids are file names without their ending and must be unique, so rename one of them"
            )
    return tuple(ordered)


def digest(parts: Iterable[Sequence[object]]) -> str:
    """Short digest of many small tuples."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        hasher.update(repr(tuple(part)).encode() + b"\n")
    return hasher.hexdigest()
