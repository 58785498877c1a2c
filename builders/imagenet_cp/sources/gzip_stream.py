"""The bytes inside a gzip file at any offset, without unpacking it."""

from __future__ import annotations

import bisect
import os
import threading
import weakref
import zlib
from typing import Any

#: Compressed bytes that are read at once: inflated they are at most a thousand times as many.
_CHUNK = 1 << 14
#: At most so many copies of the decompressor, each of some 40 kB.
_COPIES = 256
_GZIP = 31


class GzipStream:
    """Random access to the inflated bytes of a gzip file, for one process and any number of threads.

    Copies of the decompressor at regular intervals are the places from which it can go on, so that going back costs
    no more than inflating one interval.

    Parameters
    ----------
    path : path
        The file.

    Notes
    -----
    Damage shows as ``zlib.error``; the end of a file that is cut short looks like any other.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (open as long as the stream is used)
        weakref.finalize(self, self._file.close)
        self._interval = max(1 << 20, os.fstat(self._file.fileno()).st_size // _COPIES)
        self._lock = threading.Lock()
        self._inflate: Any = zlib.decompressobj(_GZIP)
        self._start, self._block = 0, b""
        self._offset = 0
        #: Offsets of the inflated and of the compressed bytes, and the decompressor there.
        self._copies: list[tuple[int, int, Any]] = [(0, 0, self._inflate.copy())]

    def seek(self, offset: int, /) -> int:
        """Move to an offset."""
        self._offset = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """Read from the current offset; fewer bytes at the end only."""
        data = self.read_at(self._offset, size)
        self._offset += len(data)
        return data

    def read_at(self, offset: int, size: int) -> bytes:
        """Read from an offset; fewer bytes at the end only."""
        parts = []
        with self._lock:
            if offset < self._start:
                self._go_back(offset)
            while size > 0:
                if offset >= self._start + len(self._block):
                    if not self._advance():
                        break
                    continue
                part = self._block[offset - self._start :][:size]
                parts.append(part)
                offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def _go_back(self, offset: int) -> None:
        index = bisect.bisect_right([start for start, _, _ in self._copies], offset) - 1
        self._start, place, inflate = self._copies[index]
        self._block, self._inflate = b"", inflate.copy()
        self._file.seek(place)

    def _advance(self) -> bool:
        """Inflate the next block; False at the end."""
        self._start, self._block = self._start + len(self._block), b""
        place = self._file.tell()
        if place >= self._copies[-1][1] + self._interval:
            self._copies.append((self._start, place, self._inflate.copy()))
        data = self._file.read(_CHUNK)
        if not data:
            return False
        parts = [self._inflate.decompress(data)]
        # Members may follow one another; zeros at the end are padding.
        while self._inflate.eof and (rest := self._inflate.unused_data.lstrip(b"\0")):
            self._inflate = zlib.decompressobj(_GZIP)
            parts.append(self._inflate.decompress(rest))
        self._block = b"".join(parts)
        return True
