"""Locks of the folder of a build: one build at a time, or the shards of one build in parallel."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from ..errors import BuildError
from ..files import write_text
from .job_folder import STATE_DIR, Shard

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}


@dataclass(frozen=True)
class Claim:
    """Claim of one run to a folder, which its workers check: tasks of a cluster can outlive the run they belong to.

    Attributes
    ----------
    folder : Path
        Folder of the build.
    holder : Path
        File that names the run that holds the lock.
    text : str
        Its content during this run.
    """

    folder: Path
    holder: Path
    text: str

    @contextlib.contextmanager
    def check(self) -> Iterator[None]:
        """Keep all other runs from the folder for the moment of a change, if the claim still holds.

        Raises
        ------
        BuildError
            The run has ended, or the folder was deleted or is of another run.
        """
        with lock_record(self.folder):
            if not self.holds:
                raise _gone(self.folder)
            yield

    @property
    def holds(self) -> bool:
        """True until the run ends, the folder is deleted, or another run takes it."""
        try:
            return self.holder.read_text(encoding="utf-8") == self.text
        except OSError:
            return False


@contextlib.contextmanager
def lock_folder(folder: Path, shard: Shard) -> Iterator[Claim]:
    """Hold the lock of a shard, or of the whole build.

    Shards of one build may run in parallel. A whole build, the same shard twice, or shards with a different count
    exclude each other.

    Yields
    ------
    Claim
        For the workers.

    Raises
    ------
    BuildError
        Another process holds the lock, or the file system has no locks.
    """
    own = f"lock-{shard.index}-of-{shard.count}" if shard.count > 1 else "lock"
    with contextlib.ExitStack() as stack:
        with lock_record(folder):  # only one process at a time takes locks, so checking them is safe
            stack.enter_context(_lock(folder, own))
            process = f"process {os.getpid()} on {platform.node()}\n"
            claim = Claim(folder, _holder(folder, own), f"{process}{secrets.token_hex(8)}\n")
            write_text(claim.holder, claim.text)
            stack.callback(_release, claim)
            for other in sorted((folder / STATE_DIR).glob("lock*.holder")):
                if other != claim.holder and not other.stem.endswith(f"-of-{shard.count}"):
                    with _lock(folder, other.stem):
                        other.unlink(missing_ok=True)  # its process was killed
        yield claim


def _release(claim: Claim) -> None:
    if claim.holds:
        claim.holder.unlink(missing_ok=True)


def _gone(folder: Path) -> BuildError:
    return BuildError(
        f"{folder}: was deleted, or is of another build by now, so this one stops; start it again where it is wanted"
    )


@contextlib.contextmanager
def lock_record(folder: Path) -> Iterator[None]:
    """Wait for and hold the lock of the files that all shards write."""
    with _lock(folder, "lock-record", timeout=-1):
        yield


def _holder(folder: Path, name: str) -> Path:
    return folder / STATE_DIR / f"{name}.holder"


@contextlib.contextmanager
def _lock(folder: Path, name: str, timeout: float = 0) -> Iterator[None]:
    if not (folder / STATE_DIR).is_dir():  # a lock would create it again
        raise _gone(folder)
    lock = FileLock(folder / STATE_DIR / name, timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        holder = "another process"
        with contextlib.suppress(OSError):
            holder = _holder(folder, name).read_text(encoding="utf-8").partition("\n")[0] or holder
        # A file that merely marks the lock, where the system has no locks, can outlive its process.
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
