"""Predictions of a model on one config, and their file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import BuildError, SourceError
from ..files import parse_json, write_bytes
from .data.loader import Batch
from .data.rows import Row
from .models.base import Model
from .probabilities import class_probabilities, recognize_scores
from .results import Example
from .top5 import rank_classes, top5

#: Key in the Parquet metadata of the identity: model, data and rows of the predictions.
_IDENTITY_KEY = b"imagenet_cp_predictions"
#: Version of the columns, part of an identity.
FORMAT = "2"
#: Key in the Parquet metadata of the kind of the scores.
_SCORES_KEY = b"imagenet_cp_scores"
#: Columns of floating point numbers of images, of which Parquet compresses each byte for itself.
_SPLIT = ("margin", "probability.list.element", "label_probability", "sum_of_squares")
#: Columns of the predictions for sequences, and for images.
_OF_SEQUENCES = {"image_id", "label", "prediction"}
_OF_IMAGES = {
    *_OF_SEQUENCES,
    *("probability", "label_probability", "sum_of_squares", "margin", "picture"),
}
#: Number of mistakes of a config that are stored with their images: the most confident.
_NUM_EXAMPLES = 2
_LARGEST = float(np.finfo(np.float32).max)
#: Share of predictions, and relative difference of margins, that rounding may change on another device.
_SHARE, _TOLERANCE = 0.2, 0.02


def predict(
    model: Model, config: str, batches: Iterable[Batch], classes: int, sequences: bool, scores: str = "auto"
) -> pa.Table:
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
        True for rows of frames, of which only the five best classes are stored.
    scores : {"auto", "logits", "probabilities"}
        Kind of the model's scores; by default it is recognized in the first batch.

    Returns
    -------
    pyarrow.Table
        Columns ``image_id``, ``label`` and ``prediction``, the five best classes, the best first: int32, shape
        (rows, 5), or of sequences (rows, frames, 5). With fewer than five classes, all of them. Of images also, as
        float32:

        - ``probability``: the probabilities of these classes, shape (rows, 5);
        - ``label_probability``: that of the true class, for the negative log-likelihood;
        - ``sum_of_squares``: the sum over all classes of the squared probabilities, for the Brier score;
        - ``margin``: the score of the prediction minus the next best;

        and ``picture``, the file of a few confident mistakes. `scores_kind` of the table is the kind of the scores.

    Raises
    ------
    SourceError
        The model has another number of classes, fails, gives NaN or infinity, or scores that are not of one kind.
    """
    ids: list[str] = []
    labels: list[int] = []
    columns: dict[str, list[NDArray[Any]]] = {}
    mistakes: list[tuple[float, int, bytes]] = []  # minus the margin, number of the row, image
    for rows, images, frames in batches:
        logits = model.logits(images)
        _check_scores(model, config, rows, logits, classes, frames)
        if scores == "auto" and not sequences:
            scores = recognize_scores(logits)
        if sequences:
            found = {"prediction": top5(logits).astype(np.int32).reshape(len(rows), frames, 5)}
        else:
            found = _describe(model, config, rows, logits, scores)
            best, margin = found["prediction"][:, 0], found["margin"]
            mistakes += [
                (-float(margin[i]), len(ids) + i, row.images[0])
                for i, row in enumerate(rows)
                if best[i] != row.label
            ]
            mistakes = sorted(mistakes)[:_NUM_EXAMPLES]
        for name, values in found.items():
            columns.setdefault(name, []).append(values)
        ids += [row.image_id for row in rows]
        labels += [row.label for row in rows]
    if not columns:
        none = np.zeros((0, min(5, classes)), np.float32)
        columns = {name: [none[:, 0]] for name in ("margin", "label_probability", "sum_of_squares")}
        columns |= {"prediction": [none.astype(np.int32)], "probability": [none]}
    table = {"image_id": pa.array(ids, pa.string()), "label": pa.array(labels, pa.int32())}
    table |= {name: _nest(np.concatenate(values)) for name, values in columns.items()}
    if not sequences:
        shown = {number: image for _, number, image in mistakes}
        table["picture"] = pa.array([shown.get(number) for number in range(len(ids))], pa.binary())
    return pa.table(table, metadata={_SCORES_KEY: scores})


def _check_scores(
    model: Model, config: str, rows: Sequence[Row], logits: NDArray[Any], classes: int, frames: int
) -> None:
    """Raise SourceError for scores that do not fit the classes, or cannot be ranked."""
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


def _describe(
    model: Model, config: str, rows: Sequence[Row], scores: NDArray[Any], kind: str
) -> dict[str, NDArray[Any]]:
    """Columns of images but their ids and labels."""
    try:
        probabilities = class_probabilities(scores, kind)
    except ValueError as error:
        raise SourceError(f"{config}, row {rows[0].image_id}: {model.name} gives {error}") from error
    best = rank_classes(scores, min(5, scores.shape[1]))
    two = np.take_along_axis(scores, best[:, :2], axis=1).astype(np.float64)
    labels = np.array([row.label for row in rows])
    return {
        "prediction": best.astype(np.int32),
        "probability": np.take_along_axis(probabilities, best, axis=1),
        "label_probability": probabilities[np.arange(len(rows)), labels],
        "sum_of_squares": np.square(probabilities, dtype=np.float64).sum(axis=1).astype(np.float32),
        # Differences of finite numbers that are infinite in their own type stay finite.
        "margin": (two[:, 0] - two[:, -1]).clip(max=_LARGEST).astype(np.float32),
    }


def _nest(values: NDArray[Any]) -> pa.Array:
    """Array as a column, of lists of a fixed size for every axis but the first."""
    column = pa.array(values.reshape(-1))
    for size in values.shape[:0:-1]:
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def column_values(table: pa.Table, name: str) -> NDArray[Any]:
    """Array of a column: (rows,), or of lists (rows, ...)."""
    column = table[name].combine_chunks()
    shape = [len(column)]
    while pa.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    return np.asarray(column.to_numpy()).reshape(shape)


def class_ids(table: pa.Table) -> NDArray[np.int32]:
    """Best classes of a table, the best first: int32 (rows, 5), or of sequences (rows, frames, 5)."""
    return column_values(table, "prediction")


def scores_kind(tables: Iterable[pa.Table]) -> str:
    """Kind of the scores of a model, ``"logits"`` or ``"probabilities"``; empty without any images.

    Raises
    ------
    SourceError
        The kinds differ.
    """
    kinds = sorted(
        {(table.schema.metadata or {}).get(_SCORES_KEY, b"").decode() for table in tables} - {"auto", ""}
    )
    if len(kinds) > 1:
        raise SourceError(
            "the scores of some configs look like logits and those of others like probabilities; add --scores logits "
            "or --scores probabilities (scores=)"
        )
    return "".join(kinds)


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
        Example(config, row["image_id"], row["label"], row["prediction"][0], row["margin"], row["picture"])
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
    with _name_corrupt(file):
        stored = dict(parse_json((pq.read_metadata(file).metadata or {})[_IDENTITY_KEY]))
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
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), _IDENTITY_KEY: json.dumps(dict(identity))}
    )
    integers = ["image_id", "label", "prediction.list.element", "prediction.list.element.list.element"]
    split = [name for name in _SPLIT if name.partition(".")[0] in table.column_names]
    options = {"compression": "zstd", "use_dictionary": integers, "use_byte_stream_split": split}
    # With checksums, since a flipped bit would be another prediction.
    pq.write_table(table, sink, write_page_checksum=True, **options)
    write_bytes(file, memoryview(sink.getvalue()))
    for partial in file.parent.glob(f".{file.name}.*.tmp"):  # of a process that was killed
        partial.unlink(missing_ok=True)


def read(file: Path, identity: Mapping[str, str]) -> pa.Table:
    """Read predictions; BuildError if they are missing or of another identity."""
    if not is_finished(file, identity):
        raise BuildError(f"{file}: has been deleted; run the same evaluation again")
    with _name_corrupt(file):
        table = pq.read_table(file, page_checksum_verification=True)
        if set(table.column_names) not in (_OF_SEQUENCES, _OF_IMAGES):
            raise ValueError(f"its columns are {table.column_names}")
    return table


@contextlib.contextmanager
def _name_corrupt(file: Path) -> Iterator[None]:
    """Convert errors of the content of a file into a BuildError that names it."""
    try:
        yield
    except (OSError, pa.ArrowException, LookupError, TypeError, ValueError) as error:
        raise BuildError(
            f"{file}: corrupt ({error}); delete it, and run the same evaluation again"
        ) from error
