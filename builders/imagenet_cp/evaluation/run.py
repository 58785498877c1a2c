"""Evaluation of a model on ImageNet-C and ImageNet-P."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ..benchmarks.base import Cell
from ..benchmarks.signature import Signature
from ..errors import BuildError, suggest, wrap_os_errors
from ..files import local_path
from ..images.profiles import PROFILES
from ..jobs.cores import available_cores
from ..progress import Progress, silent
from . import predictions
from .calibration import calibration_scores
from .counts import Counts
from .data.loader import Batch, Preprocessor, batches
from .data.rows import Rows, from_folder, from_source
from .data.views import view
from .evaluation import Evaluation
from .fingerprint import Fingerprint
from .models.base import Function, Model
from .models.load import open_model
from .preprocessors import NamedPreprocessor, open_preprocessor
from .probabilities import KINDS
from .results import Example
from .scoring import class_names, compute_metric, per_image_counts

_LIBRARIES = ("imagenet-cp", "numpy", "torch", "timm", "torchvision", "transformers", "onnxruntime")

#: Usual number of frames of a sequence.
_FRAMES = 31
#: Stored predictions of images that are compared with new ones before a file is used again.
_COMPARED = 4


def evaluate_model(
    model: str | Function | Model,
    *,
    imagenet_c: str | os.PathLike[str] | None = None,
    imagenet_p: str | os.PathLike[str] | None = None,
    source: str | os.PathLike[str] | None = None,
    benchmarks: Sequence[str] = ("imagenet_c", "imagenet_p"),
    configs: Sequence[str] = (),
    seed: int = 0,
    ids: str | os.PathLike[str] | None = None,
    classes: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    preprocess: str | Preprocessor | None = None,
    batch_size: int = 64,
    device: str = "auto",
    scores: str = "auto",
    workers: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    trust: bool = False,
    dtype: str | None = None,
    channels_last: bool = False,
    compile: bool = False,
    resume: bool = False,
    identity: str | None = None,
    command: str = "",
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate a model: mCE and relative mCE on ImageNet-C, mFR and mT5D on ImageNet-P.

    Parameters
    ----------
    model : callable, str or Model
        From images, uint8 (N, 224, 224, 3), RGB, to logits (N, 1000); or a name as for `open_model`.
    imagenet_c, imagenet_p : path or str, optional
        Builds, or data sets on the Hub, of these benchmarks or of their versions at other sizes. ImageNet-C may be
        incomplete: without ``clean`` there is no relative mCE, and with any config of ``test`` missing no mCE.
    source : path or str, optional
        Clean images to generate the data from on the fly, as for `imagenet_cp.sources.open_source`, instead of builds.
        The images and so the scores are those of a build.
    benchmarks : sequence of str
        Benchmarks to generate on the fly.
    configs : sequence of str
        Configs to evaluate on, such as ``("fog", "clean", "tilt")``; by default all of a build, and on the fly those
        of the metrics.
    seed : int
        Seed of the random draws on the fly.
    ids : str or path, optional
        Evaluate on a subset of the images: ``"robustbench-5000"``, or a file of one id, number or path a line.
    classes : str or path, optional
        Evaluate on the images of a list of classes, whose places are the labels: ``"imagenet-100"``, ``"imagenet-r"``,
        ..., or a file of one class a line; see `imagenet_cp.sources.class_lists.class_list`.
    limit : int, optional
        Evaluate on the first images of every config only, as a smoke test; the signatures include it.
    out : path, optional
        Folder for the predictions (in ``predictions``), from which the same call resumes, after it has compared a few
        rows of every file. By default they are discarded.
    name : str, optional
        Display name of the model.
    preprocess : str or callable, optional
        Preprocessor of every image: ``"clahe"``, ``"package.module:callable"``, or a function from uint8 (H, W, 3) to
        uint8 (H, W, 3).
    batch_size : int
        Images per batch; at least one sequence.
    device : str
        Device of a model given by name: ``auto``, ``cpu``, ``cuda``, ...
    scores : {"auto", "logits", "probabilities"}
        Kind of the model's scores; by default recognized: rows from 0 to 1 that sum to 1 are probabilities.
    workers : int, optional
        Threads that read, generate and decode images ahead of the model; by default one per core.
    weights, trust, dtype, channels_last, compile
        As for `open_model`.
    resume : bool
        Resume also from predictions of a model or preprocessor with invisible parts, such as objects of C libraries,
        by which it cannot be told from another.
    identity : str, optional
        Name of the version of the model and its preprocessor, such as ``"run 7, epoch 12"``, by which predictions are
        known as theirs; by default their weights, or their code and state.
    command : str
        Command that repeats the evaluation, for the report.
    progress : callable
        Called with a config, the number of its rows that are done and their total.

    Returns
    -------
    Evaluation
        The metrics as computed through `evaluate.load`, with counts for confidence intervals and a report.

    Raises
    ------
    SourceError
        The model or the data cannot be used, or do not fit each other.
    BuildError
        The folder holds predictions of another model or of other data, or of a model with invisible parts.
    ValueError
        Nothing to evaluate on; an unknown benchmark, config or kind of scores.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.
    """
    out = None if out is None else local_path(out)  # before anything is read
    if scores not in ("auto", *KINDS):
        raise ValueError(f"scores are auto, {' or '.join(KINDS)}, not {scores!r}")
    if isinstance(model, str):
        model = open_model(
            model,
            device=device,
            weights=weights,
            trust=trust,
            dtype=dtype,
            channels_last=channels_last,
            compile=compile,
        )
    elif not isinstance(model, Model):
        model = Model(getattr(model, "__qualname__", type(model).__name__), model)
    model = replace(model, name=name or model.name, weights=identity or model.weights)
    preprocessor = open_preprocessor(preprocess)
    if identity:
        preprocessor = preprocessor._replace(digest="", complete=True)
    folders = [folder for folder in (imagenet_c, imagenet_p) if folder is not None]
    if folders and source is not None:
        raise ValueError("give builds, or a source to generate the data from on the fly, not both")
    data = [view(from_folder(folder), ids=ids, classes=classes) for folder in folders] or [
        from_source(dataset, source, seed=seed, ids=ids, classes=classes) for dataset in benchmarks
    ]
    for rows in data if folders else ():
        if (imagenet_p if rows.sequences else imagenet_c) is None:
            option = "imagenet_p" if rows.sequences else "imagenet_c"
            raise ValueError(
                f"pass the build of {rows.benchmark.dataset} as {option}, not as the other benchmark"
            )
    data = _select(data, list(configs) or ([] if folders else ["test", "clean"]))
    for rows in data:
        rows.check()
    if limit is not None:
        data = [rows.limit(limit) for rows in data]
    known = model.fingerprint
    signature = _signature(model, known, preprocessor, PROFILES[data[0].benchmark.profile].size, scores)
    threads = workers or available_cores()

    def predict(job: _Job, number: int | None, progress: Progress) -> pa.Table:
        """Predictions for the first ``number`` rows of a job, or for all."""
        rows = itertools.islice(job.rows.read(job.cell), number)
        size = max(1, batch_size // _FRAMES) if job.rows.sequences else batch_size
        loaded = batches(
            job.cell.config, rows, size, threads, preprocessor.function, model.side, model.interpolation
        )
        watched = _watch(loaded, progress, job.cell.config, job.rows.num_rows[job.cell.config])
        sequences, classes = job.rows.sequences, len(job.rows.classes)
        return predictions.predict(model, job.cell.config, watched, classes, sequences, scores)

    with contextlib.ExitStack() as stack:
        folder = Path(out if out is not None else stack.enter_context(tempfile.TemporaryDirectory()))
        jobs = [_job(folder.expanduser(), signature, rows, cell) for rows in data for cell in rows.cells]
        finished = [job for job in jobs if predictions.is_finished(job.file, job.identity)]
        if finished and not (resume or (known.complete and preprocessor.complete)):
            raise BuildError(
                f"{folder}: holds predictions of {model.name}, which has parts that Python cannot see, so another "
                "model looks the same. If they are of this model, add --resume (resume=True); if not, choose another "
                "folder with -o. identity= names a model's version"
            )
        for job in finished:
            with wrap_os_errors(job.file):
                again = predict(job, 1 if job.rows.sequences else _COMPARED, silent)
            if not predictions.agree(again, predictions.read(job.file, job.identity).slice(0, len(again))):
                raise BuildError(
                    f"{job.file}: {model.name} now predicts other classes or margins for its first rows. Models are "
                    "never mixed: choose another folder with -o"
                )
        for job in [job for job in jobs if job not in finished]:
            with wrap_os_errors(job.file):
                predictions.write(job.file, predict(job, None, progress), job.identity)
        tables: dict[str, dict[str, pa.Table]] = {rows.benchmark.dataset: {} for rows in data}
        for job in jobs:
            tables[job.rows.benchmark.dataset][job.cell.config] = predictions.read(job.file, job.identity)
    metrics: dict[str, Mapping[str, Any]] = {}
    counts: dict[str, Counts] = {}
    examples: list[Example] = []
    kind = ""
    calibration: dict[str, dict[str, Any]] = {}
    for rows in data:
        predicted = tables[rows.benchmark.dataset]
        for metric in ("mfr", "mt5d") if rows.sequences else ("mce",):
            metrics[metric] = compute_metric(metric, rows, predicted)
            counts[metric] = per_image_counts(metric, rows, predicted)
        if not rows.sequences:
            examples = predictions.choose_examples(predicted)
            kind = predictions.scores_kind(predicted.values())
            calibration = calibration_scores(rows, predicted)
    used = [name for name in _LIBRARIES if name == "imagenet-cp" or name in sys.modules]
    return Evaluation(
        model=model.name,
        signature=signature,
        metrics=metrics,
        counts=counts,
        classes=class_names(data[0].classes),
        examples=tuple(examples),
        command=command,
        scores=kind,
        calibration=calibration,
        versions={library: metadata.version(library) for library in used},
    )


class _Job(NamedTuple):
    """Predictions to make for one config: their file and their identity."""

    rows: Rows
    cell: Cell
    file: Path
    identity: dict[str, str]


def _job(folder: Path, signature: str, rows: Rows, cell: Cell) -> _Job:
    file = folder / "predictions" / rows.benchmark.dataset / f"{cell.config}.parquet"
    identity = {
        "format": predictions.FORMAT,
        "model": signature,
        "data": rows.signature,
        "rows": rows.stamps[cell.config],
    }
    return _Job(rows, cell, file, identity)


def _signature(
    model: Model, known: Fingerprint, preprocessor: NamedPreprocessor, side: int, scores: str
) -> str:
    """Signature of a model and its input, whose ``side`` is that of the images if the model takes any."""
    return str(
        Signature.of(
            ("model", model.name),
            ("id", known.digest),
            ("input", model.side or side),
            ("resize", model.interpolation if model.side not in (None, side) else None),
            model.normalization,
            ("preprocess", preprocessor.name or None),
            ("preprocess_id", preprocessor.digest or None),
            ("scores", None if scores == "auto" else scores),
        )
    )


def _select(data: list[Rows], configs: Sequence[str]) -> list[Rows]:
    """Restrict the data to some configs, if any are given, and check that it can be evaluated together."""
    known = [config for rows in data for config in rows.benchmark.configs]
    for config in configs:
        if config not in known:
            raise ValueError(f"there is no config {config!r}{suggest(config, known)}")
    if configs:
        data = [rows.select([name for name in configs if name in rows.benchmark.configs]) for rows in data]
    data = [rows for rows in data if rows.cells]
    if not data:
        raise ValueError("there is nothing to evaluate on: name a build, a source, or other configs")
    for other in data[1:]:
        names = f"{data[0].benchmark.dataset} and {other.benchmark.dataset}"
        if other.sequences == data[0].sequences:
            raise ValueError(f"{names} are of one kind; evaluate on one at a time")
        if other.classes != data[0].classes:
            raise ValueError(f"{names} have different classes")
    for rows in data:
        if rows.sequences and len(rows.classes) < 5:
            raise ValueError(
                f"{rows.benchmark.dataset}: mT5D compares the five best classes, but there are {len(rows.classes)}; "
                "evaluate on ImageNet-C alone, on the fly with --benchmarks imagenet_c"
            )
    return data


def _watch(loaded: Iterator[Batch], progress: Progress, config: str, total: int) -> Iterator[Batch]:
    """Pass batches on, and report the rows of those that the caller is done with."""
    done = 0
    progress(config, done, total)
    for batch in loaded:
        yield batch
        done += len(batch.rows)
        progress(config, done, total)
