"""Settings that last between runs: the default source of clean images."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .errors import BuildError

#: Environment variable that names the default source.
VARIABLE = "IMAGENET_CP_SOURCE"


def _file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return Path(home) / "imagenet-cp" / "settings.json"


def remember_source(source: str) -> Path:
    """Store ``source`` as the default source, and return the file that holds it.

    Raises
    ------
    BuildError
        The file cannot be written; the message names the environment variable.
    """
    try:
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"source": source}) + "\n", encoding="utf-8")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        where = getattr(error, "filename", None)
        cause = f"{where}: {error.strerror}" if where and isinstance(error, OSError) else str(error)
        raise BuildError(
            f"the settings cannot be stored ({cause}); type  export {VARIABLE}={source!r}  instead"
        ) from error
    return file


def default_source() -> str | None:
    """Source named by the environment variable, else the stored one, else None."""
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    try:
        return str(json.loads(_file().read_text(encoding="utf-8"))["source"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None
