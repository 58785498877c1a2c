"""The part of a report that puts a model among the published ones."""

from __future__ import annotations

import math

from ..references import alexnet, benchmark_of, published
from ..result import Evaluation
from . import page
from .markup import Html, element, together
from .page import compared_with_alexnet, number

_PAPER = "https://arxiv.org/abs/1903.12261"
_LEADERBOARD = "https://github.com/hendrycks/robustness"
_ORDER = sorted(page.HEADLINE, key=lambda one: one[1] != "clean_error")  # as the paper's tables have it


def published_section(evaluation: Evaluation) -> Html | None:
    """Return a table of the published results with the model in it; None where AlexNet is not the measure."""
    shown = [one for one in _ORDER if compared_with_alexnet(one[0], evaluation)]
    if not shown:
        return None
    base = {
        key: times * alexnet(metric, benchmark_of(evaluation.metrics[metric]))[key]
        for metric, key, _, times in shown
    }
    mine = {
        key: times * value
        for metric, key, _, times in shown
        if (value := evaluation.metrics[metric][key]) is not None
    }
    me = together(evaluation.model, element("small", "this report"))
    models = [(_sourced(name, row["source"]), row) for name, row in published().items()]
    models += [(_sourced("AlexNet", ["Table 1", "Table 2", "Table 3", "Table 4"]), base), (me, mine)]
    first = shown[1][1] if len(shown) > 1 else shown[0][1]
    models.sort(key=lambda model: model[1].get(first, math.inf))
    rows = [
        [name, *(number(row.get(key)) for _, key, _, _ in shown)]
        for name, row in models
        if any(key in row for _, key, _, _ in shown if key != "clean_error")
    ]
    source = element(
        "p",
        "Tables and text are those of ",
        element("a", "Hendrycks & Dietterich, ICLR 2019", href=_PAPER),
        ", the leaderboard is in ",
        element("a", "the authors' README", href=_LEADERBOARD),
        ". Published scores are of all 50,000 images as published; which data this report is of is said below.",
        class_="note",
    )
    head = ["model", *(title for *_, title, _ in shown)]
    return page.section("Beside published results", page.table(head, rows, marked=me), source)


def _sourced(name: str, source: list[str]) -> Html:
    ordered = sorted(source, key=lambda text: text.startswith("Leaderboard"))
    return together(name, element("small", ", ".join(ordered).replace(", Table ", ", ")))
