"""Verification of a finished build: every file, every row, and on request a sample of rows generated again."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq

from ..arguments import optional_number, whole_number
from ..benchmarks.recipe import RECIPE
from ..cards.card import metadata, read_metadata
from ..errors import BuildError, SourceError
from ..jobs.cores import available_cores
from ..jobs.job_folder import RECORD_FILE
from ..progress import Progress, silent
from ..sources import Source
from ..sources.source import digest
from .build_folder import unexpected_files
from .build_json import Build, Problem, open_build
from .check import MAX_LISTED, Content, check_file
from .parquet import read_rows


def verify(
    folder: str | os.PathLike[str],
    *,
    source: Source | None = None,
    sample: int = 100,
    quick: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> Build:
    """Verify a finished build.

    Checks the checksum, columns and signature of every file; and of every row that its images decode and have the
    right size, that its label is one of the classes, that its id is unique, and that every config holds all ids.

    Parameters
    ----------
    folder : path
        Folder of the build.
    source : Source, optional
        The clean images of the build; some rows are generated again and must be equal to the last byte.
    sample : int
        Number of rows to generate again, drawn at random.
    quick : bool
        Check files (checksum, columns, signature), but not their rows.
    threads : int, optional
        Number of files read at once; by default the number of available cores.
    progress : callable
        Called with ``"verifying files"``, the number done and the total.

    Returns
    -------
    Build
        The build with its problems.

    Raises
    ------
    ValueError
        ``sample`` is no number from 0, or ``threads`` none from 1.
    BuildError
        The folder holds no finished build, or a source is given and this version cannot generate its rows.
    """
    sample, threads = whole_number("sample", sample), optional_number("threads", threads)
    build = open_build(folder)
    if source is not None:
        _check_reproducible(build)
    build.problems += [
        Problem(path, f"not named in {RECORD_FILE}, but would be read along with the data")
        for path in unexpected_files(build.folder, set(build.files))
    ]
    if not (build.folder / "README.md").is_file():
        build.problems.append(Problem("README.md", "missing; the build command writes it again"))
    build.problems += _missing_slices(build)
    slices: dict[str, tuple[str, Content]] = {}
    with ThreadPoolExecutor(threads or available_cores()) as pool:
        checked = pool.map(lambda path: check_file(build, path, quick), build.files)
        for done, (path, content) in enumerate(zip(build.files, checked, strict=True), start=1):
            build.problems += content.problems
            build.rows += len(content.rows)
            if content.classes or not content.problems:
                # The same slice of every config must hold the same images: each is compared with the first.
                first = slices.setdefault(path.rsplit("/", 1)[1], (path, content))
                build.problems += _differences(path, content, *first)
            progress("verifying files", done, len(build.files))
    contents = [content for _, content in slices.values()]
    build.classes = next((content.classes for content in contents), ())
    build.columns = next((content.columns for content in contents), {})
    if not quick and not build.problems:
        build.problems += _check_images(build, contents)
    if source is not None and not build.problems:
        build.problems += _check_sample(build, source, sample)
    if not build.problems:
        build.problems += _check_card(build)
    return build


def _check_reproducible(build: Build) -> None:
    if build.recipe.official:
        raise BuildError(f"{build.folder}: holds images released by the authors, which have no recipe")
    if build.recipe.version != str(RECIPE):
        raise BuildError(
            f"{build.folder}: made by {build.signature}, but this version of the package has recipe {RECIPE}"
        )


def _missing_slices(build: Build) -> list[Problem]:
    slices = defaultdict(set)
    for path in build.files:
        _, config, name = path.split("/")
        slices[config].add(name)
    every = set().union(*slices.values())
    return [
        Problem(f"data/{config}", f"{name} is missing")
        for config, names in slices.items()
        for name in sorted(every - names)
    ]


def _check_card(build: Build) -> list[Problem]:
    """Compare the configs and columns in the card, which ``load_dataset`` reads, with the files."""
    card = (build.folder / "README.md").read_text("utf-8", "replace")
    files = {path: info._asdict() for path, info in build.files.items()}
    block = metadata(build.benchmark, build.recipe, build.classes, files, extra=build.columns)
    expected, stored = read_metadata(f"---\n{block}---\n"), read_metadata(card)
    if any(stored.get(part) != expected[part] for part in ("configs", "dataset_info")):
        return [Problem("README.md", "does not describe these files; the build command writes it again")]
    return []


def _differences(path: str, content: Content, first_path: str, first: Content) -> Iterator[Problem]:
    if content.classes != first.classes:
        yield Problem(path, f"names of labels differ from {first_path}")
    for index, (row, expected) in enumerate(itertools.zip_longest(content.rows, first.rows)):
        if row != expected:
            yield Problem(f"{path}, row {index}", f"image and label {row}, but {expected} in {first_path}")
            break


def _check_images(build: Build, slices: list[Content]) -> Iterator[Problem]:
    """Check that the ids are unique and complete; ``slices`` are in order."""
    identity, skipped = build.record["identity"], build.record.get("skipped") or {}
    rows = [row for content in slices for row in content.rows]
    counts = Counter(image_id for image_id, _ in rows)
    for image_id in [image_id for image_id, count in counts.items() if count > 1][:MAX_LISTED]:
        yield Problem("data", f"the image {image_id} is repeated in every config")
    if len(rows) + len(skipped) != identity["images"]:
        text = f"{len(rows)} images and {len(skipped)} skipped, but the source had {identity['images']}"
        yield Problem("data", text)
    elif not skipped and not build.recipe.official and digest([build.classes, *rows]) != identity["source"]:
        yield Problem("data", "the ids and labels differ from those of the recorded source")


def _check_sample(build: Build, source: Source, sample: int) -> Iterator[Problem]:
    """Generate some rows again, file by file, and compare them."""
    if source.contents != build.record["identity"]["source"]:
        yield Problem("source", "its images or labels differ from those of the build")
        return
    items = {item.image_id: item for item in source.items}
    every = [(path, index) for path, info in build.files.items() for index in range(info.rows)]
    chosen = sorted(random.sample(every, min(sample, len(every))))
    for path, group in itertools.groupby(chosen, key=lambda pair: pair[0]):
        cell = build.benchmark.cell_of[path.split("/")[1]]
        with pq.ParquetFile(build.folder / path) as file:
            for _, index in group:
                (row,) = read_rows(file, index, index + 1)
                item = items[row["image_id"]]
                try:
                    _, clean = build.benchmark.load(source.reader, item, build.recipe.size)
                except SourceError as error:
                    yield Problem("source", str(error))
                    continue
                build.regenerated += 1
                if build.benchmark.row(build.recipe, cell, clean, item) != row:
                    place = f"{path}, row {index} ({item.image_id})"
                    yield Problem(place, "differs from the row that source and recipe give")
