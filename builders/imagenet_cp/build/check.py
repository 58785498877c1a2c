"""Check of one file of a build: its checksum, columns and rows."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ..benchmarks.benchmark import Cell
from ..images.profiles import PROFILES
from ..images.video import decode_video
from ..perturbations import PERTURBATIONS
from .build_json import Build, Problem
from .checksums import problem_of
from .parquet import signature_in

#: Number of problems that are listed; the rest is counted.
MAX_LISTED = 5


class Content(NamedTuple):
    """Content of a file: names of its labels, id and label of every row, its problems, and its further columns."""

    classes: tuple[str, ...]
    rows: list[tuple[str, int]]
    problems: list[Problem]
    columns: Mapping[str, Any] = {}


def check_file(build: Build, path: str, quick: bool) -> Content:
    """Check one file of a build.

    Parameters
    ----------
    build : Build
        The build.
    path : str
        The file, relative to the folder of the build.
    quick : bool
        Skip the rows.
    """
    problem = problem_of(build.folder / path, build.files[path])
    if problem:
        return Content((), [], [Problem(path, problem)])
    try:
        with pq.ParquetFile(build.folder / path) as file:
            features = _features(file)
            problems = [Problem(path, text) for text in _schema_problems(build, path, file, features)]
            if problems:
                return Content((), [], problems)
            classes = tuple(features["label"].names)
            rows, found = ([], []) if quick else _check_rows(build, path, file, len(classes))
            return Content(classes, rows, found, _extra(build, features))
    except (pa.ArrowException, OSError, ValueError) as error:
        return Content((), [], [Problem(path, f"no readable Parquet file: {_brief(error)}")])


def _features(file: pq.ParquetFile) -> datasets.Features:
    try:
        return datasets.Features.from_arrow_schema(file.schema_arrow)
    except Exception:  # datasets raises any error on malformed metadata
        raise ValueError("its columns cannot be understood") from None


def _brief(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else f"{text[:200]}..."


def _schema_problems(build: Build, path: str, file: pq.ParquetFile, features: datasets.Features) -> list[str]:
    stored = signature_in(file.schema_arrow.metadata)
    problems = []
    if stored != build.signature:
        problems.append(f"is of {stored or 'no build'!r}, not of {build.signature!r}")
    if file.metadata.num_rows != build.files[path].rows:
        problems.append(f"{file.metadata.num_rows} rows, not {build.files[path].rows} as recorded")
    names = getattr(features.get("label"), "names", ["?"])
    expected = build.benchmark.features(names, build.recipe, _extra(build, features))
    if features != expected or file.schema_arrow.types != expected.arrow_schema.types:
        problems.append(f"its columns are {_brief(dict.fromkeys(features))}, not {list(expected)}")
    return problems


def _extra(build: Build, features: datasets.Features) -> dict[str, Any]:
    """Further columns, which the record of the build names."""
    names = str(build.record["identity"].get("columns", "")).split(", ")
    return {name: features[name] for name in names if name in features}


def _check_rows(
    build: Build, path: str, file: pq.ParquetFile, classes: int
) -> tuple[list[tuple[str, int]], list[Problem]]:
    cell = build.benchmark.cell_of[path.split("/")[1]]
    side = build.recipe.side
    # Images without labels have the label -1, all of them.
    unlabelled = set(file.read(columns=["label"])["label"].to_pylist()) == {-1}
    labels = range(-1 if unlabelled else 0, classes)
    problems: list[Problem] = []
    rows: list[tuple[str, int]] = []
    for row in itertools.chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(batch_size=16)):
        text = _row_problem(row, cell, labels, side, build.recipe.profile)
        if text:
            problems.append(Problem(f"{path}, row {len(rows)} ({row['image_id']})", text))
        rows.append((row["image_id"], row["label"]))
    if len(problems) > MAX_LISTED:
        more = Problem(path, f"{len(problems) - MAX_LISTED} more rows with problems")
        problems = [*problems[:MAX_LISTED], more]
    return rows, problems


def _row_problem(
    row: Mapping[str, Any], cell: Cell, labels: range, side: int | None, profile: str
) -> str | None:
    if not row["image_id"]:
        return "has no image id"
    if row["label"] not in labels:
        return f"has the label {row['label']}, but there are {labels.stop} classes"
    name, level = row.get("corruption", row.get("perturbation")), row.get("severity", row.get("difficulty"))
    if (name, level) != (cell.name, cell.level):
        return f"is {name} at {level}, in the folder of {cell.config}"
    count = 1 if "image" in row else PERTURBATIONS[cell.name].frames(profile)
    if "video" in row:
        return _video_problem(row["video"], (count, PROFILES[profile].size, PROFILES[profile].size, 3))
    images = [row["image"]] if "image" in row else row["sequence"] or []
    if len(images) != count:
        return f"has {len(images)} frames, not {count}"
    return next(filter(None, (_image_problem(image, side) for image in images)), None)


def _video_problem(video: Mapping[str, Any] | None, expected: tuple[int, ...]) -> str | None:
    try:
        shape = decode_video((video or {}).get("bytes") or b"").shape
    except ValueError:
        return "its video cannot be decoded"
    return None if shape == expected else f"its video has the shape {shape}, not {expected}"


def _image_problem(encoded: Mapping[str, Any] | None, side: int | None) -> str | None:
    try:
        with Image.open(io.BytesIO((encoded or {})["bytes"]), formats=("JPEG", "PNG")) as image:
            width, height = (side, side) if side else image.size
            if (*image.size, image.mode) != (width, height, "RGB"):
                found = f"{image.width} x {image.height} pixels in {image.mode}"
                return f"its image has {found}, not {width} x {height} in RGB"
            image.load()
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, Image.DecompressionBombError):
        return "its image cannot be decoded"
    return None
