"""Releases of one NumPy array per corruption, its five severities one after the other: CIFAR-10-C and CIFAR-100-C."""

from __future__ import annotations

import io
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
from numpy.lib import format as npy
from numpy.typing import NDArray

from .. import corruptions
from ..errors import SourceError
from ..images import codecs
from ..sources.base import row_id, stamp_of
from .release import Listing, Picture, Pictures, Progress, Release, listing, unreadable

_LAYOUT = re.compile(r"/(?P<name>[a-z_]+)\.npy\Z", re.ASCII)
_NAME = re.compile(r"cifar[-_]?(100|10)[-_]?c(?![a-z])", re.ASCII | re.IGNORECASE)
_LABELS = "labels"
_SHAPE = (32, 32, 3)
_BYTES = math.prod(_SHAPE)
_LEVELS = len(corruptions.SEVERITIES)
#: Of a file's beginning, in which its header is.
_HEADER = 4096


class Array(NamedTuple):
    """A file ``*.npy``: in which file, from which byte on, of how many; the file's stamp; what messages call it."""

    file: Path
    offset: int
    size: int
    stamp: str
    name: str


@dataclass(frozen=True)
class ArrayRelease(Release):
    """A release of arrays ``<corruption>.npy``, uint8 (5 * images, 32, 32, 3), and their ``labels.npy``."""

    def holds(self, text: str, cells: set[str]) -> bool:
        """Whether a file is called as an array, or the labels, of the release."""
        return _name_of(text, cells) != ""

    def find(
        self, path: Path, cells: set[str], hashed: bool = False, progress: Progress = lambda count: None
    ) -> Listing:
        """List what a path holds, every array's header and all labels checked."""
        found = Listing(path, tuple(self.classes))
        arrays = _arrays(path, found, cells, hashed, progress)
        labels = _labels(arrays, self.images, path)
        _check(labels, len(self.classes), arrays[_LABELS])
        shape = (_LEVELS * self.images, *_SHAPE)
        for name, file in arrays.items():
            if name != _LABELS:
                start = _begin(file, shape, np.dtype(np.uint8))
                for level in corruptions.SEVERITIES:
                    first = start + (level - 1) * self.images * _BYTES
                    found.cells[f"{name}_{level}"] = Rows(file, first, labels[: self.images].tolist())
        return found


@dataclass(frozen=True)
class Rows(Pictures):
    """The rows of one array that are of one severity.

    Attributes
    ----------
    array : Array
        The file.
    first : int
        Where in it the first row begins.
    labels : list of int
        Of each row.
    """

    array: Array
    first: int
    labels: list[int]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.labels)

    def rows(self) -> list[Picture]:
        """List the rows; their ids are those of CIFAR's test images."""
        return [Picture(row, row_id(row), label, row) for row, label in enumerate(self.labels)]

    @contextmanager
    def opened(self) -> Iterator[Callable[[Picture], bytes | None]]:
        """Yield a function that reads a row and encodes it as PNG."""
        with _opened(self.array) as file:
            yield lambda picture: codecs.encode_png(self._read(file, picture))

    def _read(self, file: int, picture: Picture) -> NDArray[np.uint8]:
        data = _pread(self.array, file, _BYTES, self.first + picture.number * _BYTES)
        return np.frombuffer(data, np.uint8).reshape(_SHAPE)


def disambiguate(path: Path, releases: Sequence[Release], cells: Mapping[str, set[str]]) -> Release:
    """Tell by the labels of which release arrays are; their names must not say otherwise.

    Raises
    ------
    SourceError
        There are no labels or impossible ones, or a name in the path that is of another release.
    """
    first = releases[0]
    arrays = _arrays(path, Listing(path), cells[first.dataset])
    labels = _labels(arrays, first.images, path)
    by_size = sorted(releases, key=lambda release: len(release.classes))
    _check(labels, len(by_size[-1].classes), arrays[_LABELS])
    release = next(release for release in by_size if labels.max() < len(release.classes))
    called = _NAME.findall(arrays[_LABELS].name)
    if called and int(called[-1]) != len(release.classes):
        raise SourceError(
            f"{arrays[_LABELS].name}: the labels go from {labels.min()} to {labels.max()}, as those of "
            f"{release.dataset} do, but it is called CIFAR-{called[-1]}-C; rename it, or put the right labels.npy there"
        )
    return release


def _name_of(text: str, cells: set[str]) -> str:
    match = _LAYOUT.search(text)
    name = match["name"] if match else ""
    return name if name == _LABELS or f"{name}_1" in cells else ""


def _arrays(
    path: Path,
    found: Listing,
    cells: set[str],
    hashed: bool = False,
    progress: Progress = lambda count: None,
) -> dict[str, Array]:
    """Return corruption or "labels" -> its file, all out of one folder."""
    folders = defaultdict[str, dict[str, Array]](dict)
    for file in listing(path, found, hashed, progress):
        name = _name_of(file.text, cells)
        folder = file.text.rpartition("/")[0]
        if file.other or not name:
            found.skip(file.name, file.other or "no file of the release")
        elif name in folders[folder]:
            found.skip(file.name, "comes twice")
        elif file.offset is not None:
            whole = f"{path}#{file.name}"
            folders[folder][name] = Array(path, file.offset, file.size, found.stamp, whole)
        else:
            try:
                status = os.stat(file.text)
            except OSError as error:
                raise unreadable(file.text, error) from error
            if stat.S_ISREG(status.st_mode):  # to open a pipe would be to wait for ever
                stamp = stamp_of(status)
                folders[folder][name] = Array(Path(file.text), 0, status.st_size, stamp, file.text)
            else:
                found.skip(file.name, "no file")
    whole_ones = {folder: arrays for folder, arrays in folders.items() if arrays}
    if len(whole_ones) > 1:
        raise SourceError(
            f"{path}: holds arrays in several folders, {', '.join(sorted(whole_ones))}; name one"
        )
    return next(iter(whole_ones.values()), {})


def _labels(arrays: Mapping[str, Array], images: int, path: Path) -> NDArray[Any]:
    """Return the labels, the same of every severity."""
    if _LABELS not in arrays:
        some = next((file.name for file in arrays.values()), path)
        raise SourceError(
            f"{some}: there is no {_LABELS}.npy beside it, which says the classes; put it there"
        )
    file = arrays[_LABELS]
    count = _LEVELS * images
    start = _begin(file, (count,))
    with _opened(file) as opened:
        dtype = _header(file, opened).dtype
        labels = np.frombuffer(_pread(file, opened, count * dtype.itemsize, start), dtype)
    for level, own in zip(corruptions.SEVERITIES, labels.reshape(_LEVELS, -1), strict=True):
        if (own != labels[:images]).any():
            raise SourceError(
                f"{file.name}: the labels of severity {level} are not those of severity 1, but the images are the same"
            )
    return labels


def _check(labels: NDArray[Any], classes: int, file: Array) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise SourceError(
            f"{file.name}: row {wrong[0]} has the label {labels[wrong[0]]}, but there are {classes} classes, from 0"
        )


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    length: int


def _begin(file: Array, shape: tuple[int, ...], dtype: np.dtype[Any] | None = None) -> int:
    """Return where the data begin, if they have the shape, the type (or are whole numbers), C order and every byte."""
    with _opened(file) as opened:
        header = _header(file, opened)
    right = header.dtype == dtype if dtype else header.dtype.kind in "iu"
    if header.shape != shape or not right:
        wanted = f"{dtype or 'whole numbers'} of the shape {shape}"
        raise SourceError(f"{file.name}: {header.dtype} of the shape {header.shape}, not {wanted}")
    if header.fortran_order and len(shape) > 1:
        raise SourceError(
            f"{file.name}: is in Fortran order; save it again with np.save(file, np.ascontiguousarray(array))"
        )
    size = header.length + math.prod(shape) * header.dtype.itemsize
    if file.size != size:
        raise SourceError(f"{file.name}: {file.size:,} bytes, not {size:,}; fetch it again")
    return file.offset + header.length


def _header(file: Array, opened: int) -> _Header:
    beginning = io.BytesIO(_pread(file, opened, min(_HEADER, file.size), file.offset))
    try:
        version = npy.read_magic(beginning)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, fortran_order, dtype = read(beginning)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise SourceError(f"{file.name}: no array that NumPy saved, or cut short ({error})") from None
    if dtype.hasobject:
        raise SourceError(
            f"{file.name}: holds pickled objects, which are never unpickled, not an array of numbers"
        )
    return _Header(shape, fortran_order, dtype, beginning.tell())


@contextmanager
def _opened(file: Array) -> Iterator[int]:
    try:
        raw = open(file.file, "rb", buffering=0)  # noqa: SIM115  (closed below)
    except OSError as error:
        raise unreadable(file.name, error) from error
    with raw:
        if stamp_of(os.fstat(raw.fileno())) != file.stamp:
            raise SourceError(f"{file.file}: has changed since it was listed; start again")
        yield raw.fileno()


def _pread(file: Array, opened: int, size: int, offset: int) -> bytes:
    try:
        data = os.pread(opened, size, offset)
    except OSError as error:
        raise unreadable(file.name, error) from error
    if len(data) != size:
        raise SourceError(f"{file.name}: cut short; fetch it again")
    return data
