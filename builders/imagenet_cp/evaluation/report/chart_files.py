"""Charts as files, and as SVG elements of a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from .charts import COLORS, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render(figure: Figure, form: str, name: str, background: str = "white") -> bytes:
    """Render a figure as a file, ``"svg"`` or ``"png"``; the bytes are the same every time."""
    stream = io.BytesIO()
    with style(**{"svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(stream, format=form, dpi=200, metadata=metadata, facecolor=background)
    return stream.getvalue()


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
