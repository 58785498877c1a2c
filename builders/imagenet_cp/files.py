"""Local paths, checksums, JSON files with a schema, and atomic writes: files appear complete or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from .errors import BuildError, UsageError

#: Beginning of a URL, also of one with a slash lost in a Path; a drive of Windows has one letter.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
#: Bytes at the beginning and at the end of a file in which its mark is.
_EDGE = 4096


def local_path(path: str | os.PathLike[str]) -> Path:
    """Path of a local file or folder, with ``~`` expanded.

    Raises
    ------
    UsageError
        It is a URL.
    """
    text = os.fspath(path)
    url = _URL.match(text)
    if url is None:
        return Path(text).expanduser()
    rest = text[url.end() :]
    hint = {"file": f"write /{rest}", "hf": "a data set on the Hub is named user/name"}.get(
        url[1].lower(), "work in a local folder, and copy between the two with the tools of that store"
    )
    raise UsageError(f"{url[1]}://{rest}: is a URL, not a local path; {hint}")


def check_replaceable(path: Path, mark: str) -> None:
    """Refuse to replace a file that this package did not write.

    Parameters
    ----------
    path : Path
        The file, which may not exist.
    mark : str
        Text near the beginning or the end of the files of its kind that this package writes.

    Raises
    ------
    BuildError
        It exists and has no such mark, or is a folder.
    """
    if path.is_dir():
        raise BuildError(f"{path}: is a folder; choose another output, or move it away")
    if not path.is_file():
        return
    with open(path, "rb") as file:
        begin = file.read(_EDGE)
        file.seek(max(0, path.stat().st_size - _EDGE))
        if mark.encode() not in begin and mark.encode() not in file.read():
            raise BuildError(
                f"{path}: exists, and is none that this command writes; choose another output, or move it away"
            )


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


def read_json(path: Path, schema: Any) -> Any:
    """Read a JSON file and check it against a schema; names that the schema does not have are left out.

    Parameters
    ----------
    path : Path
        The file.
    schema : type, list or dict
        ``str``, ``int`` for a number that is not negative, ``[schema, ...]`` for a list of this length, or a dict: of
        names, where a ``?`` at the end marks those that may be missing, or of the key ``str``, for values under any
        names.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is not JSON, a name is missing, or a value is of another type; the message says which.
    """
    return _checked(parse_json(path.read_bytes()), schema, "")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; ValueError if it is none, or nested too deeply."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def _checked(value: Any, schema: Any, place: str) -> Any:
    at = f" at {place}" if place else ""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            raise ValueError(f"no object{at}")
        if str in schema:
            return {key: _checked(part, schema[str], f"{place}/{key}") for key, part in value.items()}
        names = {name.rstrip("?"): name for name in schema}
        for name in names:
            if name not in value and names[name] == name:
                raise ValueError(f"{place}/{name} is missing")
        return {
            name: _checked(value[name], schema[known], f"{place}/{name}")
            for name, known in names.items()
            if name in value
        }
    if isinstance(schema, list):
        if not isinstance(value, list) or len(value) != len(schema):
            raise ValueError(f"no list of {len(schema)}{at}")
        pairs = zip(value, schema, strict=True)
        return [_checked(element, part, f"{place}/{index}") for index, (element, part) in enumerate(pairs)]
    if type(value) is not schema or (schema is int and value < 0):
        raise ValueError(f"no {'number' if schema is int else 'text'}{at}")
    return value


def sha256_of(*paths: str | os.PathLike[str]) -> str:
    """Compute the SHA-256 of the content of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 17):  # larger blocks take new memory every time
                digest.update(block)
    return digest.hexdigest()
