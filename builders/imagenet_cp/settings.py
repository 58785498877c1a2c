"""Settings that last between runs: the default source of clean images."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import BuildError
from .files import read_json, write_json

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
        write_json(file, {"source": source})
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        where = getattr(error, "filename", None)
        cause = f"{where}: {error.strerror}" if where and isinstance(error, OSError) else str(error)
        raise BuildError(
            f"the settings cannot be stored ({cause}); type  export {VARIABLE}={source!r}  instead"
        ) from error
    return file


def default_source() -> str | None:
    """Source named by the environment variable, else the stored one, else None.

    Raises
    ------
    BuildError
        The file that holds it is damaged.
    """
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    try:
        file = _file()
        return str(read_json(file, {"source": str})["source"])
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    except ValueError as error:
        raise BuildError(f"{file}: damaged ({error}); `imagenet-cp use FOLDER` writes it again") from None
