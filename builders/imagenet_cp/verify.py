"""Check of a finished build: every file, every row, and on request a sample of rows made again."""

from __future__ import annotations

import io
import itertools
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from .benchmark import Benchmark, Cell
from .benchmarks import BENCHMARKS
from .build_folder import RECORD, fault_of, recorded, strangers
from .cards import is_official, metadata, read_metadata
from .errors import BuildError, SourceError
from .parquet import SIGNATURE_KEY, Written
from .perturbations import PERTURBATIONS
from .profiles import PROFILES
from .recipe import RECIPE, Recipe
from .sources import Source
from .sources.base import digest
from .video import decode_video

#: The files that hold rows, in a folder and on the Hub.
DATA_FILE = re.compile(r"data/([a-z0-9_]+)/validation-(\d{5})-of-(\d{5})\.parquet", re.ASCII)
#: How many rows of one file are named before the rest is only counted.
_NAMED = 5


class Fault(NamedTuple):
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
    faults : list of Fault
        Empty where all is well.
    """

    folder: Path
    record: Mapping[str, Any]
    benchmark: Benchmark
    recipe: Recipe
    files: dict[str, Written]
    classes: tuple[str, ...] = ()
    rows: int = 0
    remade: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def signature(self) -> str:
        """Of the recipe, or what stands for it where these are the published pictures."""
        return self.recipe.signature

    @property
    def official(self) -> bool:
        """Whether these are the published pictures, which no recipe makes."""
        return is_official(self.recipe)


class _Content(NamedTuple):
    """What one file was found to hold: its labels' names, the id and label of every row, and what is off."""

    classes: tuple[str, ...]
    rows: list[tuple[str, int]]
    faults: list[Fault]


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
    record = recorded(path)
    if not record:
        raise BuildError(f"{folder}: holds no build (there is no {RECORD} in it)")
    if not record.get("files"):
        raise BuildError(f"{folder}: the build is not finished; run the same build command again")
    try:
        files = {name: Written(**written) for name, written in record["files"].items()}
        benchmark, recipe = _made_by(record["identity"]["signature"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BuildError(
            f"{folder}: its {RECORD} is damaged, or of another version of this package"
        ) from None
    for name in files:
        found = DATA_FILE.fullmatch(name)
        if found is None or found[1] not in _cells(benchmark):
            raise BuildError(
                f"{folder}: its {RECORD} names {name!r}, which is no file of {benchmark.dataset}"
            )
    return Report(path, record, benchmark, recipe, files)


def _made_by(signature: str) -> tuple[Benchmark, Recipe]:
    dataset, *parts = signature.split("|")
    said = dict(part.split(":", 1) for part in parts if part.startswith(("profile:", "size:", "seed:")))
    benchmark = BENCHMARKS[dataset]
    profile = said.get("profile", benchmark.profile)
    PROFILES[profile]  # KeyError where there is none
    size = said.get("size", Recipe.size)
    return benchmark, StatedRecipe(
        dataset, profile, int(said.get("seed", 0)), parts[-1], signature, size=size
    )


def _cells(benchmark: Benchmark) -> dict[str, Cell]:
    return {cell.config: cell for cells in benchmark.configs.values() for cell in cells}


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
    for stranger in strangers(report.folder, set(report.files)):
        report.faults.append(Fault(stranger, f"not named in {RECORD}, but would be read along with the data"))
    if not (report.folder / "README.md").is_file():
        report.faults.append(Fault("README.md", "missing; the build command writes it anew"))
    report.faults += _missing_slices(report)
    slices: dict[str, tuple[str, _Content]] = {}
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        checked = pool.map(lambda path: _check_file(report, path, quick), report.files)
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
    if f"|recipe:{RECIPE}|" not in report.signature:
        raise BuildError(
            f"{report.folder}: made by {report.signature}, but this version of the package makes recipe {RECIPE}"
        )


def _missing_slices(report: Report) -> list[Fault]:
    found = defaultdict(set)
    for path in report.files:
        _, cell, name = path.split("/")
        found[cell].add(name)
    every = set().union(*found.values())
    return [
        Fault(f"data/{cell}", f"{name} is missing") for cell in found for name in sorted(every - found[cell])
    ]


def _check_card(report: Report) -> list[Fault]:
    """Whether stock ``load_dataset`` will read from the card what is there."""
    card = report.folder / "README.md"
    files = {path: written._asdict() for path, written in report.files.items()}
    block = metadata(report.benchmark, report.recipe, report.classes, files)
    wanted, said = read_metadata(f"---\n{block}---\n"), read_metadata(card.read_text("utf-8", "replace"))
    if any(said.get(part) != wanted[part] for part in ("configs", "dataset_info")):
        return [Fault("README.md", "is not about these files; the build command writes it anew")]
    return []


def _check_file(report: Report, path: str, quick: bool) -> _Content:
    fault = fault_of(report.folder / path, report.files[path])
    if fault:
        return _Content((), [], [Fault(path, fault)])
    try:
        with pq.ParquetFile(report.folder / path) as file:
            features = _features(file)
            faults = _check_schema(report, path, file, features)
            if faults:
                return _Content((), [], faults)
            classes = tuple(features["label"].names)
            return _Content(classes, *(([], []) if quick else _check_rows(report, path, file, len(classes))))
    except (pa.ArrowException, OSError, ValueError) as error:
        return _Content((), [], [Fault(path, f"no readable Parquet file: {_brief(error)}")])


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
) -> list[Fault]:
    said = (file.schema_arrow.metadata or {}).get(SIGNATURE_KEY.encode(), b"").decode("utf-8", "replace")
    faults = []
    if said != report.signature:
        faults.append(Fault(path, f"is of {said or 'no build'!r}, not of {report.signature!r}"))
    if file.metadata.num_rows != report.files[path].rows:
        faults.append(
            Fault(path, f"{file.metadata.num_rows} rows, not {report.files[path].rows} as recorded")
        )
    label = features.get("label")
    expected = report.benchmark.features(getattr(label, "names", None) or ["?"], report.recipe)
    if features != expected or file.schema_arrow.types != expected.arrow_schema.types:
        faults.append(Fault(path, f"its columns are {_brief(dict.fromkeys(features))}, not {list(expected)}"))
    return faults


def _check_rows(
    report: Report, path: str, file: pq.ParquetFile, classes: int
) -> tuple[list[tuple[str, int]], list[Fault]]:
    cell = _cells(report.benchmark)[path.split("/")[1]]
    side = PROFILES[report.recipe.profile].size if report.recipe.size != "keep" else None
    faults: list[Fault] = []
    rows: list[tuple[str, int]] = []
    for row in itertools.chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(batch_size=16)):
        what = _fault_of_row(row, cell, classes, side, report.recipe.profile)
        if what:
            faults.append(Fault(f"{path}, row {len(rows)} ({row['image_id']})", what))
        rows.append((row["image_id"], row["label"]))
    if len(faults) > _NAMED:
        faults = [*faults[:_NAMED], Fault(path, f"{len(faults) - _NAMED} more rows with faults")]
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


def _differences(path: str, content: _Content, other: str, first: _Content) -> list[Fault]:
    faults = []
    if content.classes != first.classes:
        faults.append(Fault(path, f"other names of labels than {other}"))
    if content.rows != first.rows:
        pairs = enumerate(itertools.zip_longest(content.rows, first.rows))
        index, (mine, theirs) = next((index, pair) for index, pair in pairs if pair[0] != pair[1])
        faults.append(Fault(f"{path}, row {index}", f"image and label {mine}, but {theirs} in {other}"))
    return faults


def _check_images(report: Report, slices: list[_Content]) -> list[Fault]:
    """Whether the ids are unique and all there; ``slices`` are in order."""
    identity, skipped = report.record["identity"], report.record.get("skipped") or {}
    rows = [row for content in slices for row in content.rows]
    twice = [image_id for image_id, count in Counter(image_id for image_id, _ in rows).items() if count > 1]
    faults = [
        Fault("data", f"the image {image_id} comes twice in every config") for image_id in twice[:_NAMED]
    ]
    if len(rows) + len(skipped) != identity["images"]:
        faults.append(
            Fault(
                "data",
                f"{len(rows)} images and {len(skipped)} skipped, but {identity['images']} were in the source",
            )
        )
    elif not skipped and not report.official and digest([report.classes, *rows]) != identity["source"]:
        faults.append(Fault("data", "the ids and labels are not those of the source the build names"))
    return faults


def _make_again(report: Report, source: Source, sample: int) -> None:
    """Make some rows again, one file after the other, and note those that differ."""
    if source.contents != report.record["identity"]["source"]:
        report.faults.append(Fault("source", "holds other images or labels than the build was made of"))
        return
    items = {item.image_id: item for item in source.items}
    every = [(path, index) for path, written in report.files.items() for index in range(written.rows)]
    chosen = sorted(random.sample(every, min(sample, len(every))))
    for path, group in itertools.groupby(chosen, key=lambda pair: pair[0]):
        cell = _cells(report.benchmark)[path.split("/")[1]]
        with pq.ParquetFile(report.folder / path) as file:
            for _, index in group:
                row = _row(file, index)
                item = items[row["image_id"]]
                try:
                    clean = report.benchmark.prepare(
                        source.reader.read(item), item.location, report.recipe.size
                    )
                except SourceError as error:
                    report.faults.append(Fault("source", str(error)))
                    continue
                report.remade += 1
                if report.benchmark.row(report.recipe, cell, clean, item) != row:
                    place = f"{path}, row {index} ({item.image_id})"
                    report.faults.append(Fault(place, "is not what the source and the recipe give"))


def _row(file: pq.ParquetFile, index: int) -> dict[str, Any]:
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if index < count:
            row: dict[str, Any] = file.read_row_group(group).slice(index, 1).to_pylist()[0]
            return row
        index -= count
    raise IndexError(index)
