"""Predictions of a model: their columns, and examples of mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..benchmarks.benchmark import Cell
from ..errors import SourceError
from .data.loader import Batch, Resizing
from .data.rows import Rows, Sample
from .models.model import Model
from .probabilities import class_probabilities, recognize_scores
from .results import Example
from .top5 import rank_classes, top5

#: Version of the columns, part of an identity.
FORMAT = "2"
#: Key in the Parquet metadata of the kind of the scores.
_SCORES_KEY = b"imagenet_cp_scores"
#: Columns of floating point numbers of images, of which Parquet compresses each byte for itself.
SPLIT_COLUMNS = ("margin", "probability.list.element", "label_probability", "sum_of_squares")
#: Mistakes of a config that are candidates for an example: the most confident.
_NUM_EXAMPLES = 2
_LARGEST = float(np.finfo(np.float32).max)
#: Share of predictions, and relative difference of margins, that rounding may change on another device.
_SHARE, _TOLERANCE = 0.2, 0.02


class Predictions:
    """Predictions of a model for the rows of a slice, batch by batch.

    Parameters
    ----------
    model : Model
        The model.
    classes : int
        Number of classes of the data set; the model must have as many.
    sequences : bool
        True for rows of frames, of which only the five best classes are stored.
    scores : {"auto", "logits", "probabilities"}
        Kind of the model's scores; by default it is recognized in the first batch.
    """

    def __init__(self, model: Model, classes: int, sequences: bool, scores: str = "auto") -> None:
        self.model = model
        self.resizing = Resizing(model.side, model.interpolation)
        self._classes, self._sequences, self._scores = classes, sequences, scores
        self._samples: list[Sample] = []
        self._frames: list[int] = []
        self._columns: dict[str, list[NDArray[Any]]] = {}

    def add(self, batch: Batch) -> None:
        """Run the model on a batch.

        Raises
        ------
        SourceError
            The model has another number of classes, fails, gives NaN or infinity, or scores that are not of one kind.
        """
        logits = self.model.logits(batch.images[self.resizing])
        _check_scores(self.model, batch, logits, self._classes)
        if self._sequences:
            found = {"prediction": top5(logits).astype(np.int32)}
        else:
            if self._scores == "auto":
                self._scores = recognize_scores(logits)
            found = _describe(self.model, batch.samples, logits, self._scores)
        for name, values in found.items():
            self._columns.setdefault(name, []).append(values)
        self._samples += batch.samples
        self._frames += batch.frames

    def tables(self, cells: Sequence[Cell]) -> dict[str, pa.Table]:
        """Tables of the predictions.

        Parameters
        ----------
        cells : sequence of Cell
            Cells in the order of the result.

        Returns
        -------
        dict
            Config -> table in the order of the images, with the columns ``image_id``, ``label`` and ``prediction``, the
            five best classes, the best first: int32, shape (rows, 5), or of sequences (rows, frames, 5). With fewer
            than five classes, all of them. Of images also, as float32:

            - ``probability``: the probabilities of these classes, shape (rows, 5);
            - ``label_probability``: that of the true class, for the negative log-likelihood;
            - ``sum_of_squares``: the sum over all classes of the squared probabilities, for the Brier score;
            - ``margin``: the score of the prediction minus the next best.

            `scores_kind` of the tables is the kind of the scores.
        """
        columns = {name: np.concatenate(values) for name, values in self._columns.items()}
        ends = np.cumsum(self._frames)
        starts = ends - self._frames
        configs = np.array([sample.config for sample in self._samples])
        tables = {}
        for cell in cells:
            rows = np.flatnonzero(configs == cell.config)
            samples = [self._samples[row] for row in rows]
            table = {
                "image_id": pa.array([sample.image_id for sample in samples], pa.string()),
                "label": pa.array([sample.label for sample in samples], pa.int32()),
            }
            frames = [np.arange(starts[row], ends[row]) for row in rows]
            taken = np.concatenate([*frames, np.zeros(0, int)]).astype(int)
            for name, values in columns.items():
                table[name] = _nest(values[taken])
                if self._sequences:
                    offsets = np.cumsum([0, *map(len, frames)]).astype(np.int32)
                    table[name] = pa.ListArray.from_arrays(pa.array(offsets), table[name])
            tables[cell.config] = pa.table(table, metadata={_SCORES_KEY: self._scores})
        return tables


def _check_scores(model: Model, batch: Batch, logits: NDArray[Any], classes: int) -> None:
    """Raise SourceError for scores that do not fit the classes, or cannot be ranked."""
    if logits.shape[1] != classes:
        raise SourceError(
            f"{model.name} gives {logits.shape[1]:,} scores per image, but the data set has {classes:,} classes; "
            "add --labels FILE (labels=) with the class of every output, one a line"
        )
    for row in batch.samples:
        if not 0 <= row.label < classes:
            raise SourceError(
                f"{row.config}, row {row.image_id}: its label {row.label} is none of the {classes:,} classes"
            )
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        row = batch.samples[int(np.searchsorted(np.cumsum(batch.frames), np.argmin(finite), "right"))]
        raise SourceError(
            f"{row.config}, row {row.image_id}: {model.name} gives scores that are not finite (NaN or infinity), "
            "which cannot be ranked"
        )


def _describe(
    model: Model, rows: Sequence[Sample], scores: NDArray[Any], kind: str
) -> dict[str, NDArray[Any]]:
    """Columns of images but their ids and labels."""
    try:
        probabilities = class_probabilities(scores, kind)
    except ValueError as error:
        raise SourceError(f"{rows[0].config}, row {rows[0].image_id}: {model.name} gives {error}") from error
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
    """Array as a column, of lists of a fixed size if it has two axes."""
    column = pa.array(values.reshape(-1))
    return column if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(column, values.shape[1])


def column_values(table: pa.Table, name: str) -> NDArray[Any]:
    """Array of a column: (rows,), or of lists of one length (rows, ...)."""
    column = table[name].combine_chunks()
    shape = [len(column)]
    while pa.types.is_nested(column.type):
        rows, column = len(column), column.flatten()
        shape.append(len(column) // max(1, rows))
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
    if not len(one):
        return True
    if (class_ids(one) != class_ids(other)).mean() > _SHARE:
        return False
    if "margin" not in one.column_names:
        return True
    margins = one["margin"].to_numpy(), other["margin"].to_numpy()
    scale = float(max(margin.max() for margin in margins))
    return np.allclose(*margins, rtol=_TOLERANCE, atol=_TOLERANCE * scale)


def choose_examples(rows: Rows, tables: Mapping[str, pa.Table]) -> list[Example]:
    """Choose the most confident mistake of every corruption, each of another image, the most confident first.

    Parameters
    ----------
    rows : Rows
        The data, for the images.
    tables : dict
        Config -> predictions for its images.
    """
    candidates = []  # minus the margin, number of the config and of the row
    for place, cell in enumerate(rows.cells):
        table = tables[cell.config]
        margins = table["margin"].to_numpy()
        wrong = np.flatnonzero(class_ids(table)[:, 0] != table["label"].to_numpy())
        surest = wrong[np.argsort(-margins[wrong], kind="stable")[:_NUM_EXAMPLES]]
        candidates += [(-float(margins[row]), place, int(row)) for row in surest]
    chosen: dict[str, Example] = {}
    seen: set[str] = set()
    for _, place, number in sorted(candidates):
        cell = rows.cells[place]
        (row,) = tables[cell.config].slice(number, 1).to_pylist()
        if cell.name not in chosen and row["image_id"] not in seen:
            picture = next(rows.slice((cell,), number, number + 1).encoded())
            best = row["prediction"][0]
            chosen[cell.name] = Example(
                cell.config, row["image_id"], row["label"], best, row["margin"], picture
            )
            seen.add(row["image_id"])
    return list(chosen.values())
