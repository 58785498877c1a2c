"""Check of the options that take paths."""

from __future__ import annotations

from typing import Any

from ..files import local_path


def check_local(value: Any) -> Any:
    """Refuse URLs in an option or argument that takes a local path or several, before anything is read."""
    for path in value if isinstance(value, list) else [value]:
        if path is not None:
            local_path(path)
    return value
