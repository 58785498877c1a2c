"""A finished build as its build.json describes it, and what was found wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..benchmarks.base import Benchmark
from ..benchmarks.catalog import parse_signature
from ..benchmarks.layout import DATA_FILE
from ..benchmarks.recipe import Recipe
from ..errors import BuildError
from ..jobs.folder import RECORD_FILE, read_record
from .parquet import FileInfo


class Problem(NamedTuple):
    """Something that is off: where (a file, or a row of one), and what."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


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
        """Signature of the recipe, or of the images released by the authors."""
        return self.recipe.signature

    @property
    def official(self) -> bool:
        """True for the images released by the authors, which no recipe makes."""
        return self.recipe.official


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
        if found is None or found[1] not in benchmark.cell_of:
            raise BuildError(
                f"{folder}: its {RECORD_FILE} names {name!r}, which is no file of {benchmark.dataset}"
            )
    return Report(path, record, benchmark, recipe, files)
