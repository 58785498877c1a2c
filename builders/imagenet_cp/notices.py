"""Notices to the user: one line on stderr, once, and not from worker processes."""

from __future__ import annotations

import functools
import multiprocessing

from .errors import one_line
from .text import echo


@functools.cache
def notice(message: str) -> None:
    """Write a line to stderr, the first time and in the parent process only."""
    if multiprocessing.parent_process() is None:
        echo(f"imagenet-cp: {one_line(message)}", err=True)
