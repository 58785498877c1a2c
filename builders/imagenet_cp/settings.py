"""What is remembered between runs: the folder of clean images."""

from __future__ import annotations

import json
import os
from pathlib import Path

VARIABLE = "IMAGENET_CP_SOURCE"


def _file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "imagenet-cp" / "settings.json"


def remember_source(source: str) -> Path:
    """Make ``source`` the default from now on, and return the file that says so."""
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"source": source}) + "\n", encoding="utf-8")
    return file


def default_source() -> str | None:
    """Return the environment variable's source, else the remembered one, else None."""
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    try:
        return str(json.loads(_file().read_text(encoding="utf-8"))["source"])
    except (OSError, ValueError, KeyError):
        return None
