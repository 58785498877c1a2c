"""Export of a build to the layouts of the authors' releases, which other loaders read."""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..benchmarks.benchmark import Cell
from ..build.build_folder import lock_build, problem_of, sha256_of
from ..build.build_json import Build, open_build
from ..build.parquet import FileInfo, read_rows
from ..corruptions import SEVERITIES
from ..errors import BuildError, UsageError, suggest, wrap_os_errors
from ..files import local_path, read_json, temporary_path, write_json
from ..images import codecs
from ..images.profiles import PROFILES
from ..jobs.job_folder import IDENTITY, STATE_DIR, Shard
from ..progress import Progress, silent

#: Title of the progress of an export.
TITLE = "exporting images"
LABELS = "labels.npy"
_RECORD = {"identity": IDENTITY, "rows": int, "size": int, "sha256": str}


class Unit(NamedTuple):
    """Part of an export that is recorded when it is finished.

    Attributes
    ----------
    name : str
        Name of its record.
    place : str
        The file or folder that it is written to, relative to the folder of the export.
    paths : tuple of str
        Files of the build that hold its rows, in order.
    """

    name: str
    place: str
    paths: tuple[str, ...]


class Exported(NamedTuple):
    """Number of images in a folder, their size in bytes, and how many of them this call wrote."""

    rows: int
    size: int
    written: int


class Target(ABC):
    """Layout of files to export a build to."""

    @abstractmethod
    def units(self, build: Build, cells: Sequence[Cell]) -> list[Unit]:
        """Divide the export.

        Raises
        ------
        BuildError
            The build has no such layout.
        """

    @abstractmethod
    def write(self, build: Build, unit: Unit, out: Path) -> Iterator[FileInfo | None]:
        """Write the files of a unit; yield None after every image, and the record at the end."""

    @abstractmethod
    def finished(self, units: Mapping[Unit, FileInfo], out: Path) -> set[Unit]:
        """Find the units whose files are as recorded."""


class ImageFolder(Target):
    """One file per image, its bytes as they are stored: ``fog/3/CLASS/ID.JPEG``, or ``tilt/CLASS/ID.mp4``."""

    def units(self, build: Build, cells: Sequence[Cell]) -> list[Unit]:
        """Divide the export by the files of the build."""
        if build.benchmark.kind == "perturbations" and build.recipe.codec != "h264":
            raise BuildError(
                f"{build.folder}: its sequences are stored as frames, but those of the authors are videos; build them "
                "with --codec h264"
            )
        return [
            Unit(f"{cell.config}-{Path(path).stem}", _folder(build, cell), (path,))
            for cell in cells
            for path in _paths(build, cell)
        ]

    def write(self, build: Build, unit: Unit, out: Path) -> Iterator[FileInfo | None]:
        """Write one file per row."""
        classes = _classes(build, unit.paths[0])
        folder = out / unit.place
        made: set[Path] = set()
        rows = size = 0
        for row in _rows(build, unit.paths):
            if row["label"] < 0:
                raise BuildError(
                    f"{build.folder}: {row['image_id']} has no label (-1), so it has no class's folder"
                )
            stored = row["video"] if "video" in row else row["image"]
            content, ending = stored["bytes"], Path(stored["path"]).suffix
            file = folder / classes[row["label"]] / f"{row['image_id']}{ending}"
            if "/" in classes[row["label"]] or not (row["image_id"] and _is_inside(file, folder)):
                raise BuildError(
                    f"{build.folder}: {classes[row['label']]!r} and {row['image_id']!r} cannot name a folder and a file"
                )
            if file.parent not in made:
                file.parent.mkdir(parents=True, exist_ok=True)
                made.add(file.parent)
            file.write_bytes(content)
            rows, size = rows + 1, size + len(content)
            yield None
        if hasattr(os, "sync"):  # the record must not outlive the images in a power cut
            os.sync()
        yield FileInfo(rows, size, "")

    def finished(self, units: Mapping[Unit, FileInfo], out: Path) -> set[Unit]:
        """Find the units of the folders that hold as many images and bytes as recorded."""
        found = set()
        for place, group in itertools.groupby(units, lambda unit: unit.place):
            members = list(group)
            sizes = [
                os.stat(os.path.join(at, n)).st_size for at, _, names in os.walk(out / place) for n in names
            ]
            expected = [(units[unit].rows, units[unit].size) for unit in members]
            if (len(sizes), sum(sizes)) == tuple(map(sum, zip(*expected, strict=True))):
                found.update(members)
        return found


class Arrays(Target):
    """One array per corruption, such as ``fog.npy``, uint8 (5 * images, side, side, 3), and ``labels.npy``."""

    def units(self, build: Build, cells: Sequence[Cell]) -> list[Unit]:
        """Divide the export by corruption; the clean images are no part of the layout."""
        if build.benchmark.kind != "corruptions" or build.recipe.size != "profile":
            raise BuildError(
                f"{build.folder}: --to npy is for corruptions at a profile's size, as in CIFAR-10-C; "
                "export it with --to imagefolder"
            )
        units = []
        for name, group in itertools.groupby((cell for cell in cells if cell.level), lambda cell: cell.name):
            levels = tuple(group)
            if tuple(cell.level for cell in levels) != SEVERITIES:
                raise BuildError(
                    f"{build.folder}: an array holds all five severities, and those of {name} are "
                    f"{', '.join(str(cell.level) for cell in levels)}; build the rest, or name others with --configs"
                )
            units.append(Unit(name, f"{name}.npy", tuple(p for cell in levels for p in _paths(build, cell))))
        return units

    def write(self, build: Build, unit: Unit, out: Path) -> Iterator[FileInfo | None]:
        """Write the array of a corruption, and the labels."""
        side = PROFILES[build.recipe.profile].size
        total = sum(build.files[path].rows for path in unit.paths)
        file = out / unit.place
        temporary = temporary_path(file)
        labels = np.empty(total, np.int64)
        try:
            with open(temporary, "wb") as stream:
                header = {"descr": "|u1", "fortran_order": False, "shape": (total, side, side, 3)}
                np.lib.format.write_array_header_1_0(stream, header)
                for row, values in enumerate(_rows(build, unit.paths)):
                    if values["label"] < 0:
                        raise BuildError(
                            f"{build.folder}: {values['image_id']} has no label (-1), which {LABELS} cannot hold"
                        )
                    labels[row] = values["label"]
                    stream.write(codecs.decode(values["image"]["bytes"]).tobytes())
                    yield None
                stream.flush()
                os.fsync(stream.fileno())
            _write_labels(out, labels, unit.name)
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
        yield FileInfo(total, file.stat().st_size, sha256_of(file))

    def finished(self, units: Mapping[Unit, FileInfo], out: Path) -> set[Unit]:
        """Find the arrays with the recorded checksums."""
        if not (out / LABELS).is_file():
            return set()
        return {unit for unit, info in units.items() if problem_of(out / unit.place, info) is None}


TARGETS: dict[str, Target] = {"imagefolder": ImageFolder(), "npy": Arrays()}


def export(
    folder: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str],
    configs: Sequence[str] = (),
    *,
    progress: Progress = silent,
) -> Exported:
    """Export a build; after an interruption the same call resumes, and more configs can be added later.

    Parameters
    ----------
    folder : path
        A finished build, or an import.
    to : str
        ``imagefolder`` for the files of the authors' ImageNet-C, Tiny ImageNet-C and ImageNet-P, whose bytes are those
        of the build; ``npy`` for the arrays of their CIFAR-10-C and CIFAR-100-C.
    out : path
        Folder to write.
    configs : sequence of str
        Names of configs; all of the build by default.
    progress : callable
        Called with ``"exporting images"``, the number done and the total.

    Returns
    -------
    Exported

    Raises
    ------
    ValueError
        Unknown target or config.
    BuildError
        The folder holds no finished build, is damaged, or does not fit the target; or ``out`` holds something else,
        cannot be written, or is in use.
    """
    if to not in TARGETS:
        raise UsageError(f"unknown target {to!r}{suggest(to, TARGETS)}")
    build, target, place = open_build(folder), TARGETS[to], local_path(out).resolve()
    cells = _cells(build, configs)
    units = target.units(build, cells)
    identity = {**build.record["identity"], "signature": f"{build.signature}|export:{to}"}
    with lock_build(place, identity, Shard()) as claim, wrap_os_errors(place):
        for temporary in place.glob(".*.tmp"):
            temporary.unlink(missing_ok=True)
        recorded = {unit: info for unit in units if (info := _read(place, unit, identity)) is not None}
        finished = {unit: recorded[unit] for unit in target.finished(recorded, place)}
        todo = [unit for unit in units if unit not in finished]
        total = sum(build.files[path].rows for unit in units for path in unit.paths)
        before = total - sum(build.files[path].rows for unit in todo for path in unit.paths)
        written = 0
        for unit in todo:
            _check_files(build, unit)
            for info in target.write(build, unit, place):
                if info is None:
                    written += 1
                    progress(TITLE, before + written, total)
                else:
                    finished[unit] = info
                    with claim.check():
                        write_json(_record(place, unit), {"identity": identity, **info._asdict()})
    return Exported(
        sum(info.rows for info in finished.values()), sum(info.size for info in finished.values()), written
    )


def _cells(build: Build, configs: Sequence[str]) -> tuple[Cell, ...]:
    """Cells to export, all of which the build has."""
    stored = {path.split("/")[1] for path in build.files}
    if not configs:
        return tuple(cell for cell in build.benchmark.cell_of.values() if cell.config in stored)
    cells = build.benchmark.cells(configs)
    missing = [cell.config for cell in cells if cell.config not in stored]
    if missing:
        raise BuildError(f"{build.folder}: lacks the config {missing[0]}; build it first")
    return cells


def _paths(build: Build, cell: Cell) -> tuple[str, ...]:
    return tuple(sorted(path for path in build.files if path.split("/")[1] == cell.config))


def _check_files(build: Build, unit: Unit) -> None:
    for path in unit.paths:
        problem = problem_of(build.folder / path, build.files[path])
        if problem:
            raise BuildError(f"{build.folder / path}: {problem}; check the build with `imagenet-cp verify`")


def _rows(build: Build, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with pq.ParquetFile(build.folder / path) as file:
            yield from read_rows(file)


def _classes(build: Build, path: str) -> list[str]:
    import datasets

    schema = pq.read_schema(build.folder / path)
    return list(datasets.Features.from_arrow_schema(schema)["label"].names)


def _folder(build: Build, cell: Cell) -> str:
    """Folder of a config in the authors' layout: ``fog/3``, but ``clean``, ``tilt`` and ``gaussian_noise_2``."""
    return (
        f"{cell.name}/{cell.level}" if build.benchmark.kind == "corruptions" and cell.level else cell.config
    )


def _is_inside(file: Path, folder: Path) -> bool:
    """Test if the path of a file stays in its folder, which the names in a build could leave."""
    parts = os.fspath(file).removeprefix(os.fspath(folder)).split("/")[1:]
    return folder in file.parents and not {"", ".", ".."} & {*parts} and not {"\\", "\0"} & {*"".join(parts)}


def _write_labels(out: Path, labels: NDArray[np.int64], name: str) -> None:
    """Write the labels, which all corruptions have in common."""
    if (out / LABELS).is_file():
        if not np.array_equal(np.load(out / LABELS), labels):
            raise BuildError(
                f"{out}: the labels of {name} differ from {LABELS}; choose another folder with --out"
            )
        return
    temporary = temporary_path(out / LABELS)
    with open(temporary, "wb") as file:
        np.save(file, labels)
    os.replace(temporary, out / LABELS)


def _record(out: Path, unit: Unit) -> Path:
    return out / STATE_DIR / "units" / f"{unit.name}.json"


def _read(out: Path, unit: Unit, identity: Mapping[str, Any]) -> FileInfo | None:
    """Read the record of a unit; None if it is missing, damaged or of another export."""
    try:
        stored = read_json(_record(out, unit), _RECORD)
    except (OSError, ValueError):
        return None
    if stored["identity"] != identity:
        return None
    return FileInfo(stored["rows"], stored["size"], stored["sha256"])
