"""Locks of the folder of a build: one build at a time, or the shards of one build in parallel."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from ..errors import BuildError
from .folder import STATE_DIR, Shard

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextlib.contextmanager
def lock_folder(folder: Path, shard: Shard) -> Iterator[None]:
    """Hold the lock of a shard, or of the whole build.

    Shards of one build may run in parallel. A whole build, the same shard twice, or shards with a different count
    exclude each other.

    Raises
    ------
    BuildError
        Another process holds the lock, or the file system has no locks.
    """
    own = f"lock-{shard.index}-of-{shard.count}" if shard.count > 1 else "lock"
    with contextlib.ExitStack() as stack:
        with lock_record(folder):  # only one process at a time takes locks, so checking them is safe
            stack.enter_context(_lock(folder, own))
            holder = _holder(folder, own)
            holder.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
            stack.callback(holder.unlink, missing_ok=True)
            for other in sorted((folder / STATE_DIR).glob("lock*.holder")):
                if other != holder and not (shard.count > 1 and other.stem.endswith(f"-of-{shard.count}")):
                    with _lock(folder, other.stem):
                        other.unlink(missing_ok=True)  # its process was killed
        yield


@contextlib.contextmanager
def lock_record(folder: Path) -> Iterator[None]:
    """Wait for and hold the lock of the files that all shards write."""
    with _lock(folder, "lock-record", timeout=-1):
        yield


def _holder(folder: Path, name: str) -> Path:
    return folder / STATE_DIR / f"{name}.holder"


@contextlib.contextmanager
def _lock(folder: Path, name: str, timeout: float = 0) -> Iterator[None]:
    lock = FileLock(folder / STATE_DIR / name, timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        holder = "another process"
        with contextlib.suppress(OSError):
            holder = _holder(folder, name).read_text(encoding="utf-8").strip() or holder
        # On systems without locks the file only marks the lock, and can outlive its process.
        stale = f"; if that has ended, delete {lock.lock_file}" if isinstance(lock, SoftFileLock) else ""
        raise BuildError(f"{folder}: is being built by {holder}{stale}") from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        raise BuildError(
            f"{folder}: its file system cannot lock files, so two builds could write to it at once; choose a folder on "
            "another disk with --out, and move it when the build is finished"
        ) from None
    try:
        yield
    finally:
        lock.release()
