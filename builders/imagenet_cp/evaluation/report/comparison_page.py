"""The page of a comparison, with its charts and numbers as files."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...files import write_text
from ..comparison import Comparison, compare
from ..references import RATIO_KEY, flatten
from ..results import Results
from ..results_file import load
from .formatting import display_name
from .page import HEADLINE, NAMES, make_report_dir, write_page


def write_comparison(files: Sequence[str | os.PathLike[str]], folder: str | os.PathLike[str]) -> Path:
    """Write the page of a comparison.

    Parameters
    ----------
    files : list of path
        Two or more ``results.json``, or folders with one; differences are to the first.
    folder : path
        Folder for ``index.html``, ``comparison.csv`` and ``charts/``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        A file cannot be read, or the models cannot be compared.
    BuildError
        Matplotlib is not installed.
    """
    comparison = compare(load_models(files))
    headline = [
        _row(comparison, metric, title, (key,), times)
        for metric, key, title, times in HEADLINE
        if metric in comparison.images
    ]
    path = make_report_dir(folder, "comparison")
    write_text(path / "comparison.csv", comparison.to_dataframe().to_csv(index=False))
    write_page(
        path / "index.html",
        "comparison.html",
        comparison.models,
        notes=_notes(comparison),
        headline=headline,
        ranking=_rank(headline),
        base=comparison.base,
        tables=_tables(comparison),
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
    ValueError
        A file cannot be read, or is named twice.
    """
    paths = [Path(file) for file in files]
    loaded = [load(path / "results.json" if path.is_dir() else path) for path in paths]
    names = [results.model for results in loaded]
    if len(set(names)) < len(names):
        names = [f"{name} ({path})" for name, path in zip(names, paths, strict=True)]
    if len(set(names)) < len(names):
        raise ValueError(f"the same file twice: {', '.join(map(str, paths))}")
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


def _row(
    comparison: Comparison, metric: str, title: str, path: tuple[str, ...], times: float = 1
) -> dict[str, Any]:
    """One score of all models."""
    cells = []
    for name, model in comparison.models.items():
        differences = comparison.differences.get(name, {})
        trees = {"value": model.metrics, "interval": model.intervals, "difference": differences}
        cells.append({key: dict(flatten(tree.get(metric, {}))).get(path) for key, tree in trees.items()})
    values = [cell["value"] for cell in cells if cell["value"] is not None]
    for cell in cells:
        cell["best"] = cell["value"] is not None and cell["value"] == min(values)
    return {"title": title, "cells": cells, "times": times}


def _rank(headline: Sequence[Mapping[str, Any]]) -> list[int]:
    """Numbers of the models in the order of the first score that one of them has, models without it last."""
    scored = (row for row in headline if any(cell["value"] is not None for cell in row["cells"]))
    values = [cell["value"] for cell in next(scored, headline[0])["cells"]]
    return sorted(range(len(values)), key=lambda i: math.inf if values[i] is None else values[i])


def _tables(comparison: Comparison) -> dict[str, list[dict[str, Any]]]:
    """Key of the ratios -> rows of all corruptions or perturbations."""
    tables = {}
    for metric in comparison.images:
        results = [model.metrics[metric] for model in comparison.models.values() if metric in model.metrics]
        for key in (RATIO_KEY[metric], "relative_ce") if metric == "mce" else (RATIO_KEY[metric],):
            names = dict.fromkeys(name for result in results for name in result[key])
            tables[key] = [_row(comparison, metric, display_name(name), (key, name)) for name in names]
    return tables
