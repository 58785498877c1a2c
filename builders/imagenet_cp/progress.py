"""Progress of long work: how functions report it, and its display on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from tqdm import tqdm

from .errors import RESUME_HINT
from .text import echo

#: Called with a title, such as ``"building images"``, the number of steps done and their total.
Progress = Callable[[str, int, int], None]

#: Titles of work that is counted in images, whose rate is shown.
_OF_IMAGES = ("building images", "evaluating")
#: Titles of work whose steps take unlike times: the first of them tell nothing of the time left.
_UNEVEN = ("compiling kernels",)
#: Seconds between two lines where standard error is no terminal.
_INTERVAL = 30


def silent(title: str, done: int, total: int) -> None:
    """Ignore progress."""


def resumed(progress: Progress, title: str, before: int) -> Progress:
    """Progress of resumed work: steps that earlier runs finished count as done and in the total of ``title``."""

    def report(name: str, done: int, total: int) -> None:
        progress(name, *((done + before, total + before) if name == title else (done, total)))

    return report


@contextmanager
def show_progress(quiet: bool = False) -> Iterator[Progress]:
    """Display of progress on standard error: bars in a terminal, else a line every half minute; nothing if quiet."""
    if quiet:
        yield silent
        return
    if not sys.stderr.isatty():
        yield Lines()
        return
    bars = Bars()
    try:
        yield bars
    finally:
        bars.close()


class Bars:
    """Progress bars with rate and time left, one for each title."""

    def __init__(self) -> None:
        self._title = ""
        self._bar: tqdm | None = None

    def __call__(self, title: str, done: int, total: int) -> None:
        if title != self._title and total:
            self.close()
            self._title, self._bar = (
                title,
                tqdm(
                    desc=title,
                    total=total,
                    initial=done,  # not a part of the rate
                    unit=" images" if title in _OF_IMAGES else "",
                    dynamic_ncols=True,
                    bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}]" if title in _UNEVEN else None,
                ),
            )
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
            if done >= total:
                self.close()

    def close(self) -> None:
        """End the line of the current bar."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None


class Lines:
    """Progress as a line of text every half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._title = ""
        self._printed = clock()
        self._begin = (0, 0.0)

    def __call__(self, title: str, done: int, total: int) -> None:
        now = self._clock()
        if title != self._title:
            self._title, self._begin = title, (done, now)
        if now - self._printed < _INTERVAL or not total:
            return
        self._printed = now
        first, begin = self._begin
        left = ""
        if first < done < total and title not in _UNEVEN:
            rate = (done - first) / (now - begin)
            left = f", {rate:,.{0 if rate >= 10 else 1}f} images/s" if title in _OF_IMAGES else ""
            left += f", {tqdm.format_interval((total - done) / rate)} left"
        echo(f"{title}: {done:,} of {total:,}{left}", err=True)


@contextmanager
def interruptible(hint: str = RESUME_HINT) -> Iterator[None]:
    """Turn Ctrl-C into one line, which ends in how to resume, and exit status 130."""
    try:
        yield
    except KeyboardInterrupt:
        echo(f"imagenet-cp: interrupted. {hint}".rstrip(". "), err=True)
        raise typer.Exit(130) from None
