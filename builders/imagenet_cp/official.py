"""Import of the published files of ImageNet-C and ImageNet-P into the columns of a build, bytes untouched."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from . import build_folder, cards
from .benchmark import Benchmark, Cell
from .benchmarks import BENCHMARKS
from .build_folder import RECORD, Shard
from .errors import BuildError, SourceError
from .parquet import Layout, ParquetFile, Written, write_json, write_text
from .published import Found, Pictures, find, image_id, opened, release_of
from .recipe import Recipe
from .releases import IMAGES, RELEASES, Published, Release, cells_of
from .sources import imagenet
from .sources.folder import stamp_of
from .units import PRIVATE

#: Slices are by number of image, as those of a build of ImageNet, whatever is there.
IMAGES_PER_FILE = 2500
_SLICES = math.ceil(IMAGES / IMAGES_PER_FILE)
_MEGABYTE = 1_000_000
_RECORD = f"{PRIVATE}/official.json"
_FILE = re.compile(rf"data/([a-z0-9_]+)/validation-\d{{5}}-of-{_SLICES:05d}\.parquet", re.ASCII)
_MENDED = "fetch it again, or take it as it is with --no-check"

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    pass


@dataclass
class Import:
    """What a folder holds of the published files.

    Attributes
    ----------
    benchmark, recipe, release
        What is imported; the recipe is a `Published`.
    out : Path
        The folder.
    files : dict
        Config -> relative path -> what the file holds.
    archives : dict
        Name of an archive that was found to be as published -> its stamp.
    notes : list of str
        What a user should know about what was given.
    """

    benchmark: Benchmark
    recipe: Published
    release: Release
    out: Path
    files: dict[str, dict[str, Written]] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def images(self, config: str) -> int:
        """Return how many images of a config are there."""
        return sum(written.rows for written in self.files.get(config, {}).values())

    @property
    def missing(self) -> dict[str, int]:
        """Config -> how many of its images are not there, in the published order."""
        lacking = {config: IMAGES - self.images(config) for config in cells_of(self.benchmark)}
        return {config: count for config, count in lacking.items() if count}


def import_official(
    paths: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    check: bool = True,
    checking: Progress = _silent,
    progress: Progress = _silent,
) -> Import:
    """Turn the published files of ImageNet-C or ImageNet-P into a folder like that of a build.

    The JPEGs of ImageNet-C go into the column ``image`` and the MP4s of ImageNet-P into ``video``, byte for byte. Rows
    are ordered by image id, so the same folder comes of the archives and of what they were unpacked to. Memory stays
    below a GB. When it is stopped, the same call goes on from there; more archives can be added later.

    Parameters
    ----------
    paths : sequence of path
        Tar archives, or folders they were unpacked to: all of it, some corruptions, one, or one severity.
    out : path, optional
        The folder; ``./imagenet_c`` or ``./imagenet_p`` by default.
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
        An archive or folder cannot be read, is damaged, differs from the published one, or holds something else.
    BuildError
        The folder holds something else, cannot be written, or is in use.
    """
    places = [Path(path).expanduser().resolve() for path in paths]
    release = _one_release(places)
    benchmark = BENCHMARKS[release.dataset]
    recipe = Published(release.dataset, benchmark.profile, codec=release.codec, record=release.record)
    folder = Path(out if out is not None else release.dataset).expanduser().resolve()
    made = Import(benchmark, recipe, release, folder)
    identity = {
        "signature": recipe.signature,
        "source": f"zenodo:{release.record}",
        "images": IMAGES,
        "images_per_file": IMAGES_PER_FILE,
    }
    with build_folder.at_work(folder, identity, Shard()), _disk(folder):
        _take_up(made)
        todo = _todo(made, _checked(made, places, check, checking))
        total = sum(len(pictures.numbers) for _, pictures in todo.values())
        ticks = itertools.count(1)
        for config, (found, pictures) in todo.items():
            for path in made.files.pop(config, {}):
                (folder / path).unlink(missing_ok=True)
            made.files[config] = _write(made, config, found, pictures, lambda: progress(next(ticks), total))
            _remember(made)
        _finish(made, identity)
    return made


def _one_release(places: Sequence[Path]) -> Release:
    cells = {name: set(cells_of(BENCHMARKS[name])) for name in RELEASES}
    found = {place: release_of(place, RELEASES, cells) for place in places}
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


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BuildError(
            f"{error.filename or folder}: {error.strerror or error}. What is finished is kept; when this is mended, "
            "the same command goes on from there"
        ) from error


def _take_up(made: Import) -> None:
    """Find out what earlier imports into the folder have finished, and remove what they have not."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        stored = json.loads((made.out / _RECORD).read_text(encoding="utf-8"))
        made.archives = dict(stored["archives"])
        made.files = {
            config: {path: Written(**written) for path, written in files.items()}
            for config, files in stored["files"].items()
            if config in cells_of(made.benchmark)
        }
    for config, files in list(made.files.items()):
        if any(_size(made.out / path) != written.size for path, written in files.items()):
            made.notes.append(f"{config}: its files are missing or damaged; it is to be imported again")
            del made.files[config]
    for temporary in (*made.out.glob(".*.tmp"), *(made.out / "data").rglob(".*.tmp")):
        temporary.unlink(missing_ok=True)
    for path in build_folder.strangers(made.out, {path for files in made.files.values() for path in files}):
        found = _FILE.fullmatch(path)
        if not found or found[1] not in cells_of(made.benchmark):
            raise BuildError(
                f"{path} in {made.out}: not of this import; move it away, or it would be read along with the data"
            )
        (made.out / path).unlink()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _remember(made: Import) -> None:
    files = {
        config: {path: written._asdict() for path, written in files.items()}
        for config, files in made.files.items()
    }
    write_json(made.out / _RECORD, {"archives": made.archives, "files": files})


def _checked(made: Import, places: Sequence[Path], check: bool, checking: Progress) -> list[Found]:
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

    given = []
    for place in places:
        found = find(place, made.release, set(cells_of(made.benchmark)), place in new, tell)
        if place in new:
            if found.md5 != known[place].md5:
                raise SourceError(
                    f"{place}: its MD5 is {found.md5}, but that of the published one {known[place].md5}; {_MENDED}"
                )
            made.archives[place.name] = found.stamp
            _remember(made)
        if place in known:
            made.notes.append(f"{place.name}: MD5 as published")
        elif place.is_file():
            made.notes.append(f"{place.name}: MD5 not compared{'' if check else ', as was asked for'}")
        if found.others:
            made.notes.append(f"{place}: {found.others:,} files passed over: {', '.join(found.examples)}")
        given.append(found)
    return given


def _todo(made: Import, given: Sequence[Found]) -> dict[str, tuple[Found, Pictures]]:
    """Return for each config that is not there yet, or not as complete, where to take it from."""
    best: dict[str, tuple[Found, Pictures]] = {}
    for found in given:
        for config, pictures in found.cells.items():
            if config not in best or len(pictures.numbers) > len(best[config][1].numbers):
                best[config] = found, pictures
    there = {config for config in best if made.images(config) >= len(best[config][1].numbers)}
    files = {path: written for config in there for path, written in made.files.get(config, {}).items()}
    damaged = build_folder.damaged(made.out, files, os.cpu_count() or 1, _silent)
    made.notes += [f"{path}: {fault}; imported again" for path, fault in damaged.items()]
    again = {path.split("/")[1] for path in damaged}
    return {
        config: best[config]
        for config in cells_of(made.benchmark)
        if config in best and config not in there - again
    }


def _write(
    made: Import, config: str, found: Found, pictures: Pictures, tick: Callable[[], None]
) -> dict[str, Written]:
    """Write the files of one config."""
    layout = Layout(made.benchmark.features(imagenet.wnids(), made.recipe), made.recipe.signature)
    begins = re.compile(made.release.begins, re.DOTALL)
    cell = cells_of(made.benchmark)[config]
    files: dict[str, Written] = {}
    spoilt: list[str] = []
    with opened(found, pictures, made.release) as read:
        for index, numbers in itertools.groupby(
            pictures.numbers, lambda number: (number - 1) // IMAGES_PER_FILE
        ):
            path = f"data/{config}/validation-{index:05d}-of-{_SLICES:05d}.parquet"
            with ParquetFile(made.out / path, layout) as file:
                for number in numbers:
                    data = read(number)
                    if begins.match(data) and len(data) <= made.release.largest:
                        file.write(_row(made.recipe, cell, number, int(pictures.labels[number]), data))
                    else:
                        spoilt.append(image_id(number))
                    tick()
            files[path] = file.result
    if spoilt:
        made.notes.append(
            f"{config}: {len(spoilt):,} files left out that are no {made.release.ending}: {_some(spoilt)}"
        )
    return files


def _row(recipe: Recipe, cell: Cell, number: int, label: int, data: bytes) -> dict[str, Any]:
    row = {"label": label, "image_id": image_id(number)}
    if recipe.codec == "h264":
        return row | {"video": data, "perturbation": cell.name, "difficulty": cell.level}
    image = {"bytes": data, "path": f"{image_id(number)}.JPEG"}
    return row | {"image": image, "corruption": cell.name, "severity": cell.level}


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"


def _finish(made: Import, identity: Mapping[str, Any]) -> None:
    """Write the record of the whole, then the README that makes it loadable."""
    files = {path: written._asdict() for part in made.files.values() for path, written in part.items()}
    files = {path: files[path] for path in sorted(files)}
    versions = {name: metadata.version(name) for name in ("imagenet-cp", "datasets", "pyarrow")}
    benchmark = replace(
        made.benchmark,
        description=f"{made.benchmark.description} These are the files its authors published "
        f"(https://zenodo.org/records/{made.release.record}), byte for byte.",
    )
    card = cards.dataset_card(benchmark, made.recipe, imagenet.wnids(), files)
    write_json(
        made.out / RECORD,
        {
            "identity": identity,
            "versions": {"python": platform.python_version(), **versions},
            "skipped": {},
            "archives": sorted(made.archives),
            "files": files,
        },
    )
    write_text(made.out / "README.md", card)


def report(made: Import) -> list[str]:
    """Return what there is to say about an import, in lines: what was passed over and what is missing."""
    whole = [config for config in made.files if config not in made.missing]
    parts = [
        f"{config}: {made.images(config):,} of {IMAGES:,} images"
        for config in made.missing
        if config in made.files
    ]
    absent = [config for config in made.missing if config not in made.files]
    every = [written for files in made.files.values() for written in files.values()]
    return [
        *made.notes,
        *parts,
        *([f"not given: {', '.join(_by_name(made, absent))}"] if absent else []),
        f"{made.out}: {len(whole)} of {len(cells_of(made.benchmark))} configs whole, "
        f"{sum(written.rows for written in every):,} rows, {sum(written.size for written in every) / 1e6:,.1f} MB, "
        f"{made.recipe.signature}",
    ]


def _by_name(made: Import, configs: Sequence[str]) -> list[str]:
    """Shorten a list of configs: a corruption that is there at no severity is named once."""
    cells = cells_of(made.benchmark)
    count = Counter(cell.name for cell in cells.values())
    absent = Counter(cells[config].name for config in configs)
    names = (
        cells[config].name if absent[cells[config].name] == count[cells[config].name] else config
        for config in configs
    )
    return list(dict.fromkeys(names))
