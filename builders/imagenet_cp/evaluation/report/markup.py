"""HTML in which text from outside can only ever be text."""

from __future__ import annotations

from html import escape

_VOID = ("img", "link", "meta")


class Html(str):
    """Text that is HTML already; any other is escaped where it goes into an element."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: str | None) -> Html:
    """Return an HTML element.

    Parameters
    ----------
    tag : str
        Its name.
    *children : str or None
        `Html` is taken as it is, other text is escaped, None is left out.
    **attributes : str or None
        Escaped; None is left out. A ``_`` at the end is dropped (``class_``), others become ``-``.
    """
    inside = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{inside}>")
    return Html(f"<{tag}{inside}>{together(*children)}</{tag}>")


def together(*children: str | None) -> Html:
    """Return several pieces one after the other, escaped like an element's."""
    return Html(
        "".join(
            child if isinstance(child, Html) else escape(child) for child in children if child is not None
        )
    )
