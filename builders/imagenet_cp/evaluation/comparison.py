"""Several models beside each other: their scores on the same images, and by how much they differ from the first's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..parquet import write_text
from ..registration import METRICS
from . import bootstrap, page
from .charts import SERIES, spoken
from .markup import Html, element, together
from .page import number
from .references import benchmark_of, fields, leaves, replaced, scores
from .result import Counts, Evaluation
from .table import dataframe

if TYPE_CHECKING:
    import pandas as pd

#: Parts of a signature that two data sets may differ in and still have images in common.
_EXTENT = ("n", "missing")


class Difference(NamedTuple):
    """By how much a score exceeds the first model's.

    Attributes
    ----------
    value : float
        In the unit of the score.
    low, high : float
        Its 95 % interval, by a paired bootstrap.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Models on the images that all of them have.

    Attributes
    ----------
    models : dict
        Name -> `Evaluation`, its scores computed anew on the common images.
    differences : dict
        Name of every model but the first -> metric -> the scores, with a `Difference` in the place of every number;
        None where one of the two has none.
    images : dict
        Metric -> how many images are common, and how many the largest evaluation has.
    """

    models: Mapping[str, Evaluation]
    differences: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, tuple[int, int]]

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows of every model's `Evaluation.to_dataframe`.

        Returns
        -------
        pandas.DataFrame
            With the columns ``model`` in front, and ``difference``, ``difference_low`` and ``difference_high`` at the
            end: by how much the value exceeds the first model's.
        """
        import pandas as pd

        tables = []
        for name, model in self.models.items():
            table = dataframe(model)
            table.insert(0, "model", name)
            found = [
                difference or (None, None, None)
                for metric in model.metrics
                for _, difference in leaves(
                    self.differences.get(name, {}).get(metric, _nothing(model.intervals[metric]))
                )
            ]
            columns = np.array(found, np.float64)
            for place, column in enumerate(("difference", "difference_low", "difference_high")):
                table[column] = columns[:, place]
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def compare(models: Mapping[str, Evaluation]) -> Comparison:
    """Compare models on the images they have in common.

    Parameters
    ----------
    models : dict
        Name for people -> `Evaluation`, two or more. The others are compared with the first.

    Returns
    -------
    Comparison
        Each draw of the bootstrap is of the same images for all models.

    Raises
    ------
    ValueError
        They are of different data, or have no metric or no image in common.
    """
    if len(models) < 2:
        raise ValueError("a comparison takes two evaluations or more")
    metrics = [m for m in METRICS if sum(m in model.metrics for model in models.values()) > 1]
    if not metrics:
        raise ValueError(f"{' and '.join(models)} have no metric in common")
    kept: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in models}
    spans: dict[str, dict[str, Any]] = {name: {} for name in models}
    differences: dict[str, dict[str, Any]] = {name: {} for name in list(models)[1:]}
    counts: dict[str, dict[str, Counts]] = {name: {} for name in models}
    images = {}
    for metric in metrics:
        having = {name: model for name, model in models.items() if metric in model.metrics}
        _same_data(metric, having)
        ids = set.intersection(*(set(model.counts[metric].image_ids) for model in having.values()))
        if not ids:
            raise ValueError(f"{' and '.join(having)} have no image of {metric} in common")
        images[metric] = (len(ids), max(len(model.counts[metric].image_ids) for model in having.values()))
        first: tuple[dict[str, Any], bootstrap.Replicates] | None = None
        for name, model in having.items():
            benchmark = benchmark_of(model.metrics[metric])
            counts[name][metric] = common = model.counts[metric].only(ids)
            result = scores(metric, benchmark, bootstrap.measured(common))
            drawn = bootstrap.replicates(metric, benchmark, common)
            kept[name][metric] = {**model.metrics[metric], **result}
            spans[name][metric] = bootstrap.intervals(result, drawn)
            if name == next(iter(models)):
                first = result, drawn
            elif first:
                differences[name][metric] = _differences(result, drawn, *first)
    found = {}
    for name, model in models.items():
        found[name] = replace(model, metrics=kept[name], counts=counts[name])
        found[name].__dict__["intervals"] = spans[name]  # computed above, from the draws that are compared
    return Comparison(found, differences, images)


def _differences(
    result: dict[str, Any],
    drawn: bootstrap.Replicates,
    first: dict[str, Any],
    first_drawn: bootstrap.Replicates,
) -> Any:
    base = dict(leaves(first))
    found: dict[tuple[Any, ...], Difference | None] = {}
    for place, value in leaves(result):
        found[place] = None
        other = base.get(place)
        if value is not None and other is not None:
            span = bootstrap.interval(drawn[place] - first_drawn[place])
            found[place] = span and Difference(value - other, *span)
    return replaced(result, found)


def _nothing(tree: Any) -> Any:
    return replaced(tree, {place: None for place, _ in leaves(tree)})


def _same_data(metric: str, models: Mapping[str, Evaluation]) -> None:
    signatures = {name: str(model.metrics[metric]["signature"]) for name, model in models.items()}
    kept = {
        name: {key: value for key, value in fields(text).items() if key not in _EXTENT}
        for name, text in signatures.items()
    }
    first = next(iter(kept))
    for name in kept:
        if kept[name] != kept[first]:
            raise ValueError(
                f"{first} and {name} are not of the same data, {signatures[first]} and {signatures[name]}: "
                "only scores on the same data can be compared"
            )


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
            ends = page.between(bootstrap.Interval(difference.low, difference.high), times)
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
