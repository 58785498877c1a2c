"""Releases of one array per corruption, its five severities in order: CIFAR-10-C and CIFAR-100-C."""

from __future__ import annotations

import math
import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import corruptions
from ..errors import SourceError
from ..images import codecs
from ..sources.source import reading, row_id, stamp_of
from .release import Images, Listing, Release, ReleasedImage, Tick, list_entries, open_unchanged, read_at

_LAYOUT = re.compile(r"/(?P<name>[a-z_]+)\.npy\Z", re.ASCII)
_NAME = re.compile(r"cifar[-_]?(100|10)[-_]?c(?![a-z])", re.ASCII | re.IGNORECASE)
_LABELS = "labels"
_SHAPE = (32, 32, 3)
_BYTES = math.prod(_SHAPE)
_LEVELS = len(corruptions.SEVERITIES)
#: Largest size of a header in bytes.
_HEADER = 4096
#: Header of an array of numbers or objects as NumPy writes it, which is matched and not evaluated.
_NPY = re.compile(
    rb"\x93NUMPY\x01\0(?P<length>..)"
    rb"(?P<description>\{'descr': '(?P<dtype>[<>|](?:b1|[iu][1248]|f[248]|O))', "
    rb"'fortran_order': (?P<order>True|False), 'shape': \((?P<shape>(?:\d{1,12}L?, ?){0,8}(?:\d{1,12}L?)?)\), \} *\n)",
    re.DOTALL,
)


class Array(NamedTuple):
    """An array ``*.npy``: its file, offset and size in it, the file's stamp, and its name in messages."""

    file: Path
    offset: int
    size: int
    stamp: str
    name: str

    @contextmanager
    def open(self) -> Iterator[Callable[[int, int], bytes]]:
        """Open a function that reads a number of bytes at an offset."""
        with open_unchanged(self.file, self.stamp, self.name) as file:

            def read(size: int, offset: int) -> bytes:
                data = read_at(file, size, offset, self.name)
                if len(data) != size:
                    raise SourceError(f"{self.name}: cut short; fetch it again")
                return data

            yield read


@dataclass(frozen=True, kw_only=True)
class ArrayRelease(Release):
    """A release of arrays ``<corruption>.npy``, uint8 (5 * images, 32, 32, 3), and their ``labels.npy``."""

    codec: str = "png"
    ending: str = "png"
    images: int = 10_000
    example: str = "fog.npy"

    def matches(self, path: str, cells: set[str]) -> bool:
        """Test if a file has the name of an array or of the labels."""
        return _name_of(path, cells) != ""

    def scan(
        self, path: Path, cells: set[str], hashed: bool = False, tick: Tick = lambda count: None
    ) -> Listing:
        """List the arrays at a path and check every header and all labels."""
        listing = Listing(path, tuple(self.classes))
        arrays = _arrays(path, listing, cells, hashed, tick)
        labels = _read_labels(arrays, self.images, path)
        _check_labels(labels, len(self.classes), arrays[_LABELS])
        shape, own = (_LEVELS * self.images, *_SHAPE), labels[: self.images].tolist()
        for name, array in arrays.items():
            if name != _LABELS:
                start, _ = _check_header(array, shape, np.dtype(np.uint8))
                for level in corruptions.SEVERITIES:
                    first = start + (level - 1) * self.images * _BYTES
                    listing.cells[f"{name}_{level}"] = ArrayImages(array, first, own)
        return listing


@dataclass(frozen=True)
class ArrayImages(Images):
    """Rows of an array that belong to one severity.

    Attributes
    ----------
    array : Array
        The array.
    first : int
        Offset of the first row in the file.
    labels : list of int
        Label of each row.
    """

    array: Array
    first: int
    labels: list[int]

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def read(self) -> Iterator[ReleasedImage]:
        """Yield the rows as PNG, with the ids of CIFAR's test images."""
        with self.array.open() as read:
            for row, label in enumerate(self.labels):
                pixels = np.frombuffer(read(_BYTES, self.first + row * _BYTES), np.uint8)
                yield ReleasedImage(row, row_id(row), label, codecs.encode_png(pixels.reshape(_SHAPE)))


def disambiguate(path: Path, releases: Sequence[Release], cells: Mapping[str, set[str]]) -> Release:
    """Identify the release of arrays by their labels; the path must not name another one.

    Raises
    ------
    SourceError
        The labels are missing or invalid, or the path names another release.
    """
    arrays = _arrays(path, Listing(path), cells[releases[0].dataset])
    labels = _read_labels(arrays, releases[0].images, path)
    by_size = sorted(releases, key=lambda release: len(release.classes))
    _check_labels(labels, len(by_size[-1].classes), arrays[_LABELS])
    release = next(release for release in by_size if labels.max() < len(release.classes))
    named = _NAME.findall(arrays[_LABELS].name)
    if named and int(named[-1]) != len(release.classes):
        raise SourceError(
            f"{arrays[_LABELS].name}: the labels go from {labels.min()} to {labels.max()}, as those of "
            f"{release.dataset} do, but it is called CIFAR-{named[-1]}-C; rename it, or replace labels.npy"
        )
    return release


def _name_of(path: str, cells: set[str]) -> str:
    match = _LAYOUT.search(path)
    name = match["name"] if match else ""
    return name if name == _LABELS or f"{name}_1" in cells else ""


def _arrays(
    path: Path, listing: Listing, cells: set[str], hashed: bool = False, tick: Tick = lambda count: None
) -> dict[str, Array]:
    """Corruption or "labels" -> its array, all from one folder."""
    folders = defaultdict[str, dict[str, Array]](dict)
    for entry in list_entries(path, listing, hashed, tick):
        name = _name_of(entry.path, cells)
        folder = entry.path.rpartition("/")[0]
        if entry.other or not name:
            listing.skip(entry.name, entry.other or "no file of the release")
        elif name in folders[folder]:
            listing.skip(entry.name, "repeated")
        elif entry.offset is not None:
            array = Array(path, entry.offset, entry.size, listing.stamp, f"{path}#{entry.name}")
            folders[folder][name] = array
        else:
            with reading(entry.path):
                status = os.stat(entry.path)
            if stat.S_ISREG(status.st_mode):  # opening a pipe would block
                array = Array(Path(entry.path), 0, status.st_size, stamp_of(status), entry.path)
                folders[folder][name] = array
            else:
                listing.skip(entry.name, "no file")
    found = {folder: arrays for folder, arrays in folders.items() if arrays}
    if len(found) > 1:
        raise SourceError(f"{path}: holds arrays in several folders, {', '.join(sorted(found))}; name one")
    return next(iter(found.values()), {})


def _read_labels(arrays: Mapping[str, Array], images: int, path: Path) -> NDArray[Any]:
    """Read the labels, which are the same for every severity."""
    if _LABELS not in arrays:
        some = next((array.name for array in arrays.values()), path)
        raise SourceError(f"{some}: there is no {_LABELS}.npy beside it, which holds the labels; add it")
    array = arrays[_LABELS]
    count = _LEVELS * images
    start, dtype = _check_header(array, (count,))
    with array.open() as read:
        labels = np.frombuffer(read(count * dtype.itemsize, start), dtype)
    for level, own in zip(corruptions.SEVERITIES, labels.reshape(_LEVELS, -1), strict=True):
        if (own != labels[:images]).any():
            raise SourceError(
                f"{array.name}: the labels of severity {level} are not those of severity 1, but the images are the same"
            )
    return labels


def _check_labels(labels: NDArray[Any], classes: int, array: Array) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise SourceError(
            f"{array.name}: row {wrong[0]} has the label {labels[wrong[0]]}, but there are {classes} classes, from 0"
        )


def _check_header(
    array: Array, shape: tuple[int, ...], dtype: np.dtype[Any] | None = None
) -> tuple[int, np.dtype[Any]]:
    """Offset and dtype of the data, which must have this shape and dtype (or any integer), in C order and complete."""
    with array.open() as read:
        head = read(min(_HEADER, array.size), array.offset)
    text = _NPY.match(head)
    if text is None or text.end() != text.start("description") + int.from_bytes(text["length"], "little"):
        raise SourceError(f"{array.name}: not an array saved by NumPy, or cut short")
    if text["dtype"].endswith(b"O"):
        raise SourceError(
            f"{array.name}: holds pickled objects, which are never unpickled, not an array of numbers"
        )
    own_dtype = np.dtype(text["dtype"].decode())
    own_shape = tuple(int(side) for side in re.findall(rb"\d+", text["shape"]))
    start = text.end()
    if own_shape != shape or not (own_dtype == dtype if dtype else own_dtype.kind in "iu"):
        expected = f"{dtype or 'integers'} of the shape {shape}"
        raise SourceError(f"{array.name}: {own_dtype} of the shape {own_shape}, not {expected}")
    if text["order"] == b"True" and len(shape) > 1:
        raise SourceError(
            f"{array.name}: is in Fortran order; save it again with np.save(file, np.ascontiguousarray(array))"
        )
    size = start + math.prod(shape) * own_dtype.itemsize
    if array.size != size:
        raise SourceError(f"{array.name}: {array.size:,} bytes, not {size:,}; fetch it again")
    return array.offset + start, own_dtype
