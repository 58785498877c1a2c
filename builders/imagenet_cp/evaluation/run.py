"""Runs a model over ImageNet-C and ImageNet-P and scores it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ..benchmarks.base import Cell
from ..benchmarks.signature import Signature
from ..errors import suggest, wrap_os_errors
from ..images.profiles import PROFILES
from ..jobs.cores import available_cores
from ..progress import Progress, silent
from . import predictions
from .data.loader import Treatment, batches
from .data.rows import Rows, built, on_the_fly
from .models.base import Function, Model, open_model
from .preprocessors import treatment
from .result import Counts, Evaluation, Example
from .scoring import class_names, counted, score

_LIBRARIES = ("imagenet-cp", "numpy", "torch", "timm", "torchvision", "transformers", "onnxruntime")

#: About as many has a sequence.
_FRAMES = 31


def evaluate_model(
    model: str | Function | Model,
    *,
    imagenet_c: str | os.PathLike[str] | None = None,
    imagenet_p: str | os.PathLike[str] | None = None,
    source: str | os.PathLike[str] | None = None,
    benchmarks: Sequence[str] = ("imagenet_c", "imagenet_p"),
    configs: Sequence[str] = (),
    seed: int = 0,
    limit: int | None = None,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    preprocess: str | Treatment | None = None,
    batch_size: int = 64,
    device: str = "auto",
    workers: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    trust: bool = False,
    command: str = "",
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate a model: mCE and relative mCE on ImageNet-C, mFR and mT5D on ImageNet-P.

    Parameters
    ----------
    model : callable, str or Model
        From pictures, uint8 (N, 224, 224, 3), RGB, to scores (N, 1000); or a name as `open_model` takes it.
    imagenet_c, imagenet_p : path or str, optional
        Built folders, or data sets on the Hub, of these benchmarks or of their forms at other sizes. Of ImageNet-C
        whatever is there is taken: without ``clean`` there is no relative mCE, and with anything of ``test`` missing
        no mCE.
    source : path or str, optional
        Clean images to make the data of on the fly, as for `imagenet_cp.sources.open_source`, where no folder is given.
        The pictures and so the scores are those of a build.
    benchmarks : sequence of str
        What to make on the fly.
    configs : sequence of str
        What to evaluate on, such as ``("fog", "clean", "tilt")``; by default all there is, on the fly what the metrics
        need.
    seed : int
        Of the random draws on the fly.
    limit : int, optional
        Evaluate on the first images of every config only, as a smoke test; the signatures say so.
    out : path, optional
        Where predictions are kept, in a folder ``predictions``: the same call goes on from there. Nothing is kept by
        default.
    name : str, optional
        What to call the model.
    preprocess : str or callable, optional
        Done to every picture first: ``"clahe"``, ``"package.module:callable"``, or a function from uint8 (H, W, 3) to
        uint8 (H, W, 3).
    batch_size : int
        Pictures the model gets at a time; of sequences as many as make about that, but one at least.
    device : str
        Of models that are named: ``auto``, ``cpu``, ``cuda``, ...
    workers : int, optional
        Threads that read, make and decode pictures ahead of the model; one a core by default.
    weights, trust
        As for `open_model`.
    command : str
        How to make this again, for the report.
    progress : callable
        Called with a config, the number of its rows that are done and their total.

    Returns
    -------
    Evaluation
        The metrics as `evaluate` computes them from these predictions, and what intervals and a report are made of.

    Raises
    ------
    SourceError
        The model or the data cannot be used, or do not fit each other.
    BuildError
        The folder holds predictions of another model or of other data.
    ValueError
        Nothing to evaluate on; an unknown benchmark or config.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.
    """
    opened = _open(model, name, device, weights, trust)
    treat, treated = treatment(preprocess)
    data = _data(imagenet_c, imagenet_p, source, benchmarks, configs, seed)
    if limit is not None:
        data = [rows.limit(limit) for rows in data]
    signature = _signature(opened, treated, PROFILES[data[0].benchmark.profile].size)
    threads = workers or available_cores()
    with contextlib.ExitStack() as stack:
        kept = Path(out if out is not None else stack.enter_context(tempfile.TemporaryDirectory()))
        jobs = [_job(kept.expanduser(), signature, rows, cell) for rows in data for cell in rows.cells]
        for job in [job for job in jobs if not predictions.finished(job.file, job.of)]:
            with wrap_os_errors(job.file):
                count = max(1, batch_size // _FRAMES) if job.rows.sequences else batch_size
                loaded = batches(job.rows.read(job.cell), count, threads, treat, opened.side)
                tick = _ticker(progress, job.cell.config, job.rows.counts[job.cell.config])
                table = predictions.predict(opened, loaded, len(job.rows.classes), job.rows.sequences, tick)
                predictions.write(job.file, table, job.of)
        tables: dict[str, dict[str, pa.Table]] = {rows.benchmark.dataset: {} for rows in data}
        for job in jobs:
            tables[job.rows.benchmark.dataset][job.cell.config] = predictions.read(job.file, job.of)
    metrics: dict[str, Mapping[str, Any]] = {}
    counts: dict[str, Counts] = {}
    shown: list[Example] = []
    for rows in data:
        made = tables[rows.benchmark.dataset]
        for metric in ("mfr", "mt5d") if rows.sequences else ("mce",):
            metrics[metric] = score(metric, rows, made)
            counts[metric] = counted(metric, rows, made)
        if not rows.sequences:
            shown = predictions.examples(made)
    versions = {library: metadata.version(library) for library in _LIBRARIES if _imported(library)}
    names = class_names(data[0].classes)
    return Evaluation(opened.name, signature, metrics, counts, names, tuple(shown), command, versions)


class _Job(NamedTuple):
    """The predictions on one config: their file, and what they are of."""

    rows: Rows
    cell: Cell
    file: Path
    of: dict[str, str]


def _job(folder: Path, signature: str, rows: Rows, cell: Cell) -> _Job:
    file = folder / "predictions" / rows.benchmark.dataset / f"{cell.config}.parquet"
    of = {"model": signature, "data": rows.signature, "rows": rows.stamps[cell.config]}
    return _Job(rows, cell, file, of)


def _signature(model: Model, treated: str, side: int) -> str:
    """Say which model this is and what it sees; ``side`` is that of the pictures before they are resized for it."""
    side = model.side or side
    identity = ("model", model.name), ("id", model.identity((side, side))), ("input", side)
    return str(Signature.of(*identity, model.scaling, ("preprocess", treated or None)))


def _open(
    model: str | Function | Model,
    name: str | None,
    device: str,
    weights: str | os.PathLike[str] | None,
    trust: bool,
) -> Model:
    if isinstance(model, str):
        model = open_model(model, device=device, weights=weights, trust=trust)
    elif not isinstance(model, Model):
        model = Model(getattr(model, "__qualname__", type(model).__name__), model)
    return Model(name, model.function, model.side, model.scaling, model.weights) if name else model


def _data(
    imagenet_c: str | os.PathLike[str] | None,
    imagenet_p: str | os.PathLike[str] | None,
    source: str | os.PathLike[str] | None,
    benchmarks: Sequence[str],
    configs: Sequence[str],
    seed: int,
) -> list[Rows]:
    """Open what there is to evaluate on: built folders, else what is made on the fly."""
    places = [place for place in (imagenet_c, imagenet_p) if place is not None]
    if places and source is not None:
        raise ValueError("give built folders, or a source to make the data of on the fly, not both")
    data = [built(place) for place in places] or [on_the_fly(name, source, seed=seed) for name in benchmarks]
    for config in configs:
        if not any(config in rows.benchmark.configs for rows in data):
            known = [name for rows in data for name in rows.benchmark.configs]
            raise ValueError(f"there is no config {config!r}{suggest(config, known)}")
    wanted = list(configs) or ([] if places else ["test", "clean"])
    if wanted:
        data = [rows.only([config for config in wanted if config in rows.benchmark.configs]) for rows in data]
    data = [rows for rows in data if rows.cells]
    if not data:
        raise ValueError("there is nothing to evaluate on: name a built folder, a source, or other configs")
    first, *others = data
    for other in others:
        if other.sequences == first.sequences:
            raise ValueError(
                f"{first.benchmark.dataset} and {other.benchmark.dataset} are of one kind; evaluate on one at a time"
            )
        if other.classes != first.classes:
            raise ValueError(
                f"{first.benchmark.dataset} and {other.benchmark.dataset} have different classes"
            )
    return data


def _ticker(progress: Progress, config: str, total: int) -> Callable[[int], None]:
    done = 0
    progress(config, done, total)

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(config, done, total)

    return tick


def _imported(library: str) -> bool:
    return library == "imagenet-cp" or library in sys.modules
