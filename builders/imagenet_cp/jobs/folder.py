"""The folder that units write to: its identity, its state and its locks."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ..errors import BuildError
from ..files import write_json

#: Subfolder for the records of finished units and the locks.
STATE_DIR = ".imagenet_cp"
#: What a finished build says of itself: its identity, the versions of libraries, and every file's digest.
RECORD_FILE = "build.json"


@dataclass(frozen=True)
class Shard:
    """The part of a build that one of several machines makes: every ``count``-th slice, from ``index`` (1 to count)."""

    index: int = 1
    count: int = 1

    def has(self, index: int) -> bool:
        """Whether the slice of this index is of this shard."""
        return index % self.count == self.index - 1


def read_record(folder: Path) -> dict[str, Any]:
    """Return what the folder says of itself, empty where it holds no build.

    Raises
    ------
    BuildError
        Its record is damaged.
    """
    record = folder / RECORD_FILE
    if not record.is_file():
        return {}
    try:
        stored: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return {**stored, "identity": dict(stored["identity"])}
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{record}: damaged; delete it, and the same command writes it anew") from None


@contextlib.contextmanager
def lock_build(folder: Path, identity: dict[str, Any], shard: Shard) -> Iterator[None]:
    """Work in a folder that is new or empty or holds this very build, alone.

    Raises
    ------
    BuildError
        The folder holds something else or another build, cannot be written, or is in use.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            others = sorted(path.name for path in folder.iterdir())
            if others and STATE_DIR not in others:
                raise BuildError(
                    f"{folder}: holds something else ({', '.join(others[:3])}); choose a new folder with --out"
                )
            (folder / STATE_DIR / "units").mkdir(parents=True, exist_ok=True)
            # Shards work side by side; a build of everything, two of the same shard, or of other shards, do not.
            _lock(stack, folder, "lock", fcntl.LOCK_SH if shard.count > 1 else fcntl.LOCK_EX)
            if shard.count > 1:
                _lock(stack, folder, f"lock-{shard.index}-of-{shard.count}", fcntl.LOCK_EX)
                _no_other_shards(folder, shard)
            with lock_record(folder):
                before = read_record(folder).get("identity")
                if before is None:
                    write_json(folder / RECORD_FILE, {"identity": identity})
        except (FileExistsError, NotADirectoryError):
            raise BuildError(f"{folder}: is a file; choose a folder with --out") from None
        except OSError as error:
            raise BuildError(
                f"{folder}: cannot be written ({error.strerror}); choose another with --out"
            ) from None
        different = [name for name in identity if before is not None and before.get(name) != identity[name]]
        if before is not None and different:
            said = "; ".join(f"{name} {before.get(name)!r}, not {identity[name]!r}" for name in different)
            raise BuildError(
                f"{folder}: holds a build with {said}. The two cannot be mixed: choose another folder with --out, "
                "or delete this one"
            )
        yield


def _lock(stack: contextlib.ExitStack, folder: Path, name: str, how: int) -> None:
    lock: TextIO = stack.enter_context(open(folder / STATE_DIR / name, "a+", encoding="utf-8"))  # noqa: SIM115
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise BuildError(f"{folder}: is being built by {lock.read().strip() or 'another process'}") from None
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {platform.node()}\n")
    lock.flush()


def _no_other_shards(folder: Path, shard: Shard) -> None:
    with contextlib.ExitStack() as briefly:
        for lock in (folder / STATE_DIR).glob("lock-*-of-*"):
            if not lock.name.endswith(f"-of-{shard.count}"):
                _lock(briefly, folder, lock.name, fcntl.LOCK_EX)


@contextlib.contextmanager
def lock_record(folder: Path) -> Iterator[None]:
    """Wait until no other shard writes the files that all shards write, and keep others from it."""
    with open(folder / STATE_DIR / "lock-record", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
