"""Catalog of the releases of the authors, and identification of the release at a path."""

from __future__ import annotations

from pathlib import Path

from ..benchmarks.benchmark import Benchmark, Cell
from ..benchmarks.catalog import BENCHMARKS
from ..corruptions import BAR, EXTRA
from ..errors import SourceError
from ..metrics import EXTRA_CORRUPTIONS
from ..sources import classes as imagenet
from ..sources.cifar import CIFAR10, CIFAR100
from .array_releases import ArrayRelease, disambiguate
from .image_releases import FileRelease
from .release import Archive, Listing, Release, list_entries

_VALIDATION = rf"(?P<wnid>{imagenet.WNID})/(?P<id>ILSVRC2012_val_\d{{8}})"
_TINY = rf"(?P<wnid>{imagenet.WNID})/(?P<id>(?!ILSVRC2012_val_)[\w-]*\d)"
#: Folder of a corruption and its level, as the authors' script of ImageNet-C-bar writes them -> that of its severity.
_BAR_LEVELS = {
    f"{name}/{level:.2f}": f"{name}/{severity}"
    for name, corruption in BAR.items()
    for severity, (level,) in enumerate(corruption.tables.get("imagenet", ()), 1)
}

RELEASES: dict[str, Release] = {
    release.dataset: release
    for release in (
        FileRelease(
            dataset="imagenet_c",
            record="2235448",
            images=50_000,
            classes=imagenet.wnids(),
            example="fog/3/n01440764/ILSVRC2012_val_00000293.JPEG",
            archives={
                "noise.tar": Archive("e80562d7f6c3f8834afb1ecf27252745", 22_565_673_785),
                "blur.tar": Archive("2d8e81fdd8e07fef67b9334fa635e45c", 7_112_704_951),
                "weather.tar": Archive("33ffea4db4d93fe4a428c40a6ce0c25d", 12_797_438_995),
                "digital.tar": Archive("89157860d7b10d5797849337ca2e5c03", 7_757_510_705),
                "extra.tar": Archive("d492dfba5fc162d8ec2c3cd8ee672984", 15_789_490_144),
            },
            layout=rf"/(?P<cell>[a-z_]+/[1-5])/{_VALIDATION}\.JPEG\Z",
        ),
        FileRelease(
            dataset="imagenet_c_bar",
            record="inc_bar",
            address="https://dl.fbaipublicfiles.com/inc_bar/imagenet_c_bar.tar.gz",
            images=50_000,
            classes=imagenet.wnids(),
            example="sparkles/3/n01440764/ILSVRC2012_val_00000293.JPEG",
            archives={},  # no checksum is published
            layout=rf"/(?P<cell>[a-z_]+/(?:[1-5]|\d+\.\d\d))/{_VALIDATION}\.JPEG\Z",
            severity_of=_BAR_LEVELS,
        ),
        FileRelease(
            dataset="imagenet_p",
            record="3565846",
            codec="h264",
            ending="mp4",
            images=50_000,
            classes=imagenet.wnids(),
            example="tilt/n01440764/ILSVRC2012_val_00000293.mp4",
            archives={
                "blur.tar": Archive("869b2d2fb1604d1baa4316b5ecc9fdea"),
                "digital.tar": Archive("8c1f73e4912812788e2fdb637cd55372"),
                "noise.tar": Archive("619b37b5139ce764f77ce3bed3aee837"),
                "weather.tar": Archive("a597ff6db8c6fb0dbcd6eb12ed620002"),
            },
            layout=rf"/(?P<cell>[a-z_]+(?:_[23])?)/{_VALIDATION}\.mp4\Z",
            magic=rb".{4}ftyp",
            max_size=8 << 20,
        ),
        FileRelease(
            dataset="tiny_imagenet_c",
            record="2536630",
            images=10_000,
            classes=(),
            example="fog/3/n01443537/test_293.JPEG",
            archives={"Tiny-ImageNet-C.tar": Archive("f9c9a9dbdc11469f0b850190f7ad8be1", 1_794_775_040)},
            layout=rf"/(?P<cell>[a-z_]+/[1-5])/{_TINY}\.JPEG\Z",
            number_of_classes=200,
            numbered=False,
        ),
        ArrayRelease(
            dataset="cifar10_c",
            record="2535967",
            classes=CIFAR10,
            archives={"CIFAR-10-C.tar": Archive("56bf5dcef84df0e2308c6dcbcbbd8499", 2_918_471_680)},
        ),
        ArrayRelease(
            dataset="cifar100_c",
            record="3555552",
            classes=CIFAR100,
            archives={"CIFAR-100-C.tar": Archive("11f0ed0f1191edbf9fa23466ae6021d3", 2_918_473_216)},
        ),
    )
}


def released_cells(benchmark: Benchmark) -> dict[str, Cell]:
    """Config -> cell, of all cells that were released: not the clean images, nor corruptions added since."""
    added = set(EXTRA).difference(EXTRA_CORRUPTIONS)
    return {
        config: cell
        for config, cell in benchmark.cell_of.items()
        if cell.level > 0 and cell.name not in added
    }


def release_of(path: Path) -> Release:
    """Identify the release of an archive, folder or file by its first file, and of arrays by their labels.

    Raises
    ------
    SourceError
        It cannot be read, or holds no file of a release.
    """
    cells = {name: set(released_cells(BENCHMARKS[name])) for name in RELEASES}
    for entry in list_entries(path, Listing(path)):
        found = [release for name, release in RELEASES.items() if release.matches(entry.path, cells[name])]
        if found:
            return found[0] if len(found) == 1 else disambiguate(path, found, cells)
    shown = " or ".join(dict.fromkeys(f".../{release.example}" for release in RELEASES.values()))
    raise SourceError(f"{path}: holds no released files, which have names like {shown}")
