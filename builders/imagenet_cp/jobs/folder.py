"""Folder of a job: its record and its shards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError

#: Subfolder for the records of finished units and the locks.
STATE_DIR = ".imagenet_cp"
#: Record of a build: its identity and, once finished, the versions of libraries and the checksum of every file.
RECORD_FILE = "build.json"


@dataclass(frozen=True)
class Shard:
    """Part of a build for one of several machines: every ``count``-th slice, starting at ``index`` (1 to count)."""

    index: int = 1
    count: int = 1

    def has(self, index: int) -> bool:
        """Test if the slice of this index belongs to the shard."""
        return index % self.count == self.index - 1


def read_record(folder: Path) -> dict[str, Any]:
    """Read the record of a build; empty if the folder holds none.

    Raises
    ------
    BuildError
        The record is damaged.
    """
    record = folder / RECORD_FILE
    if not record.is_file():
        return {}
    try:
        stored: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return {**stored, "identity": dict(stored["identity"])}
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{record}: damaged; delete it, and the same command writes it again") from None
