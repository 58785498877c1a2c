"""A tour on sample images without a network: build, load, predict, score, draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import corruptions, preview
from .api import perturb
from .benchmarks.catalog import BENCHMARKS
from .build.plan import build
from .files import check_replaceable, check_writable
from .images.source_images import decode
from .progress import show_progress
from .sources import Item, Source, open_source

#: Name of the build in the demo's folder. datasets caches it under this name, so that its 14 images never answer for
#: `imagenet_c`.
_BUILD = "imagenet_c_sample"
_CONFIGS = ("test", "extra", "clean")
_IMAGE, _PERTURBATION = "chelsea", "tilt"

_NEXT = """\
Next, with ImageNet's 50,000 validation images, flat or in one folder per class:
   imagenet-cp use path/to/val      registers the folder; then, in Python,
   import imagenet_cp; from datasets import load_dataset
   load_dataset("imagenet_c", "fog_3", split="validation")
   imagenet-cp build imagenet_c     builds all configs, to load or to publish
   imagenet-cp evaluate --help      scores a model"""


def run(folder: Path, echo: Callable[[str], None], quiet: bool = False) -> None:
    """Build ImageNet-C from the sample images, load it, score a classifier and draw the results.

    Parameters
    ----------
    folder : Path
        Folder of the build, its cache and the drawings; nothing is written anywhere else.
    echo : callable
        Prints a line of text.
    quiet : bool
        Show no progress.

    Raises
    ------
    BuildError
        The folder holds something else.
    OSError
        A drawing cannot be written.
    """
    import datasets
    import evaluate

    target, cache = folder / _BUILD, str(folder / "cache")
    sheet, animation = folder / "imagenet_c.png", folder / "imagenet_p.webp"
    folder.mkdir(parents=True, exist_ok=True)
    for path in (sheet, animation):
        check_replaceable(path, preview.MARK)
        check_writable(path)
    source = open_source("sample")
    count = len(corruptions.CORRUPTIONS) * len(corruptions.SEVERITIES)
    echo(
        f"1. Building all {count} configs of ImageNet-C and the clean images, from {len(source.items)} images."
    )
    echo("   The first run compiles the kernels for a minute or so; later runs reuse them.")
    with show_progress(quiet) as progress:
        plan = build("imagenet_c", source, target, _CONFIGS, images_per_file=7, progress=progress)
    echo(f"   {target}: {len(plan.files)} Parquet files,\n   {plan.recipe.signature}\n")

    datasets.disable_progress_bars()
    fog = datasets.load_dataset(str(target), "fog_3", split="validation", cache_dir=cache)
    echo(f'2. load_dataset("{target}", "fog_3",')
    echo('   split="validation") gives')
    echo(f"   {fog.num_rows} rows of {fog.column_names}\n")

    item = next(item for item in source.items if item.image_id == _IMAGE)
    preview.save(preview.contact_sheet(_clean(source, item), item.image_id), sheet)
    image = decode(source.reader.read(item), item.location)
    preview.save_animation(perturb(image, _PERTURBATION, image_id=item.image_id), animation)
    echo("3. Drawing one image under every corruption at every severity, and a sequence:")
    echo(f"   {sheet}\n   {animation}\n")
    echo('4. Scoring with evaluate.load("mce"). The classifier predicts the label of the')
    echo("   clean image with the most similar pixels: it knows these images only, so its")
    echo("   score says nothing about real models.")
    metric = evaluate.load("mce", cache_dir=cache)
    predict = nearest_template(source)
    parts = [
        datasets.load_dataset(str(target), name, split="validation", cache_dir=cache) for name in _CONFIGS
    ]
    with show_progress(quiet) as progress:
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
                progress("scoring images", done, total)
    echo(_table(metric.compute()) + "\n")

    echo(f"Everything is in {folder}; delete it whenever you like.\n")
    echo(_NEXT)


def nearest_template(source: Source) -> Callable[[list[Any]], list[int]]:
    """Classifier that predicts the label of the clean image at the smallest squared distance in pixels."""
    templates = np.stack([_vector(_clean(source, item)) for item in source.items])
    labels = [item.label for item in source.items]
    norms = (templates**2).sum(axis=1)

    def predict(images: list[Any]) -> list[int]:
        vectors = np.stack([_vector(image) for image in images])
        return [labels[i] for i in np.argmin(norms - 2 * vectors @ templates.T, axis=1)]

    return predict


def _clean(source: Source, item: Item) -> NDArray[np.uint8]:
    return BENCHMARKS["imagenet_c"].load(source.reader, item)[1]


def _vector(image: Any) -> NDArray[np.float32]:
    return np.asarray(image, np.float32).reshape(-1)


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
