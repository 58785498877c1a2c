"""The command ``imagenet-cp export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError, suggest
from ..text import amount, count, echo, split_names
from .options import OutOption, QuietOption, check_local

if TYPE_CHECKING:
    from ..evaluation.results import Results

#: Function that writes a results.json in another format: from its path, the folder and the data set's id to the files.
Target = Callable[[Path, Path, str], list[Path]]


def export(
    folder: Annotated[
        Path,
        typer.Argument(
            callback=check_local, help="A finished build, or an import; or results.json of a report."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            help="Of a build, imagefolder: files as the authors of ImageNet-C released them; npy: arrays, as of "
            "CIFAR-10-C. Of results, timm: rows of its results; robustbench: its JSON and CSV; hub: .eval_results."
        ),
    ],
    out: OutOption,
    configs: Annotated[str, typer.Option(help="Such as fog_3,snow,test; all by default.")] = "",
    dataset: Annotated[
        str, typer.Option(help="hub: user/name of the data set on the Hub, such as user/imagenet_c.")
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """Export a build or results to other formats.

    A build goes to the layouts of the authors' releases, with the bytes of JPEG files unchanged, and after an
    interruption the same command resumes; results go to the formats of leaderboards.
    """
    from ..archives.export import TARGETS

    path = folder / "results.json" if folder.is_dir() else folder
    holds_results = path.is_file() and path.suffix == ".json"
    if not folder.exists():
        raise UsageError(f"{folder}: no such file or folder")
    if to not in {**TARGETS, **RESULTS}:
        raise UsageError(f"unknown --to {to!r}{suggest(to, [*TARGETS, *RESULTS])}")
    if to not in (RESULTS if holds_results else TARGETS):
        content = "holds results" if holds_results else "holds no results.json"
        raise UsageError(
            f"{folder}: {content}, so not --to {to}; a build goes to {' or '.join(TARGETS)}, results to "
            f"{' or '.join(RESULTS)}"
        )
    if to in RESULTS:
        if configs:
            raise UsageError(f"--configs is for builds; --to {to} takes all of a results.json")
        out.mkdir(parents=True, exist_ok=True)
        for file in RESULTS[to](path, out, dataset):
            typer.echo(file)
        return
    from ..archives.export import export as run
    from ..progress import interruptible, show_progress

    if dataset:
        raise UsageError("--dataset is for results, with --to hub")
    names = split_names(configs)
    with interruptible(), show_progress(quiet) as progress:
        made = run(folder, to, out, names, progress=progress)
    echo(f"{out}: {count(made.rows, 'image')}, {amount(made.size)}; {made.written:,} written now")


def _name_parts(results: Results) -> None:
    """Warn that scores of a part of a benchmark are about to leave the report that calls them so."""
    from ..evaluation.references import data_name, part_of
    from ..notices import notice

    for result in results.metrics.values():
        if part := part_of(result):
            notice(f"{data_name(result)}: scores of a part, {part}; compare them with no whole benchmark")


def _timm(path: Path, out: Path, dataset: str) -> list[Path]:
    from ..evaluation.leaderboards import export_timm
    from ..evaluation.results_json import load

    results = load(path)
    _name_parts(results)
    return export_timm(results, out)


def _robustbench(path: Path, out: Path, dataset: str) -> list[Path]:
    from ..evaluation.leaderboards import export_robustbench
    from ..evaluation.results_json import load

    return export_robustbench(load(path), out)


def _hub(path: Path, out: Path, dataset: str) -> list[Path]:
    from ..benchmarks.catalog import BENCHMARKS
    from ..evaluation.references import benchmark_name
    from ..evaluation.results_json import load
    from ..hub.model_results import write_evaluation_results

    if not dataset:
        raise UsageError("--to hub needs the data set that the scores are of: --dataset user/imagenet_c")
    results = load(path)
    _name_parts(results)
    name = dataset.rpartition("/")[2]
    named = {m: s for m, s in results.metrics.items() if benchmark_name(s) == name}
    found = named or results.metrics
    measured = sorted({benchmark_name(scores) for scores in found.values()})
    if len(measured) > 1 or (name in BENCHMARKS and not named):
        raise UsageError(
            f"{path}: of {' and '.join(measured)}; {dataset!r} does not end with the name of one"
        )
    return [write_evaluation_results(scores, dataset, out) for scores in found.values()]


#: Target of results -> its function; any other target is a layout of a build.
RESULTS: dict[str, Target] = {"timm": _timm, "robustbench": _robustbench, "hub": _hub}
