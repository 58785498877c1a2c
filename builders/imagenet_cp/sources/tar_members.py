"""The members of a tar archive, read header by header; nothing is ever written, nor more than a header held."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ..errors import SourceError
from .source import file_stamp, reading

_BLOCK = 512
#: No path is longer.
_LONGEST_NAME = 4096
#: No extended header is longer; a crafted one could ask for any amount of memory.
_LONGEST = 1 << 20
GZIP = b"\x1f\x8b"
_COMPRESSED = {GZIP: "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_NO_FILES = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a pipe",
}


class TarFile(Protocol):
    """An open archive; a stream that only goes forward is enough."""

    def read(self, size: int, /) -> bytes:
        """Read ``size`` bytes, fewer only at the end."""

    def seek(self, offset: int, /) -> int:
        """Move to an offset, which is never before the current one."""


class Member(NamedTuple):
    """One member of a tar archive.

    Attributes
    ----------
    name : str
        As it stands in the archive; bytes that are no UTF-8 are kept as surrogates.
    offset, size : int
        Where in the archive its bytes are.
    other : str
        Type of a member that is not a plain file, such as ``"a symbolic link"``.
    """

    name: str
    offset: int
    size: int
    other: str = ""


def is_tar(path: str | os.PathLike[str], *, gzip: bool = False) -> bool:
    """Check whether a file begins as a tar archive does, or with ``gzip`` as one compressed with gzip.

    Raises
    ------
    SourceError
        It is compressed in another way, or no file that can be read.
    """
    file_stamp(path)  # opening a pipe would block
    with reading(path), open(path, "rb") as file:
        start = file.read(_BLOCK)
    if gzip and start.startswith(GZIP):
        return True
    for magic, how in _COMPRESSED.items():
        if start.startswith(magic):
            raise SourceError(
                f"{path}: compressed with {how}; unpack it and name the tar inside or the folder"
            )
    return len(start) == _BLOCK and _checksum_is_right(start)


def members(file: TarFile, length: int, name: str) -> Iterator[Member]:
    """Yield the members of a tar archive in order, without folders.

    ustar, GNU and pax archives are understood. Between two members the caller may read the bytes of the first.

    Parameters
    ----------
    file : TarFile
        The archive, at its start.
    length : int
        Its size in bytes.
    name : str
        Name of the archive in errors.

    Raises
    ------
    SourceError
        It is cut short or damaged, or holds something that has no place in an archive of images: a sparse file, a
        name or extended header that is too long.
    """
    offset = 0
    long_name, pax = "", dict[str, str]()
    while True:
        file.seek(offset)
        header = file.read(_BLOCK)
        if len(header) < _BLOCK:
            raise SourceError(f"{name}: cut short after {offset + len(header):,} bytes; fetch it again")
        if not any(header):
            return
        if not _checksum_is_right(header):
            raise SourceError(
                f"{name}: damaged at byte {offset:,}: no header of a tar archive; fetch it again"
            )
        kind = header[156:157]
        size = _size(header[124:136], pax, name, offset)
        start = offset + _BLOCK
        if kind in _NO_FILES or kind == b"5":
            size = 0
        if start + size > length:
            raise SourceError(
                f"{name}: cut short: {length:,} bytes, but its member at byte {offset:,} ends at {start + size:,}; "
                "fetch it again"
            )
        offset = start + -(-size // _BLOCK) * _BLOCK
        if kind in (b"x", b"L"):
            if size > _LONGEST:
                raise SourceError(
                    f"{name}: a header of {size:,} bytes at byte {start - _BLOCK:,} is too long; pack the archive anew"
                )
            data = file.read(size)
            if kind == b"x":
                pax = _records(data, name, start)
            else:
                long_name = _text(data)
            continue
        if kind in (b"g", b"K", b"V"):
            continue
        own = pax.get("path") or long_name or _name(header)
        if len(own) > _LONGEST_NAME:
            raise SourceError(
                f"{name}: its member {own[:100]!r}... has a name of {len(own):,} characters; pack it anew with "
                "shorter names"
            )
        if kind == b"S" or any(key.startswith("GNU.sparse.") for key in pax):
            raise SourceError(
                f"{name}: its member {own!r} is a sparse file; pack the archive without --sparse"
            )
        long_name, pax = "", {}
        # Before ustar a folder was told by its name alone.
        if kind == b"5" or (kind == b"\0" and own.endswith("/")):
            continue
        other = "" if kind in (b"0", b"\0", b"7") else _NO_FILES.get(kind, f"of the unknown type {kind!r}")
        yield Member(own, start, size, other)


def _checksum_is_right(header: bytes) -> bool:
    try:
        stored = int(_text(header[148:156]), 8)
    except ValueError:
        return False
    return stored == sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _name(header: bytes) -> str:
    own = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{own}" if prefix else own


def _size(field: bytes, pax: dict[str, str], name: str, offset: int) -> int:
    try:
        if "size" in pax:
            size = int(pax["size"])
        elif field[0] == 0x80:  # binary, as GNU writes sizes from 8 GiB up
            size = int.from_bytes(field[1:], "big")
        else:
            size = int(_text(field).strip() or "0", 8)
    except ValueError:
        size = -1
    if size < 0:
        raise SourceError(f"{name}: damaged at byte {offset:,}: a member without a size; fetch it again")
    return size


def _records(data: bytes, name: str, offset: int) -> dict[str, str]:
    """Read a pax header: records of ``LENGTH KEY=VALUE`` and a newline, LENGTH counting all of it."""
    records = {}
    place = 0
    while place < len(data) and data[place]:
        digits, _, _ = data[place : place + 20].partition(b" ")
        end = place + (int(digits) if digits.isdigit() else 0)
        key, equals, value = data[place + len(digits) + 1 : end - 1].partition(b"=")
        if not place < end <= len(data) or not equals:
            raise SourceError(f"{name}: damaged at byte {offset + place:,}: no pax header; fetch it again")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        place = end
    return records
