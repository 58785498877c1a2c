"""Option ``--shard``."""

from __future__ import annotations

from ..errors import UsageError
from ..jobs.job_folder import Shard


def parse_shard(text: str) -> Shard:
    """Parse ``"i/n"``.

    Raises
    ------
    UsageError
        It is none.
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise UsageError(f"--shard is i/n with i from 1 to n, such as 2/8, not {text!r}")
    return Shard(int(index), int(count))
