"""Atomic writes of files: they appear complete or not at all."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any


def temporary_path(path: Path) -> Path:
    """Generate a name beside a file, for its content until it is complete."""
    # Two machines may write one file at once, for example when Dask replaces a slow worker.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def check_writable(path: Path) -> None:
    """Raise OSError if a file cannot be written, without changing it."""
    exists = path.exists()
    with open(path, "ab"):
        pass
    if not exists:
        path.unlink()


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file atomically."""
    temporary = temporary_path(path)
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write text to a file atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")
