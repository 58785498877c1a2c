"""Check of a finished build: every file, every row, and on request a sample of rows made again."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow.parquet as pq

from ..benchmarks.recipe import RECIPE
from ..cards.card import metadata, read_metadata
from ..errors import BuildError, SourceError
from ..jobs.folder import RECORD_FILE
from ..sources import Source
from ..sources.base import digest
from .check import Content, check_file
from .finished import Problem, Report, open_build
from .folder import unexpected_files

#: How many images are named before the rest is passed over.
_NAMED = 5


def _silent(done: int, total: int) -> None:
    pass


def verify(
    folder: str | os.PathLike[str],
    *,
    source: Source | None = None,
    sample: int = 100,
    quick: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] = _silent,
) -> Report:
    """Check a finished build.

    Every file against its digest, its columns and its signature; every row: the pictures decode and have the right
    size, the label is one of the classes, the id comes once, in every config alike, and none is missing.

    Parameters
    ----------
    folder : path
        Of the build.
    source : Source, optional
        The clean images it was made of: some rows are made again and compared to the last byte.
    sample : int
        How many rows, taken at random.
    quick : bool
        Look at files only (digest, columns, signature), not at their rows.
    threads : int, optional
        How many files to read at once; as many as there are cores by default.
    progress : callable
        Told the files checked and in all.

    Returns
    -------
    Report
        Its list of faults is empty where all is well.

    Raises
    ------
    BuildError
        The folder holds no finished build, or a source is given and this version cannot make its rows again.
    """
    report = open_build(folder)
    if source is not None:
        _can_be_made_again(report)
    for stranger in unexpected_files(report.folder, set(report.files)):
        report.faults.append(
            Problem(stranger, f"not named in {RECORD_FILE}, but would be read along with the data")
        )
    if not (report.folder / "README.md").is_file():
        report.faults.append(Problem("README.md", "missing; the build command writes it anew"))
    report.faults += _missing_slices(report)
    slices: dict[str, tuple[str, Content]] = {}
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        checked = pool.map(lambda path: check_file(report, path, quick), report.files)
        for done, (path, content) in enumerate(zip(report.files, checked, strict=True), start=1):
            report.faults += content.faults
            report.rows += len(content.rows)
            if content.classes:
                # The same slice of every config must hold the same images: each is compared with the first.
                other, first = slices.setdefault(path.rsplit("/", 1)[1], (path, content))
                report.faults += _differences(path, content, other, first)
            progress(done, len(report.files))
    report.classes = next((content.classes for _, content in slices.values()), ())
    if not quick and not report.faults:
        report.faults += _check_images(report, [content for _, content in slices.values()])
    if source is not None and not report.faults:
        _make_again(report, source, sample)
    if not report.faults:
        report.faults += _check_card(report)
    return report


def _can_be_made_again(report: Report) -> None:
    if report.official:
        raise BuildError(
            f"{report.folder}: holds the published pictures, which no source and recipe make again"
        )
    if report.recipe.version != str(RECIPE):
        raise BuildError(
            f"{report.folder}: made by {report.signature}, but this version of the package makes recipe {RECIPE}"
        )


def _missing_slices(report: Report) -> list[Problem]:
    found = defaultdict(set)
    for path in report.files:
        _, cell, name = path.split("/")
        found[cell].add(name)
    every = set().union(*found.values())
    return [
        Problem(f"data/{cell}", f"{name} is missing")
        for cell in found
        for name in sorted(every - found[cell])
    ]


def _check_card(report: Report) -> list[Problem]:
    """Whether stock ``load_dataset`` will read from the card what is there."""
    card = report.folder / "README.md"
    files = {path: written._asdict() for path, written in report.files.items()}
    block = metadata(report.benchmark, report.recipe, report.classes, files)
    wanted, said = read_metadata(f"---\n{block}---\n"), read_metadata(card.read_text("utf-8", "replace"))
    if any(said.get(part) != wanted[part] for part in ("configs", "dataset_info")):
        return [Problem("README.md", "is not about these files; the build command writes it anew")]
    return []


def _differences(path: str, content: Content, other: str, first: Content) -> list[Problem]:
    faults = []
    if content.classes != first.classes:
        faults.append(Problem(path, f"other names of labels than {other}"))
    if content.rows != first.rows:
        pairs = enumerate(itertools.zip_longest(content.rows, first.rows))
        index, (mine, theirs) = next((index, pair) for index, pair in pairs if pair[0] != pair[1])
        faults.append(Problem(f"{path}, row {index}", f"image and label {mine}, but {theirs} in {other}"))
    return faults


def _check_images(report: Report, slices: list[Content]) -> list[Problem]:
    """Whether the ids are unique and all there; ``slices`` are in order."""
    identity, skipped = report.record["identity"], report.record.get("skipped") or {}
    rows = [row for content in slices for row in content.rows]
    twice = [image_id for image_id, count in Counter(image_id for image_id, _ in rows).items() if count > 1]
    faults = [
        Problem("data", f"the image {image_id} comes twice in every config") for image_id in twice[:_NAMED]
    ]
    if len(rows) + len(skipped) != identity["images"]:
        faults.append(
            Problem(
                "data",
                f"{len(rows)} images and {len(skipped)} skipped, but {identity['images']} were in the source",
            )
        )
    elif not skipped and not report.official and digest([report.classes, *rows]) != identity["source"]:
        faults.append(Problem("data", "the ids and labels are not those of the source the build names"))
    return faults


def _make_again(report: Report, source: Source, sample: int) -> None:
    """Make some rows again, one file after the other, and note those that differ."""
    if source.contents != report.record["identity"]["source"]:
        report.faults.append(Problem("source", "holds other images or labels than the build was made of"))
        return
    items = {item.image_id: item for item in source.items}
    every = [(path, index) for path, written in report.files.items() for index in range(written.rows)]
    chosen = sorted(random.sample(every, min(sample, len(every))))
    for path, group in itertools.groupby(chosen, key=lambda pair: pair[0]):
        cell = report.benchmark.cell_of[path.split("/")[1]]
        with pq.ParquetFile(report.folder / path) as file:
            for _, index in group:
                row = _row(file, index)
                item = items[row["image_id"]]
                try:
                    clean = report.benchmark.prepare(
                        source.reader.read(item), item.location, report.recipe.size
                    )
                except SourceError as error:
                    report.faults.append(Problem("source", str(error)))
                    continue
                report.remade += 1
                if report.benchmark.row(report.recipe, cell, clean, item) != row:
                    place = f"{path}, row {index} ({item.image_id})"
                    report.faults.append(Problem(place, "is not what the source and the recipe give"))


def _row(file: pq.ParquetFile, index: int) -> dict[str, Any]:
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if index < count:
            row: dict[str, Any] = file.read_row_group(group).slice(index, 1).to_pylist()[0]
            return row
        index -= count
    raise IndexError(index)
