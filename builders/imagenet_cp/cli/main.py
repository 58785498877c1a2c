"""Command ``imagenet-cp``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import BuildError, SourceError
from .evaluate import compare, evaluate
from .paths import check_local

if TYPE_CHECKING:
    from ..build.plan import Plan
    from ..jobs.folder import Shard

app = typer.Typer(
    help="ImageNet-C and ImageNet-P as deterministic Hugging Face datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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
    """Register a source of clean images as the default of later runs."""
    from .. import settings
    from ..sources import open_source
    from ..sources.classes import wnids

    source = open_source(folder)
    file = settings.remember_source(source.name)
    typer.echo(f"{len(source.items):,} images in {source.name}; stored in {file}")
    if source.classes != wnids():
        typer.echo(f"note: its {len(source.classes):,} classes are not ImageNet's 1,000")
    elif len(source.items) < _FEW_IMAGES:
        typer.echo(
            "note: ImageNet's validation set has 50,000 images; scores on a part of it are not comparable"
        )


@app.command()
def build(
    dataset: Annotated[str, typer.Argument(help="imagenet_c, imagenet_p, cifar10_c, ...")] = "imagenet_c",
    source: SourceOption = None,
    out: Annotated[
        Path | None, typer.Option(callback=check_local, help="Folder to build; ./DATASET by default.")
    ] = None,
    configs: Annotated[str, typer.Option(help="Such as fog_3,snow,test; all by default.")] = "",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes; one per core by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random draws.")] = 0,
    codec: Annotated[str | None, typer.Option(help="imagenet_p: jpeg (default), png or h264.")] = None,
    size: Annotated[
        str | None,
        typer.Option(help="keep: corrupt images at their own size, an extension of the paper."),
    ] = None,
    images_per_file: Annotated[
        int | None, typer.Option(min=1, help="Source images per Parquet file.")
    ] = None,
    on_error: Annotated[
        str, typer.Option(help="raise or skip: stop at an unreadable image, or omit it.")
    ] = "raise",
    engine: Annotated[str, typer.Option(help="local, dask, or dask://host:port of a scheduler.")] = "local",
    shard: Annotated[
        str, typer.Option(help="i/n: build only the i-th of n parts, as in a job array.")
    ] = "1/1",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate size and time.")] = False,
) -> None:
    """Build a data set as a folder of Parquet files, which load_dataset and the Hub read.

    After an interruption the same command resumes.
    """
    from ..benchmarks.catalog import get_benchmark
    from ..build.plan import build as run
    from ..build.plan import new_plan
    from ..jobs.engines import open_engine
    from ..progress import interruptible, show_progress
    from ..sources import open_source

    if on_error not in ("raise", "skip"):
        raise BuildError(f"--on-error is raise or skip, not {on_error!r}")
    benchmark = get_benchmark(dataset)
    folder = out if out is not None else Path(benchmark.dataset)
    names = [name.strip() for name in configs.split(",") if name.strip()]
    part = _shard(shard)
    benchmark.recipe(codec=codec, size=size)
    images = open_source(source, recursive=size == "keep")
    if dry_run:
        typer.echo(
            _costs(
                new_plan(
                    dataset, images, folder, names, codec=codec, size=size, images_per_file=images_per_file
                )
            )
        )
        return
    with (
        interruptible(),
        open_engine(engine, workers) as executor,
        show_progress() as progress,
    ):
        plan = run(
            dataset,
            images,
            folder,
            names,
            seed=seed,
            codec=codec,
            size=size,
            images_per_file=images_per_file,
            on_error=on_error,
            workers_count=workers,
            executor=executor,
            shard=part,
            progress=progress,
        )
    for path, problem in plan.corrupt.items():
        typer.echo(f"rebuilt: {folder / path}: {problem}")
    for image_id, reason in plan.skipped.items():
        typer.echo(f"skipped {image_id}: {reason}")
    rows = sum(written.rows for written in plan.files.values())
    stored = sum(written.size for written in plan.files.values())
    missing = f"; {plan.missing} files of other shards are missing" if plan.missing else ""
    typer.echo(
        f"{folder}: {len(plan.files)} files, {rows:,} rows, {stored / 1e6:,.1f} MB, {plan.recipe.signature}{missing}"
    )


def _shard(text: str) -> Shard:
    from ..jobs.folder import Shard

    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise BuildError(f"--shard is i/n with i from 1 to n, such as 2/8, not {text!r}")
    return Shard(int(index), int(count))


def _costs(plan: Plan) -> str:
    from ..build.estimate import estimate

    costs, total = estimate(plan)
    line = "{:<24} {:>8} {:>12} {:>10} {:>10}".format
    table = [line("config", "files", "rows", "GB", "CPU hours")]
    for name, cost in {**costs, "total, with decoding": total}.items():
        table.append(
            line(name, cost.files, f"{cost.rows:,}", f"{cost.gigabytes:.4g}", f"{cost.cpu_hours:.3g}")
        )
    table.append(
        f"{len(plan.todo)} units of {plan.images_per_file} images, {total.cpu_hours:.3g} hours on one core; "
        "measured on a few images, one thread"
    )
    return "\n".join(table)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(callback=check_local, help="A finished build.")],
    source: Annotated[
        str | None,
        typer.Option(
            callback=check_local, help="Clean images, to regenerate some rows and compare the bytes."
        ),
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Number of rows to regenerate.")] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Check files only, not their rows.")] = False,
) -> None:
    """Check every file and row of a build; list any problems and exit with status 1."""
    from ..build.finished import open_build
    from ..build.verify import verify as run
    from ..progress import show_progress
    from ..sources import open_source

    images = None
    if source is not None:
        images = open_source(source, recursive=open_build(folder).recipe.size == "keep")
    with show_progress() as progress:
        made = run(folder, source=images, sample=sample, quick=quick, progress=progress)
    for problem in made.problems:
        typer.echo(problem)
    if made.problems:
        raise BuildError(f"{folder}: {len(made.problems)} problems in {len(made.files)} files")
    again = f"; {made.regenerated} rows regenerated" if images is not None else ""
    rows = "" if quick else f", {made.rows:,} rows"
    typer.echo(f"{folder}: {len(made.files)} files{rows}, no problems{again}; {made.signature}")


app.command()(evaluate)
app.command()(compare)


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(callback=check_local, help="A finished build.")],
    repo: Annotated[str, typer.Argument(help="user/name of the data set on the Hub.")],
    public: Annotated[bool, typer.Option("--public", help="Make it public at the end; asks first.")] = False,
    gated: Annotated[
        str | None,
        typer.Option(
            help="auto, manual or off: how access is granted once ImageNet's terms are accepted; auto by default."
        ),
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Git tag of this version, such as v1.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Verify the files only, not their rows.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Publish a build as a private, gated data set on the Hub, or update it.

    After an interruption the same command resumes.
    """
    from ..hub.publish import publish as run
    from ..progress import show_progress

    with show_progress() as progress:
        run(
            folder,
            repo,
            public=public,
            gated=gated,
            tag=tag,
            quick=quick,
            echo=typer.echo,
            confirm=(lambda question: True) if yes else typer.confirm,
            progress=progress,
        )


@app.command(name="publish-metric")
def publish_metric(
    metric: Annotated[str, typer.Argument(help="mce, mfr or mt5d")],
    repo: Annotated[str, typer.Argument(help="user/METRIC, the Space on the Hub.")],
    public: Annotated[bool, typer.Option("--public", help="Make it public at the end; asks first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Publish a metric as a Space that evaluate.load("user/mce") loads, or update it."""
    from ..hub.publish import publish_metric as run

    confirm = (lambda question: True) if yes else typer.confirm
    run(metric, repo, public=public, echo=typer.echo, confirm=confirm)


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
        Path | None, typer.Option(callback=check_local, help="Folder to write; ./DATASET by default.")
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not verify the MD5 checksums of the archives.")
    ] = False,
) -> None:
    """Convert the released files of a benchmark to Parquet files, with the images unchanged.

    ImageNet-C, ImageNet-P, Tiny ImageNet-C, CIFAR-10-C and CIFAR-100-C are supported.

    After an interruption the same command resumes; more archives can be added later.
    """
    from ..archives.folder import report
    from ..archives.importer import import_official as run
    from ..progress import interruptible, show_progress

    with interruptible(), show_progress() as progress:
        made = run(paths, out, check=not no_check, progress=progress)
    typer.echo("\n".join(report(made)))


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(callback=check_local, help="Folder of everything the demo writes.")
    ] = Path("imagenet_cp_demo"),
) -> None:
    """Build, load, score and draw sample images of scikit-image, without a network or a data set."""
    cache = (out / "cache").absolute()
    # Before datasets and evaluate are imported, which read these.
    for variable in (
        "HF_HOME",
        "HF_DATASETS_CACHE",
        "HF_EVALUATE_CACHE",
        "HF_METRICS_CACHE",
        "HF_MODULES_CACHE",
    ):
        os.environ[variable] = str(cache)
    from ..demo import run

    run(out, typer.echo)


@app.command()
def preview(
    image: Annotated[Path, typer.Argument(callback=check_local, help="An image file.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", callback=check_local, help="File to write; .webp for an animation."),
    ],
    perturbation: Annotated[str | None, typer.Option(help="Show one sequence, such as tilt.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random draws.")] = 0,
) -> None:
    """Draw one image under every corruption at every severity, or one perturbation as an animation."""
    from ..api import perturb
    from ..files import check_replaceable, check_writable
    from ..images.preprocessing import decode, pixels
    from ..images.profiles import PROFILES
    from ..preview import MARK, check_animation, contact_sheet, save, save_animation
    from ..sources.base import Item
    from ..sources.folder import FileReader

    clean = decode(FileReader().read(Item(image.stem, 0, str(image))), str(image))
    if output.exists() and output.samefile(image):
        raise BuildError(f"{output}: this is the image itself; choose another --output")
    if perturbation is not None:
        check_animation(output)
    check_replaceable(output, MARK)
    check_writable(output)
    if perturbation is not None:
        frames = perturb(pixels(clean), perturbation, seed=seed, image_id=image.stem)
        save_animation(frames, output)
        typer.echo(f"{output}: {image.name} under {perturbation}, {len(frames)} frames")
        return
    save(contact_sheet(pixels(PROFILES["imagenet"].square(clean)), image.stem, seed), output)
    typer.echo(f"{output}: {image.name} under 19 corruptions at five severities")


def main() -> None:
    """Run the command; report an error that the user can fix in one line, with exit status 1."""
    try:
        app()
    except (BuildError, SourceError, ValueError) as error:
        sys.stderr.write(f"imagenet-cp: {error}\n")
        sys.exit(1)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        sys.stderr.write(f"imagenet-cp: {message}\n")
        sys.exit(1)
