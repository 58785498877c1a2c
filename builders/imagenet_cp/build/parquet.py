"""Parquet files of rows, each written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from ..files import temporary_path
from ..jobs.locks import Claim

#: Rows of a row group, and bytes of their images: small enough to read single rows and to hold a group of every config
#: in memory, large enough to stream fast (measured by tests/benchmarks/scale.py).
ROWS_PER_GROUP = 100
BYTES_PER_GROUP = 8 << 20
#: The chunking of datasets, with which a changed row changes few of the Hub's blocks.
_CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
#: Key of the recipe's signature in the metadata of a file.
SIGNATURE_KEY = "imagenet_cp"


class FileInfo(NamedTuple):
    """Number of rows, size in bytes and SHA-256 of a finished file."""

    rows: int
    size: int
    sha256: str


class HashingFile:
    """A file that counts the bytes written to it and computes their SHA-256."""

    closed = False  # pyarrow asks for it

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.sha256.update(view)
        self.size += view.nbytes
        return self.file.write(view)


class Layout:
    """Columns and encodings of the files of a build.

    Parameters
    ----------
    features : datasets.Features
        The columns; ``datasets`` reads their types from the file.
    signature : str
        Signature of the recipe.
    """

    def __init__(self, features: datasets.Features, signature: str) -> None:
        schema = features.arrow_schema
        self.schema = schema.with_metadata({**schema.metadata, SIGNATURE_KEY: signature})
        self.types = {field.name: field.type for field in self.schema}
        # Encoded images do not compress further; the other columns repeat.
        leaves = [leaf for name, feature in features.items() for leaf in _leaves(name, feature)]
        images = [leaf for leaf in leaves if leaf.endswith(".bytes")]
        rest = [leaf for leaf in leaves if leaf not in images]
        self.encodings: dict[str, Any] = {
            "compression": {**dict.fromkeys(images, "none"), **dict.fromkeys(rest, "snappy")},
            "use_dictionary": rest,
            "column_encoding": dict.fromkeys(images, "PLAIN"),
        }


class ParquetFile:
    """Writer of one Parquet file; a context manager.

    Parameters
    ----------
    path : Path
        The file, which replaces a temporary one when the context ends without an error.
    layout : Layout
        Its columns.
    claim : Claim
        Claim to the folder of the build, without which the file does not appear.
    """

    def __init__(self, path: Path, layout: Layout, claim: Claim) -> None:
        self.path = path
        self.claim = claim
        self.temporary = temporary_path(path)
        # Not the folder of the build itself, which may have been deleted.
        path.parent.parent.mkdir(exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        self.layout = layout
        self.buffer: dict[str, list[Any]] = {name: [] for name in layout.types}
        self.rows = self.buffered_rows = self.buffered_bytes = 0
        self.file = open(self.temporary, "wb")  # noqa: SIM115  (closed by __exit__)
        self.sink = HashingFile(self.file)
        self.writer = pq.ParquetWriter(
            self.sink,
            layout.schema,
            write_page_index=True,
            use_content_defined_chunking=_CHUNKING,
            **layout.encodings,
        )

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        for name, values in self.buffer.items():
            values.append(row[name])
            self.buffered_bytes += nbytes(row[name])
        self.rows += 1
        self.buffered_rows += 1
        if self.buffered_rows == ROWS_PER_GROUP or self.buffered_bytes >= BYTES_PER_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        if not self.buffered_rows:
            return
        arrays = [pa.array(values, self.layout.types[name]) for name, values in self.buffer.items()]
        group = pa.Table.from_arrays(arrays, schema=self.layout.schema)
        self.writer.write_table(group, row_group_size=self.buffered_rows)
        for values in self.buffer.values():
            values.clear()
        self.buffered_rows = self.buffered_bytes = 0

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write_group()
                self.writer.close()
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
                with self.claim.check():
                    os.replace(self.temporary, self.path)
            else:
                with contextlib.suppress(Exception):
                    self.writer.close()
        finally:
            self.file.close()
            self.temporary.unlink(missing_ok=True)

    @property
    def info(self) -> FileInfo:
        """Record of the finished file."""
        return FileInfo(self.rows, self.sink.size, self.sink.sha256.hexdigest())


def read_footer(path: Path) -> tuple[str, int]:
    """Read the signature and the number of rows of a file; "" and 0 if it is missing or no Parquet file."""
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return "", 0
    return signature_in(footer.metadata), footer.num_rows


def signature_in(metadata: Mapping[bytes, bytes] | None) -> str:
    """Signature of the recipe in the metadata of a file; "" if there is none."""
    return (metadata or {}).get(SIGNATURE_KEY.encode(), b"").decode("utf-8", "replace")


def read_rows(
    file: pq.ParquetFile, start: int = 0, stop: int | None = None, columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Read the rows of a file from ``start`` to before ``stop``, of the row groups that hold them alone."""
    stop = file.metadata.num_rows if stop is None else stop
    groups, skipped, at = [], 0, 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if at + rows <= start:
            skipped += rows
        elif at < stop:
            groups.append(group)
        at += rows
    first = skipped
    for batch in file.iter_batches(ROWS_PER_GROUP, row_groups=groups, columns=columns):
        yield from batch[max(start - first, 0) : max(stop - first, 0)].to_pylist()
        first += len(batch)


def nbytes(value: Any) -> int:
    """Count the bytes of the images in one value of a row."""
    if isinstance(value, dict):
        return len(value.get("bytes") or b"")
    return sum(map(nbytes, value)) if isinstance(value, list) else 0


def _leaves(path: str, feature: Any) -> list[str]:
    if isinstance(feature, datasets.List):
        return _leaves(f"{path}.list.element", feature.feature)
    if isinstance(feature, (datasets.Image, datasets.Video)):
        return [f"{path}.bytes", f"{path}.path"]
    return [path]
