"""Releases of one file per picture: ImageNet-C, ImageNet-P and Tiny ImageNet-C."""

from __future__ import annotations

import os
import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceError
from ..sources.base import stamp_of
from .release import Entry, Listing, Picture, Pictures, Progress, Release, listing, unreadable


@dataclass(frozen=True)
class FileRelease(Release):
    """A release of one file per picture, in a folder per class.

    Attributes
    ----------
    layout : str
        A pattern of the end of a file's path, with groups ``cell`` (a slash in it stands for ``_``), ``wnid`` and
        ``id``.
    begins : bytes
        A pattern that the beginning of every file matches.
    largest : int
        No file has more bytes.
    number_of_classes : int
        How many classes there are.
    numbered : bool
        Whether the ids end in the number of the image, from 1; else the images are taken by class.
    """

    layout: str
    begins: bytes
    largest: int
    number_of_classes: int
    numbered: bool

    def holds(self, text: str, cells: set[str]) -> bool:
        """Whether a file's path ends as those of the release do."""
        return self._cell(re.compile(self.layout, re.ASCII).search(text), cells) != ""

    def place_of(self, image_id: str, label: int) -> int:
        """Return the place of an image among all, which is none below ``images`` where there is no such image."""
        if self.numbered:
            return int(image_id.rpartition("_")[2]) - 1
        return label * self.images // self.number_of_classes

    def _cell(self, match: re.Match[str] | None, cells: set[str]) -> str:
        cell = match["cell"].replace("/", "_") if match else ""
        return cell if cell in cells else ""

    def find(
        self, path: Path, cells: set[str], hashed: bool = False, progress: Progress = lambda count: None
    ) -> Listing:
        """List what an archive or a folder holds, by the names alone."""
        found = Listing(path, tuple(self.classes or self._classes_in(path, cells)))
        pattern = re.compile(self.layout, re.ASCII)
        labels = {wnid: label for label, wnid in enumerate(found.classes)}
        numbers: dict[str, int] = {}
        every: dict[str, Files] = {}
        for file in listing(path, found, hashed, progress):
            match = pattern.search(file.text)
            cell = self._cell(match, cells)
            if file.other:
                found.skip(file.name, file.other)
            elif match is None or not cell or match["wnid"] not in labels:
                found.skip(file.name, "no file of the release")
            elif not 0 <= self.place_of(match["id"], labels[match["wnid"]]) < self.images:
                found.skip(file.name, "no image of the release")
            elif file.size > self.largest:
                found.skip(file.name, f"{file.size:,} bytes")
            else:
                home = None if file.offset is not None else Path(file.text).parents[1]
                if cell not in every:
                    every[cell] = Files(self, found, home, numbers)
                pictures = every[cell]
                number = numbers.setdefault(match["id"], len(numbers))
                if pictures.home != home or not pictures.add(number, labels[match["wnid"]], file):
                    found.skip(file.name, "comes twice")
        found.cells.update(every)
        return found

    def _classes_in(self, path: Path, cells: set[str]) -> list[str]:
        """Return the classes that all configs have, but for those that hold more or less than all classes."""
        pattern = re.compile(self.layout, re.ASCII)
        seen = defaultdict[str, set[str]](set)
        for file in listing(path, Listing(path)):
            match = pattern.search(file.text)
            cell = self._cell(match, cells)
            if match is not None and cell and not file.other:
                seen[cell].add(match["wnid"])
        whole = {tuple(sorted(wnids)) for wnids in seen.values() if len(wnids) == self.number_of_classes}
        if len(whole) == 1:
            return list(whole.pop())
        some = "different ones" if whole else ", ".join(sorted({str(len(wnids)) for wnids in seen.values()}))
        raise SourceError(
            f"{path}: {self.dataset} has {self.number_of_classes} classes, but the folders here hold {some}; a label "
            "is the place of a class among all, so name the whole archive, or whole severities"
        )


@dataclass
class Files(Pictures):
    """The files of one config.

    Attributes
    ----------
    release : FileRelease
        What they are of.
    found : Listing
        The archive they are in, and the classes.
    home : Path or None
        Holds the folders of classes, where it is no archive.
    numbers : dict
        Image id -> its number; all configs share it.
    labels, offsets, sizes : array of int
        By number: label (-1 where there is no such file), place and size in the archive.
    """

    release: FileRelease
    found: Listing
    home: Path | None
    numbers: dict[str, int]
    labels: array[int] = field(default_factory=lambda: array("h"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))

    def add(self, number: int, label: int, file: Entry) -> bool:
        """Note a file; False if there is one of this number."""
        short = max(number + 1 - len(self.labels), 0)
        for column, empty in ((self.labels, -1), (self.offsets, 0), (self.sizes, 0)):
            column.extend([empty] * short)
        if self.labels[number] >= 0:
            return False
        self.labels[number], self.offsets[number], self.sizes[number] = label, file.offset or 0, file.size
        return True

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self.labels) - self.labels.count(-1)

    def rows(self) -> list[Picture]:
        """List the files by their place and id."""
        place_of = self.release.place_of
        return sorted(
            Picture(place_of(image_id, self.labels[number]), image_id, self.labels[number], number)
            for image_id, number in self.numbers.items()
            if number < len(self.labels) and self.labels[number] >= 0
        )

    @contextmanager
    def opened(self) -> Iterator[Callable[[Picture], bytes | None]]:
        """Yield a function that reads a file, no further than a byte beyond the largest there may be."""
        begins = re.compile(self.release.begins, re.DOTALL)

        def whole(data: bytes) -> bytes | None:
            return data if begins.match(data) and len(data) <= self.release.largest else None

        if self.home is not None:
            yield lambda picture: whole(self._read_file(picture))
            return
        path = self.found.path
        try:
            file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed below)
        except OSError as error:
            raise unreadable(path, error) from error
        with file:
            if stamp_of(os.fstat(file.fileno())) != self.found.stamp:
                raise SourceError(f"{path}: has changed since it was listed; start again")
            self._fetch(file.fileno())
            yield lambda picture: whole(self._read_member(file, picture))

    def _fetch(self, file: int) -> None:
        """Let the system read the files' stretch of an archive in one go, for they are taken in another order."""
        there = [number for number, label in enumerate(self.labels) if label >= 0]
        if hasattr(os, "posix_fadvise") and there:
            start = min(self.offsets[number] for number in there)
            stop = max(self.offsets[number] + self.sizes[number] for number in there)
            os.posix_fadvise(file, start, stop - start, os.POSIX_FADV_WILLNEED)

    def _read_member(self, file: BinaryIO, picture: Picture) -> bytes:
        try:
            return os.pread(file.fileno(), self.sizes[picture.number], self.offsets[picture.number])
        except OSError as error:
            raise unreadable(self.found.path, error) from error

    def _read_file(self, picture: Picture) -> bytes:
        assert self.home is not None
        wnid = self.found.classes[picture.label]
        path = self.home / wnid / f"{picture.image_id}.{self.release.ending}"
        try:
            if not path.is_file():  # to open a pipe would be to wait for ever
                return b""
            with open(path, "rb") as file:
                return file.read(self.release.largest + 1)
        except OSError as error:
            raise unreadable(path, error) from error
