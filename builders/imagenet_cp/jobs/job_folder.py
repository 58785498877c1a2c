"""Folder of a job: its record and its shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..files import read_json

#: Subfolder for the records of finished units and the locks.
STATE_DIR = ".imagenet_cp"
#: Record of a build: its identity and, once finished, the versions of libraries and the checksum of every file.
RECORD_FILE = "build.json"

#: What has to agree for the files of two builds to be the same.
IDENTITY = {"signature": str, "source": str, "images": int, "images_per_file": int, "columns?": str}
#: Relative path of a file -> its record.
FILES = {str: {"rows": int, "size": int, "sha256": str}}
_RECORD = {"identity": IDENTITY, "versions?": {str: str}, "skipped?": {str: str}, "files?": FILES}


@dataclass(frozen=True)
class Shard:
    """Part of a build for one of several machines: every ``count``-th slice, starting at ``index`` (1 to count)."""

    index: int = 1
    count: int = 1

    def has(self, index: int) -> bool:
        """Test if the slice of this index belongs to the shard."""
        return index % self.count == self.index - 1


def differences(stored: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    """Describe how the identity of another build differs; empty if it does not."""
    return "; ".join(
        f"{name} {stored.get(name)!r}, not {value!r}"
        for name, value in {**dict.fromkeys(stored), **identity}.items()
        if stored.get(name) != value
    )


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
        stored: dict[str, Any] = read_json(record, _RECORD)
    except ValueError as error:
        raise BuildError(
            f"{record}: damaged ({error}); delete it, and the same build command writes it again"
        ) from None
    return stored
