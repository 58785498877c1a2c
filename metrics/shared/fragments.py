"""HTML fragments of the metric pages, and numbers of their tables."""

from pathlib import Path

import jinja2

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
