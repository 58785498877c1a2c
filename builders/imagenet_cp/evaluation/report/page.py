"""What the pages of a report and of a comparison have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...files import write_text
from ..references import benchmark_of, fields, is_normalised, missing
from ..result import Evaluation
from ..statistics import Interval
from . import chart_files, charts
from .markup import Html, element, together

#: Below this many images an interval says little about others than these.
FEW = 1000

#: The metrics as people write them.
NAMES = {"mce": "mCE", "mfr": "mFR", "mt5d": "mT5D"}

#: What is in the headline: metric, key, its name, by how much to multiply.
HEADLINE = (
    ("mce", "mce", "mCE", 1),
    ("mce", "relative_mce", "relative mCE", 1),
    ("mfr", "mfr", "mFR", 1),
    ("mt5d", "mt5d", "mT5D", 1),
    ("mce", "clean_error", "clean error", 100),
)

_CAPTIONS = {
    "ce": "The error at five severities in all. Lower is better.",
    "relative_ce": "What a corruption adds to the error on clean pictures.",
    "severity": "Top-1 error, with 95 % intervals. Those with a grey name are not in the mean.",
    "fr": "How often the prediction changes from frame to frame. Lower is better.",
    "t5d": "How much the five best classes change from frame to frame.",
}
_TITLES = {
    "ce": "Corruption error",
    "relative_ce": "Relative corruption error",
    "severity": "Error by severity",
    "fr": "Flip rate",
    "t5d": "Top-5 distance",
}


def made(folder: str | os.PathLike[str]) -> Path:
    """Return the folder of a report, with one for its charts inside.

    Raises
    ------
    ValueError
        It cannot be made.
    """
    path = Path(folder).expanduser()
    try:
        (path / "charts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be made a folder ({error.strerror or error})") from error
    return path


def write_page(path: Path, title: str, *sections: str | None) -> None:
    """Write a page that needs no other file."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    head = together(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Html(style)),
    )
    body = element("main", *sections)
    write_text(path, f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n')


def section(title: str, *children: str | None, lead: str | None = None) -> Html:
    """Return a section with a heading."""
    return element("section", element("h2", title), element("p", lead) if lead else None, *children)


def number(value: float | None, digits: int = 1) -> str:
    """Return a number as text."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def between(span: Interval | None, times: float = 1, digits: int = 1) -> str | None:
    """Return an interval as text."""
    if span is None:
        return None
    low, high = (number(times * end, digits) for end in span)
    return f"{low} to {high}" if span.low < 0 else f"{low}–{high}"


def cell(value: float | None, small: str | None = None, times: float = 1, digits: int = 1) -> Html:
    """Return a number with something smaller below it."""
    text = number(None if value is None else times * value, digits)
    return together(text, element("small", small) if small and value is not None else None)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    caption: str | None = None,
    marked: str | None = None,
    columns: Sequence[str] | None = None,
) -> Html:
    """Return a table: names in the first column, numbers in the others.

    Parameters
    ----------
    head : list of str
        Titles of the columns.
    rows : iterable of list of str
        What is in them.
    caption : str, optional
        Below it.
    marked : str, optional
        Name of a row to be seen at once.
    columns : list of str, optional
        Names of the columns but the first, for a table of wide columns: on a phone they come one below the other.
    """
    top = element("tr", *(element("th", title, scope="col") for title in head))
    labels: Sequence[str | None] = columns if columns else [None] * (len(head) - 1)
    lines = [
        element(
            "tr",
            element("th", first, scope="row"),
            *(element("td", text, data_column=column) for text, column in zip(rest, labels, strict=True)),
            class_="marked" if first == marked else None,
        )
        for first, *rest in rows
    ]
    inner = element("table", element("thead", top), element("tbody", *lines))
    below = element("p", caption, class_="note") if caption else None
    return together(
        element(
            "div",
            inner,
            class_="scroll stacked" if columns else "scroll",
            tabindex="0",
            role="region",
            aria_label=head[0],
        ),
        below,
    )


def folded(title: str, *children: str) -> Html:
    """Return something to be opened by a click; a printed page has it open."""
    return element("details", element("summary", title), *children)


def chart(kind: str, models: Mapping[str, Evaluation], folder: Path) -> Html | None:
    """Write a chart's files and return it as a figure for the page; None where there is nothing to be seen."""
    if kind not in charts.available(models):
        return None
    figure = charts.draw(kind, models)
    for form in ("svg", "png"):
        (folder / "charts" / f"{kind}.{form}").write_bytes(chart_files.picture(figure, form, kind))
    label = f"{_TITLES[kind]}; the numbers are in the table below"
    drawings = [Html(chart_files.inline(figure, kind, label))]
    if kind == "severity":  # small charts beside each other: fewer on a phone
        drawings = [
            element("div", *drawings, class_="wide"),
            element(
                "div",
                Html(chart_files.inline(charts.draw(kind, models, columns=2), f"{kind}-2", label)),
                class_="narrow",
            ),
        ]
    return element(
        "figure",
        element("figcaption", element("strong", _TITLES[kind]), element("span", _CAPTIONS[kind])),
        *drawings,
        class_="broad" if kind == "severity" else None,
    )


def pair(*figures: Html | None) -> Html | None:
    """Return figures side by side where there is room."""
    there = [figure for figure in figures if figure is not None]
    return element("div", *there, class_="pair") if there else None


def benchmarks(models: Iterable[Evaluation]) -> list[str]:
    """Return the benchmarks of all metrics."""
    return list(dict.fromkeys(benchmark_of(result) for model in models for result in model.metrics.values()))


def compared_with_alexnet(metric: str, model: Evaluation) -> bool:
    """Tell whether a metric was computed, and is in percent of AlexNet's."""
    return metric in model.metrics and is_normalised(metric, benchmark_of(model.metrics[metric]))


def sizes(model: Evaluation) -> str:
    """Return how many images and sequences there are, as text."""
    parts = []
    if "mce" in model.counts:
        parts.append(_many(len(model.counts["mce"].image_ids), "image"))
    sequences = [len(model.counts[metric].image_ids) for metric in ("mfr", "mt5d") if metric in model.counts]
    if sequences:
        parts.append(f"sequences of {_many(max(sequences), 'image')}")
    return " and ".join(parts)


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def warnings(models: Mapping[str, Evaluation]) -> list[str]:
    """Return what must be said before anybody reads a number."""
    said = []
    model = next(iter(models.values()))
    smallest = min(len(counts.image_ids) for one in models.values() for counts in one.counts.values())
    if smallest < FEW:
        said.append(
            f"Only {sizes(model)}: the intervals are wide, and the scores are not those of the whole benchmark."
        )
    for metric, _, title, _ in HEADLINE:
        for name, one in models.items():
            result = one.metrics.get(metric)
            lacking = missing(metric, benchmark_of(result), result) if result else []
            if lacking and title == NAMES[metric]:
                some = f"{', '.join(lacking[:6])}{', ...' if len(lacking) > 6 else ''}"
                whose = f" of {name}" if len(models) > 1 else ""
                parts = f"{len(lacking)} {'configs are' if len(lacking) > 1 else 'config is'}"
                said.append(f"No {title}{whose}: {parts} missing ({some}). What there is is below.")
    for metric in ("mce", "mfr", "mt5d"):
        if metric in model.metrics and not compared_with_alexnet(metric, model):
            said.append(
                f"{benchmark_of(model.metrics[metric])} is not measured against AlexNet: its scores are plain means."
            )
            break
    return said


def notes(lines: Iterable[str]) -> Html | None:
    """Return lines in a box that is seen at once."""
    found = [element("p", line) for line in lines]
    return element("div", *found, class_="warning", role="note") if found else None


def signature(text: str) -> Html:
    """Return a signature, its parts one under the other."""
    items: list[Html] = []
    for name, value in fields(text).items():
        items += [element("dt", name if name != value else ""), element("dd", value)]
    return together(element("dl", *items), element("code", text, class_="long"))
