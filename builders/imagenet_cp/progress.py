"""Progress bars with rate and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

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

        yield progress
