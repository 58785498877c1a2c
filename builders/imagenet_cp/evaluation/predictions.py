"""Predictions of a model on one config, and their file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
from .results import Example
from .top5 import top5

#: Key in the Parquet metadata of the identity: model, data and rows of the predictions.
_IDENTITY_KEY = b"imagenet_cp_predictions"
#: Number of mistakes of a config that are stored with their images: the most confident.
_NUM_EXAMPLES = 2
_LARGEST = float(np.finfo(np.float32).max)
#: Share of predictions, and relative difference of margins, that rounding may change on another device.
_SHARE, _TOLERANCE = 0.2, 0.02


def predict(model: Model, config: str, batches: Iterable[Batch], classes: int, sequences: bool) -> pa.Table:
    """Run a model over the rows of a config.

    Parameters
    ----------
    model : Model
    config : str
        Name of the config in errors.
    batches : iterable of Batch
        From `imagenet_cp.evaluation.data.loader.batches`.
    classes : int
        Number of classes of the data set; the model must have as many.
    sequences : bool
        True to store the five best classes of every frame, false the best class of every image.

    Returns
    -------
    pyarrow.Table
        Columns ``image_id``, ``label`` and ``prediction``; of images also ``margin``, the score of the prediction
        minus the next best, and ``picture``, the file of a few confident mistakes.

    Raises
    ------
    SourceError
        The model has another number of classes, fails, or gives NaN or infinity.
    """
    ids: list[str] = []
    labels: list[int] = []
    predicted = [np.zeros((0, 1, 5) if sequences else 0, np.int32)]
    margins = [np.zeros(0, np.float32)]
    mistakes: list[tuple[float, int, bytes]] = []  # minus the margin, number of the row, image
    for rows, images, frames in batches:
        logits = model.logits(images)
        if logits.shape[1] != classes:
            raise SourceError(
                f"{model.name} gives {logits.shape[1]:,} scores per image, but the data set has {classes:,} classes; "
                "wrap it in a function that gives one score for each class, in the order of the labels"
            )
        for row in rows:
            if not 0 <= row.label < classes:
                raise SourceError(
                    f"{config}, row {row.image_id}: its label {row.label} is none of the {classes:,} classes"
                )
        finite = np.isfinite(logits).all(axis=1)
        if not finite.all():
            row = rows[int(np.argmin(finite)) // frames]
            raise SourceError(
                f"{config}, row {row.image_id}: {model.name} gives scores that are not finite (NaN or infinity), "
                "which cannot be ranked"
            )
        if sequences:
            predicted.append(top5(logits).astype(np.int32).reshape(len(rows), frames, 5))
        else:
            best = logits.argmax(axis=1)
            two = np.partition(logits, -2, axis=1)[:, -2:] if classes > 1 else np.zeros((len(rows), 2))
            # Differences of finite numbers that are infinite in their own type stay finite.
            margin = (two[:, 1].astype(np.float64) - two[:, 0]).clip(max=_LARGEST).astype(np.float32)
            predicted.append(best.astype(np.int32))
            margins.append(margin)
            mistakes += [
                (-float(margin[i]), len(ids) + i, row.images[0])
                for i, row in enumerate(rows)
                if best[i] != row.label
            ]
            mistakes = sorted(mistakes)[:_NUM_EXAMPLES]
        ids += [row.image_id for row in rows]
        labels += [row.label for row in rows]
    columns: dict[str, Any] = {"image_id": pa.array(ids, pa.string()), "label": pa.array(labels, pa.int32())}
    if sequences:
        columns["prediction"] = _nest(np.concatenate(predicted[1:] or predicted))
    else:
        shown = {number: image for _, number, image in mistakes}
        columns["prediction"] = np.concatenate(predicted)
        columns["margin"] = np.concatenate(margins)
        columns["picture"] = pa.array([shown.get(number) for number in range(len(ids))], pa.binary())
    return pa.table(columns)


def _nest(ids: NDArray[np.int32]) -> pa.Array:
    """Array (sequences, frames, 5) as a column of lists of lists."""
    frames = pa.FixedSizeListArray.from_arrays(pa.array(ids.reshape(-1)), 5)
    return pa.FixedSizeListArray.from_arrays(frames, ids.shape[1])


def class_ids(table: pa.Table) -> NDArray[np.int32]:
    """Predictions of a table: int32 (rows,), or of sequences (rows, frames, 5)."""
    column = table["prediction"].combine_chunks()
    shape = [len(column)]
    while pa.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    return np.asarray(column.to_numpy(), np.int32).reshape(shape)


def agree(one: pa.Table, other: pa.Table) -> bool:
    """True for predictions of the same rows by the same model, up to rounding."""
    if any(one[name].to_pylist() != other[name].to_pylist() for name in ("image_id", "label")):
        return False
    if (class_ids(one) != class_ids(other)).mean() > _SHARE:
        return False
    if "margin" not in one.column_names:
        return True
    margins = one["margin"].to_numpy(), other["margin"].to_numpy()
    scale = float(max(margin.max() for margin in margins))
    return np.allclose(*margins, rtol=_TOLERANCE, atol=_TOLERANCE * scale)


def choose_examples(tables: Mapping[str, pa.Table]) -> list[Example]:
    """Choose the most confident mistake of every corruption, each of another image, the most confident first.

    Parameters
    ----------
    tables : dict
        Config -> predictions for its images.
    """
    examples = [
        Example(config, row["image_id"], row["label"], row["prediction"], row["margin"], row["picture"])
        for config, table in tables.items()
        for row in table.filter(table["picture"].is_valid()).to_pylist()
    ]
    chosen: dict[str, Example] = {}
    seen: set[str] = set()
    for example in sorted(examples, key=lambda example: -example.margin):
        corruption = example.config.rstrip("0123456789").rstrip("_")
        if corruption not in chosen and example.image_id not in seen:
            chosen[corruption] = example
            seen.add(example.image_id)
    return list(chosen.values())


def is_finished(file: Path, identity: Mapping[str, str]) -> bool:
    """True for a file that holds the predictions of an identity.

    Raises
    ------
    BuildError
        The file is corrupt, or holds predictions of another model or of other data.
    """
    if not file.is_file():
        return False
    try:
        stored = json.loads((pq.read_metadata(file).metadata or {})[_IDENTITY_KEY])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        raise BuildError(
            f"{file}: corrupt ({error}); delete it, and run the same evaluation again"
        ) from error
    different = [
        f"{key} {stored.get(key)!r}, not {identity[key]!r}"
        for key in identity
        if stored.get(key) != identity[key]
    ]
    if different:
        raise BuildError(
            f"{file}: predictions with {'; '.join(different)}. Models and data are never mixed: choose another folder "
            "with -o"
        )
    return True


def write(file: Path, table: pa.Table, identity: Mapping[str, str]) -> None:
    """Write predictions with their identity, whole or not at all.

    Raises
    ------
    BuildError
        Another process has written predictions of another model or of other data in the meantime.
    """
    is_finished(file, identity)
    file.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    metadata = {_IDENTITY_KEY: json.dumps(dict(identity))}
    pq.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
    write_bytes(file, memoryview(sink.getvalue()))
    for partial in file.parent.glob(f".{file.name}.*.tmp"):  # of a process that was killed
        partial.unlink(missing_ok=True)


def read(file: Path, identity: Mapping[str, str]) -> pa.Table:
    """Read predictions; BuildError if they are missing or of another identity."""
    if not is_finished(file, identity):
        raise BuildError(f"{file}: has been deleted; run the same evaluation again")
    return pq.read_table(file)
