"""Encoded images and labels of one Parquet file, read row by row in any order."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

#: Parquet files that one process has open at a time.
_OPEN_FILES = 128


class _Group(NamedTuple):
    """Place of the images of a row group in its file.

    Attributes
    ----------
    start : int
        Position of the column of images in the file.
    spans : ndarray of uint32, shape (rows, images, 2), or None
        Position of every image from there, and its length; None if the column does not hold the images verbatim.
    labels : ndarray of int64, shape (rows,)
        Labels.
    """

    start: int
    spans: NDArray[np.uint32] | None
    labels: NDArray[np.int64]


class StoredImages:
    """Encoded images and labels of one Parquet file.

    Parameters
    ----------
    path : str
        The file.
    column : {"image", "sequence", "video"}
        Column of the images.

    Notes
    -----
    Reading a row through pyarrow decodes its whole row group. The images of a build are stored verbatim, so the first
    row of a group to be read decodes the group and finds where each image lies; from then on a row is one read of the
    file, and 16 bytes a row are held in memory. A group in which the images are not found, such as a compressed one
    of another writer, is decoded again whenever another group was read in between.

    No file stays open between two reads but those of the last groups that were decoded, which belong to the process.
    """

    def __init__(self, path: str, column: str) -> None:
        self.path, self.column = path, column
        self._groups: dict[int, _Group] = {}

    @functools.cached_property
    def _state(self) -> tuple[int, ...]:
        """State of the file when it was opened."""
        return _state(self.path)

    @property
    def metadata(self) -> pq.FileMetaData:
        """Footer of the file."""
        return self._parquet().metadata

    @functools.cached_property
    def _starts(self) -> NDArray[np.int64]:
        """First row of every group, and the number of rows."""
        metadata = self.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])

    def read(self, row: int) -> tuple[list[bytes], int]:
        """Read the encoded images of a row and its label.

        Raises
        ------
        OSError, pyarrow.ArrowException, ValueError
            The file cannot be read, is truncated, has no such row or column, or has changed since its first row
            was read.
        """
        if self._state != _state(self.path):
            raise ValueError("it has changed since it was opened")
        if not 0 <= row < self._starts[-1]:
            raise ValueError(f"it has {self._starts[-1]} rows, and none of number {row}")
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        group = self._groups.get(number)
        if group is None:
            group = self._groups[number] = self._locate(number)
        row -= int(self._starts[number])
        label = int(group.labels[row])
        if group.spans is None:
            return _decode_group(self._parquet(), number, self.column)[0][row], label
        spans = group.spans[row].tolist()
        begin, end = spans[0][0], sum(spans[-1])
        with open(self.path, "rb") as file:
            file.seek(group.start + begin)
            data = file.read(end - begin)
        if len(data) != end - begin:
            raise ValueError("it is truncated")
        return [data[at - begin : at - begin + size] for at, size in spans], label

    def _locate(self, number: int) -> _Group:
        parquet = self._parquet()
        images, labels = _decode_group(parquet, number, self.column)
        column = parquet.metadata.row_group(number).column(_leaf(parquet, self.column))
        start = column.dictionary_page_offset or column.data_page_offset
        with open(self.path, "rb") as file:
            file.seek(start)
            chunk = file.read(column.total_compressed_size)
        return _Group(start, _find(chunk, images), labels)

    def _parquet(self) -> pq.ParquetFile:
        return _open(self.path, self._state, os.getpid())


def _state(path: str) -> tuple[int, ...]:
    """State of a file, which another one in its place or a change of its bytes alters."""
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


@functools.lru_cache(_OPEN_FILES)
def _open(path: str, state: tuple[int, ...], pid: int) -> pq.ParquetFile:
    """Open a file; a forked process and a file that was replaced get one of their own."""
    return pq.ParquetFile(path, memory_map=True, pre_buffer=False)


@functools.lru_cache(1)
def _decode_group(
    parquet: pq.ParquetFile, number: int, column: str
) -> tuple[list[list[bytes]], NDArray[np.int64]]:
    """Encoded images of every row of a group, and the labels."""
    leaf = parquet.schema.column(_leaf(parquet, column)).path
    table = parquet.read_row_group(number, [leaf, "label"], use_threads=False)
    try:
        images = [
            [bytes(image["bytes"]) for image in (value if isinstance(value, list) else [value])]
            for value in table[column].to_pylist()
        ]
        return images, np.array(table["label"].to_pylist(), np.int64)
    except (TypeError, KeyError) as error:
        raise ValueError(f"row group {number} has no image or label in a row: {error}") from None


def _leaf(parquet: pq.ParquetFile, column: str) -> int:
    """Number of the leaf column that holds the encoded images."""
    schema = parquet.schema
    for number in range(len(schema)):
        path = schema.column(number).path
        if path.startswith(f"{column}.") and path.endswith(".bytes"):
            return number
    raise ValueError(f"it has no column {column} of encoded images")


def _find(chunk: bytes, images: Sequence[Sequence[bytes]]) -> NDArray[np.uint32] | None:
    """Positions and lengths of images in the bytes of their column, None if one is missing or rows differ in number.

    Of two plain values, the second lies behind its length of four bytes; a header lies between those of two pages.
    """
    spans, end = [], 0
    for image in itertools.chain.from_iterable(images):
        start = end + 4 if chunk.startswith(image, end + 4) else chunk.find(image, end)
        if start < 0:
            return None
        end = start + len(image)
        spans.append((start, len(image)))
    if not spans or len(set(map(len, images))) != 1:
        return None
    return np.array(spans, np.uint32).reshape(len(images), -1, 2)
