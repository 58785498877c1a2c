"""Check of one file of a build: its digest, its columns, and every row."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ..benchmarks.base import Cell
from ..images.profiles import PROFILES
from ..images.video import decode_video
from ..perturbations import PERTURBATIONS
from .finished import Problem, Report
from .folder import problem_of
from .parquet import SIGNATURE_KEY

#: How many rows of one file are named before the rest is only counted.
_NAMED = 5


class Content(NamedTuple):
    """What one file was found to hold: its labels' names, the id and label of every row, and what is off."""

    classes: tuple[str, ...]
    rows: list[tuple[str, int]]
    faults: list[Problem]


def check_file(report: Report, path: str, quick: bool) -> Content:
    """Check one file of a build.

    Parameters
    ----------
    report : Report
        Of the build.
    path : str
        The file, relative to the build's folder.
    quick : bool
        Leave out the rows.
    """
    fault = problem_of(report.folder / path, report.files[path])
    if fault:
        return Content((), [], [Problem(path, fault)])
    try:
        with pq.ParquetFile(report.folder / path) as file:
            features = _features(file)
            faults = _check_schema(report, path, file, features)
            if faults:
                return Content((), [], faults)
            classes = tuple(features["label"].names)
            return Content(classes, *(([], []) if quick else _check_rows(report, path, file, len(classes))))
    except (pa.ArrowException, OSError, ValueError) as error:
        return Content((), [], [Problem(path, f"no readable Parquet file: {_brief(error)}")])


def _features(file: pq.ParquetFile) -> datasets.Features:
    try:
        return datasets.Features.from_arrow_schema(file.schema_arrow)
    except Exception:  # whatever a strange file's metadata makes datasets stumble over
        raise ValueError("its columns cannot be understood") from None


def _brief(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else f"{text[:200]}..."


def _check_schema(
    report: Report, path: str, file: pq.ParquetFile, features: datasets.Features
) -> list[Problem]:
    said = (file.schema_arrow.metadata or {}).get(SIGNATURE_KEY.encode(), b"").decode("utf-8", "replace")
    faults = []
    if said != report.signature:
        faults.append(Problem(path, f"is of {said or 'no build'!r}, not of {report.signature!r}"))
    if file.metadata.num_rows != report.files[path].rows:
        faults.append(
            Problem(path, f"{file.metadata.num_rows} rows, not {report.files[path].rows} as recorded")
        )
    label = features.get("label")
    expected = report.benchmark.features(getattr(label, "names", None) or ["?"], report.recipe)
    if features != expected or file.schema_arrow.types != expected.arrow_schema.types:
        faults.append(
            Problem(path, f"its columns are {_brief(dict.fromkeys(features))}, not {list(expected)}")
        )
    return faults


def _check_rows(
    report: Report, path: str, file: pq.ParquetFile, classes: int
) -> tuple[list[tuple[str, int]], list[Problem]]:
    cell = report.benchmark.cell_of[path.split("/")[1]]
    side = PROFILES[report.recipe.profile].size if report.recipe.size != "keep" else None
    faults: list[Problem] = []
    rows: list[tuple[str, int]] = []
    for row in itertools.chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(batch_size=16)):
        what = _fault_of_row(row, cell, classes, side, report.recipe.profile)
        if what:
            faults.append(Problem(f"{path}, row {len(rows)} ({row['image_id']})", what))
        rows.append((row["image_id"], row["label"]))
    if len(faults) > _NAMED:
        faults = [*faults[:_NAMED], Problem(path, f"{len(faults) - _NAMED} more rows with faults")]
    return rows, faults


def _fault_of_row(
    row: Mapping[str, Any], cell: Cell, classes: int, side: int | None, profile: str
) -> str | None:
    if not row["image_id"]:
        return "has no image id"
    if row["label"] is None or not 0 <= row["label"] < classes:
        return f"the label {row['label']}, where there are {classes} classes"
    said = (
        row.get("corruption", row.get("perturbation")),
        row.get("severity", row.get("difficulty")),
    )
    if said != (cell.name, cell.level):
        return f"says {said[0]} at {said[1]}, in the folder of {cell.config}"
    expected = 1 if "image" in row else PERTURBATIONS[cell.name].frames(profile)
    if "video" in row:
        return _fault_of_video(row["video"], (expected, PROFILES[profile].size))
    pictures = [row["image"]] if "image" in row else row["sequence"] or []
    if len(pictures) != expected:
        return f"has {len(pictures)} frames, not {expected}"
    return next(filter(None, (_fault_of_picture(picture, side) for picture in pictures)), None)


def _fault_of_video(data: bytes | None, expected: tuple[int, int]) -> str | None:
    frames, side = expected
    shape = (frames, side, side, 3)
    try:
        found = decode_video(data or b"").shape
    except ValueError:
        return "a video that cannot be decoded"
    return None if found == shape else f"a video of the shape {found}, not {shape}"


def _fault_of_picture(picture: Mapping[str, Any] | None, side: int | None) -> str | None:
    try:
        with Image.open(io.BytesIO((picture or {})["bytes"]), formats=("JPEG", "PNG")) as image:
            wanted = (side, side) if side else image.size
            if (image.size, image.mode) != (wanted, "RGB"):
                return (
                    f"a picture of {image.width} x {image.height} pixels in {image.mode}, "
                    f"not {wanted[0]} x {wanted[1]} in RGB"
                )
            image.load()
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, Image.DecompressionBombError):
        return "a picture that cannot be decoded"
    return None
