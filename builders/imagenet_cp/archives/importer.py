"""Import of the published forms of the benchmarks into the columns of a build, pictures untouched."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..benchmarks.base import Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.recipe import Recipe
from ..build.folder import corrupt_files
from ..build.parquet import FileInfo, Layout, ParquetFile
from ..errors import SourceError, wrap_os_errors
from ..jobs.folder import Shard, lock_build
from ..sources.base import stamp_of
from .catalog import release_of
from .folder import IMAGES_PER_FILE, Import
from .release import Listing, Picture, Pictures, Release

_MEGABYTE = 1_000_000
_MENDED = "fetch it again, or take it as it is with --no-check"

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    pass


def import_official(
    paths: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    check: bool = True,
    checking: Progress = _silent,
    progress: Progress = _silent,
) -> Import:
    """Turn the published files of a benchmark into a folder like that of a build.

    The JPEGs of ImageNet-C and Tiny ImageNet-C go into the column ``image`` and the MP4s of ImageNet-P into ``video``,
    byte for byte; the rows of the arrays of CIFAR-10-C and CIFAR-100-C go into ``image`` as PNG, without loss, under
    the ids that CIFAR's test images have. The same folder comes of the archives and of what they were unpacked to.
    Memory stays below a GB. When it is stopped, the same call goes on from there; more archives can be added later.

    Parameters
    ----------
    paths : sequence of path
        Tar archives, or folders they were unpacked to: all of it, some corruptions, one, or one severity. Of CIFAR
        also single arrays, with their ``labels.npy`` beside them.
    out : path, optional
        The folder; ``./imagenet_c``, or what else the data set is called, by default.
    check : bool
        Compare the MD5 of archives that are called as the published ones with theirs.
    checking, progress : callable
        Told the megabytes compared, and the images written, and of how many.

    Returns
    -------
    Import
        What the folder holds now.

    Raises
    ------
    SourceError
        An archive, folder or array cannot be read, is damaged, differs from the published one, or holds something
        else.
    BuildError
        The folder holds something else, cannot be written, or is in use.
    """
    places = [Path(path).expanduser().resolve() for path in paths]
    release = _one_release(places)
    benchmark = BENCHMARKS[release.dataset]
    recipe = Recipe(release.dataset, benchmark.profile, codec=release.codec, record=release.record)
    folder = Path(out if out is not None else release.dataset).expanduser().resolve()
    made = Import(benchmark, recipe, release, folder)
    identity = {
        "signature": recipe.signature,
        "source": f"zenodo:{release.record}",
        "images": release.images,
        "images_per_file": IMAGES_PER_FILE,
    }
    with lock_build(folder, identity, Shard()), wrap_os_errors(folder):
        made.resume()
        todo = _todo(made, _checked(made, places, check, checking))
        total = sum(pictures.count for pictures in todo.values())
        ticks = itertools.count(1)
        for config, pictures in todo.items():
            for path in made.files.pop(config, {}):
                (folder / path).unlink(missing_ok=True)
            made.files[config] = _write(made, config, pictures, lambda: progress(next(ticks), total))
            made.remember()
        made.finish(identity)
    return made


def _one_release(places: Sequence[Path]) -> Release:
    found = {place: release_of(place) for place in places}
    if not found:
        raise SourceError("name the archives or folders to import, such as noise.tar blur.tar")
    (first, release), *others = found.items()
    for place, other in others:
        if other != release:
            raise SourceError(
                f"{first} is of {release.dataset} and {place} of {other.dataset}: import each by itself, into a folder "
                "of its own"
            )
    return release


def _checked(made: Import, places: Sequence[Path], check: bool, checking: Progress) -> list[Listing]:
    """List what was given, comparing archives with the published ones."""
    archives = made.release.archives if check else {}
    known = {place: archives[place.name] for place in places if place.is_file() and place.name in archives}
    for place, archive in known.items():
        if archive.size and place.stat().st_size != archive.size:
            raise SourceError(
                f"{place}: {place.stat().st_size:,} bytes, but the published one has {archive.size:,}; {_MENDED}"
            )
    stamps = {place: stamp_of(place.stat()) for place in known}
    new = [place for place in known if made.archives.get(place.name) != stamps[place]]
    total = sum(place.stat().st_size for place in new) // _MEGABYTE
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        checking(done // _MEGABYTE, total)

    given: list[Listing] = []
    for place in places:
        found = made.release.find(place, set(made.cells), place in new, tell)
        if place in new and found.md5 != known[place].md5:
            raise SourceError(
                f"{place}: its MD5 is {found.md5}, but that of the published one {known[place].md5}; {_MENDED}"
            )
        if given and found.classes != given[0].classes:
            raise SourceError(f"{given[0].path} and {place} are of other classes; import each by itself")
        made.check_classes(found.classes)
        if place in new:
            made.archives[place.name] = found.stamp
            made.remember()
        if place in known:
            made.notes.append(f"{place.name}: MD5 as published")
        elif place.is_file():
            made.notes.append(f"{place.name}: MD5 not compared{'' if check else ', as was asked for'}")
        if found.others:
            made.notes.append(f"{place}: {found.others:,} files passed over: {', '.join(found.examples)}")
        given.append(found)
    if not any(found.cells for found in given):
        raise SourceError(f"{', '.join(map(str, places))}: no picture of {made.release.dataset} in it")
    return given


def _todo(made: Import, given: Sequence[Listing]) -> dict[str, Pictures]:
    """Return for each config that is not there yet, or not as complete, what to take."""
    best: dict[str, Pictures] = {}
    for found in given:
        for config, pictures in found.cells.items():
            if config not in best or pictures.count > best[config].count:
                best[config] = pictures
    there = {config for config in best if made.images(config) >= best[config].count}
    files = {path: written for config in there for path, written in made.files.get(config, {}).items()}
    corrupt = corrupt_files(made.out, files, os.cpu_count() or 1, _silent)
    made.notes += [f"{path}: {fault}; imported again" for path, fault in corrupt.items()]
    again = {path.split("/")[1] for path in corrupt}
    return {config: best[config] for config in made.cells if config in best and config not in there - again}


def _write(made: Import, config: str, pictures: Pictures, tick: Callable[[], None]) -> dict[str, FileInfo]:
    """Write the files of one config."""
    layout = Layout(made.benchmark.features(made.classes, made.recipe), made.recipe.signature)
    cell = made.cells[config]
    files: dict[str, FileInfo] = {}
    spoilt: list[str] = []
    with pictures.opened() as read:
        for index, rows in itertools.groupby(
            pictures.rows(), lambda picture: picture.place // IMAGES_PER_FILE
        ):
            path = made.file_of(config, index)
            with ParquetFile(made.out / path, layout) as file:
                for picture in rows:
                    data = read(picture)
                    if data is None:
                        spoilt.append(picture.image_id)
                    else:
                        file.write(_row(made, cell, picture, data))
                    tick()
            files[path] = file.result
    if spoilt:
        made.notes.append(
            f"{config}: {len(spoilt):,} files left out that are no {made.release.ending}: {_some(spoilt)}"
        )
    return files


def _row(made: Import, cell: Cell, picture: Picture, data: bytes) -> dict[str, Any]:
    row = {"label": picture.label, "image_id": picture.image_id}
    if made.recipe.codec == "h264":
        return row | {"video": data, "perturbation": cell.name, "difficulty": cell.level}
    image = {"bytes": data, "path": f"{picture.image_id}.{made.release.ending}"}
    return row | {"image": image, "corruption": cell.name, "severity": cell.level}


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
