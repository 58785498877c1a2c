"""Tables of the cards, from the registries and the files of a build."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import datasets

from ..benchmarks.benchmark import Benchmark, Cell
from ..benchmarks.recipe import Recipe
from ..corruptions import BAR, CORRUPTIONS, Corruption
from ..perturbations import PERTURBATIONS, Perturbation
from ..text import amount
from .texts import COLUMNS


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(value) for value in line)} |" for line in lines)


def columns(
    benchmark: Benchmark, classes: Sequence[str], recipe: Recipe, extra: Mapping[str, Any] | None = None
) -> str:
    """Table of the columns of a data set."""
    features = benchmark.features(classes, recipe, extra)
    rows = (
        (f"`{name}`", _type(feature), COLUMNS.get(name, "as in the source"))
        for name, feature in features.items()
    )
    return table(("column", "type", "content"), rows)


def _type(feature: Any) -> str:
    if isinstance(feature, datasets.List):
        return f"list of {_type(feature.feature)}s"
    if isinstance(feature, datasets.ClassLabel):
        return f"class label, {feature.num_classes:,} names"
    return str(feature.dtype) if isinstance(feature, datasets.Value) else type(feature).__name__.lower()


def configs(
    benchmark: Benchmark, complete: Mapping[str, tuple[Cell, ...]], files: Mapping[str, Mapping[str, Any]]
) -> str:
    """Table of the complete configs, the large ones first: the cells, rows and size of each.

    A config of one cell has its own line only if no larger config includes it, as ``fog`` includes ``fog_3``.
    """
    rows: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for path, file in files.items():
        config = path.split("/")[1]
        rows[config] += file["rows"]
        sizes[config] += file["size"]
    lines = [
        (
            f"`{name}`",
            _content(benchmark, name, cells, complete),
            f"{sum(rows[cell.config] for cell in cells):,}",
            amount(sum(sizes[cell.config] for cell in cells)),
        )
        for name, cells in sorted(complete.items(), key=lambda item: -len({cell.name for cell in item[1]}))
        if len(cells) > 1 or len(complete.get(cells[0].name, ())) < 2
    ]
    return table(("config", "holds", "rows", "size"), lines)


def _content(
    benchmark: Benchmark, name: str, cells: Sequence[Cell], complete: Mapping[str, tuple[Cell, ...]]
) -> str:
    if cells[0].config == name:
        return f"{cells[0].name}, {benchmark.level_name} {cells[0].level}"
    names = dict.fromkeys(cell.name for cell in cells)
    parts = names if len(names) > 1 and names.keys() <= complete.keys() else [cell.config for cell in cells]
    return " ".join(f"`{part}`" for part in parts)


def kinds(benchmark: Benchmark, names: Iterable[str], images: bool) -> str:
    """Describe corruptions or perturbations: a sentence, a strip of images and the parameters of each.

    Parameters
    ----------
    benchmark : Benchmark
        Data set, for its profile and its config ``test``.
    names : iterable of str
        Names of the corruptions or perturbations, in order.
    images : bool
        Show the strips ``assets/NAME.jpg``.
    """
    tested = {cell.name for cell in benchmark.configs["test"]}
    parts = []
    for name in names:
        kind = kind_of(benchmark, name)
        summary = kind.summary.replace("``", "`")
        family = f" *{kind.family}*" if isinstance(kind, Corruption) else ""
        shown = f"\n\n![{name}](assets/{name}.jpg)" if images else ""
        extra = "" if name in tested else " (extra)"
        parts.append(f"### {name}{extra}\n\n{summary}{family}{shown}\n\n{parameters(benchmark, kind)}")
    return "\n\n".join(parts)


def kind_of(benchmark: Benchmark, name: str) -> Corruption | Perturbation:
    """Corruption or perturbation of a name."""
    return {**CORRUPTIONS, **BAR}[name] if benchmark.kind == "corruptions" else PERTURBATIONS[name]


def parameters(benchmark: Benchmark, kind: Corruption | Perturbation) -> str:
    """Table of the parameters of a corruption at each severity, or of a perturbation at each difficulty."""
    table_rows = kind.tables[benchmark.profile]
    rows = [
        (f"`{name}`", *map(_number, values))
        for name, values in zip(kind.parameter_names, zip(*table_rows, strict=True), strict=True)
    ]
    if isinstance(kind, Perturbation):
        rows.append(("frames", *[str(kind.frames(benchmark.profile))] * len(kind.levels)))
    return table((benchmark.level_name, *map(str, kind.levels)), rows)


def _number(value: Any) -> str:
    if not isinstance(value, (tuple, range)):
        return f"{value:.6g}"
    steps = {f"{two - one:.6g}" for one, two in itertools.pairwise(value)}
    if len(value) > 4 and len(steps) == 1:
        return f"{value[0]:.6g} to {value[-1]:.6g}, {steps.pop()} more in each frame"
    return ", ".join(f"{one:.6g}" for one in value)
