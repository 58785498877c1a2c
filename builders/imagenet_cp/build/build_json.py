"""A finished build as described by its build.json, and its problems."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from ..benchmarks.benchmark import Benchmark
from ..benchmarks.catalog import parse_signature
from ..benchmarks.file_names import DATA_FILE
from ..benchmarks.recipe import Recipe
from ..errors import BuildError, SourceError, UsageError
from ..files import local_path
from ..jobs.job_folder import RECORD_FILE, read_record
from ..sources import Source, open_source
from ..sources.class_lists import is_named
from ..sources.subsets import ROBUSTBENCH, Ids
from .parquet import FileInfo


class Problem(NamedTuple):
    """A problem of a build and its place: a file, or a row of it."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass
class Build:
    """A finished build and the result of its verification.

    Attributes
    ----------
    folder : Path
        The folder.
    record : dict
        Its build.json.
    benchmark, recipe
        Its data set and recipe.
    files : dict
        Relative path -> its record.
    classes : tuple of str
        Names of the labels, from the files.
    columns : dict
        Features of the further columns of the source, from the files.
    rows, regenerated : int
        Number of rows that were read, and of those that were regenerated from the source.
    problems : list of Problem
        Problems that verification found.
    """

    folder: Path
    record: Mapping[str, Any]
    benchmark: Benchmark
    recipe: Recipe
    files: dict[str, FileInfo]
    classes: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    regenerated: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def signature(self) -> str:
        """Signature of the recipe."""
        return self.recipe.signature

    def image_ids(self) -> set[str]:
        """Read the ids of the source images from the files of one config."""
        config = next(iter(self.files)).rpartition("/")[0] + "/"
        paths = [self.folder / path for path in self.files if path.startswith(config)]
        return {value for path in paths for value in pq.read_table(path, columns=["image_id"])[0].to_pylist()}


def open_build(folder: str | os.PathLike[str]) -> Build:
    """Read the record of a finished build, without its data.

    Raises
    ------
    UsageError
        There is no such folder, or it holds no build.
    BuildError
        The build is unfinished, or of an unknown version.
    """
    path = local_path(folder)
    if not path.is_dir():
        raise UsageError(f"{folder}: no such folder")
    record = read_record(path)
    if not record:
        raise UsageError(f"{folder}: holds no build, since it has no {RECORD_FILE}")
    if not record.get("files"):
        raise BuildError(f"{folder}: the build is not finished; run the same build command again")
    try:
        files = {name: FileInfo(**info) for name, info in record["files"].items()}
        benchmark, recipe = parse_signature(record["identity"]["signature"])
    except ValueError:
        raise BuildError(
            f"{folder}: its {RECORD_FILE} is damaged, or of another version of this package"
        ) from None
    for name in files:
        found = DATA_FILE.fullmatch(name)
        if found is None or found[1] not in benchmark.cell_of:
            raise BuildError(
                f"{folder}: its {RECORD_FILE} names {name!r}, which is no file of {benchmark.dataset}"
            )
    return Build(path, record, benchmark, recipe, files)


def reopen_source(
    source: str | os.PathLike[str],
    recipe: Recipe,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
) -> Source:
    """Open the clean images of a build, restricted to the images and classes that the build is restricted to.

    Parameters
    ----------
    source : str or path
        As for `open_source`.
    recipe : Recipe
        Recipe of the build.
    ids, classes : str, path or list, optional
        Their files, where the recipe has no name but a checksum of them.

    Raises
    ------
    SourceError
        The source cannot be used, or such a file is missing.
    """
    if recipe.ids and ids is None:
        if recipe.ids != ROBUSTBENCH:
            raise SourceError(
                f"the build holds a subset of the images, ids:{recipe.ids}; add --ids with their file"
            )
        ids = recipe.ids
    if recipe.classes and classes is None:
        if not is_named(recipe.classes):
            raise SourceError(
                f"the build holds some of the classes, classes:{recipe.classes}; add --classes with their file"
            )
        classes = recipe.classes
    return open_source(source, recursive=recipe.size == "keep", ids=ids, classes=classes)
