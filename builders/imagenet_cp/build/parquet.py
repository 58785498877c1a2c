"""One Parquet file of rows, written so that it appears whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from ..files import temporary_path

#: Rows that are read together, and bytes of their pictures: small enough to pick single rows from and to keep a group
#: of every config in memory, large enough to stream fast (measured in tests/benchmarks/scale.py).
ROWS_PER_GROUP = 100
BYTES_PER_GROUP = 8 << 20
#: As datasets itself chunks, so that a changed row changes few of the Hub's blocks.
_CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
#: The key under which a file says which recipe made it.
SIGNATURE_KEY = "imagenet_cp"


class FileInfo(NamedTuple):
    """What a finished file holds: enough to check it later without this package."""

    rows: int
    size: int
    sha256: str


class _Digesting:
    """A file that hashes what passes through it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.sha256.update(view)
        self.size += view.nbytes
        return self.file.write(view)

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True


class Layout:
    """The columns of a file and how each is encoded: the same for all files of a build.

    Parameters
    ----------
    features : datasets.Features
        The columns; stock ``datasets`` reads their types back from the file.
    signature : str
        Of the recipe.
    """

    def __init__(self, features: datasets.Features, signature: str) -> None:
        schema = features.arrow_schema
        self.schema = schema.with_metadata({**schema.metadata, SIGNATURE_KEY: signature})
        self.types = {field.name: field.type for field in self.schema}
        # Encoded pictures do not compress further; everything else repeats.
        leaves = [leaf for name, feature in features.items() for leaf in _leaves(name, feature)]
        pictures = [leaf for leaf in leaves if leaf.endswith(".bytes") or leaf == "video"]
        others = [leaf for leaf in leaves if leaf not in pictures]
        self.encodings: dict[str, Any] = {
            "compression": {**dict.fromkeys(pictures, "none"), **dict.fromkeys(others, "snappy")},
            "use_dictionary": others,
            "column_encoding": dict.fromkeys(pictures, "PLAIN"),
        }


class ParquetFile:
    """Collects rows and writes them as one Parquet file; a context manager.

    Parameters
    ----------
    path : Path
        The file. Until the context ends well there is only a temporary one beside it.
    layout : Layout
        Its columns.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.temporary = temporary_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.layout = layout
        self.waiting: dict[str, list[Any]] = {name: [] for name in layout.types}
        self.rows = 0
        self.held = self.weight = 0  # rows that wait, and the bytes of their pictures
        self.file = open(self.temporary, "wb")  # noqa: SIM115  (closed by __exit__)
        self.sink = _Digesting(self.file)
        self.writer = pq.ParquetWriter(
            self.sink,
            layout.schema,
            write_page_index=True,
            use_content_defined_chunking=_CHUNKING,
            **layout.encodings,
        )

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        for name, values in self.waiting.items():
            values.append(row[name])
            self.weight += nbytes(row[name])
        self.rows += 1
        self.held += 1
        if self.held == ROWS_PER_GROUP or self.weight >= BYTES_PER_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        if not self.held:
            return
        arrays = [pa.array(values, self.layout.types[name]) for name, values in self.waiting.items()]
        group = pa.Table.from_arrays(arrays, schema=self.layout.schema)
        self.writer.write_table(group, row_group_size=self.held)
        for values in self.waiting.values():
            values.clear()
        self.held = self.weight = 0

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with contextlib.suppress(Exception):
                self.writer.close()
            self.file.close()
            self.temporary.unlink(missing_ok=True)
            return
        try:
            self._write_group()
            self.writer.close()
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.replace(self.temporary, self.path)
        except BaseException:
            self.file.close()
            self.temporary.unlink(missing_ok=True)
            raise

    @property
    def result(self) -> FileInfo:
        """What the finished file holds."""
        return FileInfo(self.rows, self.sink.size, self.sink.sha256.hexdigest())


def nbytes(value: Any) -> int:
    """Return the bytes of the pictures in one value of a row."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, dict):
        return len(value["bytes"])
    return sum(map(nbytes, value)) if isinstance(value, list) else 0


def _leaves(path: str, feature: Any) -> list[str]:
    if isinstance(feature, datasets.List):
        return _leaves(f"{path}.list.element", feature.feature)
    if isinstance(feature, datasets.Image):
        return [f"{path}.bytes", f"{path}.path"]
    return [path]
