"""A model's predictions on one config, and their file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import BuildError, SourceError
from ..files import write_bytes
from .data.loader import Batch
from .models.base import Model
from .result import Example
from .top5 import top5

#: The key under which a file says what the predictions are of.
_KEY = b"imagenet_cp_predictions"
#: How many pictures of a config are kept to be shown: the mistakes the model was surest of.
_SHOWN = 2


def predict(
    model: Model, batches: Iterable[Batch], classes: int, sequences: bool, tick: Callable[[int], Any]
) -> pa.Table:
    """Run a model over the rows of a config.

    Parameters
    ----------
    model : Model
    batches : iterable of Batch
        From `imagenet_cp.evaluation.data.loader.batches`.
    classes : int
        How many the data set has; the model must have as many.
    sequences : bool
        Whether rows are sequences: of every frame the five best classes are kept, else of every picture the best.
    tick : callable
        Told how many more rows are done.

    Returns
    -------
    pyarrow.Table
        Columns ``image_id``, ``label`` and ``prediction``; of pictures also ``margin``, by how much the score of the
        prediction exceeds the next best, and ``picture``, the file of the few mistakes to show.

    Raises
    ------
    SourceError
        The model has another number of classes, fails, or gives scores that are not numbers.
    """
    ids: list[str] = []
    labels: list[int] = []
    made: list[NDArray[Any]] = []
    margins: list[NDArray[np.float32]] = []
    worst: list[tuple[float, int, bytes]] = []
    for rows, pictures, frames in batches:
        scores = model.scores(pictures)
        if scores.shape[1] != classes:
            raise SourceError(
                f"{model.name} gives {scores.shape[1]:,} scores a picture, but the data set has {classes:,} classes; "
                "wrap it in a function that gives one score for each class, in the order of the labels"
            )
        start = len(ids)
        ids += [row.image_id for row in rows]
        labels += [row.label for row in rows]
        if sequences:
            made.append(top5(scores).astype(np.int32).reshape(len(rows), frames, 5))
        else:
            best = scores.argmax(axis=1)
            two = np.partition(scores, -2, axis=1)[:, -2:] if classes > 1 else np.zeros((len(rows), 2))
            margin = (two[:, 1] - two[:, 0]).astype(np.float32)
            made.append(best.astype(np.int32))
            margins.append(margin)
            wrong = [place for place, row in enumerate(rows) if best[place] != row.label]
            worst += [(float(margin[place]), start + place, rows[place].pictures[0]) for place in wrong]
            worst = sorted(worst, key=lambda one: (-one[0], one[1]))[:_SHOWN]
        tick(len(rows))
    columns: dict[str, Any] = {"image_id": pa.array(ids, pa.string()), "label": pa.array(labels, pa.int32())}
    if sequences:
        return pa.table(columns | {"prediction": _nested(made)})
    shown: list[bytes | None] = [None] * len(ids)
    for _, place, picture in worst:
        shown[place] = picture
    return pa.table(
        columns
        | {
            "prediction": np.concatenate([np.zeros(0, np.int32), *made]),
            "margin": np.concatenate([np.zeros(0, np.float32), *margins]),
            "picture": pa.array(shown, pa.binary()),
        }
    )


def _nested(made: list[NDArray[Any]]) -> pa.Array:
    """Return arrays (sequences, frames, 5) as one column of lists of lists."""
    ids = np.concatenate(made) if made else np.zeros((0, 1, 5), np.int32)
    frames = pa.FixedSizeListArray.from_arrays(pa.array(ids.reshape(-1)), 5)
    return pa.FixedSizeListArray.from_arrays(frames, ids.shape[1])


def class_ids(table: pa.Table) -> NDArray[np.int32]:
    """Return the predictions of a table: int32 (rows,), or of sequences (rows, frames, 5)."""
    column = table["prediction"].combine_chunks()
    shape = [len(column)]
    while pa.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    return np.asarray(column.to_numpy(), np.int32).reshape(shape)


def examples(tables: Mapping[str, pa.Table]) -> list[Example]:
    """Choose mistakes to show: the surest of every corruption, of as many images as there are, the surest first.

    Parameters
    ----------
    tables : dict
        Config -> predictions on its pictures.
    """
    kept = [
        Example(config, row["image_id"], row["label"], row["prediction"], row["margin"], row["picture"])
        for config, table in tables.items()
        for row in table.filter(table["picture"].is_valid()).to_pylist()
    ]
    chosen: dict[str, Example] = {}
    seen: set[str] = set()
    for one in sorted(kept, key=lambda example: -example.margin):
        corruption = one.config.rstrip("0123456789").rstrip("_")
        if corruption not in chosen and one.image_id not in seen:
            chosen[corruption] = one
            seen.add(one.image_id)
    return list(chosen.values())


def finished(file: Path, of: Mapping[str, str]) -> bool:
    """Whether a file holds just these predictions.

    Raises
    ------
    BuildError
        It is damaged, or holds predictions of another model or of other data.
    """
    if not file.is_file():
        return False
    try:
        stored = json.loads((pq.read_metadata(file).metadata or {})[_KEY])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        raise BuildError(f"{file}: is damaged ({error}); delete it, and it is made again") from error
    different = [name for name in of if stored.get(name) != of[name]]
    if different:
        said = "; ".join(f"{name} {stored.get(name)!r}, not {of[name]!r}" for name in different)
        raise BuildError(
            f"{file}: predictions with {said}. Models and data are never mixed: choose another folder with -o"
        )
    return True


def write(file: Path, table: pa.Table, of: Mapping[str, str]) -> None:
    """Write predictions, whole or not at all, with what they are of.

    Raises
    ------
    BuildError
        Predictions of another model or of other data have come there in the meantime.
    """
    finished(file, of)
    file.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({_KEY: json.dumps(dict(of))}), sink, compression="zstd")
    write_bytes(file, memoryview(sink.getvalue()))
    for left in file.parent.glob(f".{file.name}.*.tmp"):  # by a process that was killed
        left.unlink(missing_ok=True)


def read(file: Path, of: Mapping[str, str]) -> pa.Table:
    """Read predictions back; BuildError if they are not there, or not of this."""
    if not finished(file, of):
        raise BuildError(f"{file}: has been deleted meanwhile; the same call makes it again")
    return pq.read_table(file)
