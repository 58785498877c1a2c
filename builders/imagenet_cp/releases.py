"""ImageNet-C and ImageNet-P as their authors published them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .benchmark import Benchmark, Cell
from .recipe import Recipe
from .sources import imagenet

#: ImageNet's validation images, ILSVRC2012_val_00000001 and so on: as many are in every config.
IMAGES = 50_000
_WNID_AND_NUMBER = rf"(?P<wnid>{imagenet.WNID})/ILSVRC2012_val_(?P<number>\d{{8}})"


class Archive(NamedTuple):
    """An archive as it was published; ``size`` in bytes, 0 where nobody says."""

    md5: str
    size: int = 0


@dataclass(frozen=True)
class Release:
    """A benchmark as its authors published it.

    Attributes
    ----------
    dataset : str
        What this package calls it.
    record : str
        Its number at zenodo.org.
    codec : str
        How its pictures are stored.
    layout : str
        A pattern of the end of a file's path, with groups ``cell`` (a slash in it stands for ``_``), ``wnid`` and
        ``number``.
    ending : str
        Of every file's name.
    begins : bytes
        A pattern that the beginning of every file matches.
    largest : int
        No file has more bytes.
    example : str
        A file's path, to show in messages.
    archives : dict
        Name of the file -> what it is known by.
    """

    dataset: str
    record: str
    codec: str
    layout: str
    ending: str
    begins: bytes
    largest: int
    example: str
    archives: Mapping[str, Archive]


@dataclass(frozen=True)
class Published(Recipe):
    """Stands in place of a recipe for pictures that no recipe of this package makes."""

    record: str = ""

    @property
    def signature(self) -> str:
        """Enough to see that two scores are on the same published pictures."""
        return f"{self.dataset}|official|zenodo:{self.record}|profile:{self.profile}|{self.codec}"


RELEASES = {
    "imagenet_c": Release(
        dataset="imagenet_c",
        record="2235448",
        codec="jpeg",
        layout=rf"/(?P<cell>[a-z_]+/[1-5])/{_WNID_AND_NUMBER}\.JPEG\Z",
        ending="JPEG",
        begins=rb"\xff\xd8\xff",
        largest=1 << 20,
        example="fog/3/n01440764/ILSVRC2012_val_00000293.JPEG",
        archives={
            "noise.tar": Archive("e80562d7f6c3f8834afb1ecf27252745", 22_565_673_785),
            "blur.tar": Archive("2d8e81fdd8e07fef67b9334fa635e45c", 7_112_704_951),
            "weather.tar": Archive("33ffea4db4d93fe4a428c40a6ce0c25d", 12_797_438_995),
            "digital.tar": Archive("89157860d7b10d5797849337ca2e5c03", 7_757_510_705),
            "extra.tar": Archive("d492dfba5fc162d8ec2c3cd8ee672984", 15_789_490_144),
        },
    ),
    "imagenet_p": Release(
        dataset="imagenet_p",
        record="3565846",
        codec="h264",
        layout=rf"/(?P<cell>[a-z_]+(?:_[23])?)/{_WNID_AND_NUMBER}\.mp4\Z",
        ending="mp4",
        begins=rb".{4}ftyp",
        largest=8 << 20,
        example="tilt/n01440764/ILSVRC2012_val_00000293.mp4",
        archives={
            "blur.tar": Archive("869b2d2fb1604d1baa4316b5ecc9fdea"),
            "digital.tar": Archive("8c1f73e4912812788e2fdb637cd55372"),
            "noise.tar": Archive("619b37b5139ce764f77ce3bed3aee837"),
            "weather.tar": Archive("a597ff6db8c6fb0dbcd6eb12ed620002"),
        },
    ),
}


def cells_of(benchmark: Benchmark) -> dict[str, Cell]:
    """Config -> its cell, of all that were published: everything but the clean pictures."""
    every = dict.fromkeys(cell for cells in benchmark.configs.values() for cell in cells)
    return {cell.config: cell for cell in every if cell.level > 0}
