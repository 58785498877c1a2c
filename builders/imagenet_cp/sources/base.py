"""What a source of clean images offers."""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ..errors import SourceError

_IMAGENET_ID = re.compile(r"ILSVRC2012_(?:val|test)_\d{8}")


class Item(NamedTuple):
    """One clean image.

    Attributes
    ----------
    image_id : str
        Unique in its source.
    label : int
        Index into the source's classes.
    location : str
        Where its bytes are; errors show it.
    stamp : str
        Changes when the bytes do, without their being read, such as a file's size and time of writing.
    """

    image_id: str
    label: int
    location: str
    stamp: str = ""


class Reader(Protocol):
    """Fetches the bytes of an item; small, and safe to send to another process."""

    def read(self, item: Item) -> bytes:
        """Return the encoded image; SourceError, naming the item, if that cannot be."""


@dataclass(frozen=True)
class Source:
    """A list of clean images with labels.

    Attributes
    ----------
    name : str
        What messages call it, such as a folder's absolute path.
    classes : tuple of str
        Names of the labels 0, 1, ...
    items : tuple of Item
        In the order of the rows; their ids are unique.
    reader : Reader
        Fetches their bytes.
    """

    name: str
    classes: tuple[str, ...]
    items: tuple[Item, ...] = field(repr=False)
    reader: Reader = field(repr=False)

    @functools.cached_property
    def stamp(self) -> str:
        """Changes when an image is added, removed, labelled otherwise or written anew."""
        return digest((item.image_id, item.label, item.stamp) for item in self.items)

    @functools.cached_property
    def contents(self) -> str:
        """Says which images with which labels these are, wherever they are kept."""
        return digest([self.classes, *((item.image_id, item.label) for item in self.items)])


def image_id_of(stem: str) -> str:
    """Return the image's id: the stem of its file's name, or ImageNet's own id wherever that holds one."""
    found = _IMAGENET_ID.search(stem)
    return found.group() if found else stem


def row_id(row: int) -> str:
    """Return the id of an image that has no name but the number of its row, from 0."""
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
    """Return a short digest of many small tuples."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        hasher.update(repr(tuple(part)).encode("utf-8", "surrogateescape") + b"\n")
    return hasher.hexdigest()
