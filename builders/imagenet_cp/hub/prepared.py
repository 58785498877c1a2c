"""Source images of a config of several cells, decoded and resized once, in files that processes share."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

#: Number of an image in its source -> the image, or None if it is skipped.
Prepare = Callable[[int], NDArray[np.uint8] | None]

#: Number of images that are prepared, and stored in one file, at a time.
CHUNK = 64
#: Largest size of all files in bytes, and space that stays free on their disk; images that do not fit are decoded for
#: every cell.
MAX_SIZE = 32 << 30
MIN_FREE = 1 << 30


class PreparedImages:
    """Store of prepared images in a temporary folder, which is deleted with this object.

    A copy in another process, made by pickling or forking, uses the same folder and does not delete it.

    Parameters
    ----------
    count : int
        Number of images of the source.
    place : path, optional
        Folder on whose disk the images are stored; that of temporary files if it cannot be written.
    """

    def __init__(self, count: int, place: str | os.PathLike[str] | None = None) -> None:
        self.count = count
        try:
            folder = tempfile.mkdtemp(prefix="imagenet_cp_images_", dir=place)
        except OSError:
            folder = tempfile.mkdtemp(prefix="imagenet_cp_images_")
        self.folder = Path(folder)
        weakref.finalize(self, _delete, self.folder, os.getpid())

    def __reduce__(self) -> tuple[Any, ...]:
        return object.__new__, (type(self),), self.__dict__

    def read(self, start: int, stop: int, prepare: Prepare) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield the numbers and images from ``start`` to ``stop``, preparing those that no process has prepared."""
        for chunk in range(start // CHUNK, math.ceil(stop / CHUNK)):
            numbers = range(max(start, chunk * CHUNK), min(stop, (chunk + 1) * CHUNK))
            stored = self._wait_for(chunk, prepare)
            yield from self._load(chunk, numbers) if stored else prepare_all(numbers, prepare)

    def _wait_for(self, chunk: int, prepare: Prepare) -> bool:
        """Prepare a chunk, or later ones while another process does; False if there is no space for it."""
        while not self._index(chunk).is_file():
            if self._full.exists():
                return False
            if not self._prepare(chunk, prepare):
                later = (other for other in range(chunk + 1, math.ceil(self.count / CHUNK)))
                if not any(
                    self._prepare(other, prepare) for other in later if not self._index(other).is_file()
                ):
                    time.sleep(0.01)
        return True

    def _prepare(self, chunk: int, prepare: Prepare) -> bool:
        """Prepare the images of a chunk and store them while there is space; False if another process does."""
        try:
            with FileLock(self.folder / f"{chunk}.lock", timeout=0):
                if not self._index(chunk).is_file() and not self._full.exists():
                    self._store(chunk, prepare)
                return True
        except Timeout:
            return False

    def _store(self, chunk: int, prepare: Prepare) -> None:
        room, index = self._room(), []
        with open(self._pixels(chunk), "wb") as file:
            numbers = range(chunk * CHUNK, min(self.count, (chunk + 1) * CHUNK))
            for number, image in prepare_all(numbers, prepare):
                room -= image.nbytes
                if room < 0:
                    self._full.touch()
                    file.truncate(0)
                    return
                file.write(np.ascontiguousarray(image).data)
                index.append((number, *image.shape))
        temporary = self.folder / f"{chunk}.tmp"
        np.array(index, np.int64).tofile(temporary)
        os.replace(temporary, self._index(chunk))

    def _load(self, chunk: int, numbers: range) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        index = np.fromfile(self._index(chunk), np.int64).reshape(-1, 4)
        with open(self._pixels(chunk), "rb") as file:
            for number, *shape in index.tolist():
                size = math.prod(shape)
                if number in numbers:
                    yield number, np.fromfile(file, np.uint8, size).reshape(shape)
                else:
                    file.seek(size, os.SEEK_CUR)

    def _index(self, chunk: int) -> Path:
        """File of the numbers and shapes of a chunk's images, written when all are stored."""
        return self.folder / f"{chunk}.index"

    def _pixels(self, chunk: int) -> Path:
        return self.folder / f"{chunk}.pixels"

    @property
    def _full(self) -> Path:
        """File that marks that a chunk did not fit."""
        return self.folder / "full"

    def _room(self) -> int:
        with os.scandir(self.folder) as entries:
            used = sum(entry.stat().st_size for entry in entries)
        return min(MAX_SIZE - used, shutil.disk_usage(self.folder).free - MIN_FREE)


def prepare_all(numbers: Iterable[int], prepare: Prepare) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield numbers and their images, without those that are skipped."""
    for number in numbers:
        image = prepare(number)
        if image is not None:
            yield number, image


def _delete(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
