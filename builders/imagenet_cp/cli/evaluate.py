"""The commands ``imagenet-cp evaluate`` and ``imagenet-cp compare``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..evaluation.result import Evaluation


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="timm:resnet50, torchvision:resnet50, hf:org/name, model.onnx, or package.module:callable"
        ),
    ],
    imagenet_c: Annotated[
        str | None, typer.Option("--imagenet-c", help="A built folder, or user/imagenet_c on the Hub.")
    ] = None,
    imagenet_p: Annotated[
        str | None, typer.Option("--imagenet-p", help="A built folder, or user/imagenet_p on the Hub.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Clean images, to make the data on the fly where no folder is given."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the report; predictions are kept there.")
    ] = Path("report"),
    benchmarks: Annotated[
        str, typer.Option(help="What to make on the fly, such as cifar10_c,cifar10_p.")
    ] = "imagenet_c,imagenet_p",
    configs: Annotated[
        str, typer.Option(help="Such as fog,clean,tilt; all by default. Means need all of test.")
    ] = "",
    name: Annotated[str | None, typer.Option(help="What the report calls the model.")] = None,
    preprocess: Annotated[
        str | None, typer.Option(help="clahe, or package.module:callable: done to every picture first.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that make and decode pictures; one a core by default.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="A file of weights for timm: and torchvision:, such as model.safetensors."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random draws on the fly.")] = 0,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Use only the first images of every config, as a smoke test."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Also load weights that can run code (pickles).")
    ] = False,
) -> None:
    """Evaluate a model on ImageNet-C and ImageNet-P and write a report.

    When it is stopped, the same command goes on from there.
    """
    from ..evaluation.report.charts import need_matplotlib
    from ..evaluation.run import evaluate_model
    from ..progress import interruptible, show_progress

    need_matplotlib()
    with interruptible(), show_progress() as progress:
        made = evaluate_model(
            model,
            imagenet_c=imagenet_c,
            imagenet_p=imagenet_p,
            source=source,
            benchmarks=_words(benchmarks),
            configs=_words(configs),
            seed=seed,
            limit=limit,
            out=out,
            name=name,
            preprocess=preprocess,
            batch_size=batch_size,
            device=device,
            workers=workers,
            weights=weights,
            trust=trust,
            command=shlex.join(["imagenet-cp", *sys.argv[1:]]),
            progress=progress,
        )
    for line in _said(made):
        typer.echo(line)
    typer.echo(made.write_report(out))


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(help="results.json of two reports or more; the others are compared with the first."),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("comparison"),
) -> None:
    """Compare models on the same data: a page with their scores, the differences and the intervals of both."""
    from ..evaluation.report.comparison_page import write_comparison

    typer.echo(write_comparison(results, out))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _said(made: Evaluation) -> Iterator[str]:
    for metric, scores in made.metrics.items():
        span = made.intervals[metric][metric]
        if span is None:
            missing = ", ".join(scores["missing"][:4]) + (", ..." if len(scores["missing"]) > 4 else "")
            yield f"{metric}: none, for its benchmark is not complete (missing: {missing})"
        else:
            images = len(made.counts[metric].image_ids)
            yield f"{metric}: {scores[metric]:.1f} ({span.low:.1f} to {span.high:.1f}) on {images:,} images"
        if metric == "mce" and scores["relative_mce"] is None and scores["clean_error"] is None:
            yield (
                "relative mCE: none, for the config clean is missing; add it with "
                "imagenet-cp build imagenet_c --out FOLDER --configs clean"
            )
