"""Charts as files, and as SVG elements of a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from .style import COLORS, HOVER, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Group of a line, up to the group that follows.
_LINE = re.compile(rf'<g id="{HOVER}([^"]*)">(.*?\n  +</g>\n  +</g>)', re.DOTALL)


def render(figure: Figure, form: str, name: str, background: str = "white") -> bytes:
    """Render a figure as a file, ``"svg"`` or ``"png"``; the bytes are the same every time."""
    stream = io.BytesIO()
    with style(**{"svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(stream, format=form, dpi=200, metadata=metadata, facecolor=background)
    if form == "svg":
        return _LINE.sub(_add_titles, stream.getvalue().decode()).encode()
    return stream.getvalue()


def _add_titles(line: re.Match[str]) -> str:
    """Titles of the markers of a line, which a browser shows on hover, in place of its id."""
    titles = iter(line[1].split("|"))
    markers = re.sub(r"(<use [^>]*)/>", lambda use: f"{use[1]}><title>{next(titles)}</title></use>", line[2])
    return f"<g>{markers}"


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """Render a figure as an SVG element for a page.

    Colors become the page's CSS variables, letters take the page's font, and ids get the prefix ``name``, so that a
    page can hold several.
    """
    text = render(figure, "svg", name, background="none").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"(font(?:-family)?:[^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1sans-serif", text)
    for color, value in COLORS.items():
        text = text.replace(value, f"var(--{color})")
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    return f'<svg {box[0]} role="img" aria-label="{label}" xmlns:xlink="http://www.w3.org/1999/xlink">{body.strip()}'
