"""Plan of an evaluation: the models, their finished predictions and the units that are left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..benchmarks.benchmark import Cell
from ..benchmarks.signature import Signature
from ..errors import BuildError
from ..jobs.job_folder import Shard
from . import prediction_files
from .data.rows import Rows
from .fingerprint import Fingerprint
from .models.model import Model
from .models.spec import ModelSpec
from .prediction_files import Place
from .prediction_units import Output, Settings, Unit, predict
from .predictions import agree
from .preprocessors import NamedPreprocessor

#: Kind of a benchmark -> source images of a unit: tens of thousands of predictions, which a kill loses at most.
_IMAGES_PER_UNIT = {"corruptions": 200, "perturbations": 40}
#: Images whose stored predictions are compared with new ones before they are used again; of sequences one.
_COMPARED = 4


@dataclass
class Candidate:
    """A model that is evaluated.

    Attributes
    ----------
    number : int
        Its number among the models.
    spec : ModelSpec
        The model, to be opened.
    name, signature : str
        Its display name, and the signature of the model and its input.
    signatures : dict
        Data set -> the same for its images alone, by which predictions are known.
    out : Path
        Folder of its predictions and report.
    data : list of Rows
        The data.
    complete : bool
        False if a part of the model or of the preprocessor is invisible from Python.
    found : dict
        Data set -> finished predictions.
    """

    number: int
    spec: ModelSpec
    name: str
    signature: str
    signatures: dict[str, str]
    out: Path
    data: list[Rows]
    complete: bool
    found: dict[str, dict[Place, Path]] = field(default_factory=dict)

    def find(self) -> None:
        """Find the finished predictions."""
        self.found = {
            rows.benchmark.dataset: prediction_files.find(
                self.out, rows, self.signatures[rows.benchmark.dataset]
            )
            for rows in self.data
        }

    def lacking(self, rows: Rows, start: int, stop: int) -> tuple[Cell, ...]:
        """Cells of a slice without finished predictions."""
        found = self.found[rows.benchmark.dataset]
        return tuple(cell for cell in rows.cells if Place(cell.config, start, stop) not in found)


def model_signature(
    model: Model, known: Fingerprint, preprocessor: NamedPreprocessor, data: Sequence[Rows], scores: str
) -> str:
    """Signature of a model and its input, whose sizes are those of all images if the model takes any."""
    sides = sorted({rows.side or 0 for rows in data})  # 0 for images of their own sizes
    return str(
        Signature.of(
            ("model", model.name),
            ("id", known.digest),
            ("input", model.side or ",".join(str(side) for side in sides if side) or None),
            ("resize", model.interpolation if model.side and sides != [model.side] else None),
            model.normalization,
            ("classes", model.outputs and model.outputs.name),
            ("preprocess", preprocessor.name or None),
            ("preprocess_id", preprocessor.digest or None),
            ("scores", None if scores == "auto" else scores),
        )
    )


def slices(rows: Rows, images_per_unit: int | None) -> Iterator[tuple[int, int]]:
    """Split the images: numbers of the first image of every slice and of the one after its last."""
    count = max(rows.num_rows[cell.config] for cell in rows.cells)
    step = images_per_unit or _IMAGES_PER_UNIT[rows.benchmark.kind]
    return ((start, min(start + step, count)) for start in range(0, count, step))


def plan_units(
    candidates: Sequence[Candidate],
    settings: Callable[[Rows], Settings],
    images_per_unit: int | None,
    shard: Shard,
) -> list[Unit]:
    """List the units of a shard that are left, each for all models that lack the same cells of a slice.

    Parameters
    ----------
    candidates : sequence of Candidate
        The models; those with the same data share them.
    settings : callable
        From the data to the settings of its units.
    images_per_unit : int, optional
        Source images of a unit.
    shard : Shard
        Part of the work.
    """
    units: list[Unit] = []
    for rows in _data_of(candidates):
        sharing = [one for one in candidates if any(own is rows for own in one.data)]
        for index, (start, stop) in enumerate(slices(rows, images_per_unit)):
            groups: dict[tuple[Cell, ...], list[Candidate]] = {}
            for candidate in sharing if shard.has(index) else ():
                groups.setdefault(candidate.lacking(rows, start, stop), []).append(candidate)
            for cells, group in groups.items():
                size = rows.count_images(cells, start, stop)
                if not size:
                    continue
                name = prediction_files.file_name(cells, start, stop)
                outputs = tuple(
                    Output(
                        candidate.number,
                        candidate.spec,
                        prediction_files.folder_of(candidate.out, rows).resolve() / name,
                        prediction_files.identity_of(
                            candidate.signatures[rows.benchmark.dataset], rows, cells, start, stop
                        ),
                    )
                    for candidate in group
                )
                part = rows.slice(cells, start, stop)
                units.append(Unit(len(units), part, stop - start, size, outputs, settings(rows)))
    return units


def count_images(candidates: Sequence[Candidate], images_per_unit: int | None, shard: Shard) -> int:
    """Count the images of all units of a shard, finished or not."""
    return sum(
        rows.count_images(rows.cells, start, stop)
        for rows in _data_of(candidates)
        for index, (start, stop) in enumerate(slices(rows, images_per_unit))
        if shard.has(index)
    )


def _data_of(candidates: Sequence[Candidate]) -> list[Rows]:
    """Data of the models, each data set once."""
    return [*{id(rows): rows for candidate in candidates for rows in candidate.data}.values()]


def count_missing(candidate: Candidate, images_per_unit: int | None) -> int:
    """Count the slices for which a model lacks predictions."""
    return sum(
        rows.count_images(candidate.lacking(rows, start, stop), start, stop) > 0
        for rows in candidate.data
        for start, stop in slices(rows, images_per_unit)
    )


def check_stored(candidate: Candidate, settings: Callable[[Rows], Settings], resume: bool) -> None:
    """Compare a few of the finished predictions of every data set with new ones.

    Raises
    ------
    BuildError
        They are of another model, or may be.
    """
    for rows in candidate.data:
        found = candidate.found[rows.benchmark.dataset]
        if not found:
            continue
        if not (resume or candidate.complete):
            raise BuildError(
                f"{candidate.out}: holds predictions of {candidate.name}, which has parts that Python cannot see, so "
                "another model looks the same. If they are of this model, add --resume (resume=True); if not, choose "
                "another folder with -o. identity= names a model's version"
            )
        file = min(found.values())
        places = {place: file for place, path in found.items() if path == file}
        start, stop = next((place.start, place.stop) for place in places)
        cells = tuple(cell for cell in rows.cells if any(place.config == cell.config for place in places))
        few = rows.slice(cells, start, min(stop, start + (1 if rows.sequences else _COMPARED)))
        predicted, failed = predict(few, {0: candidate.spec}, settings(rows))
        for reason in failed.values():
            raise BuildError(f"{file}: holds predictions of {candidate.name}, which fails now: {reason}")
        stored = prediction_files.read(places, [cell.config for cell in cells])
        for config, table in predicted[0].tables(cells).items():
            if not agree(table, stored[config].slice(0, len(table))):
                raise BuildError(
                    f"{file}: {candidate.name} now predicts other classes or margins for its first rows of {config}. "
                    "Models are never mixed: choose another folder with -o"
                )
