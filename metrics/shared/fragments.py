"""HTML fragments of the metric pages, and functions that read tables and files."""

import json
from pathlib import Path

import jinja2
import pandas as pd

HERE = Path(__file__).parent
YOURS = "your classifier"
LOADER = jinja2.FileSystemLoader(HERE)
ENVIRONMENT = jinja2.Environment(loader=LOADER, autoescape=True, trim_blocks=True, lstrip_blocks=True)
TEMPLATE = ENVIRONMENT.get_template("page.html")


def number(cell, name, most):
    """Convert a cell of a table to a number from 0 to ``most``; an empty cell is None."""
    text = str(cell).strip().rstrip("%").strip()
    if text.lower() in ("", "nan", "none", "<na>"):
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: {cell!r} is not a number") from None
    if not 0 <= value <= most:
        raise ValueError(f"{name}: {text} is not from 0 to {most}")
    return value


def read_columns(path, names):
    """Read the columns ``names`` of a CSV or JSON Lines file, if present."""
    if path is None:
        raise ValueError("choose a file, or load the example")
    path = Path(path)
    try:
        if path.suffix == ".csv":
            table = pd.read_csv(path, keep_default_na=False)
            return {name: table[name].tolist() for name in names if name in table}
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise ValueError(f"{path.name} is neither CSV nor JSON Lines: {error}") from None
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ValueError(f"{path.name}: line {i + 1} is not a JSON object")
        if missing := [name for name in rows[0] if name not in row]:
            raise ValueError(f"{path.name}: line {i + 1} has no {missing[0]}")
    return {name: [row[name] for row in rows] for name in names if rows and name in rows[0]}


def render(name, **values):
    """Render a macro of page.html."""
    return str(getattr(TEMPLATE.module, name)(**values))


def render_published(scores, titles, yours=None):
    """Render a table of scores, best first, including the user's.

    Parameters
    ----------
    scores : dict
        Network -> its scores.
    titles : dict
        Key of a score -> title of its column; rows are sorted by the second column.
    yours : dict or None
        The user's scores.
    """
    key = list(titles)[1]
    rows = scores | ({YOURS: yours} if yours and yours[key] is not None else {})
    rows = sorted(rows.items(), key=lambda item: item[1][key])
    return render("published", rows=rows, titles=titles, yours=YOURS)
