"""Text files of one name a line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import SourceError
from .source import reading

#: Largest file that is read as a list.
_MAX_BYTES = 1 << 26


def read_lines(file: Path, what: str) -> list[str]:
    """Read a file of one name a line, without empty lines and those that begin with ``#``.

    Parameters
    ----------
    file : Path
        Text file in UTF-8.
    what : str
        What a line names, in errors: ``"class"`` or ``"image"``.

    Raises
    ------
    SourceError
        It cannot be read, is no text, or names nothing.
    """
    with reading(file):
        if file.stat().st_size > _MAX_BYTES:
            raise SourceError(f"{file}: too large for a list; name a text file of one {what} a line")
        data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{file}: not a text file in UTF-8; write one {what} a line") from None
    return clean_lines(text.splitlines(), str(file), what)


def clean_lines(lines: Iterable[str], place: str, what: str) -> list[str]:
    """Strip lines, without empty ones and those that begin with ``#``.

    Raises
    ------
    SourceError
        No line is left, or one cannot be stored.
    """
    lines = [line.strip() for line in lines]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise SourceError(f"{place}: names no {what}; write one a line")
    for line in lines:
        if not line.isprintable():
            raise SourceError(
                f"{place}: the {what} {line!r} holds characters that cannot be stored; remove them"
            )
    return lines
