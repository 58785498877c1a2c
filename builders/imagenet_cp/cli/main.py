"""Command ``imagenet-cp``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._version import __version__
from ..errors import BuildError, UsageError, suggest
from ..text import amount, count, duration, echo, split_names
from .evaluate import compare, evaluate, table
from .export import export
from .options import (
    BuildArgument,
    ClassesOption,
    EngineOption,
    IdsOption,
    JsonOption,
    PublicOption,
    QuietOption,
    SeedOption,
    YesOption,
    check_local,
)

if TYPE_CHECKING:
    from ..build.estimate import Cost
    from ..build.plan import Plan

app = typer.Typer(
    help="ImageNet-C and ImageNet-P as deterministic Hugging Face datasets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


#: Below this number of images, `use` notes that ImageNet's validation set has 50,000.
_FEW_IMAGES = 45_000

SourceOption = Annotated[
    str | None,
    typer.Option(
        callback=check_local,
        help="Clean images: a folder, ILSVRC2012_img_val.tar, a data set on the Hub such as ILSVRC/imagenet-1k, or "
        '"sample"; by default the source registered by `imagenet-cp use`.',
    ),
]


@app.command()
def use(
    folder: Annotated[
        str,
        typer.Argument(
            callback=check_local, help='Folder, tar archive or data set of clean images, or "sample".'
        ),
    ],
) -> None:
    """Register a source of clean images as the default."""
    from .. import settings
    from ..sources import open_source
    from ..sources.classes import wnids

    source = open_source(folder)
    file = settings.remember_source(source.name)
    echo(f"{count(len(source.items), 'image')} in {source.name}; stored in {file}")
    if source.classes != wnids():
        echo(f"note: its {len(source.classes):,} classes are not ImageNet's 1,000")
    elif len(source.items) < _FEW_IMAGES:
        echo("note: ImageNet's validation set has 50,000 images; scores on a part of it are not comparable")


@app.command()
def build(
    dataset: Annotated[str, typer.Argument(help="imagenet_c, imagenet_p, cifar10_c, ...")] = "imagenet_c",
    source: SourceOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", callback=check_local, help="Folder to build; ./DATASET by default."),
    ] = None,
    configs: Annotated[str | None, typer.Option(help="Such as fog_3,snow,test; all by default.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes; one per core by default.")
    ] = None,
    seed: SeedOption = 0,
    ids: IdsOption = None,
    classes: ClassesOption = None,
    codec: Annotated[str | None, typer.Option(help="imagenet_p: jpeg (default), png or h264.")] = None,
    size: Annotated[
        str | None, typer.Option(help="keep: corrupt images at their own size, an extension of the paper.")
    ] = None,
    images_per_file: Annotated[
        int | None, typer.Option(min=1, help="Source images per Parquet file.")
    ] = None,
    on_error: Annotated[
        str,
        typer.Option(help="raise or skip: stop at an unreadable image, or omit it until a run with raise."),
    ] = "raise",
    engine: EngineOption = "local",
    shard: Annotated[
        str, typer.Option(help="i/n: build only the i-th of n parts, as in a job array.")
    ] = "1/1",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate size and time.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build a data set as a folder of Parquet files.

    load_dataset and the Hub read the folder. After an interruption the same command resumes.
    """
    from ..benchmarks.catalog import get_benchmark
    from ..build.plan import build as run
    from ..build.plan import new_plan
    from ..jobs.engines import open_engine
    from ..progress import interruptible, show_progress
    from ..sources import open_source
    from .shards import parse_shard

    if on_error not in ("raise", "skip"):
        raise UsageError(f"unknown --on-error {on_error!r}{suggest(on_error, ('raise', 'skip'))}")
    benchmark = get_benchmark(dataset)
    folder = out if out is not None else Path(benchmark.dataset)
    names = split_names(configs or "")
    if configs is not None and not names:
        raise UsageError("--configs is empty; leave it out to build all")
    part = parse_shard(shard)
    benchmark.recipe(codec=codec, size=size)
    images = open_source(source, recursive=size == "keep", ids=ids, classes=classes)
    options: dict[str, Any] = {"seed": seed, "codec": codec, "size": size, "on_error": on_error}
    options["images_per_file"] = images_per_file
    if dry_run:
        typer.echo(_costs(new_plan(dataset, images, folder, names, **options), as_json))
        return
    with interruptible(), open_engine(engine, workers) as executor, show_progress(quiet) as progress:
        plan = run(
            dataset,
            images,
            folder,
            names,
            workers_count=workers,
            executor=executor,
            shard=part,
            progress=progress,
            **options,
        )
    for path, problem in plan.damaged.items():
        echo(f"rebuilt: {folder / path}: {problem}", err=as_json)
    for image_id, reason in plan.skipped.items():
        echo(f"skipped {image_id}: {reason}", err=as_json)
    rows = sum(written.rows for written in plan.files.values())
    stored = sum(written.size for written in plan.files.values())
    if as_json:
        result = {"folder": str(folder), "files": len(plan.files), "rows": rows, "bytes": stored}
        result |= {"signature": plan.recipe.signature, "missing_files": plan.missing}
        typer.echo(json.dumps(result))
        return
    missing = f"; {count(plan.missing, 'file')} of other shards missing" if plan.missing else ""
    echo(
        f"{folder}: {count(len(plan.files), 'file')}, {count(rows, 'row')}, {amount(stored)}, "
        f"{plan.recipe.signature}{missing}"
    )


def _costs(plan: Plan, as_json: bool) -> str:
    from ..build.estimate import estimate
    from ..jobs.cores import available_cores

    costs, total = estimate(plan)
    if as_json:
        return json.dumps({config: cost._asdict() for config, cost in {**costs, "total": total}.items()})
    cores = available_cores()
    line = "{:<22} {:>7} {:>13} {:>10} {:>9}".format
    table = [line("", "files", "rows", "size", "CPU time")]
    named: dict[str, list[Cost]] = {}
    for cell in plan.cells:
        named.setdefault(cell.name, []).append(costs[cell.config])
    for name, group in {**named, "total, with decoding": [total]}.items():
        table.append(
            line(
                name,
                f"{sum(cost.files for cost in group):,}",
                f"{sum(cost.rows for cost in group):,}",
                amount(round(sum(cost.gigabytes for cost in group) * 1e9)),
                duration(sum(cost.cpu_hours for cost in group) * 3600),
            )
        )
    workers = min(cores, max(sum(len(unit.cells) for unit in plan.todo), 1))
    table.append(
        f"About {duration(total.cpu_hours * 3600 / workers)} on {count(cores, 'core')}: "
        f"{count(len(plan.todo), 'unit')} of up to {count(plan.images_per_file, 'image')}.\n"
        "Measured on a few images, one thread."
    )
    return "\n".join(table)


@app.command()
def verify(
    folder: BuildArgument,
    source: Annotated[
        str | None,
        typer.Option(
            callback=check_local, help="Clean images, to regenerate some rows and compare the bytes."
        ),
    ] = None,
    ids: IdsOption = None,
    classes: ClassesOption = None,
    sample: Annotated[int, typer.Option(min=0, help="Number of rows to regenerate.")] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Check files only, not their rows.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check every file and row of a build.

    Problems are listed, and the exit status is then 1.
    """
    from ..build.build_json import open_build, reopen_source
    from ..build.verify import verify as run
    from ..progress import interruptible, show_progress

    if source is None and (ids or classes):
        raise UsageError("--ids and --classes restrict the images of --source; add it")
    images = None
    if source is not None:
        images = reopen_source(source, open_build(folder).recipe, ids, classes)
    with interruptible(""), show_progress(quiet) as progress:
        made = run(folder, source=images, sample=sample, quick=quick, progress=progress)
    if as_json:
        result = {"folder": str(folder), "files": len(made.files), "rows": None if quick else made.rows}
        result |= {"regenerated": made.regenerated, "signature": made.signature, "problems": made.problems}
        typer.echo(json.dumps(result))
        raise typer.Exit(1 if made.problems else 0)
    for problem in made.problems:
        echo(str(problem))
    if made.problems:
        raise BuildError(
            f"{folder}: {count(len(made.problems), 'problem')} in {count(len(made.files), 'file')}"
        )
    again = f"; {count(made.regenerated, 'row')} regenerated" if images is not None else ""
    rows = "" if quick else f", {count(made.rows, 'row')}"
    echo(f"{folder}: {count(len(made.files), 'file')}{rows}, no problems{again}; {made.signature}")


app.command()(export)
app.command()(evaluate)
app.command()(compare)
app.command()(table)


@app.command()
def publish(
    folder: BuildArgument,
    repo: Annotated[str, typer.Argument(help="user/name of the data set on the Hub.")],
    public: PublicOption = False,
    gated: Annotated[
        str | None,
        typer.Option(
            help="auto, manual or off: how access is granted once ImageNet's terms are accepted; auto by default."
        ),
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Git tag of this version, such as v1.")] = None,
    notes: Annotated[str, typer.Option(help="Release notes of the tag.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Verify the files only, not their rows.")] = False,
    yes: YesOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be sent and deleted.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Publish a build on the Hub, or update it there.

    The data set is private, and gated where ImageNet's terms apply. After an interruption the same command resumes.
    """
    from ..hub.publish import publish as run
    from ..progress import interruptible, show_progress

    with interruptible(), show_progress(quiet) as progress:
        run(
            folder,
            repo,
            public=public,
            gated=gated,
            tag=tag,
            notes=notes,
            quick=quick,
            dry_run=dry_run,
            echo=echo,
            confirm=(lambda question: True) if yes else typer.confirm,
            progress=progress,
        )


@app.command(name="publish-metric")
def publish_metric(
    metric: Annotated[str, typer.Argument(help="mce, mfr or mt5d.")],
    repo: Annotated[str, typer.Argument(help="user/METRIC, the Space on the Hub.")],
    public: PublicOption = False,
    yes: YesOption = False,
) -> None:
    """Publish a metric as a Space of the Hub, or update it.

    evaluate.load("user/mce") loads the metric from there.
    """
    from ..hub.publish import publish_metric as run

    confirm = (lambda question: True) if yes else typer.confirm
    run(metric, repo, public=public, echo=echo, confirm=confirm)


@app.command(name="import-official")
def import_official(
    paths: Annotated[
        list[Path],
        typer.Argument(
            callback=check_local,
            help="noise.tar, CIFAR-10-C.tar, ... as published, or folders with their content.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", callback=check_local, help="Folder to write; ./DATASET by default."),
    ] = None,
    no_md5: Annotated[
        bool, typer.Option("--no-md5", help="Do not verify the MD5 checksums of the archives.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Convert the authors' released files to Parquet files.

    The images are unchanged. ImageNet-C, ImageNet-C-bar, ImageNet-P, Tiny ImageNet-C, CIFAR-10-C and
    CIFAR-100-C are supported.

    After an interruption the same command resumes; more archives can be added later.
    """
    from ..archives.import_folder import report
    from ..archives.importer import import_official as run
    from ..progress import interruptible, show_progress

    with interruptible(), show_progress(quiet) as progress:
        made = run(paths, out, check=not no_md5, progress=progress)
    echo("\n".join(report(made)))


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=check_local, help="Folder of everything the demo writes.")
    ] = Path("imagenet_cp_demo"),
    quiet: QuietOption = False,
) -> None:
    """Build, load, score and draw sample images.

    They come with scikit-image, so neither a network nor a data set is needed.
    """
    cache = (out / "cache").absolute()
    # Before datasets and evaluate are imported, which read these.
    for name in ("HOME", "DATASETS_CACHE", "EVALUATE_CACHE", "METRICS_CACHE", "MODULES_CACHE"):
        os.environ[f"HF_{name}"] = str(cache)
    from ..demo import run
    from ..progress import interruptible

    with interruptible():
        run(out, echo, quiet)


@app.command()
def preview(
    image: Annotated[Path, typer.Argument(callback=check_local, help="An image file.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=check_local, help="File to write; .webp for an animation.")
    ],
    perturbation: Annotated[str | None, typer.Option(help="Show one sequence, such as tilt.")] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Show the 15 corruptions of mCE at one severity.")
    ] = False,
    severity: Annotated[
        int | None, typer.Option(min=1, max=5, help="Severity of --compact; 3 by default.")
    ] = None,
    seed: SeedOption = 0,
    benchmark: Annotated[
        str, typer.Option(help="imagenet_c or imagenet_c_bar, for the sheet of all corruptions.")
    ] = "imagenet_c",
) -> None:
    """Draw an image under all corruptions, or a perturbation.

    A sheet shows the corruptions at every severity, and an animation the sequence of a perturbation.
    """
    from .. import corruptions
    from .. import preview as sheets
    from ..api import perturb
    from ..files import check_replaceable, check_writable
    from ..images.profiles import PROFILES
    from ..images.source_images import decode
    from ..sources.image_folder import FileReader
    from ..sources.source import Item

    if perturbation is not None and (compact or benchmark != "imagenet_c"):
        option = "--compact" if compact else "--benchmark"
        raise UsageError(f"{option} is for the sheet of corruptions; leave it or --perturbation out")
    if compact and benchmark != "imagenet_c":
        raise UsageError("--compact shows the corruptions of imagenet_c; leave it or --benchmark out")
    if severity is not None and not compact:
        raise UsageError("--severity is for --compact; the sheet shows all five")
    if benchmark not in (sheeted := ("imagenet_c", "imagenet_c_bar")):
        raise UsageError(f"no sheet for --benchmark {benchmark!r}{suggest(benchmark, sheeted)}")
    if not image.is_file():
        raise UsageError(f"{image}: no such file")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder")
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name a file in it with --out")
    clean = decode(FileReader().read(Item(image.stem, 0, str(image))), str(image))
    if out.exists() and out.samefile(image):
        raise UsageError(f"{out}: this is the image itself; choose another --out")
    if perturbation is not None:
        sheets.check_animation(out)
    check_replaceable(out, sheets.MARK)
    check_writable(out)
    if perturbation is not None:
        frames = perturb(clean, perturbation, seed=seed, image_id=image.stem)
        sheets.save_animation(frames, out, perturbation)
        echo(f"{out}: {image.name} under {perturbation}, {len(frames)} frames")
        return
    square = PROFILES["imagenet"].square(clean)
    if compact:
        sheets.save(sheets.compact_sheet(square, image.stem, seed, severity or 3), out)
        echo(f"{out}: {image.name} under {len(corruptions.TEST)} corruptions at severity {severity or 3}")
        return
    sheets.save(sheets.contact_sheet(square, image.stem, seed, benchmark), out)
    count = len(corruptions.CORRUPTIONS) if benchmark == "imagenet_c" else 10
    echo(f"{out}: {image.name} under {count} corruptions at five severities")


def main() -> None:
    """Run the command; report an error that the user can fix in one line.

    The exit status is 2 for a wrong option or argument, and 1 for anything else that fails.
    """
    try:
        app()
    except UsageError as error:
        echo(f"imagenet-cp: {error}", err=True)
        sys.exit(2)
    except (BuildError, ValueError) as error:
        echo(f"imagenet-cp: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        echo(f"imagenet-cp: {message}", err=True)
        sys.exit(1)
