"""Rows of Parquet and Arrow files on this machine, and of Parquet files on the Hub."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from huggingface_hub import HfFileSystem

from ..errors import SourceError
from .source import Item, check_stamp

HUB = "hf://datasets/"
#: Rows that are decoded at once, and bytes that are fetched at once, when images are read.
_ROWS = 16
_BYTES = 4 << 20
#: A reader goes on to a row this far ahead; a row that is further away is looked up.
_AHEAD = 256


@contextmanager
def open_file(url: str, stamp: str = "") -> Iterator[BinaryIO]:
    """Open a file by its path, or ``hf://`` address; SourceError if it no longer has the stamp."""
    if url.startswith(HUB):
        with HfFileSystem().open(url, "rb", cache_type="none") as file:
            yield file
        return
    with open(url, "rb") as file:
        if stamp:
            check_stamp(os.fstat(file.fileno()), stamp, url)
        yield file


def schema_of(url: str) -> pa.Schema:
    """Columns of a file."""
    with open_file(url) as file:
        if url.endswith(".parquet"):
            return pq.read_schema(file)
        return pa.ipc.open_stream(file).schema


class Columns(NamedTuple):
    """Labels and file names of all rows.

    Attributes
    ----------
    labels : list of int, str or None
        In the order of the rows; None where there is no label.
    paths : list of str or None
        Names of the files that the images were read from.
    extra : dict
        Further column -> its values.
    """

    labels: list[int | str | None]
    paths: list[str | None]
    extra: dict[str, list[Any]]


def columns_of(url: str, image: str, label: str | None, extra: Sequence[str] = ()) -> Columns:
    """Read the labels, if there is a column of them, file names and further columns of all rows, without the images."""
    found = Columns([], [], {name: [] for name in extra})
    with open_file(url) as file:
        batches: Iterator[pa.RecordBatch]
        if url.endswith(".parquet"):
            parquet = pq.ParquetFile(file, pre_buffer=True)
            batches = parquet.iter_batches(columns=[f"{image}.path", *([label] if label else []), *extra])
        else:
            batches = (batch for _, batch in _arrow_batches(url))
        for batch in batches:
            labels = batch.column(label).to_pylist() if label else [None] * len(batch)
            found.labels.extend(labels)
            for name, values in found.extra.items():
                values.extend(batch.column(name).to_pylist())
            names = batch.schema.names
            kind = batch.schema.field(image).type if image in names else None
            if kind is not None and kind.get_field_index("path") >= 0:
                found.paths.extend(pc.struct_field(batch.column(image), "path").to_pylist())
            else:
                found.paths.extend([None] * len(labels))
    return found


@dataclass(frozen=True)
class RowReader:
    """Reads images out of files of rows: fast in the order of the rows, and by a lookup out of order.

    Attributes
    ----------
    column : str
        Column of the images.
    """

    column: str
    _here: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return RowReader, (self.column,)

    def read(self, item: Item) -> bytes:
        """Read the encoded image."""
        url, _, number = item.location.rpartition("#")
        try:
            data = self._row(url, int(number), item.stamp)
        except (SourceError, MemoryError):
            raise
        except Exception as error:  # networks, file systems and Parquet fail in more ways than can be listed
            raise SourceError(f"{item.location}: cannot be read ({brief(error)})") from error
        if data is None:
            raise SourceError(
                f"{item.location}: the row holds no image; remove the row, for example with Dataset.filter"
            )
        return data

    def _row(self, url: str, row: int, stamp: str) -> bytes | None:
        here = self._here
        if getattr(here, "url", None) != (url, stamp) or not 0 <= row - here.next <= _AHEAD:
            here.url, here.next = (url, stamp), row
            here.images = _images(url, self.column, row, stamp)
        data: bytes | None = None
        try:
            while here.next <= row:
                data = next(here.images)
                here.next += 1
        except BaseException:
            here.url = None
            raise
        return data


def _images(url: str, column: str, start: int, stamp: str) -> Iterator[bytes | None]:
    parquet = url.endswith(".parquet")
    batches = _parquet_batches(url, column, start, stamp) if parquet else _arrow_batches(url, stamp)
    for first, batch in batches:
        if first + len(batch) <= start:
            continue
        for data in pc.struct_field(batch.column(column), "bytes")[max(0, start - first) :]:
            yield data.as_py()


def _parquet_batches(url: str, column: str, start: int, stamp: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    with open_file(url, stamp) as file:
        # Row groups can be gigabytes: this way only a few pages of one are held.
        parquet = pq.ParquetFile(file, buffer_size=_BYTES)
        first, group = 0, 0
        while group < parquet.num_row_groups:
            rows = parquet.metadata.row_group(group).num_rows
            if first + rows > start:
                break
            first, group = first + rows, group + 1
        groups = range(group, parquet.num_row_groups)
        for batch in parquet.iter_batches(batch_size=_ROWS, row_groups=groups, columns=[f"{column}.bytes"]):
            yield first, batch
            first += len(batch)


def _arrow_batches(url: str, stamp: str = "") -> Iterator[tuple[int, pa.RecordBatch]]:
    with open_file(url, stamp), pa.memory_map(url) as file:
        first = 0
        for batch in pa.ipc.open_stream(file):
            batch.validate(full=True)  # offsets beyond the data would end the process
            yield first, batch
            first += len(batch)


def brief(error: BaseException) -> str:
    """First line of an error's text, without the queries of addresses, which may be secret."""
    lines: Sequence[str] = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"\?\S*", "", lines[0])[:300]
