"""Numbers in messages and cards, lists in options, and long messages on narrow terminals."""

from __future__ import annotations

import shutil
import textwrap
from typing import IO


def count(number: int, noun: str) -> str:
    """Format a number of things, such as ``"1 file"`` or ``"1,200 files"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Format a time in seconds, minutes or hours, such as ``"45 s"``, ``"12 min"`` or ``"7.5 h"``."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:,.1f} h"


def amount(size: int) -> str:
    """Format a number of bytes."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def fit(text: str, stream: IO[str]) -> str:
    """Wrap the lines of a message at the width of the terminal, between words; unchanged if there is no terminal."""
    if not stream.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 40)
    return "\n".join(
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def split_names(text: str) -> list[str]:
    """Names in a list with commas, such as ``"fog_3, snow"``."""
    return [name.strip() for name in text.split(",") if name.strip()]
