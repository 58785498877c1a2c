"""Options that several commands have, and the check of those that take paths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..files import local_path


def check_local(value: Any) -> Any:
    """Refuse URLs in an option or argument that takes a local path or several, before anything is read."""
    for path in value if isinstance(value, list) else [value]:
        if path is not None:
            local_path(path)
    return value


IdsOption = Annotated[
    str | None,
    typer.Option(
        callback=check_local,
        help="Use only these images: robustbench-5000, or a file with one number, id or path per line.",
    ),
]
ClassesOption = Annotated[
    str | None,
    typer.Option(
        callback=check_local,
        help="Use only these classes: imagenet-100, imagenette, imagewoof, imagenet-r, imagenet-a, or a file with "
        "one class per line.",
    ),
]
BuildArgument = Annotated[Path, typer.Argument(callback=check_local, help="A finished build.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", callback=check_local, help="Folder to write.")]
EngineOption = Annotated[str, typer.Option(help="local, dask, or dask://host:port of a scheduler.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of the random draws.")]
PublicOption = Annotated[bool, typer.Option("--public", help="Make it public at the end; asks first.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
