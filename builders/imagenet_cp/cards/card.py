"""The README.md of a build: the YAML by which stock ``load_dataset`` reads it, and a description."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData

from .._version import __version__
from ..benchmarks.base import Benchmark, Cell
from ..benchmarks.layout import SPLIT
from ..benchmarks.recipe import Recipe
from ..benchmarks.signature import Signature
from ..images.profiles import PROFILES
from ..resources import card_texts_folder
from ..sources import classes as imagenet
from ..sources.base import digest
from . import citations
from . import tables as card_tables

_STORED = {
    "jpeg": "the published JPEG files, byte for byte",
    "jpeg:85": "JPEG of quality 85 with the colour at half the resolution (4:2:0)",
    "jpeg:99:4:4:4": "JPEG of quality 99 with the colour in full (4:4:4)",
    "png": "PNG, so without loss",
    "h264": "H.264 in MP4, a frame a second (libx264, preset veryslow, 4:4:4, crf 20; noises tuned for grain, crf 23)",
}
_PREPARED = {
    "imagenet": "resized until its shorter side has 256 pixels (Pillow, bilinear), and cut to the middle 224 x 224",
    "imagenet_299": "cut to the middle seven eighths of both sides, resized to 299 x 299 pixels (Pillow, bilinear)",
    "tiny": "resized to 64 x 64 pixels (Pillow, bilinear)",
    "cifar": "taken as it is, 32 x 32 pixels",
}
_BLOCK = re.compile(r"^\{\{#(\w+)\}\}\n(.*?)^\{\{/\1\}\}\n", re.DOTALL | re.MULTILINE)
_SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"]


def complete_configs(
    benchmark: Benchmark, files: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Cell, ...]]:
    """Return the configs all of whose files are there."""
    found = Counter(path.split("/")[1] for path in files)
    whole = max(found.values(), default=0)
    return {
        name: cells
        for name, cells in benchmark.configs.items()
        if all(found[cell.config] == whole for cell in cells)
    }


def under_terms(benchmark: Benchmark) -> bool:
    """Whether the pictures are ImageNet's, whose terms go on applying to them."""
    return benchmark.profile != "cifar"


def _other_images(benchmark: Benchmark, classes: Sequence[str]) -> bool:
    """Whether the labels tell that the pictures are not of ImageNet's whole validation set."""
    return benchmark.profile.startswith("imagenet") and tuple(classes) != imagenet.wnids()


def as_published(recipe: Recipe) -> str:
    """Say how exactly published pictures were kept."""
    return "pixel for pixel" if recipe.codec == "png" else "byte for byte"


def read_metadata(card: str) -> dict[str, Any]:
    """Return the YAML block of a card, empty where there is none that can be read."""
    try:
        return dict(DatasetCard(card).data.to_dict())  # type: ignore[no-untyped-call]
    except Exception:  # whatever a strange card makes YAML stumble over
        return {}


def metadata(
    benchmark: Benchmark, recipe: Recipe, classes: Sequence[str], files: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return the YAML block of the card, from the very features the files were written with."""
    # Every config shares one list of columns: YAML says it once and refers to it, or 1000 class names would be
    # repeated for each of a hundred configs.
    features = benchmark.features(classes, recipe)._to_yaml_list()
    configs, infos = [], []
    for name, cells in complete_configs(benchmark, files).items():
        folders = {f"data/{cell.config}/" for cell in cells}
        own = {path: file for path, file in files.items() if path.rsplit("/", 1)[0] + "/" in folders}
        size = sum(file["size"] for file in own.values())
        rows = sum(file["rows"] for file in own.values())
        content = digest((path, file["sha256"]) for path, file in own.items())
        paths = [f"data/{cell.config}/{SPLIT}-*.parquet" for cell in cells]
        configs.append(
            {
                "config_name": name,
                "data_files": [{"split": SPLIT, "path": paths[0] if len(paths) == 1 else paths}],
                # datasets caches a folder by this entry and not by the files: a digest makes it see a new build.
                "description": str(Signature.of(recipe.signature, ("content", content))),
            }
        )
        infos.append(
            {
                "config_name": name,
                "features": features,
                "splits": [{"name": SPLIT, "num_bytes": size, "num_examples": rows}],
                "download_size": size,
                "dataset_size": size,
            }
        )
    rows = sum(file["rows"] for file in files.values())
    from_imagenet = under_terms(benchmark) and not _other_images(benchmark, classes)
    block: dict[str, Any] = {
        "pretty_name": benchmark.title,
        **(citations.TERMS if under_terms(benchmark) else {"license": "unknown"}),
        "task_categories": ["image-classification"],
        "size_categories": [_SIZES[min(max(len(str(rows)) - 3, 0), len(_SIZES) - 1)]],
        "source_datasets": ["extended|imagenet-1k" if from_imagenet else "extended|other"],
        "tags": [
            "robustness",
            "benchmark",
            "distribution-shift",
            f"image-{benchmark.kind}",
            benchmark.title.lower().replace(" ", "-"),
        ],
        "configs": configs,
        "dataset_info": infos,
    }
    return f"{DatasetCardData(**block).to_yaml()}\n"


def dataset_card(
    benchmark: Benchmark,
    recipe: Recipe,
    classes: Sequence[str],
    files: Mapping[str, Mapping[str, Any]],
    *,
    versions: Mapping[str, str] | None = None,
    skipped: Collection[str] = (),
    pictures: bool = False,
) -> str:
    """Return the text of a build's README.md.

    Parameters
    ----------
    benchmark, recipe, classes
        What was built.
    files : dict
        Relative path -> ``rows``, ``size`` and ``sha256`` of each file.
    versions : dict, optional
        Library -> version, of those that made the files.
    skipped : collection of str
        Ids of the images that could not be read.
    pictures : bool
        Whether there is a picture ``assets/NAME.jpg`` of each corruption or perturbation.

    Returns
    -------
    str
        YAML and Markdown, the same for the same arguments.
    """
    complete = complete_configs(benchmark, files)
    shown = list(dict.fromkeys(cell.name for cell in cells(benchmark, files) if cell.level > 0))
    example = benchmark.example if benchmark.example in complete else next(iter(complete), benchmark.example)
    shown_first = next((cell.name for cell in benchmark.configs[example] if cell.name in shown), "")
    facts = {
        "a_picture": shown_first,
        "as_published": as_published(recipe),
        "citation": citations.CITATION.strip(),
        "columns": card_tables.columns(benchmark, classes, recipe),
        "configs": card_tables.configs(benchmark, complete, files),
        "dataset": benchmark.dataset,
        "description": benchmark.description,
        "example": example,
        "files": f"{len(files):,}",
        "kinds": card_tables.kinds(benchmark, shown, pictures),
        "number_of_classes": f"{len(classes):,}",
        "prepared": "taken at its own size" if recipe.size == "keep" else _PREPARED[benchmark.profile],
        "side": str(PROFILES[benchmark.profile].size),
        "signature": recipe.signature,
        "size": card_tables.amount(sum(file["size"] for file in files.values())),
        "skipped": ", ".join(f"`{image_id}`" for image_id in sorted(skipped)),
        "stored": _STORED.get(recipe.codec, recipe.codec),
        "title": benchmark.title,
        "version": __version__,
        "versions": card_tables.table(("library", "version"), sorted((versions or {}).items())),
    }
    conditions = {
        "cifar": not under_terms(benchmark),
        "clean": "clean" in complete,
        "frames": recipe.codec != "h264",
        "imagenet": under_terms(benchmark),
        "imagenets_images": under_terms(benchmark) and not _other_images(benchmark, classes),
        "made": not recipe.official,
        "normalised": benchmark.profile.startswith("imagenet"),
        "official": recipe.official,
        "one_size": recipe.size != "keep",
        "other_images": _other_images(benchmark, classes),
        "own_sizes": recipe.size == "keep",
        "pictures": pictures,
        "skipped": bool(skipped),
        "versions": bool(versions),
        "video": recipe.codec == "h264",
        "without_versions": not versions,
    }
    kind = "imagenet_c" if benchmark.kind == "corruptions" else "imagenet_p"
    prose = (card_texts_folder() / f"{kind}.md").read_text(encoding="utf-8")
    return f"---\n{metadata(benchmark, recipe, classes, files)}---\n\n{fill(prose, facts, conditions)}"


def cells(benchmark: Benchmark, files: Mapping[str, Mapping[str, Any]]) -> list[Cell]:
    """Return the cells that files are of: those of the benchmark first, each part in the published order."""
    folders = {path.split("/")[1] for path in files}
    groups = [benchmark.configs["test"], benchmark.configs["extra"], *benchmark.configs.values()]
    every = dict.fromkeys(cell for group in groups for cell in group)
    return [cell for cell in every if cell.config in folders]


def fill(prose: str, facts: Mapping[str, str], conditions: Mapping[str, bool]) -> str:
    """Put facts into a text.

    Parameters
    ----------
    prose : str
        With ``{{name}}`` where a fact goes, and lines ``{{#name}}`` and ``{{/name}}`` around what is there under a
        condition only.
    facts, conditions : dict
        By their names.

    Raises
    ------
    KeyError
        The text asks for what is not known.
    """

    def block(found: re.Match[str]) -> str:
        return found[2] if conditions[found[1]] else ""

    blocks = 1
    while blocks:  # one may stand inside another
        prose, blocks = _BLOCK.subn(block, prose)
    filled = re.sub(r"\{\{(\w+)\}\}", lambda found: facts[found[1]], prose)
    return re.sub(r"\n{3,}#", "\n\n#", filled)
