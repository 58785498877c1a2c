"""Rows of corrupted images in a layout of their own, which this package did not make."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

from ...benchmarks.benchmark import Cell, ConfigSet
from ...benchmarks.corruption import CLEAN
from ...benchmarks.signature import Signature
from ...images.source_images import decode
from ...sources import Item, Reader
from ...sources.corrupted import CorruptedImages, open_corrupted
from ...sources.source import digest
from ...sources.subsets import Ids
from .rows import Rows, Sample, Task

#: Name of every such data set in signatures, where its layout and fingerprint tell them apart.
CUSTOM = "custom"


@dataclass(frozen=True)
class CustomSet(ConfigSet):
    """Configs of a data set in a layout of its own.

    Attributes
    ----------
    title : str
        Name of its folder, archive or repository.
    members : tuple of Cell
        Its corruptions at their severities, and clean images if it has any.
    """

    title: str
    members: tuple[Cell, ...] = field(repr=False)

    kind: ClassVar[str] = "corruptions"

    @functools.cached_property
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Single severities, corruptions, ``test`` for all of them, and ``clean`` if there are clean images."""
        tested = [cell for cell in self.members if cell.level]
        by_name = itertools.groupby(tested, key=lambda cell: cell.name)
        return {
            **{cell.config: (cell,) for cell in self.members},
            **{name: tuple(cells) for name, cells in by_name},
            "test": tuple(tested),
        }


@dataclass(frozen=True)
class CustomSlice:
    """Images of a slice, as they are stored.

    Attributes
    ----------
    reader : Reader
        Reader of the images' bytes.
    cells : tuple of Cell
        The cells.
    items : dict
        Config -> its images.
    """

    reader: Reader
    cells: tuple[Cell, ...]
    items: Mapping[str, tuple[Item, ...]]

    def tasks(self) -> Iterator[Task]:
        """Iterate over the images, cell by cell, since rows and archives are read fastest in their order."""
        return (partial(self._load, cell, item) for cell in self.cells for item in self.items[cell.config])

    def _load(self, cell: Cell, item: Item) -> list[Sample]:
        image = decode(self.reader.read(item), item.location)
        return [Sample(cell.config, item.image_id, item.label, [image])]

    def encoded(self) -> Iterator[bytes]:
        """Iterate over the files of the first cell."""
        return map(self.reader.read, self.items[self.cells[0].config])

    def location(self, share: float) -> str:
        """Location of the image that is next after a share of the rows, for errors."""
        items = [item for cell in self.cells for item in self.items[cell.config]]
        return items[int(share * len(items))].location


def from_custom(
    place: str | os.PathLike[str],
    layout: str | None = None,
    *,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
) -> Rows:
    """Open corrupted images in a layout of their own; parameters and errors are those of `open_corrupted`."""
    images = open_corrupted(place, layout, ids=ids, classes=classes)
    cells = {key: Cell(f"{key[0]}_{key[1]}", *key) if key[1] else CLEAN for key in images.cells}
    items = {cells[key].config: found for key, found in images.cells.items()}

    def slice_of(chosen: tuple[Cell, ...], start: int, stop: int) -> CustomSlice:
        return CustomSlice(
            images.reader, chosen, {cell.config: items[cell.config][start:stop] for cell in chosen}
        )

    return Rows(
        CustomSet(CUSTOM, "", _title(images), tuple(cells.values())),
        _signature(images),
        images.classes,
        tuple(cells.values()),
        {config: len(found) for config, found in items.items()},
        {
            config: digest((item.image_id, item.label, item.stamp) for item in found)
            for config, found in items.items()
        },
        slice_of,
    )


def _title(images: CorruptedImages) -> str:
    """Last part of the name, which tells nothing of this machine."""
    return Path(images.name).name


def _signature(images: CorruptedImages) -> str:
    return str(
        Signature.of(
            CUSTOM,
            ("layout", images.layout),
            ("images", images.fingerprint),
            ("ids", images.ids or None),
            ("classes", images.class_list or None),
            ("order", images.order or None),
        )
    )
