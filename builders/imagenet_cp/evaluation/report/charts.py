"""The charts of a report, of one model or of several, drawn with Matplotlib."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import BuildError, suggest
from ..references import PARTS, alexnet, benchmark_of, formulas, is_normalised, published, test_parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..result import Evaluation

Models = Mapping[str, "Evaluation"]

#: Name of a colour -> what it is in files; in a page each is a CSS variable, so that it follows light and dark.
COLOURS = {
    "ink": "#1c2430",
    "quiet": "#5a6675",
    "line": "#dde2e9",
    "other": "#9aa5b4",
    "model-1": "#0b62a8",
    "model-2": "#c2500d",
    "model-3": "#0a7a56",
    "model-4": "#8a4a9f",
    "model-5": "#a3195b",
    "model-6": "#6b5a10",
}
SERIES = tuple(name for name in COLOURS if name.startswith("model-"))
_MARKERS = "osD^vP"
_BASELINE = "ResNet-50"
#: Inches. At the width of a phone a page shows letters in their own size, on a desktop a little larger.
_WIDTH = 4.6
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["quiet"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["quiet"],
    "ytick.color": COLOURS["quiet"],
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
}


def draw(kind: str, models: Models, columns: int = 5) -> Figure:
    """Draw a chart.

    Parameters
    ----------
    kind : str
        One of `CHARTS`.
    models : dict
        Name for people -> `Evaluation`.
    columns : int
        Of the small charts in ``"severity"``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        There is no such chart, or no data for it.
    BuildError
        Matplotlib is not installed.
    """
    if kind not in CHARTS:
        raise ValueError(f"there is no chart {kind!r}{suggest(kind, CHARTS)}")
    need_matplotlib()
    metric = METRIC_OF[kind]
    shown = {name: model for name, model in models.items() if metric in model.metrics}
    if not shown:
        raise ValueError(f"no data for the chart {kind!r}: there is no {metric}")
    with drawing():
        colours = {name: COLOURS[SERIES[i % len(SERIES)]] for i, name in enumerate(models)}
        figure = CHARTS[kind](shown, colours, columns)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not anew for every file
    return figure


@contextmanager
def drawing(**changes: Any) -> Iterator[None]:
    """Give Matplotlib the style of all charts."""
    import matplotlib

    with matplotlib.rc_context({**_STYLE, **changes}), warnings.catch_warnings():
        # A model may have a name in any formulas; where letters stay text, as in a page, they are seen all the same.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        yield


def available(models: Models) -> list[str]:
    """Return which charts there is anything to be seen in."""
    return [kind for kind in CHARTS if any(_has(model, kind) for model in models.values())]


def _has(model: Evaluation, kind: str) -> bool:
    metric = METRIC_OF[kind]
    if metric not in model.metrics:
        return False
    result = model.metrics[metric]
    if kind == "severity":
        return any(e is not None for row in result["error"].values() for e in row)
    return any(value is not None for value in result[kind].values())


def spoken(name: str) -> str:
    """Return the name of a corruption or perturbation as people write it."""
    return name.replace("_", " ")


def need_matplotlib() -> None:
    """Raise BuildError, which names the extra, if Matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise BuildError("charts need Matplotlib; pip install 'imagenet-cp[eval]' brings it") from None


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def _ratios(key: str, models: Models, colours: Mapping[str, str], _: int) -> Figure:
    """One row a corruption: the models with their intervals, the published models, and AlexNet's line at 100."""
    from matplotlib.figure import Figure

    metric = METRIC_OF[key]
    first = next(iter(models.values()))
    benchmark = benchmark_of(first.metrics[metric])
    normalised = is_normalised(metric, benchmark)
    tested = test_parts(metric, benchmark)
    extra = [
        name
        for name in formulas().ALEXNET[metric]
        if name not in tested and any(name in model.metrics[metric][key] for model in models.values())
    ]
    rows = [*tested, *extra]
    places = {name: i + (0.6 if name in extra else 0) for i, name in enumerate(rows)}
    step = 0.27 + 0.07 * (len(models) - 1)
    legend = 0.22 * (len(models) + (3 if normalised else 0))
    figure = Figure(figsize=(_WIDTH, step * (len(rows) + 1) + legend + 0.6), layout="constrained")
    axes = figure.subplots()
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    if normalised:
        axes.axvline(100, color=COLOURS["quiet"], linestyle=(0, (4, 3)), linewidth=1.2, label="AlexNet = 100")
        _published(axes, key, tested, places)
    for i, (name, model) in enumerate(models.items()):
        shift = (i - (len(models) - 1) / 2) * 0.62 / len(models)
        _dots(axes, model, metric, key, {row: places[row] + shift for row in rows}, colours[name], i, name)
    if extra:
        edge = (places[tested[-1]] + places[extra[0]]) / 2
        axes.axhline(edge, color=COLOURS["other"], linewidth=0.8)
        axes.annotate(
            "not in the mean",
            (0, edge),
            (4, -3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="top",
            color=COLOURS["quiet"],
            fontsize=8.5,
        )
    axes.set_yticks([places[name] for name in rows], [spoken(name) for name in rows])
    axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(max(places.values()) + 0.7, -0.7)
    low, high = axes.get_xlim()
    axes.set_xlim(min(0, low), high)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(_UNITS[key] if normalised else _PLAIN[key])
    handles, labels = axes.get_legend_handles_labels()
    order = [*range(len(handles) - len(models), len(handles)), *range(len(handles) - len(models))]
    figure.legend(
        [handles[i] for i in order], [labels[i] for i in order], loc="outside upper left", fontsize=9
    )
    return figure


def _published(axes: Axes, key: str, tested: tuple[str, ...], places: Mapping[str, float]) -> None:
    table = {name: row[key] for name, row in published().items() if key in row}
    heights = [places[name] for name in tested]
    plot = functools.partial(axes.plot, linestyle="none", color=COLOURS["other"])
    plot(
        table[_BASELINE],
        heights,
        marker="D",
        markersize=5.5,
        fillstyle="none",
        label=f"{_BASELINE} in the paper",
    )
    others = {name: row for name, row in table.items() if name != _BASELINE}
    label = _folded(f"others in the paper: {', '.join(others)}")
    for i, row in enumerate(others.values()):
        plot(row, heights, marker="|", markersize=7, label=None if i else label)


def _folded(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 48))


def _dots(
    axes: Axes,
    model: Evaluation,
    metric: str,
    key: str,
    places: Mapping[str, float],
    colour: str,
    place: int,
    name: str,
) -> None:
    values, spans = model.metrics[metric][key], model.intervals[metric][key]
    for row, height in places.items():
        span = spans.get(row)
        if span is not None:
            axes.plot(span, [height] * 2, color=colour, linewidth=2, solid_capstyle="butt", alpha=0.55)
    found = [(values[row], height) for row, height in places.items() if values.get(row) is not None]
    axes.plot(
        [value for value, _ in found],
        [height for _, height in found],
        linestyle="none",
        marker=_MARKERS[place % len(_MARKERS)],
        markersize=6,
        color=colour,
        label=f"{_short(name)}, 95 % interval",
    )


def _severity(models: Models, colours: Mapping[str, str], columns: int) -> Figure:
    """One small chart a corruption: top-1 error at the five severities, AlexNet's dashed."""
    from matplotlib.figure import Figure

    benchmark = benchmark_of(next(iter(models.values())).metrics["mce"])
    base = alexnet("mce", benchmark).get("error", {})
    names = [
        name
        for name in formulas().ALEXNET["mce"]
        if any(
            any(e is not None for e in model.metrics["mce"]["error"].get(name, []))
            for model in models.values()
        )
    ]
    rows = -(-len(names) // columns)
    width = _WIDTH if columns < 4 else 10.4
    height = max(1.55 * rows, 2) + 0.55 + 0.2 * (len(models) + 1) / min(columns - 1, 3)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    levels = [1, 2, 3, 4, 5]
    extra = set(formulas().EXTRA_CORRUPTIONS)
    for i, axes in enumerate(grid.flat):
        if i >= len(names):
            axes.remove()
            continue
        name = names[i]
        axes.set_title(
            spoken(name), fontsize=10, loc="left", color=COLOURS["quiet" if name in extra else "ink"], pad=4
        )
        axes.grid(axis="y")
        axes.tick_params(length=0)
        if name in base:
            axes.plot(levels, _percent(base[name]), color=COLOURS["quiet"], linestyle=(0, (4, 3)), linewidth=1.2,
                      label="AlexNet")  # fmt: skip
        for label, model in models.items():
            _curve(axes, model, name, colours[label], _short(label))
        axes.set_ylim(0, 103)
        axes.set_yticks([0, 50, 100])
        axes.set_xticks(levels)
        if i + columns >= len(names):
            axes.tick_params(labelbottom=True)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside upper left", ncols=min(columns - 1, 3), fontsize=9
    )
    figure.supxlabel("severity", fontsize=10, color=COLOURS["quiet"])
    figure.supylabel("top-1 error in percent", fontsize=10, color=COLOURS["quiet"])
    return figure


def _curve(axes: Axes, model: Evaluation, name: str, colour: str, label: str) -> None:
    error = _percent(model.metrics["mce"]["error"].get(name, [None] * 5))
    spans = model.intervals["mce"]["error"].get(name, [None] * 5)
    low = _percent([span and span.low for span in spans])
    high = _percent([span and span.high for span in spans])
    axes.fill_between([1, 2, 3, 4, 5], low, high, color=colour, alpha=0.2, linewidth=0)
    if None in spans:  # a point by itself has no band
        axes.vlines([1, 2, 3, 4, 5], low, high, color=colour, alpha=0.4, linewidth=1.2)
    axes.plot([1, 2, 3, 4, 5], error, color=colour, linewidth=1.8, marker="o", markersize=3.2, label=label)


def _percent(row: Any) -> list[float]:
    return [float("nan") if value is None else 100 * value for value in row]


METRIC_OF = {"severity": "mce", "relative_ce": "mce", **{part: metric for metric, part in PARTS.items()}}
CHARTS: dict[str, Callable[[Models, Mapping[str, str], int], Figure]] = {
    "ce": functools.partial(_ratios, "ce"),
    "relative_ce": functools.partial(_ratios, "relative_ce"),
    "severity": _severity,
    "fr": functools.partial(_ratios, "fr"),
    "t5d": functools.partial(_ratios, "t5d"),
}
_UNITS = {
    "ce": "CE, percent of AlexNet's error",
    "relative_ce": "relative CE, percent of AlexNet's",
    "fr": "flip rate, percent of AlexNet's",
    "t5d": "top-5 distance, percent of AlexNet's",
}
_PLAIN = {
    "ce": "error, percent",
    "relative_ce": "error beyond that of clean pictures, percent",
    "fr": "flip probability, percent",
    "t5d": "top-5 distance",
}
