"""A finished build as its build.json describes it, and what was found wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..benchmarks.base import Benchmark, Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.recipe import Recipe
from ..cards.card import is_official
from ..errors import BuildError
from ..images.profiles import PROFILES
from ..jobs.folder import RECORD_FILE, read_record
from .parquet import FileInfo
from .units import DATA_FILE


class Problem(NamedTuple):
    """Something that is off: where (a file, or a row of one), and what."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True)
class StatedRecipe(Recipe):
    """The recipe that a build says it was made by, which need not be one of this version."""

    stated: str = ""

    @property
    def signature(self) -> str:
        """As the build says."""
        return self.stated


@dataclass
class Report:
    """What a folder holds, and what is wrong with it.

    Attributes
    ----------
    folder : Path
        Of the build.
    record : dict
        Its build.json.
    benchmark, recipe
        What it is a build of.
    files : dict
        Relative path -> what its record says is in the file.
    classes : tuple of str
        Names of the labels, as its files say.
    rows, remade : int
        How many rows were read, and how many of them made again from the source.
    faults : list of Problem
        Empty where all is well.
    """

    folder: Path
    record: Mapping[str, Any]
    benchmark: Benchmark
    recipe: Recipe
    files: dict[str, FileInfo]
    classes: tuple[str, ...] = ()
    rows: int = 0
    remade: int = 0
    faults: list[Problem] = field(default_factory=list)

    @property
    def signature(self) -> str:
        """Of the recipe, or what stands for it where these are the published pictures."""
        return self.recipe.signature

    @property
    def official(self) -> bool:
        """Whether these are the published pictures, which no recipe makes."""
        return is_official(self.recipe)


def open_build(folder: str | os.PathLike[str]) -> Report:
    """Read what a finished build says of itself, without looking at its data.

    Raises
    ------
    BuildError
        The folder holds no build, an unfinished one, or one that this version does not know.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise BuildError(f"{folder}: no such folder")
    record = read_record(path)
    if not record:
        raise BuildError(f"{folder}: holds no build (there is no {RECORD_FILE} in it)")
    if not record.get("files"):
        raise BuildError(f"{folder}: the build is not finished; run the same build command again")
    try:
        files = {name: FileInfo(**written) for name, written in record["files"].items()}
        benchmark, recipe = parse_signature(record["identity"]["signature"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BuildError(
            f"{folder}: its {RECORD_FILE} is damaged, or of another version of this package"
        ) from None
    for name in files:
        found = DATA_FILE.fullmatch(name)
        if found is None or found[1] not in cells_of(benchmark):
            raise BuildError(
                f"{folder}: its {RECORD_FILE} names {name!r}, which is no file of {benchmark.dataset}"
            )
    return Report(path, record, benchmark, recipe, files)


def parse_signature(signature: str) -> tuple[Benchmark, Recipe]:
    """Return the benchmark and the recipe that a signature tells of; KeyError or ValueError if it is none."""
    dataset, *parts = signature.split("|")
    said = dict(part.split(":", 1) for part in parts if part.startswith(("profile:", "size:", "seed:")))
    benchmark = BENCHMARKS[dataset]
    profile = said.get("profile", benchmark.profile)
    PROFILES[profile]  # KeyError where there is none
    size = said.get("size", Recipe.size)
    return benchmark, StatedRecipe(
        dataset, profile, int(said.get("seed", 0)), parts[-1], signature, size=size
    )


def cells_of(benchmark: Benchmark) -> dict[str, Cell]:
    """Return the smallest configs of a data set, which are the folders of its builds, by name."""
    return {cell.config: cell for cells in benchmark.configs.values() for cell in cells}
