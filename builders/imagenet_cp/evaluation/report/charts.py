"""Charts of a report, of one model or of several, drawn with Matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import BuildError, UsageError, suggest
from .. import references
from ..references import RATIO_KEY, benchmark_name, flatten
from ..results import Results
from .formatting import display_name
from .scatter import draw_scatter
from .style import COLORS, DASHED, NOTE, WIDTH, Look, add_hover, assign_looks, shorten, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Models = Mapping[str, Results]


class Chart(NamedTuple):
    """A chart that a page can have.

    Attributes
    ----------
    title : str
        Its title.
    metric, key : str
        Metric of its numbers, and their key in its result.
    """

    title: str
    metric: str
    key: str


#: Charts in the order of a page.
CHARTS = {
    "scatter": Chart("Clean and corrupted images", "mce", "mce"),
    "ce": Chart("Corruption error", "mce", "ce"),
    "relative_ce": Chart("Relative corruption error", "mce", "relative_ce"),
    "severity": Chart("Error by severity", "mce", "error"),
    "c_bar": Chart("Mean error", "c_bar", RATIO_KEY["c_bar"]),
    "c_bar_severity": Chart("Error by severity", "c_bar", "error"),
    "custom": Chart("Mean error", "custom", RATIO_KEY["custom"]),
    "custom_severity": Chart("Error by severity", "custom", "error"),
    "fr": Chart("Flip rate", "mfr", "fr"),
    "t5d": Chart("Top-5 distance", "mt5d", "t5d"),
}
#: Labels of the axis: with AlexNet as the normalizer, and without.
_LABELS = {
    "ce": ("CE, percent of AlexNet's error", "error, percent"),
    **dict.fromkeys(("c_bar", "custom"), ("", "error, percent")),
    "relative_ce": ("relative CE, percent of AlexNet's", "error beyond the clean error, percent"),
    "fr": ("flip rate, percent of AlexNet's", "flip probability, percent"),
    "t5d": ("top-5 distance, percent of AlexNet's", "top-5 distance"),
}
_BASELINE = "ResNet-50"


def draw(kind: str, models: Models, columns: int = 5) -> Figure:
    """Draw a chart.

    Parameters
    ----------
    kind : str
        A key of `CHARTS`.
    models : dict
        Display name -> `Results`.
    columns : int
        Number of columns of the small charts of errors by severity.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        Unknown chart.
    ValueError
        No data for it.
    BuildError
        Matplotlib is not installed.
    """
    if kind not in CHARTS:
        raise UsageError(f"there is no chart {kind!r}{suggest(kind, CHARTS)}")
    require_matplotlib()
    shown = {name: model for name, model in models.items() if _has_data(kind, model)}
    if not shown:
        raise ValueError(f"no data for the chart {kind!r} in {', '.join(models)}")
    with style():
        looks = assign_looks(models)
        if kind == "scatter":
            figure = draw_scatter(shown, looks)
        elif CHARTS[kind].key == "error":
            figure = _severity(CHARTS[kind].metric, shown, looks, columns)
        else:
            figure = _ratios(kind, shown, looks)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not again for every file
    return figure


def available(models: Models) -> list[str]:
    """Kinds of charts that at least one model has data for."""
    return [kind for kind in CHARTS if any(_has_data(kind, model) for model in models.values())]


def _has_data(kind: str, model: Results) -> bool:
    _, metric, key = CHARTS[kind]
    result = model.metrics.get(metric, {})
    if kind == "scatter":
        return None not in (result.get("mce"), result.get("clean_error"))
    return any(value is not None for _, value in flatten(result.get(key)))


def require_matplotlib() -> None:
    """Raise BuildError, which names the extra to install, if Matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise BuildError("charts need Matplotlib; in the clone, run pip install '.[report]'") from None


def _ratios(kind: str, models: Models, looks: Mapping[str, Look]) -> Figure:
    """One row per corruption: the models with their intervals, the published models, and AlexNet's line at 100."""
    from matplotlib.figure import Figure

    _, metric, key = CHARTS[kind]
    results = [model.metrics[metric] for model in models.values()]
    normalized = references.is_normalized(metric, benchmark_name(results[0]))
    tested = dict.fromkeys(name for result in results for name in references.tested_parts(metric, result))
    times = 100 if metric in references.PLAIN else 1
    scored = {name for model in models.values() for name in model.metrics[metric][key]}
    extra = [name for name in references.all_parts(metric) if name in scored and name not in tested]
    heights = {name: i + (0.6 if name in extra else 0) for i, name in enumerate([*tested, *extra])}
    step = 0.27 + 0.07 * (len(models) - 1)
    legend = 0.22 * (len(models) + (3 if normalized else 0))
    figure = Figure(figsize=(WIDTH, step * (len(heights) + 1) + legend + 0.6), layout="constrained")
    axes = figure.subplots()
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    if normalized:
        axes.axvline(100, label="AlexNet = 100", **DASHED)
        _draw_published(axes, key, [heights[name] for name in tested])
    for i, (name, model) in enumerate(models.items()):
        shift = (i - (len(models) - 1) / 2) * 0.62 / len(models)
        shifted = {row: height + shift for row, height in heights.items()}
        scores = (_times(times, model.metrics[metric][key]), _times(times, model.intervals[metric][key]))
        _draw_scores(axes, *scores, shifted, looks[name], name)
    if extra:
        edge = (heights[[*tested][-1]] + heights[extra[0]]) / 2
        axes.axhline(edge, color=COLORS["other"], linewidth=0.8)
        axes.annotate(
            "not in the mean", (0, edge), (4, -3), xycoords=("axes fraction", "data"), va="top", **NOTE
        )
    axes.set_yticks(list(heights.values()), [display_name(name) for name in heights])
    axes.tick_params(axis="y", length=0, labelcolor=COLORS["ink"])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(max(heights.values()) + 0.7, -0.7)
    low, high = axes.get_xlim()
    axes.set_xlim(min(0, low), high)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(_LABELS[kind][0 if normalized else 1])
    handles, labels = axes.get_legend_handles_labels()
    published_count = len(handles) - len(models)  # the models come first in the legend
    handles, labels = (entries[published_count:] + entries[:published_count] for entries in (handles, labels))
    figure.legend(handles, labels, loc="outside upper left", fontsize=9)
    return figure


def _draw_published(axes: Axes, key: str, heights: list[float]) -> None:
    rows = {name: row[key] for name, row in references.published().items() if key in row}
    base: dict[str, Any] = {"linestyle": "none", "color": COLORS["other"]}
    label = f"{_BASELINE} in the paper"
    metric = CHARTS[key].metric
    names = references.test_parts(metric, "imagenet_p" if metric != "mce" else "imagenet_c")
    own = rows.pop(_BASELINE)
    (line,) = axes.plot(own, heights, marker="D", markersize=5.5, fillstyle="none", label=label, **base)
    add_hover(
        line, [f"{_BASELINE}, {display_name(part)}: {value}" for part, value in zip(names, own, strict=True)]
    )
    label = "\n".join(textwrap.wrap(f"others in the paper: {', '.join(rows)}", 48))
    for i, (name, row) in enumerate(rows.items()):
        (line,) = axes.plot(row, heights, marker="|", markersize=7, label=None if i else label, **base)
        add_hover(
            line, [f"{name}, {display_name(part)}: {value}" for part, value in zip(names, row, strict=True)]
        )


def _draw_scores(
    axes: Axes,
    values: Mapping[str, Any],
    intervals: Mapping[str, Any],
    heights: Mapping[str, float],
    look: Look,
    name: str,
) -> None:
    for row, height in heights.items():
        if interval := intervals.get(row):
            axes.plot(
                interval, [height] * 2, color=look.color, linewidth=2, solid_capstyle="butt", alpha=0.55
            )
    rows = [row for row in heights if values.get(row) is not None]
    (line,) = axes.plot(
        [values[row] for row in rows],
        [heights[row] for row in rows],
        linestyle="none",
        marker=look.marker,
        markersize=6,
        color=look.color,
        label=f"{shorten(name)}, 95 % interval",
    )
    add_hover(line, [f"{name}, {display_name(row)}: {values[row]:.1f}" for row in rows])


def _severity(metric: str, models: Models, looks: Mapping[str, Look], columns: int) -> Figure:
    """One small chart per corruption: top-1 error at all severities, AlexNet's dashed."""
    from matplotlib.figure import Figure

    results = [model.metrics[metric] for model in models.values()]
    alexnet = references.alexnet(metric, benchmark_name(results[0]))
    base, clean = alexnet.get("error", {}), alexnet.get("clean_error")
    tested = {name for result in results for name in references.tested_parts(metric, result)}
    errors = [result["error"] for result in results]
    highest = max(len(row) for rows in errors for row in rows.values())
    names = [
        name
        for name in dict.fromkeys([*references.all_parts(metric), *(name for row in errors for name in row)])
        if any(e is not None for row in errors for e in row.get(name, []))
    ]
    rows = -(-len(names) // columns)
    width = WIDTH if columns < 4 else 10.4
    height = max(1.55 * rows, 2) + 0.55 + 0.2 * (len(models) + 1) / min(columns - 1, 3)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    for axes in grid[len(names) :]:
        axes.remove()
    for i, (name, axes) in enumerate(zip(names, grid, strict=False)):
        color = COLORS["ink" if name in tested else "quiet"]
        axes.set_title(display_name(name), fontsize=10, loc="left", color=color, pad=4)
        axes.grid(axis="y")
        axes.tick_params(length=0)
        if name in base:
            axes.plot(range(6), _percent([clean, *base[name]]), label="AlexNet", **DASHED)
        for label, model in models.items():
            _draw_curve(axes, metric, model, name, looks[label], label)
        axes.set_ylim(0, 103)
        axes.set_yticks([0, 50, 100])
        axes.set_xticks(range(0, highest + 1, 1 + highest // 10))
        if i + columns >= len(names):
            axes.tick_params(labelbottom=True)
    handles, labels = grid[0].get_legend_handles_labels()
    ncols = min(columns - 1, 3)
    figure.legend(handles[::-1], labels[::-1], loc="outside upper left", ncols=ncols, fontsize=9)
    figure.supxlabel("severity", fontsize=10, color=COLORS["quiet"])
    figure.supylabel("top-1 error in percent", fontsize=10, color=COLORS["quiet"])
    return figure


def _draw_curve(axes: Axes, metric: str, model: Results, name: str, look: Look, label: str) -> None:
    """Error of a model at severity 0, that of clean images, and at all severities."""
    result, spans = model.metrics[metric], model.intervals[metric]
    error = _percent([result["clean_error"], *result["error"].get(name, [None] * 5)])
    intervals = [spans["clean_error"], *spans["error"].get(name, [None] * 5)]
    severities = range(len(error))
    low = _percent([interval and interval.low for interval in intervals])
    high = _percent([interval and interval.high for interval in intervals])
    axes.fill_between(severities, low, high, color=look.color, alpha=0.2, linewidth=0)
    if None in intervals[1:]:  # a single point has no band
        axes.vlines(severities, low, high, color=look.color, alpha=0.4, linewidth=1.2)
    (line,) = axes.plot(severities, error, linewidth=1.8, markersize=3.2, label=shorten(label))
    line.set(color=look.color, marker=look.marker, linestyle=look.dashes)
    add_hover(line, [f"{label}, severity {s}: {e:.1f}" for s, e in enumerate(error) if e == e])


def _times(times: float, values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and intervals multiplied by ``times``, such as 100 for percent."""
    return {
        name: tuple(times * end for end in value) if isinstance(value, tuple) else value and times * value
        for name, value in values.items()
    }


def _percent(row: Any) -> list[float]:
    return [float("nan") if value is None else 100 * value for value in row]
