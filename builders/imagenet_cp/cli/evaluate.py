"""The commands ``imagenet-cp evaluate``, ``compare`` and ``table``."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..text import count, echo, join_first, split_names
from .options import ClassesOption, EngineOption, IdsOption, OutOption, QuietOption, check_local

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="timm:resnet50, torchvision:resnet50, hf:org/name, model.onnx, or package.module:callable; several "
            "are evaluated in one pass."
        ),
    ] = None,
    model_list: Annotated[
        Path | None,
        typer.Option("--models", callback=check_local, help="File of more models, one per line."),
    ] = None,
    imagenet_c: Annotated[
        str | None,
        typer.Option("--imagenet-c", callback=check_local, help="A build, or user/imagenet_c on the Hub."),
    ] = None,
    imagenet_p: Annotated[
        str | None,
        typer.Option("--imagenet-p", callback=check_local, help="A build, or user/imagenet_p on the Hub."),
    ] = None,
    imagenet_c_bar: Annotated[
        str | None,
        typer.Option(
            "--imagenet-c-bar", callback=check_local, help="A build, or user/imagenet_c_bar on the Hub."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            callback=check_local,
            help="Corrupted images that were not made here: a folder or tar with --layout, or a data set with the "
            "columns corruption and severity.",
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="Paths in --data, such as '{corruption}/{severity}/{class}/{file}'."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            callback=check_local, help="Clean images to generate the data from on the fly, instead of builds."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", callback=check_local, help="Folder of the report and of the predictions."
        ),
    ] = Path("report"),
    benchmarks: Annotated[
        str, typer.Option(help="Benchmarks to generate on the fly, such as cifar10_c,cifar10_p.")
    ] = "imagenet_c,imagenet_p",
    configs: Annotated[
        str, typer.Option(help="Such as fog,clean,tilt; all by default. Means need all of test.")
    ] = "",
    name: Annotated[str | None, typer.Option(help="Display name of the model.")] = None,
    preprocess: Annotated[
        str | None,
        typer.Option(help="Preprocessor of every image: clahe, non_local_means, or package.module:callable."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per batch.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda for all visible GPUs, cuda:1, ...")] = "auto",
    devices: Annotated[str, typer.Option(help="Numbers of GPUs, such as 0,2.")] = "",
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes of this machine; by default, for models of timm, torchvision and transformers, one per "
            "core on CPUs, and on GPUs one for every four cores.",
        ),
    ] = None,
    engine: EngineOption = "local",
    shard: Annotated[
        str,
        typer.Option(
            help="i/n: only the i-th of n parts; by default as torchrun or srun started this process. The last to "
            "finish writes the report."
        ),
    ] = "",
    scores: Annotated[
        str, typer.Option(help="logits or probabilities: what the model gives; recognized by default.")
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that generate and decode images; by default one per core."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            callback=check_local,
            help="File of weights for timm: and torchvision:, such as model.safetensors.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random draws on the fly.")] = 0,
    ids: IdsOption = None,
    classes: ClassesOption = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Use only the first images of every config, as a smoke test."),
    ] = None,
    native_size: Annotated[
        bool,
        typer.Option(
            "--native-size",
            help="Make ImageNet-C at the size of the model's input, an extension of the paper, instead of resizing it.",
        ),
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Also load files that can run code (pickles, models' own code).")
    ] = False,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="float32, bfloat16 or float16, for timm:, torchvision: and hf:; by default as stored."
        ),
    ] = None,
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Store activations with the channels last.")
    ] = False,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the model with torch.compile.")] = False,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Classes of the model's outputs: a file with one per line, or imagenet-r, imagenette, ..."
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check/--no-check", help="Check the order of the classes on the first images."),
    ] = True,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume even where Python cannot see all of the model, which you know to be the same.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Evaluate models and write their reports.

    An interrupted evaluation resumes with the same command.
    """
    from ..evaluation.comparison import compare as compare_models
    from ..evaluation.devices import default_processes, find_devices, find_shard
    from ..evaluation.report.charts import require_matplotlib
    from ..evaluation.report.comparison_page import load_models, write_comparison
    from ..evaluation.report.page import check_report_dir
    from ..evaluation.run import evaluate_models
    from ..jobs.engines import open_engine
    from ..jobs.local import reuse_freed_memory
    from ..progress import interruptible, show_progress
    from .results_table import format_results
    from .shards import parse_shard

    names = [*(models or []), *(_read_list(model_list) if model_list else [])]
    if not names:
        raise UsageError("name a model, such as timm:resnet50, or a file of models with --models")
    numbers = split_names(devices)
    if devices and not (numbers and all(map(str.isdecimal, numbers)) and len(set(numbers)) == len(numbers)):
        raise UsageError(f"--devices is different numbers of GPUs, such as 0,2, not {devices!r}")
    if numbers and device != "auto":
        raise UsageError(f"give --device {device} or --devices {devices}, not both")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named more than once; name each model once")
    if len(names) > 1 and (name or weights):
        raise UsageError(f"{'--name' if name else '--weights'} goes with one model, not with {len(names)}")
    require_matplotlib()
    if len(names) == 1:
        check_report_dir(out, "report")
    part, number = (parse_shard(shard), 0) if shard else find_shard()
    launched = not shard and part.count > 1
    reuse_freed_memory(own_process=True)
    gpus = [f"cuda:{number}" for number in numbers]
    if engine == "local" and not launched:
        found = gpus or find_devices(device, names)
        processes = processes or default_processes(found, names, batch_size)
    with interruptible(), open_engine(engine, processes) as executor, show_progress(quiet) as progress:
        done = evaluate_models(
            names,
            imagenet_c=imagenet_c,
            imagenet_p=imagenet_p,
            imagenet_c_bar=imagenet_c_bar,
            data=data,
            layout=layout,
            source=source,
            benchmarks=split_names(benchmarks),
            configs=split_names(configs),
            seed=seed,
            ids=ids,
            classes=classes,
            limit=limit,
            native_size=native_size,
            out=out,
            names=[name] if name else (),
            preprocess=preprocess,
            batch_size=batch_size,
            device=device,
            devices=gpus,
            local=number if launched else None,
            scores=scores,
            threads=threads,
            processes=processes,
            executor=executor,
            shard=part,
            weights=weights,
            trust=trust,
            dtype=dtype,
            channels_last=channels_last,
            compile=compile,
            labels=labels or (),
            check=check,
            resume=resume,
            command=shlex.join(["imagenet-cp", *sys.argv[1:]]),
            progress=progress,
        )
    if done.missing:
        echo(
            f"shard {part.index}/{part.count} is finished; {count(done.missing, 'unit')} of other shards are not yet. "
            "The shard that finishes last writes the report"
        )
    for label, evaluation in done.evaluations.items():
        if len(names) > 1:
            echo(f"\n{label}")
        for line in format_results(evaluation):
            typer.echo(line)
        for line in _summary(evaluation):
            echo(line)
    if done.evaluations and not quiet:
        echo("writing the report", err=True)
    for label, evaluation in done.evaluations.items():
        typer.echo(evaluation.write_report(done.folders[label]))
    if len(done.evaluations) > 1:
        evaluated = load_models([done.folders[label] for label in done.evaluations])
        typer.echo(write_comparison(compare_models(evaluated), out / "comparison"))
    for label, reason in done.failed.items():
        echo(f"{label} failed: {reason}", err=True)
    if done.failed:
        raise typer.Exit(1)


def _read_list(file: Path) -> list[str]:
    """Models of a file, one per line; lines that begin with # are comments."""
    try:
        lines = file.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({error})") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(
            callback=check_local, help="results.json of two reports or more; differences are to the first."
        ),
    ],
    out: OutOption = Path("comparison"),
    base: Annotated[
        str, typer.Option(help="Name of the model that differences are taken to; by default the first.")
    ] = "",
) -> None:
    """Compare models on the same data.

    The page has their scores and differences, with confidence intervals.
    """
    from ..evaluation.comparison import compare as compare_models
    from ..evaluation.paper_tables import TEXT, format_tables
    from ..evaluation.references import RAW_KEY
    from ..evaluation.report.comparison_page import load_models, write_comparison

    comparison = compare_models(load_models(results), base or None)
    page = write_comparison(comparison, out)
    models = comparison.models
    means = [metric for metric in RAW_KEY if any(metric in model.metrics for model in models.values())]
    echo(format_tables(models, TEXT, ("clean_error", *means)))
    typer.echo(page)


def table(
    results: Annotated[
        list[Path], typer.Argument(callback=check_local, help="results.json of one report or more.")
    ],
    form: Annotated[str, typer.Option("--format", help="text, markdown, latex or csv.")] = "text",
    scores: Annotated[
        str,
        typer.Option(
            "--metrics",
            help="Such as mce,mean_error,ece or ce,fr; by default the columns of the paper's tables.",
        ),
    ] = "",
    intervals: Annotated[bool, typer.Option("--intervals", help="Add the 95 % intervals.")] = False,
) -> None:
    """Print scores as a table, also for a paper or a README.

    Each row is a model, scored on the images that all of them were evaluated on.
    """
    from ..evaluation.comparison import restrict_to_common
    from ..evaluation.paper_tables import TEXT, format_tables, parse_scores
    from ..evaluation.report.comparison_page import load_models

    names = parse_scores(scores)
    models = load_models(results)
    if len(models) > 1:
        models, _ = restrict_to_common(models)
    tables = format_tables(models, form, names, intervals).rstrip("\n")
    (echo if form == TEXT else typer.echo)(tables)


def _summary(evaluation: Evaluation) -> Iterator[str]:
    from ..evaluation.intervals import FEW
    from ..evaluation.references import MEAN_KEY, PLAIN, data_name, part_of
    from ..evaluation.report.page import NAMES

    if min(len(counts.image_ids) for counts in evaluation.counts.values()) < FEW:
        yield f"warning: fewer than {FEW} images, so intervals may cover less than 95 %"
    if evaluation.scores:
        yield f"scores: {evaluation.scores}"
    for metric, result in evaluation.metrics.items():
        label, times = (f"mean error on {data_name(result)}", 100) if metric in PLAIN else (NAMES[metric], 1)
        if interval := evaluation.intervals[metric][MEAN_KEY[metric]]:
            extent = f"{len(evaluation.counts[metric].image_ids):,} images"
            if part := part_of(result):
                extent = f"a part of the benchmark, {part}"
            low, high = times * interval.low, times * interval.high
            yield f"{label}: {times * result[MEAN_KEY[metric]]:.1f} ({low:.1f} to {high:.1f}) on {extent}"
        else:
            missing = join_first(result["missing"], 4)
            reason = (
                f"its benchmark is incomplete (missing: {missing})" if missing else "no image is corrupted"
            )
            yield f"{label}: none, since {reason}"
            if "error" in result:
                errors = [error for row in result["error"].values() for error in row if error is not None]
                clean = "" if result["clean_error"] is None else f"clean error {result['clean_error']:.1%}, "
                mean = f"mean error {sum(errors) / len(errors):.1%}" if errors else "no corrupted images"
                yield f"measured: {clean}{mean} over {count(len(errors), 'config')}"
        if metric == "mce" and result["relative_mce"] is None and result["clean_error"] is None:
            yield (
                "relative mCE: none, since the config clean is missing; add it to --configs, or to a build with "
                "imagenet-cp build imagenet_c --out FOLDER --configs clean"
            )
