"""Progress bars with rate and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import typer
from tqdm import tqdm


@contextmanager
def bar(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to be told how many are done and of how many; it shows a bar from its first call on."""
    with ExitStack() as stack:
        shown: list[tqdm] = []

        def progress(done: int, total: int) -> None:
            if not shown:
                shown.append(
                    stack.enter_context(tqdm(desc=title, unit=unit, total=total, dynamic_ncols=True))
                )
            shown[0].update(done - shown[0].n)
            if done == total:
                shown[0].close()

        yield progress


@contextmanager
def bars(unit: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function to be told a title, how many are done and of how many; each title has a bar of its own."""
    with ExitStack() as stack:
        title: str | None = None
        shown: Callable[[int, int], None]

        def progress(of: str, done: int, total: int) -> None:
            nonlocal title, shown
            if of != title:
                stack.close()
                title, shown = of, stack.enter_context(bar(of, unit))
            shown(done, total)

        yield progress


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a command with a line that says how to go on, and with status 130."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            "imagenet-cp: interrupted; what is finished is kept, the same command goes on from there",
            err=True,
        )
        raise typer.Exit(130) from None
