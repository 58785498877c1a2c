"""Import of the releases of the authors into the columns of a build, without changing the images."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..benchmarks.benchmark import Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.recipe import Recipe
from ..build.build_folder import lock_build
from ..build.checksums import damaged_files
from ..build.parquet import FileInfo, Layout, ParquetFile
from ..errors import SourceError, UsageError, wrap_os_errors
from ..files import local_path
from ..jobs.cores import available_cores
from ..jobs.job_folder import Shard
from ..jobs.locks import Claim
from ..progress import Progress, silent
from ..sources.source import stamp_of
from ..text import join_first
from .import_folder import IMAGES_PER_FILE, Import
from .known_releases import release_of
from .release import Images, Listing, Release, ReleasedImage

_MEGABYTE = 1_000_000
_HINT = "fetch it again, or import it as it is with --no-md5"


def import_official(
    paths: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    check: bool = True,
    progress: Progress = silent,
) -> Import:
    """Import the released files of a benchmark into a folder like that of a build.

    The JPEGs of ImageNet-C, ImageNet-C-bar and Tiny ImageNet-C go into the column ``image`` and the MP4s of ImageNet-P
    into ``video``, byte for byte; the rows of the arrays of CIFAR-10-C and CIFAR-100-C go into ``image`` as lossless
    PNG, with the ids of CIFAR's test images. Folders of ImageNet-C-bar may be named by severities or by the authors'
    levels. Archives and the folders they were unpacked to give the same result. Memory stays below a GB. After an
    interruption the same call resumes; more archives can be added later.

    Parameters
    ----------
    paths : sequence of path
        Tar archives, or folders they were unpacked to: all of it, some corruptions, one, or one severity. For CIFAR
        also single arrays, with their ``labels.npy`` beside them.
    out : path, optional
        The folder; by default the name of the data set, such as ``./imagenet_c``.
    check : bool
        Compare the MD5 of archives that have the name of a released one.
    progress : callable
        Called with ``"checking archives (MB)"``, ``"checking files"`` or ``"importing images"``, the number done and
        the total.

    Returns
    -------
    Import
        Content of the folder.

    Raises
    ------
    SourceError
        An archive, folder or array cannot be read, is damaged, differs from the released one, or is of no release.
    BuildError
        The folder holds something else, cannot be written, or is in use.
    """
    places = [local_path(path).resolve() for path in paths]
    chosen = None if out is None else local_path(out).resolve()
    release = _common_release(places)
    benchmark = BENCHMARKS[release.dataset]
    recipe = Recipe(release.dataset, benchmark.profile, codec=release.codec, record=release.record)
    folder = chosen or Path(release.dataset).resolve()
    made = Import(benchmark, recipe, release, folder)
    identity = {
        "signature": recipe.signature,
        "source": release.address or f"zenodo:{release.record}",
        "images": release.images,
        "images_per_file": IMAGES_PER_FILE,
    }
    with lock_build(folder, identity, Shard()) as claim, wrap_os_errors(folder):
        made.resume(identity)
        todo, before = _todo(made, _scan(made, places, check, progress), progress)
        total = before + sum(images.count for images in todo.values())
        count = itertools.count(before + 1)
        for config, images in todo.items():
            for path in made.files.pop(config, {}):
                (folder / path).unlink(missing_ok=True)
            made.files[config] = _write(
                made, claim, config, images, lambda: progress("importing images", next(count), total)
            )
            made.save_state()
        made.finish()
    return made


def _common_release(places: Sequence[Path]) -> Release:
    if not places:
        raise UsageError("name the archives or folders to import, such as noise.tar blur.tar")
    for place in places:
        if not place.exists():
            raise UsageError(f"{place}: no such file or folder")
    release = release_of(places[0])
    for place in places[1:]:
        other = release_of(place)
        if other != release:
            raise SourceError(
                f"{places[0]} is of {release.dataset} and {place} of {other.dataset}: import each into a folder of its "
                "own"
            )
    return release


def _scan(made: Import, places: Sequence[Path], check: bool, progress: Progress) -> list[Listing]:
    """List the files at all places, and compare archives with the released ones."""
    archives = made.release.archives if check else {}
    known = {place: archives[place.name] for place in places if place.is_file() and place.name in archives}
    for place, archive in known.items():
        if archive.size and place.stat().st_size != archive.size:
            raise SourceError(
                f"{place}: {place.stat().st_size:,} bytes, but the released one has {archive.size:,}; {_HINT}"
            )
    new = [place for place in known if made.archives.get(place.name) != stamp_of(place.stat())]
    total = sum(place.stat().st_size for place in new) // _MEGABYTE
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress("checking archives (MB)", done // _MEGABYTE, total)

    listings: list[Listing] = []
    for place in places:
        listing = made.release.scan(place, set(made.cells), place in new, tick)
        if place in new and listing.md5 != known[place].md5:
            raise SourceError(
                f"{place}: its MD5 is {listing.md5}, but that of the released one {known[place].md5}; {_HINT}"
            )
        if listings and listing.classes != listings[0].classes:
            raise SourceError(f"{listings[0].path} and {place} have different classes; import each by itself")
        made.check_classes(listing.classes)
        if place in new:
            made.archives[place.name] = listing.stamp
            made.save_state()
        if place in known:
            made.notes.append(f"{place.name}: MD5 as released")
        elif place.is_file():
            made.notes.append(f"{place.name}: MD5 not compared{'' if check else ', as requested'}")
        if listing.skipped:
            made.notes.append(f"{place}: {listing.skipped:,} files skipped: {', '.join(listing.examples)}")
        listings.append(listing)
    if not any(listing.cells for listing in listings):
        raise SourceError(f"{', '.join(map(str, places))}: no image of {made.release.dataset} in it")
    return listings


def _todo(made: Import, listings: Sequence[Listing], progress: Progress) -> tuple[dict[str, Images], int]:
    """Config -> images to import, of the configs that are missing, less complete or damaged; and number of the rest."""
    found: dict[str, Images] = {}
    for config, images in itertools.chain.from_iterable(listing.cells.items() for listing in listings):
        if config not in found or images.count > found[config].count:
            found[config] = images
    finished = {config for config, images in found.items() if made.images(config) >= images.count}
    files = {path: info for path, info in made.infos.items() if path.split("/")[1] in finished}
    damaged = damaged_files(made.out, files, available_cores(), progress)
    made.notes += [f"{path}: {problem}; imported again" for path, problem in damaged.items()]
    finished -= {path.split("/")[1] for path in damaged}
    todo = {config: found[config] for config in made.cells if config in found and config not in finished}
    return todo, sum(found[config].count for config in finished)


def _write(
    made: Import, claim: Claim, config: str, images: Images, tick: Callable[[], None]
) -> dict[str, FileInfo]:
    """Write the files of one config."""
    layout = Layout(made.benchmark.features(made.classes, made.recipe), made.recipe.signature)
    files: dict[str, FileInfo] = {}
    damaged: list[str] = []
    for index, rows in itertools.groupby(images.read(), lambda image: image.place // IMAGES_PER_FILE):
        path = made.file_of(config, index)
        with ParquetFile(made.out / path, layout, claim) as file:
            for image in rows:
                if image.data is None:
                    damaged.append(image.image_id)
                else:
                    file.write(_row(made, made.cells[config], image))
                tick()
        files[path] = file.info
    if damaged:
        made.notes.append(
            f"{config}: {len(damaged):,} files skipped that are no {made.release.ending}: {join_first(damaged, 3)}"
        )
    return files


def _row(made: Import, cell: Cell, image: ReleasedImage) -> dict[str, Any]:
    row = {"label": image.label, "image_id": image.image_id}
    encoded = {"bytes": image.data, "path": f"{image.image_id}.{made.release.ending}"}
    if made.recipe.codec == "h264":
        return row | {"video": encoded, "perturbation": cell.name, "difficulty": cell.level}
    return row | {"image": encoded, "corruption": cell.name, "severity": cell.level}
