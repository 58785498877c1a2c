"""The page of a comparison, and its numbers as a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...files import write_text
from ..result import Evaluation
from ..statistics import Interval
from . import page
from .charts import SERIES, spoken
from .comparison import Comparison, Difference, compare
from .markup import Html, element, together
from .page import number


def write_comparison(files: Sequence[str | os.PathLike[str]], folder: str | os.PathLike[str]) -> Path:
    """Write the page of a comparison.

    Parameters
    ----------
    files : list of path
        Two or more ``results.json``, or folders that hold one; the first is what the others are compared with.
    folder : path
        Where to: ``index.html``, ``comparison.csv`` and ``charts/``.

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
    paths = [Path(file) for file in files]
    loaded = [Evaluation.from_json(path / "results.json" if path.is_dir() else path) for path in paths]
    names = [model.model for model in loaded]
    if len(set(names)) < len(names):
        names = [f"{name} ({path})" for name, path in zip(names, paths, strict=True)]
    if len(set(names)) < len(names):
        raise ValueError(f"the same file twice: {', '.join(map(str, paths))}")
    found = compare(dict(zip(names, loaded, strict=True)))
    path = page.made(folder)
    write_text(path / "comparison.csv", found.to_dataframe().to_csv(index=False))
    page.write_page(
        path / "index.html",
        f"{', '.join(names)} – robustness",
        _header(found),
        _corruptions(found, path),
        _perturbations(found, path),
        _how(found),
    )
    return path / "index.html"


def _header(found: Comparison) -> Html:
    first = next(iter(found.models))
    said = [
        f"{metrics}: {common:,} of {most:,} images are in all evaluations, and only these are compared."
        for (common, most), metrics in _by_images(found).items()
        if common < most
    ]
    rows = [
        [title, *_cells(found, metric, (key,), times)]
        for metric, key, title, times in page.HEADLINE
        if metric in found.images
    ]
    return element(
        "header",
        element(
            "p",
            f"Robustness on {' and '.join(page.benchmarks(found.models.values()))}: "
            f"{page.sizes(found.models[first])}",
            class_="eyebrow",
        ),
        element("h1", f"{len(found.models)} models compared"),
        page.notes([*said, *page.warnings(found.models)]),
        page.table(["in percent", *_heads(found)], rows, columns=list(found.models)),
        element(
            "p",
            "Lower is better. Below each score its 95 % interval, and by how much it exceeds that of ",
            element("strong", first),
            ", with the interval of the difference on the same images: in bold where it is on one side of 0.",
            class_="note",
        ),
    )


def _by_images(found: Comparison) -> dict[tuple[int, int], str]:
    grouped: dict[tuple[int, int], str] = {}
    for metric, images in found.images.items():
        grouped[images] = " and ".join(filter(None, [grouped.get(images), page.NAMES[metric]]))
    return grouped


def _heads(found: Comparison) -> list[str]:
    return [
        together(element("span", class_="dot", style=f"background: var(--{SERIES[i % len(SERIES)]})"), name)
        for i, name in enumerate(found.models)
    ]


def _cells(found: Comparison, metric: str, place: tuple[Any, ...], times: float = 1) -> list[Html]:
    cells = []
    for name, model in found.models.items():
        value = span = None
        if metric in model.metrics:
            value, span = _at(model.metrics[metric], place), _at(model.intervals[metric], place)
        difference: Difference | None = _at(found.differences.get(name, {}).get(metric, {}), place)
        line = None
        if difference is not None:
            sign = "+" if difference.value > 0 else ""
            ends = page.between(Interval(difference.low, difference.high), times)
            text = f"{sign}{number(times * difference.value)} ({ends})"
            clear = difference.low > 0 or difference.high < 0
            line = element("small", text, class_="clear" if clear else None)
        cells.append(together(page.cell(value, page.between(span, times), times), line))
    return cells


def _at(tree: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _corruptions(found: Comparison, path: Path) -> Html | None:
    if "mce" not in found.images:
        return None
    return page.section(
        "Corruptions",
        page.pair(page.chart("ce", found.models, path), page.chart("relative_ce", found.models, path)),
        _parts(found, "mce", "ce", "CE as a table"),
        _parts(found, "mce", "relative_ce", "Relative CE as a table"),
        page.chart("severity", found.models, path),
    )


def _perturbations(found: Comparison, path: Path) -> Html | None:
    if not {"mfr", "mt5d"} & set(found.images):
        return None
    return page.section(
        "Perturbations",
        page.pair(page.chart("fr", found.models, path), page.chart("t5d", found.models, path)),
        _parts(found, "mfr", "fr", "FR as a table"),
        _parts(found, "mt5d", "t5d", "T5D as a table"),
    )


def _parts(found: Comparison, metric: str, key: str, title: str) -> Html | None:
    if metric not in found.images:
        return None
    names = dict.fromkeys(
        name for model in found.models.values() for name in model.metrics.get(metric, {}).get(key, {})
    )
    rows = [[spoken(name), *_cells(found, metric, (key, name))] for name in names]
    return page.folded(title, page.table(["in percent", *_heads(found)], rows, columns=list(found.models)))


def _how(found: Comparison) -> Html:
    models = [
        together(element("h3", name), page.signature(model.signature), _again(model))
        for name, model in found.models.items()
    ]
    data = [element("code", next(_signatures(found, metric)), class_="long") for metric in found.images]
    return page.section("How this was made", *models, element("h3", "Data"), *data)


def _again(model: Evaluation) -> Html | None:
    return element("pre", model.command) if model.command else None


def _signatures(found: Comparison, metric: str) -> Any:
    return (
        str(model.metrics[metric]["signature"]) for model in found.models.values() if metric in model.metrics
    )
