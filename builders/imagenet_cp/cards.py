"""The README.md of a build: the YAML by which stock ``load_dataset`` reads it, and a description."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCardData

from . import __version__, citations
from .benchmark import Benchmark, Cell
from .recipe import Recipe
from .sources.base import digest

SPLIT = "validation"


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
                "description": f"{recipe.signature}|content:{content}",
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
    block: dict[str, Any] = {
        "pretty_name": benchmark.title,
        "license": "other",
        "license_name": "imagenet",
        "license_link": "https://image-net.org/download.php",
        "task_categories": ["image-classification"],
        "tags": ["robustness", benchmark.title.lower()],
        "configs": configs,
        "dataset_info": infos,
    }
    return f"{DatasetCardData(**block).to_yaml()}\n"


def dataset_card(
    benchmark: Benchmark, recipe: Recipe, classes: Sequence[str], files: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return the text of a build's README.md."""
    configs = ", ".join(f"`{name}`" for name in complete_configs(benchmark, files))
    return f"""---
{metadata(benchmark, recipe, classes, files)}---

# {benchmark.title}

{benchmark.description}

Made by imagenet-cp {__version__}, recipe `{recipe.signature}`.

```python
from datasets import load_dataset

load_dataset("{benchmark.dataset}", "{benchmark.example}", split="{SPLIT}")
```

Configs: {configs}.

{citations.LICENCE}

```bibtex
{citations.CITATION}```
"""
