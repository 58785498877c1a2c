"""Errors a user can act on, and the hint of the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: The end of messages about work that was stopped.
RESUME_HINT = "What is finished is kept; the same command goes on from there"


class SourceError(ValueError):
    """A source of clean images, or one image of it, cannot be used; the message names it."""


class BuildError(RuntimeError):
    """A build cannot start or go on; the message says what is in the way and how to get on."""


#: The end of a message about one image that cannot be read.
SKIP_HINT = 'mend or remove it, or go on without it: on_error="skip", on the command line --on-error skip'


@contextmanager
def wrap_os_errors(place: Path) -> Iterator[None]:
    """Turn an error of the disk into one that names the file, or else the place, and says how to get on."""
    try:
        yield
    except OSError as error:
        raise BuildError(
            f"{error.filename or place}: {error.strerror or error}. {RESUME_HINT} when this is mended"
        ) from error


def suggest(name: object, known: Iterable[str]) -> str:
    """Return the end of an error message that names the nearest known names, or all of a short list."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; known: {', '.join(names[:24])}{', ...' if len(names) > 24 else ''}"
