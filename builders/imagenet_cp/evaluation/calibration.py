"""Top-5 error, calibration and selective prediction, from the stored probabilities.

Scores are of one config; `calibration_scores` adds their plain means over the corruptions and severities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .data.rows import Rows
from .predictions import class_ids, column_values
from .references import PREFIX, all_parts, mean_over, severity_rows, test_parts
from .scoring import score_names

#: Number of bins of both calibration errors.
BINS = 15
_SMALLEST = float(np.finfo(np.float32).smallest_subnormal)

Array = NDArray[np.float64]


def top5_error(best: NDArray[np.int32], labels: NDArray[np.int32]) -> float:
    """Share of images whose class is not among the five best."""
    return 1 - float((best == labels[:, None]).any(axis=1).mean())


def expected_calibration_error(confidence: Array, correct: Array) -> float:
    """Compute the expected calibration error (Guo et al., ICML 2017).

    Parameters
    ----------
    confidence : ndarray of float64, shape (images,)
        Probability of the prediction.
    correct : ndarray of float64, shape (images,)
        1 for a right prediction, 0 for a wrong one.

    Returns
    -------
    float
        Mean over images of the distance of accuracy and confidence in the image's bin, of 15 equally wide ones.
    """
    bins = np.ceil(confidence * BINS).astype(int).clip(1, BINS)
    gaps = np.bincount(bins, correct - confidence)
    return float(np.abs(gaps).sum() / len(confidence))


def adaptive_calibration_error(confidence: Array, correct: Array) -> float:
    """Compute the calibration error over 15 bins with equally many images (Nguyen & O'Connor, EMNLP 2015).

    Parameters
    ----------
    confidence, correct : ndarray of float64, shape (images,)
        As for `expected_calibration_error`.

    Returns
    -------
    float
        Mean over images of the distance of accuracy and confidence in the image's bin. Images of equal confidence
        count with their mean, so their order does not matter.
    """
    order = np.argsort(confidence)
    gaps = (_mean_of_ties(confidence, correct) - confidence)[order]
    return float(sum(abs(gap.sum()) for gap in np.array_split(gaps, BINS)) / len(confidence))


def negative_log_likelihood(label_probability: Array) -> float:
    """Mean of -log p(class), of probabilities not below the smallest positive float32."""
    return float(-np.log(np.maximum(label_probability, _SMALLEST)).mean())


def brier_score(label_probability: Array, sum_of_squares: Array) -> float:
    """Mean over images of the squared differences of all probabilities to 1 for the class and 0 (Brier 1950)."""
    return float((sum_of_squares - 2 * label_probability + 1).mean())


def area_under_risk_coverage(confidence: Array, correct: Array) -> float:
    """Compute the area under the risk-coverage curve AURC (Geifman et al., ICLR 2019).

    Parameters
    ----------
    confidence, correct : ndarray of float64, shape (images,)
        As for `expected_calibration_error`.

    Returns
    -------
    float
        Mean over k of the error among the k most confident images. Images of equal confidence count with their mean.
    """
    order = np.argsort(-confidence)
    errors = 1 - _mean_of_ties(confidence, correct)[order]
    return float((np.cumsum(errors) / np.arange(1, len(errors) + 1)).mean())


def _mean_of_ties(confidence: Array, correct: Array) -> Array:
    """Mean of ``correct`` over the images of the same confidence."""
    _, group = np.unique(confidence, return_inverse=True)
    means: Array = np.bincount(group, correct) / np.bincount(group)
    return means[group]


def config_scores(table: pa.Table) -> dict[str, float]:
    """Compute all scores of one config.

    Parameters
    ----------
    table : pyarrow.Table
        From `imagenet_cp.evaluation.predictions.predict`, with a row or more.

    Returns
    -------
    dict
        ``top5_error``, ``ece``, ``adaptive_ece``, ``nll``, ``brier`` and ``aurc``.
    """
    best, labels = class_ids(table), column_values(table, "label")
    confidence = column_values(table, "probability")[:, 0].astype(np.float64)
    correct = (best[:, 0] == labels).astype(np.float64)
    label_probability, squares = (
        column_values(table, name).astype(np.float64) for name in ("label_probability", "sum_of_squares")
    )
    return {
        "top5_error": top5_error(best, labels),
        "ece": expected_calibration_error(confidence, correct),
        "adaptive_ece": adaptive_calibration_error(confidence, correct),
        "nll": negative_log_likelihood(label_probability),
        "brier": brier_score(label_probability, squares),
        "aurc": area_under_risk_coverage(confidence, correct),
    }


def calibration_scores(rows: Rows, tables: Mapping[str, pa.Table]) -> dict[str, dict[str, Any]]:
    """Compute the scores of all configs of a benchmark of images, and their means.

    Parameters
    ----------
    rows : Rows
        The data.
    tables : dict
        Config -> predictions.

    Returns
    -------
    dict
        Score of `config_scores` -> ``mean`` over the 15 corruptions at five severities, ``mean_all`` over all 19,
        ``clean``, and ``cells`` (corruption -> five values). None where a config is missing. Names of scores begin
        with ``c_bar_`` or ``custom_`` for those of ImageNet-C-bar and of data in a layout of its own.
    """
    (metric,) = score_names(rows)
    by_config = {
        (cell.name, cell.level): config_scores(tables[cell.config])
        for cell in rows.cells
        if len(tables[cell.config])
    }
    names = list(dict.fromkeys(name for name, level in by_config if level))
    tested = test_parts(metric, rows.benchmark.dataset)
    scores: dict[str, dict[str, Any]] = {}
    for score in next(iter(by_config.values()), {}):
        values = {cell: found[score] for cell, found in by_config.items()}
        cells, counted = severity_rows(values, names, tested)
        scores[f"{PREFIX[metric]}{score}"] = {
            "mean": mean_over(counted, tested or names),
            **({"mean_all": mean_over(cells, all_parts("mce"))} if metric == "mce" else {}),
            "clean": next((value for (_, level), value in values.items() if not level), None),
            "cells": cells,
        }
    return scores
