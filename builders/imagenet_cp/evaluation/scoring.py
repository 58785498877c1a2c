"""Metrics of a model's predictions, and their counts per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import evaluate
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .. import perturbations
from ..benchmarks.names import BAR
from ..benchmarks.signature import Signature
from ..metrics import flip, frame_pairs, top5_distance
from ..sources import classes as imagenet
from .counts import Counts
from .data.corrupted_rows import CUSTOM, CustomSet
from .data.rows import Rows
from .predictions import class_ids
from .references import OF_IMAGES, compute_scores


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Display names of classes: English for the wnids of ImageNet."""
    return imagenet.names() if tuple(classes) == imagenet.wnids() else tuple(classes)


def score_names(rows: Rows) -> tuple[str, ...]:
    """Keys of the scores of a data set in `Results.metrics`."""
    if rows.sequences:
        return ("mfr", "mt5d")
    return ({CUSTOM: "custom", **dict.fromkeys(BAR, "c_bar")}.get(rows.benchmark.dataset, "mce"),)


def compute_metric(metric: str, rows: Rows, tables: Mapping[str, pa.Table]) -> Mapping[str, Any]:
    """Compute a metric through `evaluate.load`; plain means from the counts."""
    if isinstance(rows.benchmark, CustomSet):
        return _custom_scores(rows.benchmark.title, rows, tables)
    scorer = evaluate.load("mce" if metric == "c_bar" else metric)
    for cell in rows.cells:
        table = tables[cell.config]
        predicted = class_ids(table)
        if metric in OF_IMAGES:
            scorer.add_batch(
                predictions=predicted[:, 0],
                references=table["label"].to_numpy(),
                corruption=[cell.name] * len(table),
                severity=[cell.level] * len(table),
                extra=[cell.name],
            )
        else:
            best = predicted[:, :, 0] if metric == "mfr" else predicted
            scorer.add_batch(predictions=best, perturbation=[cell.name] * len(table))
    recipe = str(Signature.of(rows.signature, ("part", rows.part)))
    result: Mapping[str, Any] = scorer.compute(
        benchmark=rows.benchmark.dataset, recipe=recipe, num_classes=len(rows.classes)
    )
    if metric == "c_bar":
        described = {key: result[key] for key in ("missing", "num_examples", "signature")}
        means = per_image_counts(metric, rows, tables).means()
        return {**compute_scores(metric, rows.benchmark.dataset, means), **described}
    return result


def _custom_scores(title: str, rows: Rows, tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Plain means of a data set in a layout of its own."""
    sizes = [len(tables[cell.config]) for cell in rows.cells]
    few, many = min(sizes), max(sizes)
    signature = Signature.of(
        "mean_error",
        ("benchmark", CUSTOM),
        ("n", many if few == many else f"{few}-{many}"),
        ("version", 1),
        ("data", rows.signature),
    )
    scores = compute_scores("custom", CUSTOM, per_image_counts("custom", rows, tables).means())
    return {**scores, "missing": [], "name": title, "num_examples": sum(sizes), "signature": str(signature)}


def per_image_counts(metric: str, rows: Rows, tables: Mapping[str, pa.Table]) -> Counts:
    """Count the errors, flips or distances of every image."""
    image_ids = pc.unique(
        pa.chunked_array([chunk for t in tables.values() for chunk in t["image_id"].chunks])
    )
    image_ids = image_ids.take(pc.sort_indices(image_ids))
    columns: dict[str, NDArray[np.int16]] = {}
    pairs: dict[str, int] = {}
    for cell in rows.cells:
        table = tables[cell.config]
        predicted = class_ids(table)
        if metric in OF_IMAGES:
            counts, pairs[cell.config] = predicted[:, 0] != table["label"].to_numpy(), 1
        else:
            differences = _differences(metric, predicted, cell.name in perturbations.NOISE)
            counts, pairs[cell.config] = differences.sum(axis=1), differences.shape[1]
        columns[cell.config] = np.full(len(image_ids), -1, np.int16)
        columns[cell.config][pc.index_in(table["image_id"].combine_chunks(), image_ids).to_numpy()] = counts
    return Counts(tuple(image_ids.to_pylist()), columns, pairs)


def _differences(metric: str, predicted: NDArray[np.int32], noise: bool) -> NDArray[Any]:
    """Flips or top-5 distances of the pairs of frames, shape (sequences, pairs).

    Frames of noise are compared with the first frame, all remaining ones with the one before.
    """
    if metric == "mfr":
        return np.asarray(flip(*frame_pairs(predicted[:, :, 0], noise)))
    return np.asarray(top5_distance(*frame_pairs(predicted, noise)))
