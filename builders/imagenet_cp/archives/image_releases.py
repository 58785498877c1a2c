"""Releases of one file per image: ImageNet-C, ImageNet-P and Tiny ImageNet-C."""

from __future__ import annotations

import os
import re
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SourceError
from ..sources.source import reading
from .release import (
    Entry,
    Images,
    Listing,
    Release,
    ReleasedImage,
    Tick,
    list_entries,
    open_unchanged,
    read_at,
)


@dataclass(frozen=True, kw_only=True)
class FileRelease(Release):
    """A release of one file per image, in a folder per class.

    Attributes
    ----------
    layout : str
        Pattern of the end of a file's path, with groups ``cell`` (in which a slash means ``_``), ``wnid`` and ``id``.
    magic : bytes
        Pattern of the first bytes of every file.
    max_size : int
        Largest size of a file in bytes.
    number_of_classes : int
        Number of classes.
    severity_of : dict
        Other names of the folders of a cell -> its folder.
    numbered : bool
        Ids end in the number of the image, from 1; otherwise images are ordered by class.
    """

    layout: str
    magic: bytes = rb"\xff\xd8\xff"
    max_size: int = 1 << 20
    codec: str = "jpeg"
    ending: str = "JPEG"
    number_of_classes: int = 1000
    numbered: bool = True
    severity_of: Mapping[str, str] = field(default_factory=dict)

    def matches(self, path: str, cells: set[str]) -> bool:
        """Test if the path of a file ends as those of the release."""
        return self._match(path, cells) is not None

    def place_of(self, image_id: str, label: int) -> int:
        """Compute the position of an image among all; not below ``images`` if there is no such image."""
        if self.numbered:
            return int(image_id.rpartition("_")[2]) - 1
        return label * self.images // self.number_of_classes

    def _match(self, path: str, cells: set[str]) -> tuple[str, str, str] | None:
        """Config, wnid and id of a file."""
        match = re.compile(self.layout, re.ASCII).search(path)
        folder = match["cell"] if match else ""
        cell = self.severity_of.get(folder, folder).replace("/", "_")
        return (cell, match["wnid"], match["id"]) if match and cell in cells else None

    def scan(
        self, path: Path, cells: set[str], hashed: bool = False, tick: Tick = lambda count: None
    ) -> Listing:
        """List the files in an archive or a folder by their names alone."""
        listing = Listing(path, tuple(self.classes or self._classes_in(path, cells)))
        labels = {wnid: label for label, wnid in enumerate(listing.classes)}
        numbers: dict[str, int] = {}
        images: dict[str, FileImages] = {}
        for entry in list_entries(path, listing, hashed, tick):
            match = self._match(entry.path, cells)
            if entry.other:
                listing.skip(entry.name, entry.other)
            elif match is None or match[1] not in labels:
                listing.skip(entry.name, "no file of the release")
            elif not 0 <= self.place_of(match[2], labels[match[1]]) < self.images:
                listing.skip(entry.name, "no image of the release")
            elif entry.size > self.max_size:
                listing.skip(entry.name, f"{entry.size:,} bytes")
            else:
                cell, wnid, image_id = match
                home = None if entry.offset is not None else Path(entry.path).parents[1]
                if cell not in images:
                    images[cell] = FileImages(self, listing, home, numbers)
                number = numbers.setdefault(image_id, len(numbers))
                if images[cell].home != home or not images[cell].add(number, labels[wnid], entry):
                    listing.skip(entry.name, "repeated")
        listing.cells.update(images)
        return listing

    def _classes_in(self, path: Path, cells: set[str]) -> list[str]:
        """Find the classes that all complete configs share."""
        found = defaultdict[str, set[str]](set)
        for entry in list_entries(path, Listing(path)):
            match = self._match(entry.path, cells)
            if match is not None and not entry.other:
                found[match[0]].add(match[1])
        complete = {tuple(sorted(wnids)) for wnids in found.values() if len(wnids) == self.number_of_classes}
        if len(complete) == 1:
            return list(complete.pop())
        counts = ", ".join(sorted({str(len(wnids)) for wnids in found.values()}))
        raise SourceError(
            f"{path}: {self.dataset} has {self.number_of_classes} classes, but the folders here hold "
            f"{'different ones' if complete else counts}; labels follow from the list of all classes, so name the "
            "whole archive, or whole severities"
        )


@dataclass
class FileImages(Images):
    """Files of one config.

    Attributes
    ----------
    release : FileRelease
        Their release.
    listing : Listing
        The listing of their archive or folder.
    home : Path or None
        The folder of the folders of classes; None in an archive.
    numbers : dict
        Image id -> its number; shared by all configs.
    labels, offsets, sizes : array of int
        By number: label (-1 if there is no such file), offset and size in the archive.
    """

    release: FileRelease
    listing: Listing
    home: Path | None
    numbers: dict[str, int]
    labels: array[int] = field(default_factory=lambda: array("h"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))

    def add(self, number: int, label: int, entry: Entry) -> bool:
        """Add a file; False if there is one of this number."""
        short = max(number + 1 - len(self.labels), 0)
        for column, empty in ((self.labels, -1), (self.offsets, 0), (self.sizes, 0)):
            column.extend([empty] * short)
        if self.labels[number] >= 0:
            return False
        self.labels[number], self.offsets[number], self.sizes[number] = label, entry.offset or 0, entry.size
        return True

    @property
    def count(self) -> int:
        """Number of files."""
        return len(self.labels) - self.labels.count(-1)

    def read(self) -> Iterator[ReleasedImage]:
        """Yield the files; at most one byte beyond the largest size is read of each."""
        magic = re.compile(self.release.magic, re.DOTALL)
        rows = sorted(
            (self.release.place_of(image_id, label), image_id, label, number)
            for image_id, number in self.numbers.items()
            if number < len(self.labels) and (label := self.labels[number]) >= 0
        )
        path = self.listing.path
        with ExitStack() as stack:
            if self.home is None:
                file = stack.enter_context(open_unchanged(path, self.listing.stamp, str(path)))
                self._prefetch(file)
            for place, image_id, label, number in rows:
                if self.home is None:
                    data = read_at(file, self.sizes[number], self.offsets[number], str(path))
                else:
                    name = f"{image_id}.{self.release.ending}"
                    data = self._read_file(self.home / self.listing.classes[label] / name)
                valid = magic.match(data) and len(data) <= self.release.max_size
                yield ReleasedImage(place, image_id, label, data if valid else None)

    def _prefetch(self, file: int) -> None:
        """Ask the system to read the stretch of the archive with these files, which are read in another order."""
        numbers = [number for number, label in enumerate(self.labels) if label >= 0]
        if hasattr(os, "posix_fadvise") and numbers:
            start = min(self.offsets[number] for number in numbers)
            stop = max(self.offsets[number] + self.sizes[number] for number in numbers)
            os.posix_fadvise(file, start, stop - start, os.POSIX_FADV_WILLNEED)

    def _read_file(self, path: Path) -> bytes:
        with reading(path):
            if not path.is_file():  # opening a pipe would block
                return b""
            with open(path, "rb") as file:
                return file.read(self.release.max_size + 1)
