"""The folder of an import: its finished and missing files, its record and its card."""

from __future__ import annotations

import math
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ..benchmarks.benchmark import Benchmark, Cell
from ..benchmarks.file_names import DATA_FILE, data_file
from ..benchmarks.recipe import Recipe
from ..build.build_folder import unexpected_files
from ..build.checksums import size_problem
from ..build.parquet import FileInfo, read_footer
from ..cards import card as cards
from ..errors import BuildError
from ..files import read_json, write_json, write_text
from ..jobs.job_folder import FILES, IDENTITY, RECORD_FILE, STATE_DIR, differences
from ..sources.source import digest
from ..text import amount
from .known_releases import released_cells
from .release import Release

#: Images per file, by their position in the benchmark, as in a build of all images.
IMAGES_PER_FILE = 2500
_STATE = f"{STATE_DIR}/official.json"
_SCHEMA = {"identity": IDENTITY, "archives": {str: str}, "classes": str, "files": {str: FILES}}


@dataclass
class Import:
    """Released images that a folder holds.

    Attributes
    ----------
    benchmark, recipe, release
        The data set, its recipe and its release.
    out : Path
        The folder.
    classes : tuple of str
        Names of the labels.
    files : dict
        Config -> relative path -> record.
    archives : dict
        Name of an archive whose checksum is that of the release -> its stamp.
    notes : list of str
        Remarks for the user.
    identity : dict
        Identity of the folder.
    """

    benchmark: Benchmark
    recipe: Recipe
    release: Release
    out: Path
    classes: tuple[str, ...] = ()
    files: dict[str, dict[str, FileInfo]] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    identity: dict[str, Any] = field(default_factory=dict)
    _stored_classes: str = ""

    @property
    def cells(self) -> dict[str, Cell]:
        """Config -> cell, in the order of the benchmark."""
        return released_cells(self.benchmark)

    @property
    def slices(self) -> int:
        """Number of files of a config."""
        return math.ceil(self.release.images / IMAGES_PER_FILE)

    @property
    def infos(self) -> dict[str, FileInfo]:
        """Relative path -> record, of all files in order."""
        infos = {path: info for files in self.files.values() for path, info in files.items()}
        return dict(sorted(infos.items()))

    def images(self, config: str) -> int:
        """Count the images of a config."""
        return sum(info.rows for info in self.files.get(config, {}).values())

    @property
    def missing(self) -> dict[str, int]:
        """Config -> number of missing images, in the order of the benchmark."""
        missing = {config: self.release.images - self.images(config) for config in self.cells}
        return {config: count for config, count in missing.items() if count > 0}

    def file_of(self, config: str, index: int) -> str:
        """Path of a file, relative to the folder."""
        return data_file(config, index, self.slices)

    def resume(self, identity: dict[str, Any]) -> None:
        """Read the state of earlier imports into the folder, and delete their unfinished files.

        Raises
        ------
        BuildError
            There are other files among the data.
        """
        cells = self.cells
        self.identity = identity
        stored = self._read_state()
        if stored:
            self._stored_classes = stored["classes"]
            self.archives = dict(stored["archives"])
            self.files = {
                config: {path: FileInfo(**info) for path, info in files.items()}
                for config, files in stored["files"].items()
                if config in cells
            }
        for config, files in list(self.files.items()):
            if any(size_problem(self.out / path, info) for path, info in files.items()):
                self.notes.append(f"{config}: its files are missing or damaged; import it again")
                del self.files[config]
        for temporary in (*self.out.glob(".*.tmp"), *(self.out / "data").rglob(".*.tmp")):
            temporary.unlink()
        for path in unexpected_files(self.out, set(self.infos)):
            match = DATA_FILE.fullmatch(path)
            ours = match and match[1] in cells and int(match[3]) == self.slices
            if not ours or read_footer(self.out / path)[0] not in ("", self.recipe.signature):
                raise BuildError(
                    f"{path} in {self.out}: not part of this import; move it away, because it would be read along with "
                    "the data"
                )
            (self.out / path).unlink()

    def _read_state(self) -> dict[str, Any]:
        """Read the record of the finished configs; empty if there is none, or it is damaged or of another release."""
        try:
            stored: dict[str, Any] = read_json(self.out / _STATE, _SCHEMA)
            different = differences(stored["identity"], self.identity)
        except FileNotFoundError:
            return {}
        except ValueError as error:
            different = f"damaged: {error}"
        if not different:
            return stored
        self.notes.append(f"{_STATE}: {different}; all is imported again")
        return {}

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """Set the classes, which must be those of the files in the folder.

        Raises
        ------
        BuildError
            They differ.
        """
        if self.files and self._stored_classes not in ("", digest([classes])):
            raise BuildError(
                f"{self.out}: its images have other classes than those given, so the labels would not agree; choose "
                "another folder with --out, or delete this one"
            )
        self.classes = classes

    def save_state(self) -> None:
        """Record the finished files."""
        files = {
            config: {path: info._asdict() for path, info in files.items()}
            for config, files in self.files.items()
        }
        self._stored_classes = digest([self.classes])
        state = {
            "identity": self.identity,
            "archives": self.archives,
            "classes": self._stored_classes,
            "files": files,
        }
        write_json(self.out / _STATE, state)

    def finish(self) -> None:
        """Write the record of the folder and then its card, which makes it loadable."""
        files = {
            path: info._replace(rows=read_footer(self.out / path)[1])._asdict()
            for path, info in self.infos.items()
        }
        versions = {name: metadata.version(name) for name in ("imagenet-cp", "datasets", "pyarrow")}
        benchmark = replace(
            self.benchmark,
            description=f"{self.benchmark.description} These are the images released by its authors "
            f"({self.release.url}), {cards.as_published(self.recipe)}.",
        )
        record = {
            "identity": self.identity,
            "versions": {"python": platform.python_version(), **versions},
            "skipped": {},
            "archives": sorted(self.archives),
            "files": files,
        }
        write_json(self.out / RECORD_FILE, record)
        card = cards.dataset_card(benchmark, self.recipe, self.classes, files)
        write_text(self.out / "README.md", card)


def report(made: Import) -> list[str]:
    """Describe an import in lines: skipped files, incomplete and missing configs, and its size."""
    missing = made.missing
    absent = [config for config in missing if config not in made.files]
    infos = made.infos.values()
    return [
        *made.notes,
        *(
            f"{config}: {made.images(config):,} of {made.release.images:,} images"
            for config in missing
            if config in made.files
        ),
        *([f"not given: {', '.join(_short_names(made.cells, absent))}"] if absent else []),
        f"{made.out}: {len(made.files.keys() - missing)} of {len(made.cells)} configs complete, "
        f"{sum(info.rows for info in infos):,} rows, {amount(sum(info.size for info in infos))}, "
        f"{made.recipe.signature}",
    ]


def _short_names(cells: Mapping[str, Cell], configs: Sequence[str]) -> list[str]:
    """Shorten a list of configs by naming a corruption once if all its severities are listed."""
    every = Counter(cell.name for cell in cells.values())
    listed = Counter(cells[config].name for config in configs)
    names = ((config, cells[config].name) for config in configs)
    return list(dict.fromkeys(name if listed[name] == every[name] else config for config, name in names))
