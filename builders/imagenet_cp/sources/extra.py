"""Further columns of data sets, such as boxes and captions, which rows carry along."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import datasets
import pyarrow as pa

from .arrow import HUB, Columns

#: Columns of this package's data sets, whose names no other column can have.
_OWN = frozenset(
    [
        "image",
        "sequence",
        "video",
        "label",
        "corruption",
        "perturbation",
        "severity",
        "difficulty",
        "image_id",
    ]
)
_LEVELS = frozenset(("severity", "difficulty"))


class Extra(NamedTuple):
    """A further column of a data set.

    Attributes
    ----------
    stored, name : str
        Its name in the data set, and in the rows that carry it along.
    feature : Feature
        Its type in these rows.
    by_reference : bool
        True for files, such as masks: the rows hold the file of the data set and the row, and not the content.
    """

    stored: str
    name: str
    feature: Any
    by_reference: bool


def extra_columns(
    features: datasets.Features, schema: pa.Schema, used: Collection[str | None]
) -> list[Extra]:
    """List the columns of a data set that are neither its images nor its labels.

    A column with the name of one of this package's own is called ``source_NAME``. The columns of a data set that this
    package made are not carried along, because its rows say the same.
    """
    if "image_id" in features and _LEVELS & features.keys():
        return []
    found = []
    for name, feature in features.items():
        if name in used or name not in schema.names:
            continue
        files = _holds_bytes(schema.field(name).type)
        carried = f"source_{name}" if name in _OWN else name
        found.append(Extra(name, carried, datasets.Value("string") if files else feature, files))
    return found


def extra_values(url: str, columns: Columns, extra: Collection[Extra]) -> Iterator[dict[str, Any] | None]:
    """Yield the values of the further columns, row by row; None if there are no such columns."""
    # A path of this machine has no meaning to those who read the data.
    file = url if url.startswith(HUB) else os.path.basename(url)
    for row in range(len(columns.labels)):
        values = {
            one.name: f"{file}#{row}" if one.by_reference else columns.extra[one.stored][row] for one in extra
        }
        yield values or None


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))
