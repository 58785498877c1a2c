"""Files of predictions, one for each unit, each with the identity of the model and data that it belongs to."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..benchmarks.benchmark import Cell
from ..errors import BuildError
from ..files import parse_json, write_bytes
from ..sources.source import digest
from .data.rows import Rows
from .predictions import FORMAT, SPLIT_COLUMNS

#: Key in the Parquet metadata of the identity: model, data, rows and slice of the predictions.
_IDENTITY_KEY = b"imagenet_cp_predictions"
#: Columns of few different values.
_DICTIONARY_COLUMNS = [
    "config",
    "image_id",
    "label",
    "prediction.list.element",
    "prediction.list.element.list.element",
]
#: Columns of the predictions for sequences, and for images.
_OF_SEQUENCES = {"config", "image_id", "label", "prediction"}
_OF_IMAGES = {*_OF_SEQUENCES, "probability", "label_probability", "sum_of_squares", "margin"}
#: Values of an identity that all predictions of an evaluation share.
_SHARED = ("format", "model", "data")


class Place(NamedTuple):
    """Place of the predictions of a config for a slice of the images: from ``start`` to before ``stop``."""

    config: str
    start: int
    stop: int


def folder_of(out: Path, rows: Rows) -> Path:
    """Folder of the files of a data set."""
    return out / "predictions" / rows.benchmark.dataset


def file_name(cells: Sequence[Cell], start: int, stop: int) -> str:
    """Name of the file of some cells for a slice of the images."""
    return f"{start:06d}-{stop:06d}-{digest(cells)[:8]}.parquet"


def identity_of(model: str, rows: Rows, cells: Sequence[Cell], start: int, stop: int) -> dict[str, Any]:
    """Identity of the predictions of a unit, from the signature of the model."""
    stamps = {cell.config: rows.stamps[cell.config] for cell in cells}
    shared = {"format": FORMAT, "model": model, "data": rows.signature}
    return {**shared, "rows": stamps, "start": start, "stop": stop}


def find(out: Path, rows: Rows, model: str) -> dict[Place, Path]:
    """Find the finished predictions of a model.

    Parameters
    ----------
    out : Path
        Folder of the evaluation.
    rows : Rows
        The data.
    model : str
        Signature of the model.

    Returns
    -------
    dict
        Place of the predictions -> their file.

    Raises
    ------
    BuildError
        A file is corrupt, or holds predictions of another model or of other data.
    """
    expected = identity_of(model, rows, rows.cells, 0, 0)
    found: dict[Place, Path] = {}
    for file in sorted(folder_of(out, rows).glob("[!.]*.parquet")):
        stored = _read_identity(file)
        _check(file, stored, expected)
        for config in stored["rows"]:
            found[Place(config, stored["start"], stored["stop"])] = file
    return found


def is_finished(file: Path, identity: Mapping[str, Any]) -> bool:
    """True for a file that holds the predictions of an identity.

    Raises
    ------
    BuildError
        The file is corrupt, or holds predictions of another model or of other data.
    """
    if not file.is_file():
        return False
    _check(file, _read_identity(file), identity)
    return True


def _read_identity(file: Path) -> dict[str, Any]:
    with _name_corrupt(file):
        stored = dict(parse_json((pq.read_metadata(file).metadata or {})[_IDENTITY_KEY]))
        if stored.get("format") == FORMAT:
            start, stop, rows = int(stored["start"]), int(stored["stop"]), dict(stored["rows"])
            stored |= {"start": start, "stop": stop, "rows": rows}
    return stored


@contextlib.contextmanager
def _name_corrupt(file: Path) -> Iterator[None]:
    """Convert errors of the content of a file into a BuildError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise BuildError(f"{file}: has been deleted; run the same evaluation again") from None
    except (OSError, pa.ArrowException, LookupError, TypeError, ValueError) as error:
        raise BuildError(
            f"{file}: corrupt ({error}); delete it, and run the same evaluation again"
        ) from error


def _check(file: Path, stored: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Raise BuildError for predictions of another model or of other data."""
    different = [
        f"{key} {stored.get(key)!r}, not {identity[key]!r}"
        for key in _SHARED
        if stored.get(key) != identity[key]
    ]
    if not different:
        different = [
            f"{config} of the rows {stamp!r}, not {identity['rows'][config]!r}"
            for config, stamp in stored["rows"].items()
            if stamp != identity["rows"].get(config, stamp)
        ][:1]
    if different:
        raise BuildError(
            f"{file}: predictions with {'; '.join(different)}. Models and data are never mixed: choose another folder "
            "with -o"
        )


def write(file: Path, tables: Mapping[str, pa.Table], identity: Mapping[str, Any]) -> None:
    """Write the predictions of a unit with their identity, whole or not at all.

    Parameters
    ----------
    file : Path
        The file.
    tables : dict
        Config -> its predictions.
    identity : dict
        From `identity_of`.

    Raises
    ------
    BuildError
        Another process has written predictions of another model or of other data in the meantime.
    """
    is_finished(file, identity)
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = [
        table.add_column(0, "config", pa.repeat(pa.scalar(config), len(table)))
        for config, table in tables.items()
    ]
    whole = pa.concat_tables(parts)
    rows = {config: len(table) for config, table in tables.items()}
    metadata = {**whole.schema.metadata, _IDENTITY_KEY: json.dumps({**identity, "num_rows": rows})}
    sink = pa.BufferOutputStream()
    split = [leaf for leaf in SPLIT_COLUMNS if leaf.partition(".")[0] in whole.column_names]
    pq.write_table(
        whole.replace_schema_metadata(metadata),
        sink,
        compression="zstd",
        use_dictionary=_DICTIONARY_COLUMNS,
        use_byte_stream_split=split,
        write_page_checksum=True,  # since a flipped bit would be another prediction
    )
    write_bytes(file, memoryview(sink.getvalue()))
    for partial in file.parent.glob(f".{file.name}.*.tmp"):  # of a process that was killed
        partial.unlink(missing_ok=True)


def read(found: Mapping[Place, Path], configs: Iterable[str]) -> dict[str, pa.Table]:
    """Read the predictions of every config, in the order of the images.

    Raises
    ------
    BuildError
        A file has been deleted, or is corrupt.
    """
    parts: dict[Path, dict[str, pa.Table]] = {}
    for file in set(found.values()):
        start = 0
        parts[file] = {}
        with _name_corrupt(file):
            table = pq.read_table(file, page_checksum_verification=True)
            if set(table.column_names) not in (_OF_SEQUENCES, _OF_IMAGES):
                raise ValueError(f"its columns are {table.column_names}")
            numbers = dict(_read_identity(file)["num_rows"])
        for config, number in numbers.items():
            parts[file][config] = table.slice(start, number).drop_columns(["config"])
            start += number
    tables = {}
    for config in configs:
        places = sorted(place for place in found if place.config == config)
        tables[config] = pa.concat_tables([parts[found[place]][config] for place in places])
    return tables
