"""The commands ``imagenet-cp evaluate``, ``compare`` and ``table``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .paths import ClassesOption, IdsOption, check_local

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="timm:resnet50, torchvision:resnet50, hf:org/name, model.onnx, or package.module:callable"
        ),
    ],
    imagenet_c: Annotated[
        str | None,
        typer.Option("--imagenet-c", callback=check_local, help="A build, or user/imagenet_c on the Hub."),
    ] = None,
    imagenet_p: Annotated[
        str | None,
        typer.Option("--imagenet-p", callback=check_local, help="A build, or user/imagenet_p on the Hub."),
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
            "--output", "-o", callback=check_local, help="Folder of the report and of the predictions."
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    scores: Annotated[
        str, typer.Option(help="logits or probabilities: what the model gives; recognized by default.")
    ] = "auto",
    workers: Annotated[
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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Resume also where Python cannot see all of the model: it is the same."
        ),
    ] = False,
) -> None:
    """Evaluate a model on ImageNet-C and ImageNet-P and write a report.

    An interrupted evaluation resumes with the same command.
    """
    from ..evaluation.report.charts import require_matplotlib
    from ..evaluation.report.page import check_report_dir
    from ..evaluation.run import evaluate_model
    from ..progress import interruptible, show_progress

    require_matplotlib()
    check_report_dir(out, "report")
    with interruptible(), show_progress() as progress:
        evaluation = evaluate_model(
            model,
            imagenet_c=imagenet_c,
            imagenet_p=imagenet_p,
            source=source,
            benchmarks=_split(benchmarks),
            configs=_split(configs),
            seed=seed,
            ids=ids,
            classes=classes,
            limit=limit,
            out=out,
            name=name,
            preprocess=preprocess,
            batch_size=batch_size,
            device=device,
            scores=scores,
            workers=workers,
            weights=weights,
            trust=trust,
            dtype=dtype,
            channels_last=channels_last,
            compile=compile,
            resume=resume,
            command=shlex.join(["imagenet-cp", *sys.argv[1:]]),
            progress=progress,
        )
    for line in _summary(evaluation):
        typer.echo(line)
    typer.echo(evaluation.write_report(out))


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(
            callback=check_local, help="results.json of two reports or more; differences are to the first."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--output", "-o", callback=check_local, help="Folder to write.")
    ] = Path("comparison"),
) -> None:
    """Compare models on the same data: a page of their scores and differences, with confidence intervals."""
    from ..evaluation.report.comparison_page import write_comparison

    typer.echo(write_comparison(results, out))


def table(
    results: Annotated[
        list[Path], typer.Argument(callback=check_local, help="results.json of one report or more.")
    ],
    form: Annotated[str, typer.Option("--format", help="markdown, latex or csv.")] = "markdown",
    scores: Annotated[
        str,
        typer.Option(
            "--metrics",
            help="Such as mce,mean_error,ece or ce,fr; by default the columns of the paper's tables.",
        ),
    ] = "",
    intervals: Annotated[bool, typer.Option("--intervals", help="Add the 95 % intervals.")] = False,
) -> None:
    """Print scores as a table for a paper or a README: a row a model, the best in bold."""
    from ..evaluation.report.comparison_page import load_models
    from ..evaluation.tables import format_tables, parse_scores

    typer.echo(format_tables(load_models(results), form, parse_scores(scores), intervals), nl=False)


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _summary(evaluation: Evaluation) -> Iterator[str]:
    from ..evaluation.intervals import FEW
    from ..evaluation.references import part_of

    if min(len(counts.image_ids) for counts in evaluation.counts.values()) < FEW:
        yield f"warning: fewer than {FEW} images, so intervals may cover less than 95 %"
    if evaluation.scores:
        yield f"scores: {evaluation.scores}"
    for metric, result in evaluation.metrics.items():
        if interval := evaluation.intervals[metric][metric]:
            extent = f"{len(evaluation.counts[metric].image_ids):,} images"
            if part := part_of(result):
                extent = f"a part of the benchmark, {part}"
            yield f"{metric}: {result[metric]:.1f} ({interval.low:.1f} to {interval.high:.1f}) on {extent}"
        else:
            missing = ", ".join(result["missing"][:4]) + (", ..." if len(result["missing"]) > 4 else "")
            yield f"{metric}: none, since its benchmark is incomplete (missing: {missing})"
            if metric == "mce":
                errors = [error for row in result["error"].values() for error in row if error is not None]
                clean = "" if result["clean_error"] is None else f"clean error {result['clean_error']:.1%}, "
                mean = f"mean error {sum(errors) / len(errors):.1%}" if errors else "no corrupted images"
                yield f"measured: {clean}{mean} over {len(errors)} configs"
        if metric == "mce" and result["relative_mce"] is None and result["clean_error"] is None:
            yield (
                "relative mCE: none, since the config clean is missing; add it with "
                "imagenet-cp build imagenet_c --out FOLDER --configs clean"
            )
