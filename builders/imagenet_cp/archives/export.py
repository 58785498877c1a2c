"""Export of a build to the layouts of the authors' releases, which other loaders read."""

from __future__ import annotations

import hashlib
import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..benchmarks.benchmark import Cell
from ..build.build_folder import lock_build
from ..build.build_json import Build, open_build
from ..build.checksums import problem_of
from ..build.parquet import FileInfo, HashingFile, read_rows
from ..corruptions import SEVERITIES
from ..errors import BuildError, UsageError, suggest, wrap_os_errors
from ..files import local_path, read_json, sha256_of, temporary_path, write_json
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
    rows : int
        Number of images that it writes.
    """

    name: str
    place: str
    paths: tuple[str, ...]
    rows: int


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

    def files(self, build: Build, unit: Unit, out: Path) -> Iterator[Path]:
        """List the files of a unit in their order."""
        yield out / unit.place

    def is_finished(self, build: Build, unit: Unit, info: FileInfo, out: Path) -> bool:
        """Compare the size and the checksum of the files of a unit, one after the other, with its record."""
        files = list(self.files(build, unit, out))
        if not all(map(os.path.isfile, files)) or sum(map(os.path.getsize, files)) != info.size:
            return False
        return sha256_of(*files) == info.sha256


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
            Unit(f"{cell.config}-{Path(path).stem}", _folder(build, cell), (path,), build.files[path].rows)
            for cell in cells
            for path in _paths(build, cell)
        ]

    def write(self, build: Build, unit: Unit, out: Path) -> Iterator[FileInfo | None]:
        """Write one file per row."""
        made: set[Path] = set()
        checksum, rows, size = hashlib.sha256(), 0, 0
        for file, content in self._placed(build, unit, out, _rows(build, unit.paths)):
            if file.parent not in made:
                file.parent.mkdir(parents=True, exist_ok=True)
                made.add(file.parent)
            file.write_bytes(content)
            checksum.update(content)
            rows, size = rows + 1, size + len(content)
            yield None
        if hasattr(os, "sync"):  # the record must not outlive the images in a power cut
            os.sync()
        yield FileInfo(rows, size, checksum.hexdigest())

    def files(self, build: Build, unit: Unit, out: Path) -> Iterator[Path]:
        """List the file of every row."""
        column = "video" if build.recipe.codec == "h264" else "image"
        every = _rows(build, unit.paths, ["image_id", "label", f"{column}.path"])
        return (file for file, _ in self._placed(build, unit, out, every))

    def _placed(
        self, build: Build, unit: Unit, out: Path, rows: Iterable[Mapping[str, Any]]
    ) -> Iterator[tuple[Path, bytes]]:
        """File of every row, and its content where it has been read."""
        classes = _classes(build, unit.paths[0])
        folder = out / unit.place
        for row in rows:
            if row["label"] < 0:
                raise BuildError(
                    f"{build.folder}: {row['image_id']} has no label (-1), so it has no class's folder"
                )
            stored = row["video"] if "video" in row else row["image"]
            names = classes[row["label"]], *f"{row['image_id']}{Path(stored['path']).suffix}".split("/")
            file = folder.joinpath(*names)
            if "/" in names[0] or not row["image_id"] or not _keeps_names(file, folder, names):
                raise BuildError(
                    f"{build.folder}: {classes[row['label']]!r} and {row['image_id']!r} cannot name a folder and a file"
                )
            yield file, stored.get("bytes", b"")


class Arrays(Target):
    """One array per corruption, such as ``fog.npy``, uint8 (5 * images, side, side, 3), and ``labels.npy``."""

    def units(self, build: Build, cells: Sequence[Cell]) -> list[Unit]:
        """Divide the export into the labels and the corruptions; the clean images are no part of the layout."""
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
            paths = tuple(path for cell in levels for path in _paths(build, cell))
            units.append(Unit(name, f"{name}.npy", paths, sum(build.files[path].rows for path in paths)))
        if not units:
            raise BuildError(
                f"{build.folder}: --to npy is for corruptions, and the clean images are none; name corruptions with "
                "--configs, or export with --to imagefolder"
            )
        return [Unit("labels", LABELS, units[0].paths, 0), *units]

    def write(self, build: Build, unit: Unit, out: Path) -> Iterator[FileInfo | None]:
        """Write the array of a corruption, or the labels that all corruptions have in common."""
        file = out / unit.place
        temporary = temporary_path(file)
        labels = _labels(build, unit.paths)
        try:
            with open(temporary, "wb") as stream:
                sink = HashingFile(stream)
                if unit.place == LABELS:
                    np.lib.format.write_array(sink, labels)
                elif not np.array_equal(np.load(out / LABELS), labels):
                    raise BuildError(
                        f"{build.folder}: the labels of {unit.name} differ from those of the corruptions before it, "
                        f"and {LABELS} holds one list; check the build with `imagenet-cp verify`"
                    )
                else:
                    side = PROFILES[build.recipe.profile].size
                    header = {"descr": "|u1", "fortran_order": False, "shape": (len(labels), side, side, 3)}
                    np.lib.format.write_array_header_1_0(sink, header)
                    for values in _rows(build, unit.paths, ["image"]):
                        sink.write(codecs.decode(values["image"]["bytes"]).tobytes())
                        yield None
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
        yield FileInfo(unit.rows, sink.size, sink.sha256.hexdigest())


TARGETS: dict[str, Target] = {"imagefolder": ImageFolder(), "npy": Arrays()}


def export(
    folder: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str],
    configs: Sequence[str] = (),
    *,
    progress: Progress = silent,
) -> Exported:
    """Export a build; the same call resumes an export, makes damaged files again, and can add configs.

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
        Called with ``"checking files"`` or ``"exporting images"``, the number done and the total.

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
        finished: dict[Unit, FileInfo] = {}
        for done, (unit, info) in enumerate(recorded.items(), start=1):
            if target.is_finished(build, unit, info, place):
                finished[unit] = info
            progress("checking files", done, len(recorded))
        todo = [unit for unit in units if unit not in finished]
        total, before, written = sum(unit.rows for unit in units), sum(unit.rows for unit in finished), 0
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


def _rows(build: Build, paths: Sequence[str], columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    for path in paths:
        with pq.ParquetFile(build.folder / path) as file:
            yield from read_rows(file, columns=columns)


def _classes(build: Build, path: str) -> list[str]:
    import datasets

    schema = pq.read_schema(build.folder / path)
    return list(datasets.Features.from_arrow_schema(schema)["label"].names)


def _folder(build: Build, cell: Cell) -> str:
    """Folder of a config in the authors' layout: ``fog/3``, but ``clean``, ``tilt`` and ``gaussian_noise_2``."""
    return (
        f"{cell.name}/{cell.level}" if build.benchmark.kind == "corruptions" and cell.level else cell.config
    )


def _keeps_names(file: Path, folder: Path, names: Sequence[str]) -> bool:
    """Test if a path holds all names of a build as they are, below its folder, which some names could leave."""
    inside = file.parts == (*folder.parts, *names)
    return inside and ".." not in names and not {"\\", "\0"} & {*"".join(names)}


def _labels(build: Build, paths: Sequence[str]) -> NDArray[np.int64]:
    """Labels of the rows, all of which must have one."""
    labels = np.array([row["label"] for row in _rows(build, paths, ["label"])], np.int64)
    if (labels < 0).any():
        raise BuildError(f"{build.folder}: an image has no label (-1), which {LABELS} cannot hold")
    return labels


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
