"""Text files of one name a line."""

from __future__ import annotations

from pathlib import Path

from ..errors import SourceError
from .base import reading

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
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise SourceError(f"{file}: names no {what}; write one a line")
    for line in lines:
        if not line.isprintable():
            raise SourceError(
                f"{file}: the {what} {line!r} holds characters that cannot be stored; remove them"
            )
    return lines
