"""Notices to the user: one line on stderr, once, and not from worker processes."""

from __future__ import annotations

import functools
import multiprocessing
import sys

from .errors import one_line


@functools.cache
def notice(message: str) -> None:
    """Write a line to stderr, the first time and in the parent process only."""
    if multiprocessing.parent_process() is None:
        sys.stderr.write(f"imagenet-cp: {one_line(message)}\n")
