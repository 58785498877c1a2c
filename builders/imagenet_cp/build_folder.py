"""The folder of a build: which build it is, what is finished in it, and that nobody else is at work there."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from .errors import BuildError
from .parquet import Written, write_json
from .units import PRIVATE, Finished

#: What a finished build says of itself: its identity, the versions of libraries, and every file's digest.
RECORD = "build.json"
#: In the names of files and records, even temporary ones, the index of the slice.
_INDEX = re.compile(r"\.(?:validation-)?(\d{5})-")


@dataclass(frozen=True)
class Shard:
    """The part of a build that one of several machines makes: every ``count``-th slice, from ``index`` (1 to count)."""

    index: int = 1
    count: int = 1

    def has(self, index: int) -> bool:
        """Whether the slice of this index is of this shard."""
        return index % self.count == self.index - 1


def recorded(folder: Path) -> dict[str, Any]:
    """Return what the folder says of itself, empty where it holds no build.

    Raises
    ------
    BuildError
        Its record is damaged.
    """
    record = folder / RECORD
    if not record.is_file():
        return {}
    try:
        stored: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return {**stored, "identity": dict(stored["identity"])}
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{record}: damaged; delete it, and the same command writes it anew") from None


@contextlib.contextmanager
def at_work(folder: Path, identity: dict[str, Any], shard: Shard) -> Iterator[None]:
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
            if others and PRIVATE not in others:
                raise BuildError(
                    f"{folder}: holds something else ({', '.join(others[:3])}); choose a new folder with --out"
                )
            (folder / PRIVATE / "units").mkdir(parents=True, exist_ok=True)
            # Shards work side by side; a build of everything, two of the same shard, or of other shards, do not.
            _lock(stack, folder, "lock", fcntl.LOCK_SH if shard.count > 1 else fcntl.LOCK_EX)
            if shard.count > 1:
                _lock(stack, folder, f"lock-{shard.index}-of-{shard.count}", fcntl.LOCK_EX)
                _no_other_shards(folder, shard)
            with one_at_a_time(folder):
                before = recorded(folder).get("identity")
                if before is None:
                    write_json(folder / RECORD, {"identity": identity})
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
    lock: TextIO = stack.enter_context(open(folder / PRIVATE / name, "a+", encoding="utf-8"))  # noqa: SIM115
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
        for lock in (folder / PRIVATE).glob("lock-*-of-*"):
            if not lock.name.endswith(f"-of-{shard.count}"):
                _lock(briefly, folder, lock.name, fcntl.LOCK_EX)


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other shard writes the files that all shards write, and keep others from it."""
    with open(folder / PRIVATE / "lock-record", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def finished_units(folder: Path) -> list[Finished]:
    """Read the records of all finished units, the latest last; one that is damaged counts as none."""
    found = []
    records = (folder / PRIVATE / "units").glob("*.json")
    for record in sorted(records, key=lambda path: (path.stat().st_mtime_ns, path.name)):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            found.append(Finished.read(record))
    return found


def remove_leftovers(folder: Path, shard: Shard) -> None:
    """Delete what a killed process left of a shard: files under a temporary name."""
    for place in (folder / PRIVATE / "units", *(folder / "data").glob("*")):
        for temporary in place.glob(".*.tmp"):
            index = _INDEX.match(temporary.name)
            if index and shard.has(int(index[1])):
                temporary.unlink(missing_ok=True)
    with one_at_a_time(folder):
        for temporary in folder.glob(".*.tmp"):
            temporary.unlink(missing_ok=True)


def strangers(folder: Path, known: set[str]) -> list[str]:
    """Return the files among the data that this build neither made nor will make."""
    files = (
        path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if not path.is_dir()
    )
    return sorted(path for path in files if path not in known and not path.endswith(".tmp"))


def damaged(
    folder: Path, files: dict[str, Written], threads: int, progress: Callable[[int, int], None]
) -> dict[str, str]:
    """Compare files with their records to the last byte.

    Parameters
    ----------
    folder : Path
        Of the build.
    files : dict
        Relative path -> what should be in it.
    threads : int
        How many files to read at once.
    progress : callable
        Told the files done and in all.

    Returns
    -------
    dict
        Relative path -> what is wrong with it, of those that are not as recorded.
    """
    wrong = {}
    with ThreadPoolExecutor(threads) as pool:
        checked = pool.map(lambda path: fault_of(folder / path, files[path]), files)
        for done, (path, fault) in enumerate(zip(files, checked, strict=True), start=1):
            if fault:
                wrong[path] = fault
            progress(done, len(files))
    return wrong


def fault_of(path: Path, written: Written) -> str | None:
    """Return what is wrong with one file, or None."""
    if not path.is_file():
        return "missing"
    if path.stat().st_size != written.size:
        return f"{path.stat().st_size} bytes, not {written.size} as recorded"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return None if digest.hexdigest() == written.sha256 else "its content is not what was recorded"
