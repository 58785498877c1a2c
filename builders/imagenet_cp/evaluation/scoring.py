"""Scores from predictions: by the metrics themselves, and by image for their bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import evaluate
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .. import perturbations
from ..sources import classes as imagenet
from . import predictions
from .data.rows import Rows
from .references import formulas
from .result import Counts


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes for people: English for ImageNet's, which are called by their wnids."""
    return imagenet.names() if tuple(classes) == imagenet.wnids() else tuple(classes)


def score(metric: str, rows: Rows, tables: Mapping[str, pa.Table]) -> Mapping[str, Any]:
    """Compute a metric through `evaluate.load`."""
    scorer = evaluate.load(metric)
    for cell in rows.cells:
        table = tables[cell.config]
        made = predictions.class_ids(table)
        if metric == "mce":
            scorer.add_batch(
                predictions=made,
                references=table["label"].to_numpy(),
                corruption=[cell.name] * len(table),
                severity=[cell.level] * len(table),
                extra=[cell.name],
            )
        else:
            scorer.add_batch(
                predictions=made[:, :, 0] if metric == "mfr" else made, perturbation=[cell.name] * len(table)
            )
    scores: Mapping[str, Any] = scorer.compute(
        benchmark=rows.benchmark.dataset, recipe=rows.signature, num_classes=len(rows.classes)
    )
    return scores


def counted(metric: str, rows: Rows, tables: Mapping[str, pa.Table]) -> Counts:
    """Count by image what a metric counts in all."""
    image_ids = pc.unique(
        pa.chunked_array([chunk for t in tables.values() for chunk in t["image_id"].chunks])
    )
    image_ids = image_ids.take(pc.sort_indices(image_ids))
    counts: dict[str, NDArray[np.int16]] = {}
    pairs: dict[str, int] = {}
    for cell in rows.cells:
        table = tables[cell.config]
        made, pairs[cell.config] = _COUNT[metric](predictions.class_ids(table), table, cell.name)
        counts[cell.config] = np.full(len(image_ids), -1, np.int16)
        counts[cell.config][pc.index_in(table["image_id"].combine_chunks(), image_ids).to_numpy()] = made
    return Counts(tuple(image_ids.to_pylist()), counts, pairs)


def _wrong(made: NDArray[np.int32], table: pa.Table, name: str) -> tuple[NDArray[Any], int]:
    return made != table["label"].to_numpy(), 1


def _flips(made: NDArray[np.int32], table: pa.Table, name: str) -> tuple[NDArray[Any], int]:
    flips = formulas().flip(*formulas().frame_pairs(made[:, :, 0], name in perturbations.NOISE))
    return flips.sum(axis=1), flips.shape[1]


def _distances(made: NDArray[np.int32], table: pa.Table, name: str) -> tuple[NDArray[Any], int]:
    distances = formulas().top5_distance(*formulas().frame_pairs(made, name in perturbations.NOISE))
    return distances.sum(axis=1), distances.shape[1]


#: Metric -> what it counts in every row of a table of predictions, and by how much that is divided.
_COUNT: dict[str, Callable[[NDArray[np.int32], pa.Table, str], tuple[NDArray[Any], int]]] = {
    "mce": _wrong,
    "mfr": _flips,
    "mt5d": _distances,
}
