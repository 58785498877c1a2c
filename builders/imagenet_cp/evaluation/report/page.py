"""Common parts of the pages of a report and of a comparison."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...benchmarks.signature import Signature
from ...files import check_replaceable, local_path, write_text
from ...text import count, join_first
from .. import intervals
from ..paper_tables import FORMATS, format_tables
from ..references import OF_IMAGES, PLAIN, benchmark_name, data_name, is_normalized, missing_configs, part_of
from ..results import Results
from ..results_json import FORMAT
from . import chart_rendering, charts
from .formatting import display_name, format_interval, format_number
from .style import SERIES

#: Number of images below which a page warns that the intervals are wide.
FEW = 1000

#: Display names of the metrics.
NAMES = {"mce": "mCE", "c_bar": "mean error of C-bar", "custom": "mean error", "mfr": "mFR", "mt5d": "mT5D"}


class Score(NamedTuple):
    """A score at the top of a page.

    Attributes
    ----------
    metric, key : str
        Its place in `Results.metrics`.
    title : str
        Its name.
    times : float
        Factor to the unit of the page, percent but for distances.
    meaning : str
        Explanation, to be read after the title.
    """

    metric: str
    key: str
    title: str
    times: float
    meaning: str


_CHANGES = "changes of the five best classes from frame to frame"
CLEAN = Score("mce", "clean_error", "clean error", 100, "top-1 error on images without corruption")
#: Scores at the top of a page, divided by AlexNet's.
HEADLINE = (
    Score("mce", "mce", "mCE", 1, "top-1 error in percent of AlexNet's, averaged over the corruptions"),
    Score(
        "mce",
        "relative_mce",
        "relative mCE",
        1,
        "the same for the error that corruptions add to the clean error",
    ),
    Score("mfr", "mfr", "mFR", 1, "changes of the prediction from frame to frame in percent of AlexNet's"),
    Score("mt5d", "mt5d", "mT5D", 1, f"{_CHANGES} in percent of AlexNet's"),
)
#: The same for benchmarks that are not measured against AlexNet.
_UNNORMALIZED = (
    Score("mce", "mce", "mean error", 1, "top-1 error, averaged over corruptions and severities"),
    Score("mce", "relative_mce", "added error", 1, "mean error less the clean error"),
    Score("mfr", "mfr", "mean flip probability", 1, "changes of the prediction from frame to frame"),
    Score("mt5d", "mt5d", "mean top-5 distance", 1, f"{_CHANGES}, 0 to 15"),
)

#: The same for data sets with plain means.
_MEAN_ERRORS = (
    Score("c_bar", "mean_error", "mean error, C-bar", 100, "top-1 error, averaged over ImageNet-C-bar"),
    Score("custom", "mean_error", "mean error", 100, "top-1 error, averaged over corruptions and severities"),
)

#: Kind of a page -> the files beside it, and the text by which each is known.
_TABLES = {"table.md": "| Model |", "table.tex": "booktabs", "table.csv": "model,"}
_MARKS = {
    "report": {"results.csv": "metric,", "results.json": f'"format": "{FORMAT}"', **_TABLES},
    "comparison": {"comparison.csv": "model,metric,", **_TABLES},
}


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=format_number,
        interval=format_interval,
        display_name=display_name,
        fields=lambda signature: Signature.parse(signature).fields,
    )
    environment.globals["titles"] = {kind: chart.title for kind, chart in charts.CHARTS.items()}
    return environment


def check_report_dir(folder: str | os.PathLike[str], kind: str) -> None:
    """Check that a folder holds no page of another kind than ``"report"`` or ``"comparison"``, nor a foreign one.

    Raises
    ------
    BuildError
        Its ``index.html`` or one of its numbers is another file.
    """
    path = local_path(folder)
    check_replaceable(path / "index.html", f'name="generator" content="imagenet-cp {kind}"')
    for name, mark in _MARKS[kind].items():
        check_replaceable(path / name, mark)


def make_report_dir(folder: str | os.PathLike[str], kind: str) -> Path:
    """Create the folder of a report or of a comparison, and its subfolder for charts.

    Raises
    ------
    ValueError
        It cannot be created.
    BuildError
        It holds foreign files.
    """
    check_report_dir(folder, kind)
    path = local_path(folder)
    try:
        (path / "charts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be made a folder ({error.strerror or error}); choose another with -o"
        ) from error
    return path


def write_page(path: Path, template: str, models: Mapping[str, Results], **context: Any) -> None:
    """Render a page from its template, with everything it needs inside.

    Parameters
    ----------
    path : Path
        The file, in the folder of the report, to which the charts are added.
    template : str
        Name of the template.
    models : dict
        Display name -> `Results`.
    **context
        Variables of the template.
    """
    first = next(iter(models.values()))
    page = _environment().get_template(template)
    shared = {
        "models": [
            {"name": name, "results": results, "rank": i + 1, "color": SERIES[i] if i < len(SERIES) else ""}
            for i, (name, results) in enumerate(models.items())
        ],
        "benchmarks": " and ".join(_benchmarks(models.values())),
        "sizes": _sizes(first),
        "warnings": [*context.pop("notes", []), *_warnings(models)],
        "kind": Path(template).stem,
        "charts": write_charts(models, path.parent / "charts"),
        "drawn": len(SERIES),
        "relative": any(is_relative_to_alexnet(metric, first) for metric in first.metrics),
    }
    write_text(path, page.render(**shared, **context) + "\n")
    for form, ending in FORMATS.items():
        write_text(path.with_name(f"table.{ending}"), format_tables(models, form))


def write_charts(models: Mapping[str, Results], folder: Path) -> dict[str, Markup]:
    """Write the charts with data as SVG and PNG: of the first six models, and the scatter of all.

    Returns
    -------
    dict
        Kind -> SVG element for the page, and of ``"severity"`` as ``"severity-2"``, two columns wide, for a phone.
    """
    drawings = {}
    first = dict(islice(models.items(), len(SERIES)))
    for kind in charts.available(first):
        label = f"{charts.CHARTS[kind].title}; the numbers are in a table of this page"
        figure = charts.draw(kind, models if kind == "scatter" else first)
        for form in ("svg", "png"):
            (folder / f"{kind}.{form}").write_bytes(chart_rendering.render(figure, form, kind))
        drawings[kind] = Markup(chart_rendering.inline_svg(figure, kind, label))
        if kind.endswith("severity"):
            narrow = charts.draw(kind, first, columns=2)
            drawings[f"{kind}-2"] = Markup(chart_rendering.inline_svg(narrow, f"{kind}-2", label))
    return drawings


def headline(models: Iterable[Results]) -> list[Score]:
    """Scores at the top of a page, by their names for its benchmarks: those that a model has first.

    Scores that no model has are named too, but not beside data sets with plain means.
    """
    results = [result for model in models for result in model.metrics.items()]
    measured = {metric for metric, _ in results}
    relative = all(
        is_normalized(metric, benchmark_name(result)) for metric, result in results if metric not in PLAIN
    )
    shown = list(HEADLINE if relative else _UNNORMALIZED)
    if measured & {*PLAIN}:
        shown = [score for score in (*shown, *_MEAN_ERRORS) if score.metric in measured]
    images = [metric for metric in OF_IMAGES if metric in measured] or ["mce"]
    shown.append(CLEAN._replace(metric=images[0]))
    return sorted(shown, key=lambda score: all(r[score.key] is None for m, r in results if m == score.metric))


def is_relative_to_alexnet(metric: str, results: Results) -> bool:
    """True for a metric that was computed, in percent of AlexNet's."""
    return metric in results.metrics and is_normalized(metric, benchmark_name(results.metrics[metric]))


def _benchmarks(models: Iterable[Results]) -> list[str]:
    return list(dict.fromkeys(data_name(result) for model in models for result in model.metrics.values()))


def _sizes(results: Results) -> str:
    """Numbers of images and sequences as text."""
    parts = []
    images = [len(results.counts[m].image_ids) for m in OF_IMAGES if m in results.counts]
    if images:
        parts.append(count(max(images), "image"))
    sequences = [len(results.counts[m].image_ids) for m in ("mfr", "mt5d") if m in results.counts]
    if sequences:
        parts.append(f"sequences of {count(max(sequences), 'image')}")
    return " and ".join(parts)


def _warnings(models: Mapping[str, Results]) -> list[str]:
    """Limits of the scores, to be read before them."""
    warnings = []
    first = next(iter(models.values()))
    smallest = min(len(counts.image_ids) for model in models.values() for counts in model.counts.values())
    if smallest < FEW:
        narrow = ""
        if smallest < intervals.FEW:
            narrow = f", and with fewer than {intervals.FEW} images they may cover less than 95 %"
        warnings.append(f"Only {_sizes(first)}: the intervals are wide{narrow}.")
    parts = [part_of(result) for model in models.values() for result in model.metrics.values()]
    if part := next(filter(None, parts), ""):
        warnings.append(f"A part of the benchmark, {part}: its scores are not those of the whole.")
    for metric, title in NAMES.items():
        for name, model in models.items():
            if metric in model.metrics and (missing := missing_configs(metric, model.metrics[metric])):
                of_model = f" of {name}" if len(models) > 1 else ""
                configs = "configs are" if len(missing) > 1 else "config is"
                warnings.append(
                    f"No {title}{of_model}: {len(missing)} {configs} missing ({join_first(missing, 6)}). "
                    "Partial results follow."
                )
    for metric in first.metrics:
        if not is_relative_to_alexnet(metric, first):
            benchmark = data_name(first.metrics[metric])
            warnings.append(f"{benchmark} is not measured against AlexNet: its scores are plain means.")
            break
    return warnings
