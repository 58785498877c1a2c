"""Colors, markers and letters of the charts of a page, and titles of their markers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_CSS = (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
#: Name of a color -> its value in files; in a page each is a CSS variable that follows light and dark.
COLORS = dict(re.findall(r"--(ink|quiet|line|other|model-\d): (#\w+);", _CSS[: _CSS.index("}")]))
#: Prefix of the id of a line in a figure whose markers have titles, which follow it.
HOVER = "hover:"
#: Names of the colors of models. Models of later ranks are in the table, and in the color of text in the scatter.
SERIES = tuple(name for name in COLORS if name.startswith("model-"))
_MARKERS = "osD^vP"
#: Dashes of curves, so that models differ also without colors.
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)
#: Options of small text at an offset.
NOTE: dict[str, Any] = {"textcoords": "offset points", "color": COLORS["quiet"], "fontsize": 8.5}
#: Options of the lines of AlexNet.
DASHED: dict[str, Any] = {"color": COLORS["quiet"], "linestyle": (0, (4, 3)), "linewidth": 1.2}
#: Inches. At the width of a phone a page shows letters in their own size, on a desktop a little larger.
WIDTH = 4.6
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": COLORS["line"],
    "axes.labelcolor": COLORS["quiet"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": COLORS["ink"],
    "xtick.color": COLORS["quiet"],
    "ytick.color": COLORS["quiet"],
    "grid.color": COLORS["line"],
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.11,  # a letter more than Matplotlib measures, since the reader's font differs
    "figure.facecolor": "white",
    "axes.facecolor": "none",
}


class Look(NamedTuple):
    """Appearance of a model in all charts of a page.

    Attributes
    ----------
    rank : int
        Its number in the table, from 1.
    color : str
        Its color in files.
    marker : str
        Marker of Matplotlib.
    dashes : str or tuple
        Line style of Matplotlib.
    """

    rank: int
    color: str
    marker: str
    dashes: Any


def assign_looks(models: Iterable[str]) -> dict[str, Look]:
    """Looks of models by their names, in the order of a page."""
    return {
        name: Look(
            i + 1,
            COLORS[SERIES[i] if i < len(SERIES) else "ink"],
            _MARKERS[i % len(_MARKERS)],
            _DASHES[i % len(_DASHES)],
        )
        for i, name in enumerate(models)
    }


@contextmanager
def style(**changes: Any) -> Iterator[None]:
    """Style of all charts, as a context."""
    import matplotlib

    with matplotlib.rc_context({**_STYLE, **changes}), warnings.catch_warnings():
        # A model may have a name in any script; SVG keeps letters as text, which the reader's fonts show.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        yield


def shorten(name: str) -> str:
    """Name with its tail, which tells the variants of a network apart."""
    return name if len(name) <= 40 else f"{name[:17]}…{name[-22:]}"


def add_hover(points: Any, titles: Iterable[str]) -> None:
    """Add titles to the markers of a line, which `chart_rendering` writes into the SVG."""
    points.set_gid(HOVER + "|".join(title.replace("|", "¦") for title in titles))
