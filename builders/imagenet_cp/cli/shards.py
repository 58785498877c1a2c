"""Option ``--shard``."""

from __future__ import annotations

import typer

from ..jobs.folder import Shard


def parse_shard(text: str) -> Shard:
    """Parse ``"i/n"``.

    Raises
    ------
    typer.BadParameter
        It is none.
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise typer.BadParameter(
            f"it is i/n with i from 1 to n, such as 2/8, not {text!r}", param_hint="--shard"
        )
    return Shard(int(index), int(count))
