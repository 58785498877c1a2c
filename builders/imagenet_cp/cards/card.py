"""Dataset cards: the YAML block with which ``load_dataset`` reads a build, and a description."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .._version import __version__
from ..benchmarks.benchmark import Benchmark, Cell
from ..benchmarks.file_names import SPLIT
from ..benchmarks.recipe import Recipe
from ..benchmarks.signature import Signature
from ..images.profiles import PROFILES
from ..resources import card_texts_folder
from ..sources.source import digest
from ..text import amount
from . import tables, texts

_SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"]


def complete_configs(
    benchmark: Benchmark, files: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Cell, ...]]:
    """Configs whose files are all present."""
    found = Counter(path.split("/")[1] for path in files)
    whole = max(found.values(), default=0)
    return {
        name: cells
        for name, cells in benchmark.configs.items()
        if all(found[cell.config] == whole for cell in cells)
    }


def under_terms(benchmark: Benchmark) -> bool:
    """Test if the images are derived from ImageNet, whose terms apply to them."""
    return benchmark.profile != "cifar"


def _other_images(benchmark: Benchmark, image_ids: Collection[str] | None) -> bool:
    """Test, by number and ids, if the source images are not the whole validation set of ImageNet."""
    if image_ids is None or not benchmark.profile.startswith("imagenet"):
        return False
    return set(image_ids) != {f"ILSVRC2012_val_{number:08d}" for number in range(1, 50_001)}


def as_published(recipe: Recipe) -> str:
    """Fidelity of stored released images."""
    return "pixel for pixel" if recipe.codec == "png" else "byte for byte"


def read_metadata(card: str) -> dict[str, Any]:
    """Read the YAML block of a card; empty if there is no valid one."""
    try:
        return dict(DatasetCard(card).data.to_dict())  # type: ignore[no-untyped-call]
    except Exception:  # the YAML parser raises various errors on malformed cards
        return {}


def metadata(
    benchmark: Benchmark,
    recipe: Recipe,
    classes: Sequence[str],
    files: Mapping[str, Mapping[str, Any]],
    other_images: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """YAML block of the card, with the features of the files."""
    # All configs share one list object, which YAML writes once and then references; copies would repeat 1000 class
    # names for each of a hundred configs.
    features = benchmark.features(classes, recipe, extra)._to_yaml_list()
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
                # datasets caches a folder by this entry, not by its files: a digest tells builds apart.
                "description": str(Signature.of(recipe.signature, ("content", content))),
                **({"default": True} if name == "test" else {}),
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
    from_imagenet = under_terms(benchmark) and not other_images
    block: dict[str, Any] = {
        "pretty_name": benchmark.title,
        **(texts.TERMS if under_terms(benchmark) else {"license": "unknown"}),
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
    images: bool = False,
    image_ids: Collection[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    repo_id: str = "",
) -> str:
    """Text of the README.md of a build.

    Parameters
    ----------
    benchmark, recipe, classes
        Data set, recipe and names of the labels.
    files : dict
        Relative path -> ``rows``, ``size`` and ``sha256`` of each file.
    versions : dict, optional
        Library -> version with which the files were made.
    skipped : collection of str
        Ids of images that could not be read.
    images : bool
        Show the strip ``assets/NAME.jpg`` of each corruption or perturbation.
    image_ids : collection of str, optional
        Ids of the source images, to tell ImageNet's validation set from a part of it and from other images; None for
        released images.
    extra : dict, optional
        Features of the further columns of the source.
    repo_id : str
        Id of the repository on the Hub; empty for a folder.

    Returns
    -------
    str
        YAML and Markdown.
    """
    complete = complete_configs(benchmark, files)
    other_images = _other_images(benchmark, image_ids)
    names = list(dict.fromkeys(cell.name for cell in cells(benchmark, files) if cell.level > 0))
    example = benchmark.example if benchmark.example in complete else next(iter(complete), benchmark.example)
    context = {
        "as_published": as_published(recipe),
        "benchmark": benchmark,
        "cifar": not under_terms(benchmark),
        "citation": texts.CITATIONS[benchmark.card].strip(),
        "classes": len(classes),
        "columns": tables.columns(benchmark, classes, recipe, extra),
        "config_table": tables.configs(benchmark, complete, files),
        "configs": complete,
        "example": example,
        "files": len(files),
        "images": images,
        "kinds": tables.kinds(benchmark, names, images),
        "official": recipe.official,
        "loaded": repo_id or benchmark.dataset,
        "other_images": other_images,
        "prepared": "used at its own size" if recipe.size == "keep" else texts.PREPARED[benchmark.profile],
        "published": bool(repo_id),
        "recipe": recipe,
        "shown_first": next((cell.name for cell in benchmark.configs[example] if cell.name in names), ""),
        "side": PROFILES[benchmark.profile].size,
        "size": amount(sum(file["size"] for file in files.values())),
        "skipped": sorted(skipped),
        "stored": texts.STORED.get(recipe.codec, recipe.codec),
        "version": __version__,
        "versions": tables.table(("library", "version"), sorted(versions.items())) if versions else "",
    }
    prose = _templates().get_template(f"{benchmark.card}.md").render(context)
    prose = re.sub(r"\n{3,}#", "\n\n#", prose)  # where the text between two headings is absent
    return f"---\n{metadata(benchmark, recipe, classes, files, other_images, extra)}---\n\n{prose}"


@functools.cache
def _templates() -> Environment:
    """Environment of the templates in the top-level folder ``cards``."""
    environment = Environment(
        loader=FileSystemLoader(card_texts_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    return environment


def code(text: str) -> str:
    """Quote a text as Markdown code, with more backticks than it holds itself.

    Examples
    --------
    >>> code("fog"), code("a`b")
    ('`fog`', '`` a`b ``')
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    return f"{'`' * (longest + 1)} {text} {'`' * (longest + 1)}" if longest else f"`{text}`"


def cells(benchmark: Benchmark, files: Mapping[str, Mapping[str, Any]]) -> list[Cell]:
    """Cells of files: those of the config ``test`` first, then ``extra``, each in the order of the benchmark."""
    folders = {path.split("/")[1] for path in files}
    groups = [benchmark.configs["test"], benchmark.configs.get("extra", ()), *benchmark.configs.values()]
    every = dict.fromkeys(cell for group in groups for cell in group)
    return [cell for cell in every if cell.config in folders]
