"""Charts as files, and as drawings in a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from .charts import COLOURS, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(figure: Figure, form: str, name: str, ground: str = "white") -> bytes:
    """Return a figure as a file, ``"svg"`` or ``"png"``; the same bytes every time."""
    stream = io.BytesIO()
    with drawing(**{"svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(stream, format=form, dpi=200, metadata=metadata, facecolor=ground)
    return stream.getvalue()


def inline(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an SVG element for a page.

    Its colours are the page's CSS variables, its letters the page's, and its ids begin with ``name``, so that several
    can be in one page.
    """
    text = picture(figure, "svg", name, ground="none").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"(font(?:-family)?:[^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1sans-serif", text)
    for colour, value in COLOURS.items():
        text = text.replace(value, f"var(--{colour})")
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    return f'<svg {box[0]} role="img" aria-label="{label}" xmlns:xlink="http://www.w3.org/1999/xlink">{body.strip()}'
