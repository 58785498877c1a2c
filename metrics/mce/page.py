"""What the pages of the three metric Spaces have in common: reading what users give, and showing scores."""

import json
from html import escape
from pathlib import Path

import pandas as pd

YOURS = "your classifier"
STYLE = """<style>
.score { display: flex; flex-wrap: wrap; gap: .5rem 2.2rem; margin: .25rem 0 .75rem; }
.score b { display: block; font-size: 2.2rem; line-height: 1.15; font-variant-numeric: tabular-nums; }
.score span, .note { color: var(--body-text-color-subdued); font-size: .85rem; }
.note { overflow-wrap: anywhere; }
.wrong { border-left: 4px solid #c0392b; padding: .5rem .75rem; overflow-wrap: anywhere; }
.bars, .published { display: grid; font-size: .9rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.bars { grid-template-columns: minmax(0, max-content) minmax(2.5rem, 1fr) auto auto; gap: .2rem .6rem; }
.bars > * { overflow: hidden; text-overflow: ellipsis; }
.published { max-width: 40rem; overflow-wrap: break-word; }
.bars .track { background: var(--background-fill-secondary); height: .8rem; position: relative; align-self: center; }
.bars .bar { background: var(--color-accent); height: 100%; }
.bars .mark { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--body-text-color); }
.published > * { border-bottom: 1px solid var(--border-color-primary); padding: .15rem .25rem; }
.published .head { font-weight: 700; align-content: end; }
.published .yours { font-weight: 700; background: var(--color-accent-soft); }
.number { text-align: right; }
.published .number { padding-left: .45rem; }
.curve { width: 100%; max-width: 34rem; display: block; }
.curve text { fill: var(--body-text-color); font-size: 13px; }
.curve path { fill: none; stroke: var(--border-color-primary); }
.curve .alexnet { stroke: var(--body-text-color-subdued); stroke-width: 2; stroke-dasharray: 5 4; }
.curve .yours { stroke: var(--color-accent); stroke-width: 3.5; }
.curve circle { fill: var(--color-accent); }
@media (max-width: 640px) { .curve text { font-size: 17px; } }
</style>"""


def number(cell, what, most):
    """Return a number of a table, from 0 to ``most``; an empty cell is None."""
    text = str(cell).strip().rstrip("%").strip()
    if text.lower() in ("", "nan", "none", "<na>"):
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{what}: {cell!r} is not a number") from None
    if not 0 <= value <= most:
        raise ValueError(f"{what}: {text} is not from 0 to {most}")
    return value


def columns(path, names):
    """Return the columns of a CSV or JSON Lines file that are among ``names``."""
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
        lacking = [name for name in rows[0] if name not in row] if isinstance(row, dict) else ["an object"]
        if lacking:
            raise ValueError(f"{path.name}: line {i + 1} has no {lacking[0]}")
    return {name: [row[name] for row in rows] for name in names if rows and name in rows[0]}


def show(value, digits=1):
    """Return a number as text."""
    return "–" if value is None else f"{value:.{digits}f}"


def summary(numbers, notes):
    """Return a few large numbers, name -> text, and notes below them."""
    cells = "".join(f"<div><span>{name}</span><b>{text}</b></div>" for name, text in numbers.items())
    lines = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return f'{STYLE}<div class="score">{cells}</div>{lines}'


def wrong(error):
    """Return what is shown in place of a score."""
    return f'{STYLE}<div class="wrong">{escape(str(error))}</div>'


def bars(rows, titles, mark=None):
    """Return horizontal bars.

    Parameters
    ----------
    rows : list of (str, float or None, str, str)
        Name, length, and two texts for the end of the line.
    titles : (str, str)
        Above the texts.
    mark : float or None
        Where on the scale to draw a line through all bars.
    """
    full = max([mark or 0, 1e-9, *(value for _, value, _, _ in rows if value is not None)])
    cells = "<div></div><div></div>" + "".join(f'<div class="number">{title}</div>' for title in titles)
    for name, value, one, two in rows:
        bar = f'<div class="bar" style="width:{100 * (value or 0) / full:.1f}%"></div>'
        line = f'<div class="mark" style="right:{100 - 100 * mark / full:.1f}%"></div>' if mark else ""
        cells += f'<div>{name}</div><div class="track">{bar}{line}</div>'
        cells += f'<div class="number">{one}</div><div class="number">{two}</div>'
    return f'<div class="bars">{cells}</div>'


def published(scores, titles, yours=None):
    """Return a table of scores, the best first, with one's own among them.

    Parameters
    ----------
    scores : dict
        Network -> its numbers.
    titles : dict
        Key of a number -> title of its column; the second column decides the order.
    yours : dict or None
        One's own numbers.
    """
    key = list(titles)[1]
    rows = scores | ({YOURS: yours} if yours and yours[key] is not None else {})
    cells = '<div class="head">network</div>'
    cells += "".join(f'<div class="head number">{title}</div>' for title in titles.values())
    for name, row in sorted(rows.items(), key=lambda item: item[1][key]):
        mine = " yours" if name == YOURS else ""
        cells += f'<div class="{mine}">{escape(name).replace("+", "+<wbr>")}</div>'
        cells += "".join(f'<div class="number{mine}">{show(row[column])}</div>' for column in titles)
    grid = f"grid-template-columns: minmax(0, 1fr) {'min-content ' * len(titles)}"
    return f'{STYLE}<div class="published" style="{grid}">{cells}</div>'
