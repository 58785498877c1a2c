"""Evaluation of models on ImageNet-C and ImageNet-P."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ..arguments import name_list, optional_number, whole_number
from ..benchmarks.recipe import NATIVE
from ..errors import BuildError, SourceError, UsageError, suggest
from ..files import local_path
from ..images.profiles import PROFILES
from ..jobs.cores import available_cores
from ..jobs.job_folder import Shard
from ..jobs.local import run_local, run_on_executor
from ..progress import Progress, resumed, silent
from ..sources.class_lists import class_list
from ..sources.subsets import Ids
from . import prediction_files, predictions
from .calibration import calibration_scores
from .class_order import check_order, fit_outputs
from .counts import Counts
from .data.built_rows import from_folder
from .data.corrupted_rows import from_custom
from .data.generated_rows import from_source
from .data.loader import Preprocessor
from .data.rows import Rows
from .data.views import view
from .devices import check_device, find_devices
from .evaluation import Evaluation
from .models.model import Function, Model
from .models.spec import ModelSpec
from .prediction_plan import Candidate, check_stored, count_images, count_missing, model_signature, plan_units
from .prediction_units import Settings, Unit, run, warm_ups
from .preprocessors import NamedPreprocessor, open_preprocessor
from .probabilities import KINDS
from .results import Example
from .scoring import class_names, compute_metric, per_image_counts, score_names

_LIBRARIES = ("imagenet-cp", "numpy", "torch", "timm", "torchvision", "transformers", "onnxruntime")
#: Options for builds -> the scores that they have one of; ImageNet-C-bar by itself can be given in place of ImageNet-C.
_BUILDS = {"imagenet_c": ("mce", "c_bar"), "imagenet_p": ("mfr",), "imagenet_c_bar": ("c_bar",)}
#: Benchmarks to generate by default.
_BENCHMARKS = ("imagenet_c", "imagenet_p")
#: Title of the progress.
_TITLE = "evaluating"


def evaluate_model(
    model: str | Function | Model,
    *,
    imagenet_c: str | os.PathLike[str] | None = None,
    imagenet_p: str | os.PathLike[str] | None = None,
    imagenet_c_bar: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
    layout: str | None = None,
    source: str | os.PathLike[str] | None = None,
    benchmarks: Sequence[str] = _BENCHMARKS,
    configs: Sequence[str] = (),
    seed: int = 0,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    native_size: bool = False,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    preprocess: str | Preprocessor | None = None,
    batch_size: int = 64,
    device: str = "auto",
    scores: str = "auto",
    threads: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    trust: bool = False,
    dtype: str | None = None,
    channels_last: bool = False,
    compile: bool = False,
    labels: str | os.PathLike[str] | Sequence[str] = (),
    check: bool = True,
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
    imagenet_c, imagenet_p, imagenet_c_bar : path or str, optional
        Builds, or data sets on the Hub, of these benchmarks or of their versions at other sizes. ImageNet-C may be
        incomplete: without ``clean`` there is no relative mCE, and with any config of ``test`` missing no mCE.
    data : path or str, optional
        Corrupted images that this package did not make, such as ImageNet-3DCC: a folder or a tar archive, or a data set
        with the columns ``corruption`` and ``severity``; see `imagenet_cp.sources.corrupted.open_corrupted`. Images
        are taken as they are stored, and scores are plain means of the errors.
    layout : str, optional
        Layout of the paths in ``data``, such as ``"{corruption}/{severity}/{class}/{file}"``.
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
    ids : str, path or list, optional
        Evaluate on a subset of the images: ``"robustbench-5000"``, a file of one id, number or path a line, or a list
        of these.
    classes : str or path, optional
        Evaluate on the images of a list of classes, whose places are the labels: ``"imagenet-100"``, ``"imagenet-r"``,
        ..., or a file of one class a line; see `imagenet_cp.sources.class_lists.class_list`.
    limit : int, optional
        Evaluate on the first images of every config only, as a smoke test; the signatures include it.
    native_size : bool
        Make ImageNet-C on the fly at the size of the model's input, an extension of the paper that the signatures name,
        instead of resizing images of 224 x 224 pixels.
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
    threads : int, optional
        Threads that read, generate and decode images ahead of the model; by default one per core.
    weights, trust, dtype, channels_last, compile
        As for `open_model`.
    labels : str, path or sequence of str
        Class of every output of the model, for `class_list` or as names; by default those that its library or file
        names. Outputs in another order than the data's classes, or more of them, are matched by name.
    check : bool
        Check on the first images that no other known order of the classes makes many more of them right.
    resume : bool
        Resume also from predictions of a model or preprocessor with invisible parts, such as objects of C libraries,
        by which it cannot be told from another.
    identity : str, optional
        Name of the version of the model and its preprocessor, such as ``"run 7, epoch 12"``, by which predictions are
        known as theirs; by default their weights, or their code and state.
    command : str
        Command that repeats the evaluation, for the report.
    progress : callable
        Called with ``"compiling kernels"`` or ``"evaluating"``, the number of images done and their total.

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
    UsageError
        Nothing to evaluate on; an unknown model, benchmark, config, device or kind of scores.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.
    """
    options = dict(locals())  # all of them are options of `evaluate_models` too
    done = evaluate_models([options.pop("model")], names=[options.pop("name")], **options)
    (evaluation,) = done.evaluations.values()
    return evaluation


class Evaluations(NamedTuple):
    """Evaluations of several models.

    Attributes
    ----------
    evaluations : dict
        Name of a model -> its evaluation.
    folders : dict
        Name of a model -> its folder, for its report.
    failed : dict
        Name of a model that failed -> reason.
    missing : int
        Number of units that other shards have yet to finish, without which nothing is scored.
    """

    evaluations: dict[str, Evaluation]
    folders: dict[str, Path]
    failed: dict[str, str]
    missing: int = 0


def evaluate_models(
    models: Sequence[str | Function | Model],
    *,
    imagenet_c: str | os.PathLike[str] | None = None,
    imagenet_p: str | os.PathLike[str] | None = None,
    imagenet_c_bar: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
    layout: str | None = None,
    source: str | os.PathLike[str] | None = None,
    benchmarks: Sequence[str] = _BENCHMARKS,
    configs: Sequence[str] = (),
    seed: int = 0,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    native_size: bool = False,
    out: str | os.PathLike[str] | None = None,
    names: Sequence[str | None] = (),
    preprocess: str | Preprocessor | None = None,
    batch_size: int = 64,
    device: str = "auto",
    devices: Sequence[str] = (),
    local: int | None = None,
    scores: str = "auto",
    threads: int | None = None,
    processes: int | None = None,
    executor: Executor | None = None,
    shard: Shard = Shard(),  # noqa: B008  (immutable)
    weights: str | os.PathLike[str] | None = None,
    trust: bool = False,
    dtype: str | None = None,
    channels_last: bool = False,
    compile: bool = False,
    labels: str | os.PathLike[str] | Sequence[str] = (),
    check: bool = True,
    resume: bool = False,
    identity: str | None = None,
    images_per_unit: int | None = None,
    command: str = "",
    progress: Progress = silent,
) -> Evaluations:
    """Evaluate several models in one pass: every batch is made once, and all models run on it.

    Parameters
    ----------
    models : sequence of callable, str or Model
        As for `evaluate_model`. In other processes, functions are those that can be pickled.
    imagenet_c, imagenet_p, imagenet_c_bar, data, layout, source, benchmarks, configs, seed, ids, classes, limit,
    native_size, preprocess, batch_size, scores
        As for `evaluate_model`.
    out : path, optional
        Folder of the predictions of one model; of several, each has a folder of its own in it.
    names : sequence of str or None
        Display names of the models.
    device : str
        Device of the models given by name: ``cuda`` for all visible GPUs, with a process for each.
    devices : sequence of str
        Devices instead, such as ``("cuda:0", "cuda:2")``, with a process for each.
    local : int, optional
        Number of this process on its machine where a launcher started one for each device, of which it uses its own.
    threads : int, optional
        Threads that make images ahead of the models, over all processes; by default one per core. Several processes
        divide them for networks on the CPU too.
    processes : int, optional
        Processes of this machine; by default one for each device.
    executor : concurrent.futures.Executor, optional
        Executor that runs the units instead of processes of this machine, such as that of Dask.
    shard : Shard
        Part of the work; whichever shard finds all units finished has the evaluations.
    weights, trust, dtype, channels_last, compile, labels, check, resume, identity
        As for `evaluate_model`.
    images_per_unit : int, optional
        Source images of a unit, the work that is lost when a process is killed.
    command : str
        Command that repeats the evaluation, for the reports.
    progress : callable
        As for `evaluate_model`.

    Returns
    -------
    Evaluations
        The evaluations of the models that did not fail. A single model that fails is an error.

    Raises
    ------
    SourceError
        The data cannot be used, or all models fail.
    BuildError
        A folder holds predictions of other data, or cannot be written.
    UsageError
        Nothing to evaluate on; an unknown model, benchmark, config, device or kind of scores; two models of one name;
        a number of images, threads or processes below 1.
    """
    configs, benchmarks = name_list("configs", configs), name_list("benchmarks", benchmarks)
    out = None if out is None else local_path(out)  # before anything is read
    limit, threads = optional_number("limit", limit), optional_number("threads", threads)
    processes = optional_number("processes", processes)
    images_per_unit = optional_number("images_per_unit", images_per_unit)
    batch_size = whole_number("batch_size", batch_size, 1)
    if layout is not None and data is None:
        raise UsageError("a layout is of the paths in data: give --data (data=) too")
    _check_out(out, data)
    if scores not in ("auto", *KINDS):
        raise UsageError(f"unknown kind of scores {scores!r}{suggest(scores, ('auto', *KINDS))}")
    options: dict[str, Any] = {
        "weights": weights,
        "trust": trust,
        "dtype": dtype,
        "channels_last": channels_last,
        "compile": compile,
    }
    names_of_outputs = _output_names(labels)
    given = [
        ModelSpec(model, options, name, identity, names_of_outputs)
        for model, name in zip(models, [*names, *[None] * (len(models) - len(names))], strict=True)
    ]
    preprocessor = open_preprocessor(preprocess)
    if identity:
        preprocessor = preprocessor._replace(digest="", complete=True)
    for chosen in devices:
        check_device(chosen, models)
    devices = tuple(devices) or find_devices(device, models, local)
    if local is not None:
        devices = (devices[local % len(devices)],)
    cores = threads or available_cores()
    count = processes or len(devices)

    def settings(rows: Rows) -> Settings:
        return Settings(
            classes=len(rows.classes),
            sequences=rows.sequences,
            batch_size=batch_size,
            threads=cores,
            devices=tuple(devices),
            scores=scores,
            preprocess=preprocess,
        )

    builds = (imagenet_c, imagenet_p, imagenet_c_bar)
    if native_size and source is None and any(build is not None for build in (*builds, data)):
        raise UsageError("images of a model's own size are made on the fly: give a source instead of builds")

    @functools.cache
    def data_of(size: str | None) -> list[Rows]:
        custom = None if data is None else (data, layout)
        return _open_data(builds, custom, source, benchmarks, configs, seed, ids, classes, limit, size)

    with contextlib.ExitStack() as stack:
        folder = Path(out if out is not None else stack.enter_context(tempfile.TemporaryDirectory()))
        failed: dict[str, str] = {}
        candidates: list[Candidate] = []
        if len(given) > 1 and not native_size:
            data_of(None)  # so that wrong data are not taken for a fault of every model
        for number, one in enumerate(given):
            try:
                own = folder if len(given) == 1 else folder / _slug(one.label)
                model = one.open(devices[0])
                opened = data_of(_native_size(model) if native_size else None)
                outputs = fit_outputs(model, opened[0], preprocessor.function, cores)
                one, model = replace(one, outputs=outputs), replace(model, outputs=outputs)
                candidate = _new_candidate(number, one, model, own, opened, preprocessor, scores)
                candidate.find()
                if check and not any(candidate.found.values()):
                    check_order(model, opened, preprocessor.function, cores, batch_size)
                check_stored(candidate, settings, resume)
            except (SourceError, BuildError, UsageError) as error:
                if len(given) == 1:
                    raise
                failed[one.label] = str(error)
            else:
                candidates.append(candidate)
        if len({candidate.out for candidate in candidates}) < len(candidates):
            raise UsageError(
                "two models have one name; evaluate them one at a time, each with its own --name"
            )
        if candidates:
            units = plan_units(candidates, settings, images_per_unit, shard)
            before = count_images(candidates, images_per_unit, shard) - sum(unit.size for unit in units)
            errors = _run(units, candidates, count, executor, resumed(progress, _TITLE, max(before, 0)))
            if errors and len(given) == 1:
                raise SourceError(next(iter(errors.values())))
            failed |= {given[number].label: reason for number, reason in errors.items()}
            candidates = [candidate for candidate in candidates if candidate.number not in errors]
        if not candidates:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
            raise SourceError(f"all models fail. {reasons}")
        for candidate in candidates:
            candidate.find()
        missing = max(count_missing(candidate, images_per_unit) for candidate in candidates)
        if missing and shard.count == 1:
            raise BuildError(f"{folder}: predictions have been deleted; run the same evaluation again")
        evaluations = {} if missing else {one.name: _score(one, command) for one in candidates}
        return Evaluations(evaluations, {one.name: one.out for one in candidates}, failed, missing)


def _check_out(out: Path | None, data: str | os.PathLike[str] | None) -> None:
    """Refuse a folder of predictions that is a file, or that lies in the data, which it would add charts to."""
    if out is None:
        return
    if out.is_file():
        raise UsageError(f"{out}: a file; name a folder with -o")
    if data is not None and out.resolve().is_relative_to(Path(data).expanduser().resolve()):
        raise UsageError(f"{out}: lies in the data, {os.fspath(data)}; choose another folder with -o")


def _output_names(labels: str | os.PathLike[str] | Sequence[str]) -> tuple[str, ...]:
    """Names of the outputs of a list or a file; numbers stay numbers, which data may have as classes."""
    if not isinstance(labels, (str, os.PathLike)):
        return tuple(map(str, labels))
    found = class_list(labels)
    return found.lines if found.lines and all(map(str.isdecimal, found.lines)) else found.names


def _slug(name: str) -> str:
    """Name of the folder of a model."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")


def _open_data(
    builds: Sequence[str | os.PathLike[str] | None],
    custom: tuple[str | os.PathLike[str], str | None] | None,
    source: str | os.PathLike[str] | None,
    benchmarks: Sequence[str],
    configs: Sequence[str],
    seed: int,
    ids: Ids | None,
    classes: str | os.PathLike[str] | None,
    limit: int | None,
    size: str | None,
) -> list[Rows]:
    """Open builds, or a source to generate their rows from, and data in a layout of its own, and check them."""
    folders = {option: folder for option, folder in zip(_BUILDS, builds, strict=True) if folder is not None}
    if folders and source is not None:
        raise UsageError("give builds, or a source to generate the data from on the fly, not both")
    data = [view(from_folder(folder), ids=ids, classes=classes) for folder in folders.values()]
    for option, rows in zip(folders, data, strict=True):
        fitting = [name for name, keys in _BUILDS.items() if score_names(rows)[0] in keys]
        if option not in fitting:
            raise UsageError(
                f"pass the build of {rows.benchmark.dataset} as {fitting[-1]}, not as the other benchmark"
            )
    names = list(configs)
    if custom is not None and not folders and source is None and tuple(benchmarks) != _BENCHMARKS:
        raise UsageError(
            f"{', '.join(benchmarks)} beside data in a layout of their own need the clean images: add --source "
            "(source=)"
        )
    if not folders and (source is not None or custom is None):
        data = [
            from_source(dataset, source, seed=seed, ids=ids, classes=classes, size=size)
            for dataset in benchmarks
        ]
        known = {config for rows in data for config in rows.benchmark.configs}
        names = names or [config for config in ("test", "clean") if config in known]
    if custom is not None:
        data.append(from_custom(*custom, ids=ids, classes=classes))
    data = _select(data, names)
    for rows in data:
        rows.check()
    return data if limit is None else [rows.limit(limit) for rows in data]


def _native_size(model: Model) -> str | None:
    """Size of the images that are made for a model; None for the size of the benchmark."""
    if model.side is None:
        raise SourceError(f"{model.name} takes images of any size, so it has none of its own")
    return None if model.side == PROFILES["imagenet"].size else f"{NATIVE}{model.side}"


def _new_candidate(
    number: int,
    spec: ModelSpec,
    model: Model,
    out: Path,
    data: list[Rows],
    preprocessor: NamedPreprocessor,
    scores: str,
) -> Candidate:
    known = model.fingerprint
    complete = known.complete and preprocessor.complete
    signature, *single = (
        model_signature(model, known, preprocessor, part, scores)
        for part in (data, *([rows] for rows in data))
    )
    signatures = dict(zip((rows.benchmark.dataset for rows in data), single, strict=True))
    return Candidate(number, spec, model.name, signature, signatures, out, data, complete)


def _run(
    units: Sequence[Unit],
    candidates: Sequence[Candidate],
    processes: int,
    executor: Executor | None,
    progress: Progress,
) -> dict[int, str]:
    """Run units until all are finished or all models have failed; returns the reasons by number of the model."""
    failed: dict[int, str] = {}
    if not units:
        return failed
    if executor is not None or processes > 1:
        _check_pickle(units[0])
    workers = processes if executor is not None else min(processes, len(units))
    threads = max(1, units[0].settings.threads // workers)
    units = [replace(unit, settings=replace(unit.settings, threads=threads)) for unit in units]
    done, total = 0, sum(unit.size for unit in units)
    if executor is not None:
        results = run_on_executor(executor, run, units, lambda: progress(_TITLE, done, total))
    else:
        results = run_local(run, units, workers, progress, warm_ups(units), _TITLE, threads)
    with contextlib.closing(results):
        for unit, reasons in results:
            failed |= reasons
            done += unit.size
            if executor is not None:
                progress(_TITLE, done, total)
            if len(failed) == len(candidates):
                break
    return failed


def _check_pickle(unit: Unit) -> None:
    try:
        pickle.dumps(unit)
    except Exception as error:
        raise SourceError(
            f"the model or the preprocessor cannot be sent to other processes ({error}); give it by its name, such as "
            "package.module:callable, or evaluate in one process"
        ) from error


def _score(candidate: Candidate, command: str) -> Evaluation:
    """Compute the metrics of a model from its files."""
    metrics: dict[str, Mapping[str, Any]] = {}
    counts: dict[str, Counts] = {}
    examples: list[Example] = []
    heads: list[pa.Table] = []
    calibration: dict[str, dict[str, Any]] = {}
    for rows in candidate.data:
        found = candidate.found[rows.benchmark.dataset]
        predicted = prediction_files.read(found, [cell.config for cell in rows.cells])
        for metric in score_names(rows):
            metrics[metric] = compute_metric(metric, rows, predicted)
            counts[metric] = per_image_counts(metric, rows, predicted)
        if not rows.sequences:
            examples += predictions.choose_examples(rows, predicted)
            heads += [table.schema.empty_table() for table in predicted.values()]
            calibration |= calibration_scores(rows, predicted)
    used = [name for name in _LIBRARIES if name == "imagenet-cp" or name in sys.modules]
    return Evaluation(
        model=candidate.name,
        signature=candidate.signature,
        metrics=metrics,
        counts=counts,
        classes=class_names(candidate.data[0].classes),
        examples=tuple(sorted(examples, key=lambda example: -example.margin)),
        command=command,
        scores=predictions.scores_kind(heads),
        calibration=calibration,
        versions={library: metadata.version(library) for library in used},
    )


def _select(data: list[Rows], configs: Sequence[str]) -> list[Rows]:
    """Restrict the data to some configs, if any are given, and check that it can be evaluated together."""
    known = [config for rows in data for config in rows.benchmark.configs]
    for config in configs:
        if config not in known:
            raise UsageError(f"there is no config {config!r}{suggest(config, known)}")
    if configs:
        data = [rows.select([name for name in configs if name in rows.benchmark.configs]) for rows in data]
    data = [rows for rows in data if rows.cells]
    if not data:
        raise UsageError("there is nothing to evaluate on: name a build, a source, or other configs")
    kinds: dict[str, Rows] = {}
    for rows in data:
        other = kinds.setdefault(score_names(rows)[0], rows)
        if other is not rows:
            raise UsageError(
                f"{other.benchmark.dataset} and {rows.benchmark.dataset} are of one kind; evaluate on one at a time"
            )
    for other in data[1:]:
        names = f"{data[0].benchmark.dataset} and {other.benchmark.dataset}"
        if other.classes != data[0].classes:
            raise ValueError(f"{names} have different classes")
    for rows in data:
        if rows.sequences and len(rows.classes) < 5:
            raise ValueError(
                f"{rows.benchmark.dataset}: mT5D compares the five best classes, but there are {len(rows.classes)}; "
                "evaluate on ImageNet-C alone, on the fly with --benchmarks imagenet_c"
            )
    return data
