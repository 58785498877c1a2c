"""Numbers in messages and cards, lists in options, tables as CSV, and long messages on narrow terminals."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable
from typing import IO


def count(number: int, noun: str) -> str:
    """Format a number of things, such as ``"1 file"`` or ``"1,200 files"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def join_first(names: Collection[str], number: int) -> str:
    """Join the first names with commas, and an ellipsis if there are more."""
    return ", ".join([*itertools.islice(names, number), *["..."] * (len(names) > number)])


def duration(seconds: float) -> str:
    """Format a time in seconds, minutes or hours, such as ``"45 s"``, ``"12 min"`` or ``"7.5 h"``."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:,.1f} h"


def amount(size: int) -> str:
    """Format a number of bytes."""
    if size < 1e5:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def fit(text: str, stream: IO[str]) -> str:
    """Wrap the lines of a message at the width of the terminal or of ``COLUMNS``; unchanged if there is neither.

    Lines break between words, and words that are longer than a line, such as signatures and paths, at ``|`` and ``/``.
    """
    if not (stream.isatty() or os.environ.get("COLUMNS")):
        return text
    width = max(shutil.get_terminal_size().columns, 40)
    return "\n".join(line if len(line) <= width else _wrap(line, width) for line in text.split("\n"))


def _wrap(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    lines = [indent]
    for word in line.split():
        long = len(indent) + len(word) > width
        for place, part in enumerate(re.split(r"(?<=[|/])", word) if long else [word]):
            gap = " " if place == 0 and lines[-1] != indent else ""
            if lines[-1] != indent and len(lines[-1] + gap + part) > width:
                lines.append(indent)
                gap = ""
            lines[-1] += gap + part
    return "\n".join(lines)


def echo(text: str, err: bool = False) -> None:
    """Print a message, to standard error if ``err``, with its lines wrapped as by `fit`."""
    stream = sys.stderr if err else sys.stdout
    print(fit(text, stream), file=stream, flush=True)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Format rows as CSV."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def split_names(text: str) -> list[str]:
    """Names in a list with commas, such as ``"fog_3, snow"``."""
    return [name.strip() for name in text.split(",") if name.strip()]
