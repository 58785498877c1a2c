"""The command ``imagenet-cp export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .paths import check_local


def export(
    folder: Annotated[Path, typer.Argument(callback=check_local, help="A finished build, or an import.")],
    to: Annotated[
        str,
        typer.Option(
            help="imagefolder: files as the authors of ImageNet-C released them; npy: arrays, as of CIFAR-10-C."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", callback=check_local, help="Folder to write.")],
    configs: Annotated[str, typer.Option(help="Such as fog_3,snow,test; all by default.")] = "",
) -> None:
    """Export a build to the layout of the authors' releases, which other loaders read; JPEG bytes are unchanged.

    After an interruption the same command resumes.
    """
    from ..archives.export import export as run
    from ..progress import interruptible, show_progress

    names = [name.strip() for name in configs.split(",") if name.strip()]
    with interruptible(), show_progress() as progress:
        made = run(folder, to, out, names, progress=progress)
    typer.echo(f"{out}: {made.rows:,} images, {made.size / 1e6:,.1f} MB; {made.written:,} written now")
