"""The whole road on a few photographs: build, load, predict, score, look."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import corruptions, preview
from .api import perturb
from .benchmarks.catalog import BENCHMARKS
from .build.plan import build
from .progress import bar
from .sources import Item, Source, open_source

_SHEET, _ANIMATION = "imagenet_c.png", "imagenet_p.webp"
_SHOWN, _PERTURBATION = "chelsea", "tilt"

_NEXT = """\
Next, with ImageNet's validation images (50,000 JPEGs, flat or in one folder per class):
   imagenet-cp use path/to/val      remembers the folder; from then on, after `import imagenet_cp`,
   load_dataset("imagenet_c", "fog_3", split="validation")     makes that config, wherever you are
   load_dataset("imagenet_p", "tilt", split="validation")      makes that perturbation's sequences
   imagenet-cp build imagenet_c     makes everything, as a folder to keep or to publish"""


def run(folder: Path, say: Callable[[str], None]) -> None:
    """Build ImageNet-C from the sample photographs, load it back, score a predictor and draw what was made.

    Parameters
    ----------
    folder : Path
        Where to build; the contact sheet and one sequence of ImageNet-P go beside it.
    say : callable
        Shows a line of text.

    Raises
    ------
    BuildError
        The folder holds something else.
    """
    import datasets
    import evaluate

    source = open_source("sample")
    say(
        f"1. Building all 95 configs of ImageNet-C, and the clean pictures, from {len(source.items)} photographs"
    )
    say("   (the first time, some of the kernels are compiled; that is kept for all later runs).")
    with bar("compiling", "kernel") as compiling, bar("building", "image") as progress:
        plan = build(
            "imagenet_c",
            source,
            folder,
            ["test", "extra", "clean"],
            images_per_file=7,
            progress=progress,
            compiling=compiling,
        )
    say(f"   {folder}: {len(plan.files)} Parquet files, {plan.recipe.signature}\n")

    datasets.disable_progress_bars()
    name = "imagenet_c" if folder == Path("imagenet_c") else str(folder)
    fog = datasets.load_dataset(name, "fog_3", split="validation")
    say(
        f'2. load_dataset("{name}", "fog_3", split="validation") gives\n   {fog.num_rows} rows of {fog.column_names}\n'
    )

    say(
        '3. Scoring with evaluate.load("mce") a plain nearest-template classifier: it names the clean photograph'
    )
    say(
        "   whose pixels are nearest. It knows no other pictures, so its score says nothing about any real model."
    )
    metric = evaluate.load("mce")
    predict = nearest_template(source)
    configs = ["test", "extra", "clean"]
    parts = [datasets.load_dataset(name, config, split="validation") for config in configs]
    with bar("scoring", "picture") as progress:
        done, total = 0, sum(part.num_rows for part in parts)
        for part in parts:
            for batch in part.iter(batch_size=64):
                metric.add_batch(
                    predictions=predict(batch["image"]),
                    references=batch["label"],
                    corruption=batch["corruption"],
                    severity=batch["severity"],
                    extra=corruptions.EXTRA,
                )
                done += len(batch["label"])
                progress(done, total)
    say(_table(metric.compute()) + "\n")

    sheet, animation = folder.with_name(_SHEET), folder.with_name(_ANIMATION)
    shown = next(item for item in source.items if item.image_id == _SHOWN)
    preview.contact_sheet(_clean(source, shown), shown.image_id).save(sheet)
    with Image.open(io.BytesIO(source.reader.read(shown))) as photograph:
        preview.save_animation(perturb(photograph, _PERTURBATION, image_id=shown.image_id), animation)
    say(f"4. {sheet} shows one photograph under all 19 corruptions at their five severities,")
    say(f"   {animation} the frames of one sequence of ImageNet-P, {_PERTURBATION}.\n")
    say(_NEXT)


def nearest_template(source: Source) -> Callable[[list[Any]], list[int]]:
    """Return a classifier that names the label of the clean picture at the least squared distance in pixels."""
    templates = np.stack([_vector(_clean(source, item)) for item in source.items])
    labels = [item.label for item in source.items]
    norms = (templates**2).sum(axis=1)

    def predict(pictures: list[Any]) -> list[int]:
        vectors = np.stack([_vector(picture) for picture in pictures])
        return [labels[i] for i in np.argmin(norms - 2 * vectors @ templates.T, axis=1)]

    return predict


def _clean(source: Source, item: Item) -> NDArray[np.uint8]:
    return BENCHMARKS["imagenet_c"].prepare(source.reader.read(item), item.location)


def _vector(picture: Any) -> NDArray[np.float32]:
    return np.asarray(picture, np.float32).reshape(-1)


def _table(scores: dict[str, Any]) -> str:
    lines = ["   corruption          top-1 error at severity 1 to 5        CE"]
    for name in (*corruptions.TEST, *corruptions.EXTRA):
        errors = "  ".join(f"{error:.2f}" for error in scores["error"][name])
        mark = "*" if name in corruptions.EXTRA else ""
        ce = f"{scores['ce'][name]:8.1f}" if name in scores["ce"] else ""  # an extra of one's own has none
        lines.append(f"   {name + mark:<19} {errors}    {ce}")
    lines.append(
        f"   mCE {scores['mce']:.1f}   relative mCE {scores['relative_mce']:.1f}   (* extra: not in mCE)"
    )
    lines.append(f"   {scores['signature']}")
    return "\n".join(lines)
