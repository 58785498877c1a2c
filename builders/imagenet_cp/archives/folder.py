"""The folder of an import: what is finished in it, what is missing, and what it says of itself."""

from __future__ import annotations

import contextlib
import json
import math
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ..benchmarks.base import Benchmark, Cell
from ..benchmarks.layout import DATA_FILE, data_file
from ..benchmarks.recipe import Recipe
from ..build.folder import unexpected_files
from ..build.parquet import FileInfo
from ..cards import card as cards
from ..errors import BuildError
from ..files import write_json, write_text
from ..jobs.folder import RECORD_FILE, STATE_DIR
from ..sources.base import digest
from .catalog import published_cells
from .release import Release

#: Slices are by the place of an image, as those of a build of all images, whatever is there.
IMAGES_PER_FILE = 2500
_RECORD = f"{STATE_DIR}/official.json"


@dataclass
class Import:
    """What a folder holds of the published pictures.

    Attributes
    ----------
    benchmark, recipe, release
        What is imported; the recipe names their record on Zenodo.
    out : Path
        The folder.
    classes : tuple of str
        Names of the labels.
    files : dict
        Config -> relative path -> what the file holds.
    archives : dict
        Name of an archive that was found to be as published -> its stamp.
    notes : list of str
        What a user should know about what was given.
    """

    benchmark: Benchmark
    recipe: Recipe
    release: Release
    out: Path
    classes: tuple[str, ...] = ()
    files: dict[str, dict[str, FileInfo]] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def cells(self) -> dict[str, Cell]:
        """Config -> its cell, in the published order."""
        return published_cells(self.benchmark)

    @property
    def slices(self) -> int:
        """How many files a config has."""
        return math.ceil(self.release.images / IMAGES_PER_FILE)

    def images(self, config: str) -> int:
        """Return how many images of a config are there."""
        return sum(written.rows for written in self.files.get(config, {}).values())

    @property
    def missing(self) -> dict[str, int]:
        """Config -> how many of its images are not there, in the published order."""
        lacking = {config: self.release.images - self.images(config) for config in self.cells}
        return {config: count for config, count in lacking.items() if count > 0}

    def file_of(self, config: str, index: int) -> str:
        """Return the path of a file, relative to the folder."""
        return data_file(config, index, self.slices)

    def resume(self) -> None:
        """Find out what earlier imports into the folder have finished, and remove what they have not.

        Raises
        ------
        BuildError
            There are other files among the data.
        """
        cells = self.cells
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            stored = json.loads((self.out / _RECORD).read_text(encoding="utf-8"))
            self.archives = dict(stored["archives"])
            self.files = {
                config: {path: FileInfo(**written) for path, written in files.items()}
                for config, files in stored["files"].items()
                if config in cells
            }
        for config, files in list(self.files.items()):
            if any(_size(self.out / path) != written.size for path, written in files.items()):
                self.notes.append(f"{config}: its files are missing or damaged; it is to be imported again")
                del self.files[config]
        for temporary in (*self.out.glob(".*.tmp"), *(self.out / "data").rglob(".*.tmp")):
            temporary.unlink(missing_ok=True)
        for path in unexpected_files(self.out, {path for files in self.files.values() for path in files}):
            found = DATA_FILE.fullmatch(path)
            if not found or found[1] not in cells or int(found[3]) != self.slices:
                raise BuildError(
                    f"{path} in {self.out}: not of this import; move it away, or it would be read along with the data"
                )
            (self.out / path).unlink()

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """Take the classes, which must be those of what is in the folder.

        Raises
        ------
        BuildError
            They are others.
        """
        own = digest([classes])
        stored = {}
        with contextlib.suppress(OSError, ValueError):
            stored = json.loads((self.out / _RECORD).read_text(encoding="utf-8"))
        if self.files and stored.get("classes", own) != own:
            raise BuildError(
                f"{self.out}: holds pictures of other classes than those given, so the labels would not agree; choose "
                "another folder with --out, or delete this one"
            )
        self.classes = classes

    def remember(self) -> None:
        """Record what is finished."""
        files = {
            config: {path: written._asdict() for path, written in files.items()}
            for config, files in self.files.items()
        }
        write_json(
            self.out / _RECORD,
            {"archives": self.archives, "classes": digest([self.classes]), "files": files},
        )

    def finish(self, identity: Mapping[str, Any]) -> None:
        """Write the record of the whole, then the README that makes it loadable."""
        files = {path: written._asdict() for part in self.files.values() for path, written in part.items()}
        files = {path: files[path] for path in sorted(files)}
        versions = {name: metadata.version(name) for name in ("imagenet-cp", "datasets", "pyarrow")}
        benchmark = replace(
            self.benchmark,
            description=f"{self.benchmark.description} These are the pictures its authors published "
            f"(https://zenodo.org/records/{self.release.record}), {cards.as_published(self.recipe)}.",
        )
        card = cards.dataset_card(benchmark, self.recipe, self.classes, files)
        write_json(
            self.out / RECORD_FILE,
            {
                "identity": identity,
                "versions": {"python": platform.python_version(), **versions},
                "skipped": {},
                "archives": sorted(self.archives),
                "files": files,
            },
        )
        write_text(self.out / "README.md", card)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def report(made: Import) -> list[str]:
    """Return what there is to say about an import, in lines: what was passed over and what is missing."""
    missing = made.missing
    whole = [config for config in made.files if config not in missing]
    parts = [
        f"{config}: {made.images(config):,} of {made.release.images:,} images"
        for config in missing
        if config in made.files
    ]
    absent = [config for config in missing if config not in made.files]
    every = [written for files in made.files.values() for written in files.values()]
    return [
        *made.notes,
        *parts,
        *([f"not given: {', '.join(_by_name(made.cells, absent))}"] if absent else []),
        f"{made.out}: {len(whole)} of {len(made.cells)} configs whole, "
        f"{sum(written.rows for written in every):,} rows, {sum(written.size for written in every) / 1e6:,.1f} MB, "
        f"{made.recipe.signature}",
    ]


def _by_name(cells: Mapping[str, Cell], configs: Sequence[str]) -> list[str]:
    """Shorten a list of configs: a corruption that is there at no severity is named once."""
    count = Counter(cell.name for cell in cells.values())
    absent = Counter(cells[config].name for config in configs)
    names = (
        cells[config].name if absent[cells[config].name] == count[cells[config].name] else config
        for config in configs
    )
    return list(dict.fromkeys(names))
