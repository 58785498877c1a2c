"""Units of an evaluation: a slice of the images for some cells, predicted by one process with one model or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..benchmarks.benchmark import Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.recipe import Recipe
from ..errors import SourceError, UsageError, wrap_os_errors
from ..jobs.local import slot
from ..sources import Item
from . import prediction_files
from .data.generated_rows import SourceSlice
from .data.loader import Preprocessor, batches
from .data.rows import Slice
from .models.spec import ModelSpec
from .predictions import Predictions
from .preprocessors import open_preprocessor


@dataclass(frozen=True)
class Settings:
    """Settings of all units of an evaluation.

    Attributes
    ----------
    classes : int
        Number of classes of the data.
    sequences : bool
        True for rows of frames.
    batch_size, threads : int
        Images of a batch, and threads that load them.
    devices : tuple of str
        Devices of the worker processes in turn.
    scores : {"auto", "logits", "probabilities"}
        Kind of the models' scores.
    preprocess : str or callable, optional
        As for `open_preprocessor`.
    """

    classes: int
    sequences: bool
    batch_size: int
    threads: int
    devices: tuple[str, ...]
    scores: str = "auto"
    preprocess: str | Preprocessor | None = None


@dataclass(frozen=True)
class Output:
    """File of the predictions of one model for a unit.

    Attributes
    ----------
    number : int
        Number of the model.
    spec : ModelSpec
        The model.
    file : Path
        Its file.
    identity : dict
        Identity of the predictions; see `prediction_files.write`.
    """

    number: int
    spec: ModelSpec
    file: Path
    identity: Mapping[str, Any]


@dataclass(frozen=True)
class Unit:
    """A slice of the images, the cells to predict and the models; all that a worker on any machine needs.

    Attributes
    ----------
    index : int
        Number of the unit.
    rows : Slice
        The images and their cells.
    images : int
        Number of source images.
    size : int
        Number of images or frames to predict.
    outputs : tuple of Output
        The models and their files.
    settings : Settings
        Settings of the evaluation.
    """

    index: int
    rows: Slice
    images: int
    size: int
    outputs: tuple[Output, ...]
    settings: Settings

    def location(self, done: int) -> str:
        """Location of the image that is next after ``done`` predictions."""
        return self.rows.location(min(done, self.size - 1) / self.size)


def run(unit: Unit, tick: Callable[[int], Any] = lambda count: None) -> dict[int, str]:
    """Write the predictions of every model for a unit, each file whole or not at all.

    Parameters
    ----------
    unit : Unit
        The unit.
    tick : callable
        Called with the number of images of every batch.

    Returns
    -------
    dict
        Number of a model that failed -> reason.

    Raises
    ------
    SourceError
        The data cannot be read.
    BuildError
        A file cannot be written, or holds predictions of another model or of other data.
    """
    outputs = {
        output.number: output
        for output in unit.outputs
        if not prediction_files.is_finished(output.file, output.identity)
    }
    specs = {number: output.spec for number, output in outputs.items()}
    predicted, failed = predict(unit.rows, specs, unit.settings, tick)
    for number, predictions in predicted.items():
        output = outputs[number]
        with wrap_os_errors(output.file):
            prediction_files.write(output.file, predictions.tables(unit.rows.cells), output.identity)
    return failed


def predict(
    rows: Slice,
    specs: Mapping[int, ModelSpec],
    settings: Settings,
    tick: Callable[[int], Any] = lambda count: None,
) -> tuple[dict[int, Predictions], dict[int, str]]:
    """Run models over the rows of a slice; the images are made once for all of them.

    Parameters
    ----------
    rows : Slice
        The rows.
    specs : dict
        Number -> model.
    settings : Settings
        Settings of the evaluation.
    tick : callable
        Called with the number of images of every batch.

    Returns
    -------
    dict
        Number of a model -> its predictions.
    dict
        Number of a model that failed -> reason.
    """
    device = settings.devices[slot() % len(settings.devices)]
    predicted: dict[int, Predictions] = {}
    failed: dict[int, str] = {}
    for number, spec in specs.items():
        try:
            predicted[number] = Predictions(
                spec.open(device), settings.classes, settings.sequences, settings.scores
            )
        except (SourceError, UsageError) as error:
            failed[number] = str(error)
    if not predicted:
        return predicted, failed
    preprocess = open_preprocessor(settings.preprocess).function
    resizings = list({predictions.resizing: None for predictions in predicted.values()})
    with closing(
        batches(rows.tasks(), settings.batch_size, settings.threads, preprocess, resizings)
    ) as loaded:
        for batch in loaded:
            for number, predictions in list(predicted.items()):
                try:
                    predictions.add(batch if len(specs) == 1 else batch.copy(predictions.resizing))
                except SourceError as error:
                    failed[number] = str(error)
                    del predicted[number]
            if not predicted:
                break
            tick(sum(batch.frames))
    return predicted, failed


def warm_up(recipe: Recipe, cell: Cell) -> None:
    """Compile the kernels of a cell into numba's cache by generating its images from a synthetic one."""
    benchmark = BENCHMARKS[recipe.dataset]
    benchmark.stored_pixels(recipe, cell, benchmark.placeholder(), Item("", 0, ""))


def warm_ups(units: Sequence[Unit]) -> list[Callable[[], None]]:
    """Functions that compile the kernels of units, each once; none for rows that are read from a build."""
    cells = {
        (unit.rows.recipe, cell.name): cell
        for unit in units
        if isinstance(unit.rows, SourceSlice)
        for cell in unit.rows.cells
    }
    return [partial(warm_up, recipe, cell) for (recipe, _), cell in cells.items()]
