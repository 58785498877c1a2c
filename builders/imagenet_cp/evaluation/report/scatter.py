"""The chart of clean error and mCE: models among the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import references
from ..references import benchmark_name
from ..results import Results
from .style import COLORS, NOTE, SERIES, WIDTH, Look, add_hover, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Published models that are named in the chart.
_NAMED = ("AlexNet", "ResNet-50")


def draw_scatter(models: Mapping[str, Results], looks: Mapping[str, Look]) -> Figure:
    """One point per model, ranked if there are several, among the published models."""
    from matplotlib.figure import Figure

    benchmark = benchmark_name(next(iter(models.values())).metrics["mce"])
    score = "mCE" if references.is_normalized("mce", benchmark) else "mean error"
    named = len(models) if len(models) <= len(SERIES) else 0
    figure = Figure(figsize=(WIDTH, 3.3 + 0.2 * (named + 1)), layout="constrained")
    axes = figure.subplots()
    axes.grid()
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.set_xlabel("clean error, percent")
    axes.set_ylabel("mCE, percent of AlexNet's" if score == "mCE" else "mean error, percent")
    if score == "mCE":
        _draw_published(axes, benchmark)
    for name, model in models.items():
        result, spans, look = model.metrics["mce"], model.intervals["mce"], looks[name]
        x, y = 100 * result["clean_error"], result["mce"]
        for span in ([(100 * end, y) for end in spans["clean_error"]], [(x, end) for end in spans["mce"]]):
            axes.plot(*zip(*span, strict=True), color=look.color, alpha=0.5, linewidth=1)
        (line,) = axes.plot(x, y, look.marker, color=look.color, markersize=7)
        add_hover(line, [f"{name}: clean error {x:.1f}, {score} {y:.1f}"])
        rank = f"{look.rank}" if len(models) > 1 else ""
        axes.annotate(rank, (x, y), (5, 5), **NOTE)
        if named:
            line.set_label(f"{rank}  {shorten(name)}".strip())
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper left", fontsize=9)
    return figure


def _draw_published(axes: Axes, benchmark: str) -> None:
    alexnet = references.alexnet("mce", benchmark)
    own = {"clean_error": 100 * alexnet["clean_error"], "mce": alexnet["mce"]}
    points = {
        name: (row["clean_error"], row["mce"])
        for name, row in {"AlexNet": own, **references.published()}.items()
        if row.keys() >= {"clean_error", "mce"}
    }
    (line,) = axes.plot(
        *zip(*points.values(), strict=True), "o", color=COLORS["other"], fillstyle="none", label="published"
    )
    add_hover(line, [f"{name}: clean error {x:.1f}, mCE {y:.1f}" for name, (x, y) in points.items()])
    for name in _NAMED:
        axes.annotate(
            name, points[name], (7, -4), va="top", ha="right" if name == "AlexNet" else "left", **NOTE
        )
