"""Tables of results to paste into a paper, a README or a spreadsheet: a row a model, as in the paper's tables."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from .. import corruptions
from ..errors import UsageError, suggest
from ..text import csv_text, split_names
from .intervals import Interval
from .references import OF_IMAGES, PLAIN, PREFIX, RATIO_KEY, RAW_KEY, tested_parts
from .results import Results

#: Formats of the tables beside a report, and the endings of their files.
FORMATS = {"markdown": "md", "latex": "tex", "csv": "csv"}
#: Format of tables in a terminal, in which blocks of columns fit its width.
TEXT = "text"
#: Metric -> columns of its table; those of ImageNet-C and ImageNet-P as in the paper's tables 1, 3 and 4.
DEFAULT = {
    "mce": ("clean_error", "mce", "ce"),
    "c_bar": ("clean_error", "c_bar", "c_bar_error"),
    "custom": ("clean_error", "custom", "custom_error"),
    "mfr": ("mfr", "fr"),
    "mt5d": ("mt5d", "t5d"),
}


class Score(NamedTuple):
    """A score that can be a column.

    Attributes
    ----------
    title : str
        Title of the column.
    metric : str
        Metric that has it, or ``"calibration"``.
    path : tuple
        Path in the result.
    times : float
        Factor to the unit of the table.
    digits : int
        Digits after the point.
    """

    title: str
    metric: str
    path: tuple[Any, ...]
    times: float = 1
    digits: int = 1


#: Name -> its column. Percent, except for NLL, the Brier score and distances.
SCORES = {
    "clean_error": Score("Error", "mce", ("clean_error",), 100),
    "mce": Score("mCE", "mce", ("mce",)),
    "relative_mce": Score("rel. mCE", "mce", ("relative_mce",)),
    "mean_error": Score("mean error", "mce", ("mean_error",), 100),
    "mean_accuracy": Score("mean accuracy", "mce", ("mean_accuracy",), 100),
    "mean_error_all": Score("mean error of 19", "mce", ("mean_error_all",), 100),
    "mean_accuracy_all": Score("mean accuracy of 19", "mce", ("mean_accuracy_all",), 100),
    "error_severity_5": Score("error at severity 5", "mce", ("mean_error_by_severity", 4), 100),
    "c_bar": Score("C-bar mean error", "c_bar", ("mean_error",), 100),
    "custom": Score("mean error", "custom", ("mean_error",), 100),
    "mfr": Score("mFR", "mfr", ("mfr",)),
    "mt5d": Score("mT5D", "mt5d", ("mt5d",)),
    "top5_error": Score("top-5 error", "calibration", ("top5_error", "mean"), 100),
    "ece": Score("ECE", "calibration", ("ece", "mean"), 100),
    "adaptive_ece": Score("adaptive ECE", "calibration", ("adaptive_ece", "mean"), 100),
    "nll": Score("NLL", "calibration", ("nll", "mean"), 1, 2),
    "brier": Score("Brier", "calibration", ("brier", "mean"), 1, 3),
    "aurc": Score("AURC", "calibration", ("aurc", "mean"), 100),
}
#: Names that stand for a column of each corruption or perturbation of the mean -> metric, and key in its result.
PARTS = {
    "ce": ("mce", "ce"),
    "relative_ce": ("mce", "relative_ce"),
    "c_bar_error": ("c_bar", RATIO_KEY["c_bar"]),
    "custom_error": ("custom", RATIO_KEY["custom"]),
    "fr": ("mfr", "fr"),
    "t5d": ("mt5d", "t5d"),
}
#: Scores of mCE's result that the results of data sets with plain means have too.
_SHARED = ("clean_error", "mean_error", "mean_accuracy", "mean_error_by_severity")
#: Scores of which more is better.
_ASCENDING = ("mean_accuracy", "mean_accuracy_all")
_SHORT = {"elastic_transform": "Elastic", "jpeg_compression": "JPEG"}


@dataclass(frozen=True)
class Table:
    """Scores of models.

    Attributes
    ----------
    columns : tuple of (str, str)
        Family, which may be empty, and title of each column.
    rows : dict
        Display name of a model -> the text of its cells, an en dash for a missing one.
    best : set of (str, int)
        Name and number of the column of the best cells.
    notes : tuple of str
        Signatures of the data.
    """

    columns: tuple[tuple[str, str], ...]
    rows: Mapping[str, tuple[str, ...]]
    best: frozenset[tuple[str, int]]
    notes: tuple[str, ...]


def parse_scores(text: str) -> tuple[str, ...]:
    """Names of scores in a list with commas.

    Raises
    ------
    UsageError
        One of them is unknown.
    """
    names = tuple(split_names(text))
    known = (*SCORES, *PARTS)
    for name in names:
        if name not in known:
            raise UsageError(f"there is no score {name!r}{suggest(name, known)}")
    return names


def make_table(models: Mapping[str, Results], scores: Sequence[str], intervals: bool = False) -> Table:
    """Tabulate scores.

    Parameters
    ----------
    models : dict
        Display name -> `Results`.
    scores : list of str
        Names in `SCORES` or `PARTS`.
    intervals : bool
        Add the 95 % intervals to the scores that have one.
    """
    columns = [column for name in scores for column in _columns(name, models)]
    metrics = [_measured(score, models) for _, score, _ in columns]
    cells = {
        name: [_cell(model, score, metric) for (_, score, _), metric in zip(columns, metrics, strict=True)]
        for name, model in models.items()
    }
    best = set()
    for i, (_, _, ascending) in enumerate(columns):
        values = {name: value for name, row in cells.items() if (value := row[i][0]) is not None}
        if len(set(values.values())) > 1:  # of equal models none is the best
            target = max(values.values()) if ascending else min(values.values())
            best |= {(name, i) for name, value in values.items() if value == target}
    notes = {
        str(model.metrics[metric]["signature"]): None
        for metric in RAW_KEY
        for model in models.values()
        if metric in metrics and metric in model.metrics
    }
    return Table(
        tuple((family, score.title) for family, score, _ in columns),
        {
            name: tuple(
                _format(value, interval if intervals else None, score)
                for (value, interval), (_, score, _) in zip(row, columns, strict=True)
            )
            for name, row in cells.items()
        },
        frozenset(best),
        tuple(notes),
    )


def _columns(name: str, models: Mapping[str, Results]) -> list[tuple[str, Score, bool]]:
    """Family, score and direction of the columns of a name."""
    if name in SCORES:
        return [("", SCORES[name], name in _ASCENDING)]
    metric, key = PARTS[name]
    found = [model.metrics[metric] for model in models.values() if metric in model.metrics]
    if not found:
        return []
    known = {} if metric == "custom" else {**corruptions.CORRUPTIONS, **corruptions.BAR}
    family = "Digital" if metric in ("mfr", "mt5d") else ""
    times, digits = (100, 1) if metric in PLAIN else (1, 0 if key == RATIO_KEY[metric] else 1)
    return [
        (
            known[part].family.capitalize() if part in known else family,
            Score(_title(part), metric, (key, part), times, digits),
            False,
        )
        for part in dict.fromkeys(part for result in found for part in tested_parts(metric, result))
    ]


def _title(part: str) -> str:
    plain = part.removesuffix("_noise").removesuffix("_blur").replace("_", " ")
    return _SHORT.get(part) or plain.capitalize()


def _cell(model: Results, score: Score, metric: str) -> tuple[float | None, Interval | None]:
    """Value and interval of a score of one of the metrics that have it."""
    value: Any = model.metrics.get(metric)
    interval: Any = model.intervals.get(metric)
    path = score.path
    if score.metric == "calibration":
        value, interval, path = model.calibration, None, (f"{PREFIX[metric]}{path[0]}", *path[1:])
    for key in path:
        value = _child(value, key)
        interval = _child(interval, key)
    return value, interval


def _measured(score: Score, models: Mapping[str, Results]) -> str:
    """Metric of a column; if all models were evaluated on data without mCE only, that of these data."""
    shared = score.metric == "calibration" or (score.metric == "mce" and score.path[0] in _SHARED)
    measured = {metric for model in models.values() for metric in model.metrics}
    return next((m for m in (OF_IMAGES if shared else (score.metric,)) if m in measured), score.metric)


def _child(tree: Any, key: Any) -> Any:
    try:
        return tree[key]
    except (LookupError, TypeError):
        return None


def _format(value: float | None, interval: Interval | None, score: Score) -> str:
    if value is None:
        return "–"
    number = f"{{:.{score.digits}f}}".format
    text = number(score.times * value)
    if interval:
        text += f" ({number(score.times * interval.low)} to {number(score.times * interval.high)})"
    return text


def format_tables(
    models: Mapping[str, Results], form: str, scores: Sequence[str] = (), intervals: bool = False
) -> str:
    """Format the scores of models.

    Parameters
    ----------
    models : dict
        Display name -> `Results`.
    form : str
        `TEXT` or a key of `FORMATS`.
    scores : list of str, optional
        Names in `SCORES` or `PARTS`; by default the paper's tables of what was measured: one for mCE, one for mFR and
        one for mT5D, in CSV side by side; and one for ImageNet-C-bar, beside the mean error on ImageNet-C.
    intervals : bool
        Add the 95 % intervals.

    Returns
    -------
    str
        With a line break at the end.

    Raises
    ------
    UsageError
        Unknown format.
    """
    if form not in (TEXT, *FORMATS):
        raise UsageError(f"there is no format {form!r}{suggest(form, [TEXT, *FORMATS])}")
    found = [metric for metric in DEFAULT if any(metric in model.metrics for model in models.values())]
    measured = [DEFAULT[metric] for metric in found]
    if {"mce", "c_bar"} <= {*found}:  # side by side, as their authors compare them
        measured[1] = ("clean_error", "mean_error", *measured[1][1:])
    if form == "csv":
        names = dict.fromkeys(name for names in measured for name in names)
        return _csv(make_table(models, scores or list(names), intervals))
    tables = [make_table(models, names, intervals) for names in ([scores] if scores else measured)]
    render: Callable[[Table], str] = {TEXT: _text, "markdown": _markdown, "latex": _latex}[form]
    return "\n".join(render(table) for table in tables)


def _text(table: Table) -> str:
    """Aligned columns, in blocks as wide as the terminal; the best scores have a star."""
    width = shutil.get_terminal_size().columns
    longest = max(width - 24, 20)
    names = [name if len(name) <= longest else f"...{name[3 - longest :]}" for name in table.rows]
    first = _justified(["Model", *names], str.ljust)
    columns = []
    for i, (_, title) in enumerate(table.columns):
        cells = [f"{row[i]}{'*' if (name, i) in table.best else ' '}" for name, row in table.rows.items()]
        columns.append(_justified([f"{title} ", *cells], str.rjust))
    blocks = [[first]]
    for column in columns:
        if len(blocks[-1]) > 1 and sum(len(one[0]) + 2 for one in blocks[-1]) + len(column[0]) > width:
            blocks.append([first])
        blocks[-1].append(column)
    lines = []
    for block in blocks:
        lines += ["  ".join(row).rstrip() for row in zip(*block, strict=True)] + [""]
    return "\n".join([*lines, *(["*: the best"] if table.best else []), *table.notes]) + "\n"


def _justified(cells: Sequence[str], justify: Callable[[str, int], str]) -> list[str]:
    size = max(map(len, cells))
    return [justify(cell, size) for cell in cells]


def _csv(table: Table) -> str:
    """CSV with the number of each cell as it is shown, and nothing where there is none."""
    titles = ["model", *(f"{family} {title}".strip() for family, title in table.columns)]
    rows = ([name, *("" if cell == "–" else cell for cell in row)] for name, row in table.rows.items())
    return csv_text([titles, *rows])


def _markdown(table: Table) -> str:
    def escape(text: str) -> str:
        return re.sub(r"([\\|*_`<>\[\]])", r"\\\1", text)

    titles = [f"{family}: {title}" if family else title for family, title in table.columns]
    lines = ["| Model | " + " | ".join(titles) + " |", "|---|" + "---:|" * len(titles)]
    for name, row in table.rows.items():
        cells = [f"**{cell}**" if (name, i) in table.best else cell for i, cell in enumerate(row)]
        lines.append(f"| {escape(name)} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"`{note}`  " for note in table.notes)]) + "\n"


def _latex(table: Table) -> str:
    """A tabular with the rules of the package booktabs."""
    named = {"\\": "backslash", "~": "asciitilde", "<": "less", ">": "greater", "^": "asciicircum"}
    special = {"–": "--", "|": r"\textbar{}\allowbreak{}", **{c: f"\\{c}" for c in "&%$#_{}"}}
    special |= {character: f"\\text{name}{{}}" for character, name in named.items()}

    def escape(text: str) -> str:
        return "".join(special.get(character, character) for character in text)

    top, rules, start = [""], "", 2
    for family, group in groupby(table.columns, key=lambda column: column[0]):
        width = len(list(group))
        top.append(
            f"\\multicolumn{{{width}}}{{c}}{{{escape(family)}}}" if family else " & ".join([""] * width)
        )
        rules += f"\\cmidrule(lr){{{start}-{start + width - 1}}}" if family else ""
        start += width
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        "\\toprule",
        *([" & ".join(top) + r" \\", rules] if rules else []),
        " & ".join(["Model", *(escape(title) for _, title in table.columns)]) + r" \\",
        "\\midrule",
    ]
    for name, row in table.rows.items():
        cells = [
            f"\\textbf{{{escape(cell)}}}" if (name, i) in table.best else escape(cell)
            for i, cell in enumerate(row)
        ]
        lines.append(" & ".join([escape(name), *cells]) + r" \\")
    lines += ["\\bottomrule", "\\end{tabular}", ""]
    lines += [f"\\par\\smallskip{{\\footnotesize\\ttfamily {escape(note)}}}" for note in table.notes]
    return "\n".join(lines) + "\n"
