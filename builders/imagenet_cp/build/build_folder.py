"""The folder of a build: its lock and identity, and stray files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..files import write_json
from ..jobs.job_folder import RECORD_FILE, STATE_DIR, Shard, differences, read_record
from ..jobs.locks import Claim, lock_folder, lock_record


@contextlib.contextmanager
def lock_build(folder: Path, identity: dict[str, Any], shard: Shard) -> Iterator[Claim]:
    """Lock a folder that is new or empty or holds a build of the same identity.

    Yields
    ------
    Claim
        For the workers that write to the folder.

    Raises
    ------
    BuildError
        The folder holds other files or another build, cannot be written, or is in use.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            names = sorted(path.name for path in folder.iterdir())
            if STATE_DIR not in names and not _is_bare(folder):
                raise BuildError(
                    f"{folder}: holds something else ({', '.join(names[:3])}); choose a new folder with --out"
                )
            (folder / STATE_DIR / "units").mkdir(parents=True, exist_ok=True)
            claim = stack.enter_context(lock_folder(folder, shard))
            with lock_record(folder):
                stored = read_record(folder).get("identity")
                if shard.count == 1 and _holds_nothing(folder):
                    stored = None
                if stored is None:
                    write_json(folder / RECORD_FILE, {"identity": identity})
        except (FileExistsError, NotADirectoryError):
            raise BuildError(f"{folder}: is a file; choose a folder with --out") from None
        except OSError as error:
            raise BuildError(
                f"{folder}: cannot be written ({error.strerror}); choose another with --out"
            ) from None
        if stored is not None:
            different = differences(stored, identity)
            if different:
                raise BuildError(
                    f"{folder}: holds a build with {different}. The two cannot be mixed: choose another folder with "
                    "--out, or delete this one"
                )
        yield claim


def _holds_nothing(folder: Path) -> bool:
    """Test if a build stopped before it finished its first file."""
    units = folder / STATE_DIR / "units"
    return not any(units.glob("*.json")) and not any(path.is_file() for path in (folder / "data").rglob("*"))


def _is_bare(folder: Path) -> bool:
    """Test if a folder holds only unfinished files, as when it was deleted during a build."""
    return all(path.is_dir() or (path.name[0] == "." and path.suffix == ".tmp") for path in folder.rglob("*"))


def unexpected_files(folder: Path, known: set[str]) -> list[str]:
    """List files among the data that do not belong to the build."""
    files = (
        path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if not path.is_dir()
    )
    return sorted(path for path in files if path not in known and not path.endswith(".tmp"))
