"""The report of one model: a page to put in front of a team, its charts and its numbers as files."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import statistics as bootstrap
from ..references import MEASURED, PARTS, alexnet, benchmark_of, fields, missing, published, test_parts
from ..result import Evaluation, Example
from . import page
from .charts import spoken
from .markup import Html, element
from .page import between, cell, compared_with_alexnet, number
from .published_section import published_section

_WORST = 10
#: Metric -> what is measured before it is divided by AlexNet's, and by how much to multiply.
_MEASURES = {"mfr": ("flips, percent", 100), "mt5d": ("distance", 1)}
_FORMATS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def write_report(evaluation: Evaluation, folder: str | os.PathLike[str]) -> Path:
    """Write the report of one model.

    Parameters
    ----------
    evaluation : Evaluation
        What was found.
    folder : path
        Where to: ``index.html``, which needs no other file and no network, ``results.json`` and ``results.csv``, and
        ``charts/`` with every chart as SVG and PNG. Files of a former report are replaced.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        The folder cannot be made.
    BuildError
        Matplotlib is not installed.
    """
    path = page.made(folder)
    evaluation.to_json(path / "results.json")
    evaluation.to_csv(path / "results.csv")
    page.write_page(
        path / "index.html",
        f"{evaluation.model} – robustness",
        _header(evaluation),
        _corruptions(evaluation, path),
        _perturbations(evaluation, path),
        _worst(evaluation),
        _examples(evaluation),
        published_section(evaluation),
        _how(evaluation),
    )
    return path / "index.html"


def _header(evaluation: Evaluation) -> Html:
    names = " and ".join(page.benchmarks([evaluation]))
    applied = fields(evaluation.signature).get("preprocess", "none")
    cards = [
        element(
            "div",
            element("h3", title),
            element("b", number(value, 1)),
            element("span", f"{between(span, times)}") if span else None,
            *(element("span", line) for line in beside),
            class_="card",
        )
        for title, value, span, beside, times in _headline(evaluation)
    ]
    return element(
        "header",
        element("p", f"Robustness on {names}: {page.sizes(evaluation)}", class_="eyebrow"),
        element("h1", evaluation.model),
        element("p", f"Preprocessing: {applied}", class_="lead") if applied != "none" else None,
        page.notes(page.warnings({evaluation.model: evaluation})),
        element("div", *cards, class_="cards"),
        element(
            "p",
            "In percent; lower is better. Below each its 95 % interval, by "
            f"{bootstrap.REPLICATES:,} bootstrap draws of the images, and the paper's numbers.",
            class_="note",
        ),
    )


def _headline(evaluation: Evaluation) -> Iterator[tuple[str, float | None, Any, list[str], float]]:
    for metric, key, title, times in page.HEADLINE:
        result = evaluation.metrics.get(metric)
        value = result[key] if result else None
        base = published()["ResNet-50"].get(key)
        beside: list[str] = []
        if value is None:
            beside = [_lacking(metric, key, result)]
        elif compared_with_alexnet(metric, evaluation):
            ours = alexnet(metric, benchmark_of(evaluation.metrics[metric]))[key]
            beside = [f"AlexNet {number(times * ours)}", f"ResNet-50 {number(base)}"]
        span = evaluation.intervals[metric][key] if result else None
        yield title, None if value is None else times * value, span, beside, times


def _lacking(metric: str, key: str, result: Mapping[str, Any] | None) -> str:
    """Say in a few words why there is no such number."""
    if result is None:
        return "not evaluated"
    if key in ("relative_mce", "clean_error") and result["clean_error"] is None:
        return "no clean pictures"
    return f"{len(missing(metric, benchmark_of(result), result))} configs missing"


def _corruptions(evaluation: Evaluation, path: Path) -> Html | None:
    if "mce" not in evaluation.metrics:
        return None
    models = {evaluation.model: evaluation}
    result = evaluation.metrics["mce"]
    there = {name: value for name, value in result["ce"].items() if value is not None}
    lead = None
    tested = [name for name in test_parts("mce", benchmark_of(result)) if name in there]
    if len(tested) > 1:
        worst, best = max(tested, key=there.__getitem__), min(tested, key=there.__getitem__)
        lead = (
            f"Of the {len(tested)} corruptions of the mean it does worst on {spoken(worst)} "
            f"(CE {number(there[worst])}) and best on {spoken(best)} ({number(there[best])})."
        )
    return page.section(
        "Corruptions",
        page.pair(page.chart("ce", models, path), page.chart("relative_ce", models, path)),
        page.folded("CE and relative CE as a table", _ce_table(evaluation)) if there else None,
        page.chart("severity", models, path),
        page.folded("Errors as a table", _error_table(evaluation)),
        lead=lead,
    )


def _ce_table(evaluation: Evaluation) -> Html:
    result, spans = evaluation.metrics["mce"], evaluation.intervals["mce"]
    order = test_parts("mce", benchmark_of(result))
    base = published()["ResNet-50"] if compared_with_alexnet("mce", evaluation) else None
    mean = [
        "mean of the 15",
        cell(result["mce"], between(spans["mce"])),
        cell(result["relative_mce"], between(spans["relative_mce"])),
        *([number(base["mce"])] if base else []),
    ]
    rows = [
        [
            spoken(name),
            cell(value, between(spans["ce"][name])),
            cell(result["relative_ce"][name], between(spans["relative_ce"][name])),
            *([number(base["ce"][order.index(name)] if name in order else None, 0)] if base else []),
        ]
        for name, value in result["ce"].items()
    ]
    head = ["corruption", "CE", "relative CE", *(["ResNet-50"] if base else [])]
    caption = "Below each number its 95 % interval." + (" ResNet-50: its CE in the paper." if base else "")
    return page.table(head, [mean, *rows], caption, marked=mean[0])


def _error_table(evaluation: Evaluation) -> Html:
    result = evaluation.metrics["mce"]
    base = alexnet("mce", benchmark_of(result)).get("error", {})
    rows = [
        [
            spoken(name),
            *(
                cell(e, number(100 * base[name][s]) if name in base else None, times=100)
                for s, e in enumerate(row)
            ),
        ]
        for name, row in result["error"].items()
    ]
    head = ["top-1 error in percent", *(f"severity {s}" for s in range(1, 6))]
    return page.table(head, rows, "Below each number AlexNet's." if base else None)


def _perturbations(evaluation: Evaluation, path: Path) -> Html | None:
    there = [metric for metric in ("mfr", "mt5d") if metric in evaluation.metrics]
    if not there:
        return None
    models = {evaluation.model: evaluation}
    return page.section(
        "Perturbations",
        page.pair(page.chart("fr", models, path), page.chart("t5d", models, path)),
        *(_perturbation_table(evaluation, metric) for metric in there),
    )


def _perturbation_table(evaluation: Evaluation, metric: str) -> Html:
    key, (measure, times) = PARTS[metric], _MEASURES[metric]
    result, spans = evaluation.metrics[metric], evaluation.intervals[metric]
    order = test_parts(metric, benchmark_of(result))
    base = published()["ResNet-50"] if compared_with_alexnet(metric, evaluation) else None
    measured = result[MEASURED[metric]]
    rows = [
        [
            spoken(name),
            cell(value, between(spans[key][name])),
            number(None if measured[name] is None else times * measured[name], 2),
            *([number(base[key][order.index(name)] if name in order else None, 0)] if base else []),
        ]
        for name, value in result[key].items()
    ]
    mean = [
        "mean of the 10",
        cell(result[metric], between(spans[metric])),
        "",
        *([number(base[metric])] if base else []),
    ]
    caption = "Below each number its 95 % interval." + (
        f" ResNet-50: its {key.upper()} in the paper." if base else ""
    )
    head = ["perturbation", key.upper(), measure, *(["ResNet-50"] if base else [])]
    return page.folded(
        f"{key.upper()} as a table", page.table(head, [mean, *rows], caption, marked="mean of the 10")
    )


def _worst(evaluation: Evaluation) -> Html | None:
    if "mce" not in evaluation.metrics:
        return None
    result, spans = evaluation.metrics["mce"], evaluation.intervals["mce"]
    base = alexnet("mce", benchmark_of(result)).get("error", {})
    cells = [
        (error, name, s)
        for name, row in result["error"].items()
        for s, error in enumerate(row)
        if error is not None
    ]
    if len(cells) <= _WORST:
        return None
    empty = [None] * 5  # of a corruption for which AlexNet has no errors
    ratio = {(name, s): result["ce_by_severity"].get(name, empty)[s] for _, name, s in cells}
    rows = [
        [
            f"{spoken(name)}, severity {s + 1}",
            cell(error, between(spans["error"][name][s], 100), times=100),
            *(
                [number(100 * base[name][s] if name in base else None), number(ratio[name, s])]
                if base
                else []
            ),
        ]
        for error, name, s in sorted(cells, key=lambda one: -one[0])[:_WORST]
    ]
    head = ["config", "top-1 error", *(["AlexNet's", "in percent of it"] if base else [])]
    return page.section(f"The {_WORST} worst configs", page.table(head, rows))


def _examples(evaluation: Evaluation) -> Html | None:
    shown = [(example, kind) for example in evaluation.examples if (kind := _kind(example.picture))]
    if not shown:
        return None
    return page.section(
        "What it got wrong",
        element("div", *(_example(one, kind, evaluation.classes) for one, kind in shown), class_="pictures"),
        lead="Some of the mistakes it was surest of: margin is by how much the score of the wrong class exceeds that "
        "of the next.",
    )


def _kind(picture: bytes) -> str | None:
    return next((kind for start, kind in _FORMATS.items() if picture.startswith(start)), None)


def _example(one: Example, kind: str, classes: tuple[str, ...]) -> Html:
    is_, taken = (classes[i] if 0 <= i < len(classes) else str(i) for i in (one.label, one.prediction))
    name, _, level = one.config.rpartition("_")
    config = f"{spoken(name)}, severity {level}" if level.isdecimal() and name else spoken(one.config)
    return element(
        "figure",
        element(
            "img",
            src=f"data:{kind};base64,{base64.b64encode(one.picture).decode()}",
            alt=f"{is_} under {config}",
        ),
        element(
            "figcaption",
            "is ",
            element("strong", is_),
            ", taken for ",
            element("strong", taken),
            element("div", config),
            element("div", f"margin {one.margin:.2f} · {one.image_id}"),
        ),
    )


def _how(evaluation: Evaluation) -> Html:
    versions = ", ".join(f"{name} {text}" for name, text in (evaluation.versions or {}).items())
    data = [
        element("code", str(result["signature"]), class_="long") for result in evaluation.metrics.values()
    ]
    return page.section(
        "How this was made",
        element("h3", "Again"),
        element("pre", evaluation.command) if evaluation.command else None,
        element("p", f"With {versions}.", class_="note") if versions else None,
        element("h3", "Model and preprocessing"),
        page.signature(evaluation.signature),
        element("h3", "Data"),
        *data,
        element(
            "p",
            "Beside this page: results.json, which imagenet-cp compare reads, results.csv, and the charts as SVG and "
            "PNG.",
            class_="note",
        ),
        lead="Two scores can be compared when the signatures of their data are equal.",
    )
