"""Charts of a report, of one model or of several, drawn with Matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import BuildError, suggest
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

#: Charts in the order of a page -> their titles.
TITLES = {
    "scatter": "Clean and corrupted images",
    "ce": "Corruption error",
    "relative_ce": "Relative corruption error",
    "severity": "Error by severity",
    "fr": "Flip rate",
    "t5d": "Top-5 distance",
}
_METRIC = {
    "scatter": "mce",
    "severity": "mce",
    "relative_ce": "mce",
    **{key: metric for metric, key in RATIO_KEY.items()},
}
#: Labels of the axis: with AlexNet as the normalizer, and without.
_LABELS = {
    "ce": ("CE, percent of AlexNet's error", "error, percent"),
    "relative_ce": ("relative CE, percent of AlexNet's", "error beyond the clean error, percent"),
    "fr": ("flip rate, percent of AlexNet's", "flip probability, percent"),
    "t5d": ("top-5 distance, percent of AlexNet's", "top-5 distance"),
}
_BASELINE = "ResNet-50"
_SEVERITIES = (0, 1, 2, 3, 4, 5)


def draw(kind: str, models: Models, columns: int = 5) -> Figure:
    """Draw a chart.

    Parameters
    ----------
    kind : str
        A key of `TITLES`.
    models : dict
        Display name -> `Results`.
    columns : int
        Number of columns of the small charts in ``"severity"``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Unknown chart, or no data for it.
    BuildError
        Matplotlib is not installed.
    """
    if kind not in TITLES:
        raise ValueError(f"there is no chart {kind!r}{suggest(kind, TITLES)}")
    require_matplotlib()
    shown = {name: model for name, model in models.items() if _has_data(kind, model)}
    if not shown:
        raise ValueError(f"no data for the chart {kind!r} in {', '.join(models)}")
    with style():
        looks = assign_looks(models)
        if kind == "scatter":
            figure = draw_scatter(shown, looks)
        else:
            figure = _severity(shown, looks, columns) if kind == "severity" else _ratios(kind, shown, looks)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not again for every file
    return figure


def available(models: Models) -> list[str]:
    """Kinds of charts that at least one model has data for."""
    return [kind for kind in TITLES if any(_has_data(kind, model) for model in models.values())]


def _has_data(kind: str, model: Results) -> bool:
    result = model.metrics.get(_METRIC[kind], {})
    if kind == "scatter":
        return None not in (result.get("mce"), result.get("clean_error"))
    return any(value is not None for _, value in flatten(result.get("error" if kind == "severity" else kind)))


def require_matplotlib() -> None:
    """Raise BuildError, which names the extra to install, if Matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise BuildError("charts need Matplotlib; in the clone, run pip install '.[report]'") from None


def _ratios(key: str, models: Models, looks: Mapping[str, Look]) -> Figure:
    """One row per corruption: the models with their intervals, the published models, and AlexNet's line at 100."""
    from matplotlib.figure import Figure

    metric = _METRIC[key]
    benchmark = benchmark_name(next(iter(models.values())).metrics[metric])
    normalized = references.is_normalized(metric, benchmark)
    tested = references.test_parts(metric, benchmark)
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
        scores = (model.metrics[metric][key], model.intervals[metric][key])
        _draw_scores(axes, *scores, shifted, looks[name], name)
    if extra:
        edge = (heights[tested[-1]] + heights[extra[0]]) / 2
        axes.axhline(edge, color=COLORS["other"], linewidth=0.8)
        axes.annotate(
            "not in the mean",
            (0, edge),
            (4, -3),
            xycoords=("axes fraction", "data"),
            va="top",
            **NOTE,
        )
    axes.set_yticks(list(heights.values()), [display_name(name) for name in heights])
    axes.tick_params(axis="y", length=0, labelcolor=COLORS["ink"])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(max(heights.values()) + 0.7, -0.7)
    low, high = axes.get_xlim()
    axes.set_xlim(min(0, low), high)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(_LABELS[key][0 if normalized else 1])
    handles, labels = axes.get_legend_handles_labels()
    published_count = len(handles) - len(models)  # the models come first in the legend
    handles, labels = (entries[published_count:] + entries[:published_count] for entries in (handles, labels))
    figure.legend(handles, labels, loc="outside upper left", fontsize=9)
    return figure


def _draw_published(axes: Axes, key: str, heights: list[float]) -> None:
    rows = {name: row[key] for name, row in references.published().items() if key in row}
    base: dict[str, Any] = {"linestyle": "none", "color": COLORS["other"]}
    label = f"{_BASELINE} in the paper"
    names = references.test_parts(_METRIC[key], "imagenet_p" if _METRIC[key] != "mce" else "imagenet_c")
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


def _severity(models: Models, looks: Mapping[str, Look], columns: int) -> Figure:
    """One small chart per corruption: top-1 error at the five severities, AlexNet's dashed."""
    from matplotlib.figure import Figure

    benchmark = benchmark_name(next(iter(models.values())).metrics["mce"])
    alexnet = references.alexnet("mce", benchmark)
    base, clean = alexnet.get("error", {}), alexnet.get("clean_error")
    tested = references.test_parts("mce", benchmark)
    errors = [model.metrics["mce"]["error"] for model in models.values()]
    names = [
        name
        for name in dict.fromkeys([*references.all_parts("mce"), *(name for row in errors for name in row)])
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
            axes.plot(_SEVERITIES, _percent([clean, *base[name]]), label="AlexNet", **DASHED)
        for label, model in models.items():
            _draw_curve(axes, model, name, looks[label], label)
        axes.set_ylim(0, 103)
        axes.set_yticks([0, 50, 100])
        axes.set_xticks(_SEVERITIES)
        if i + columns >= len(names):
            axes.tick_params(labelbottom=True)
    handles, labels = grid[0].get_legend_handles_labels()
    ncols = min(columns - 1, 3)
    figure.legend(handles[::-1], labels[::-1], loc="outside upper left", ncols=ncols, fontsize=9)
    figure.supxlabel("severity", fontsize=10, color=COLORS["quiet"])
    figure.supylabel("top-1 error in percent", fontsize=10, color=COLORS["quiet"])
    return figure


def _draw_curve(axes: Axes, model: Results, name: str, look: Look, label: str) -> None:
    """Error of a model at severities 0, that of clean images, to 5."""
    result, spans = model.metrics["mce"], model.intervals["mce"]
    error = _percent([result["clean_error"], *result["error"].get(name, [None] * 5)])
    intervals = [spans["clean_error"], *spans["error"].get(name, [None] * 5)]
    low = _percent([interval and interval.low for interval in intervals])
    high = _percent([interval and interval.high for interval in intervals])
    axes.fill_between(_SEVERITIES, low, high, color=look.color, alpha=0.2, linewidth=0)
    if None in intervals[1:]:  # a single point has no band
        axes.vlines(_SEVERITIES, low, high, color=look.color, alpha=0.4, linewidth=1.2)
    (line,) = axes.plot(_SEVERITIES, error, linewidth=1.8, markersize=3.2, label=shorten(label))
    line.set(color=look.color, marker=look.marker, linestyle=look.dashes)
    add_hover(line, [f"{label}, severity {s}: {e:.1f}" for s, e in enumerate(error) if e == e])


def _percent(row: Any) -> list[float]:
    return [float("nan") if value is None else 100 * value for value in row]
