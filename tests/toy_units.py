"""Units of nothing, for worker processes, which must be able to import them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from imagenet_cp.sources import Item


@dataclass(frozen=True)
class Toy:
    """A unit of some images; those named in ``fatal`` kill their worker, as often as the number."""

    folder: Path
    index: int
    items: tuple[Item, ...]
    fatal: tuple[tuple[str, int], ...] = ()

    @property
    def size(self):
        return len(self.items)

    def location(self, done):
        return self.items[done].location


def units(folder, count, images, fatal=None):
    """Units of images a0, a1, b0, b1, ..."""
    return [
        Toy(
            folder,
            index,
            tuple(Item(f"{chr(97 + index)}{n}", 0, f"/of/{chr(97 + index)}{n}.jpg") for n in range(images)),
            tuple((fatal or {}).items()),
        )
        for index in range(count)
    ]


def run(unit, tick):
    """Finish one image after the other, and die where that is due."""
    for item in unit.items:
        deaths = list(unit.folder.glob(f"{item.image_id}.*"))
        if len(deaths) < dict(unit.fatal).get(item.image_id, 0):
            (unit.folder / f"{item.image_id}.{len(deaths)}").touch()
            time.sleep(0.3)  # for the results of other units to arrive
            os.abort()
        tick()
    return unit.index


def threads_of(unit, tick):
    """Number of threads of networks in the process of a unit."""
    return os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]
