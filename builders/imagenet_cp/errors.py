"""Errors that name a fault and the next step, and suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .text import join_first

#: End of messages about interrupted work.
RESUME_HINT = "Finished files stay; the same command resumes from there"
#: End of messages about an image that cannot be read.
SKIP_HINT = 'repair or remove it, or leave it out with on_error="skip", on the command line --on-error skip'


class _OneLine:
    """Message in one line that leaves a terminal as it is, whatever the names of files hold."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class UsageError(_OneLine, ValueError):
    """An option or argument has an invalid value, such as an unknown name; the command exits with status 2."""


class SourceError(_OneLine, ValueError):
    """A source of clean images, or one image of it, cannot be used; the message names it."""


class BuildError(_OneLine, RuntimeError):
    """A build cannot start or continue; the message names the cause and the next step."""


@contextmanager
def wrap_os_errors(place: Path) -> Iterator[None]:
    """Convert an operating system error into a BuildError that names the file, or else ``place``."""
    try:
        yield
    except OSError as error:
        raise BuildError(f"{error.filename or place}: {error.strerror or error}. {RESUME_HINT}") from error


def one_line(text: str) -> str:
    """Escape line breaks, control characters and surrogates, which names of files may hold."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def suggest(name: object, options: Iterable[str]) -> str:
    """Suggest the options most like ``name``, or else list the options, as the end of an error message."""
    names = list(options)
    return did_you_mean(name, names) or f"; known: {join_first(names, 24)}"


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """Suggest the options most like ``name``, as the end of an error message; empty if none is alike."""
    close = difflib.get_close_matches(str(name), list(dict.fromkeys(options)), cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""
