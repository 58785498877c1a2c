"""The page of a comparison, with its charts and numbers as files."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...files import write_text
from ..comparison import Comparison
from ..references import PLAIN, RATIO_KEY, data_name, flatten
from ..results import Results
from ..results_json import load
from .formatting import display_name
from .page import NAMES, Score, headline, make_report_dir, write_page


def write_comparison(comparison: Comparison, folder: str | os.PathLike[str]) -> Path:
    """Write the page of a comparison.

    Parameters
    ----------
    comparison : Comparison
        As `compare` makes it, of models such as `load_models` reads.
    folder : path
        Folder for ``index.html``, ``comparison.csv`` and ``charts/``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    BuildError
        Matplotlib is not installed.
    """
    scores = [score for score in headline(comparison.models.values()) if score.metric in comparison.images]
    ranking = _rank(comparison, scores[0])
    columns = [
        _column(comparison, ranking, score.metric, score.title, (score.key,), score.times) for score in scores
    ]
    path = make_report_dir(folder, "comparison")
    write_text(path / "comparison.csv", comparison.to_dataframe().to_csv(index=False))
    write_page(
        path / "index.html",
        "comparison.html",
        {name: comparison.models[name] for name in ranking},
        notes=_notes(comparison),
        scores=scores,
        headline=[column for column in columns if any(cell["value"] is not None for cell in column["cells"])],
        base=comparison.base,
        tables=_tables(comparison, ranking),
        names={
            metric: data_name(model.metrics[metric])
            for model in comparison.models.values()
            for metric in PLAIN
            if metric in model.metrics
        },
        signatures=[
            next(
                str(m.metrics[metric]["signature"]) for m in comparison.models.values() if metric in m.metrics
            )
            for metric in comparison.images
        ],
    )
    return path / "index.html"


def load_models(files: Sequence[str | os.PathLike[str]]) -> dict[str, Results]:
    """Read results by the display names of their models; those of one name also have their path.

    Parameters
    ----------
    files : list of path
        ``results.json``, or folders with one.

    Raises
    ------
    UsageError
        A file does not exist, or is named twice.
    ValueError
        A file cannot be read.
    """
    paths = [Path(file) for file in files]
    loaded = [load(path / "results.json" if path.is_dir() else path) for path in paths]
    names = [results.model for results in loaded]
    if len(set(names)) < len(names):
        names = [f"{name} ({path})" for name, path in zip(names, paths, strict=True)]
    if len(set(names)) < len(names):
        raise UsageError(f"the same file twice: {', '.join(map(str, paths))}")
    return dict(zip(names, loaded, strict=True))


def _notes(comparison: Comparison) -> list[str]:
    """Images that are not in all evaluations."""
    metrics: dict[tuple[int, int], list[str]] = {}
    for metric, images in comparison.images.items():
        metrics.setdefault(images, []).append(NAMES[metric])
    return [
        f"{' and '.join(names)}: {common:,} of {most:,} images are in all evaluations, and only these are compared."
        for (common, most), names in metrics.items()
        if common < most
    ]


def _rank(comparison: Comparison, score: Score) -> list[str]:
    """Names of the models by a score, models without it last."""

    def value(name: str) -> float:
        found = comparison.models[name].metrics.get(score.metric, {}).get(score.key)
        return math.inf if found is None else found

    return sorted(comparison.models, key=value)


def _column(
    comparison: Comparison,
    ranking: Sequence[str],
    metric: str,
    title: str,
    path: tuple[str, ...],
    times: float,
) -> dict[str, Any]:
    """One score of all models."""
    cells = []
    for name in ranking:
        model, differences = comparison.models[name], comparison.differences.get(name, {})
        trees = {"value": model.metrics, "interval": model.intervals, "difference": differences}
        cells.append({key: dict(flatten(tree.get(metric, {}))).get(path) for key, tree in trees.items()})
    values = [cell["value"] for cell in cells if cell["value"] is not None]
    for cell in cells:
        cell["best"] = cell["value"] is not None and cell["value"] == min(values)
        cell["significant"] = cell["difference"] is not None and cell["difference"].p_value < 0.05
    return {"title": title, "cells": cells, "times": times}


def _tables(comparison: Comparison, ranking: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Key of the ratios, or of a data set with plain means -> columns of all corruptions or perturbations."""
    tables = {}
    for metric in comparison.images:
        results = [model.metrics[metric] for model in comparison.models.values() if metric in model.metrics]
        times = 100 if metric in PLAIN else 1
        for key in (RATIO_KEY[metric], "relative_ce") if metric == "mce" else (RATIO_KEY[metric],):
            names = dict.fromkeys(name for result in results for name in result[key])
            tables[metric if metric in PLAIN else key] = [
                _column(comparison, ranking, metric, display_name(name), (key, name), times) for name in names
            ]
    return tables
