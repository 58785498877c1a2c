"""Reference values of the metrics: AlexNet's results and the published tables."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..benchmarks.signature import Signature
from ..metrics import ALEXNET, ALEXNET_CLEAN, BENCHMARKS, CLEAN, corruption_scores, sequence_scores
from ..resources import METRICS, metrics_folder

#: Scores of data sets of images that are plain means: ImageNet-C-bar's, and those of data in layouts of their own.
PLAIN = ("c_bar", "custom")
#: Key in `Results.metrics` -> key in its result of the raw values, before they are divided by AlexNet's.
RAW_KEY = {
    "mce": "error",
    **dict.fromkeys(PLAIN, "error"),
    "mfr": "flip_probability",
    "mt5d": "unnormalised_t5d",
}
#: The same -> key in its result of the values that the mean is over.
RATIO_KEY = {"mce": "ce", **dict.fromkeys(PLAIN, "mean_error_by_corruption"), "mfr": "fr", "mt5d": "t5d"}
#: The same -> key in its result of the mean.
MEAN_KEY = {"mce": "mce", **dict.fromkeys(PLAIN, "mean_error"), "mfr": "mfr", "mt5d": "mt5d"}
#: The same, of data sets of one image a row.
OF_IMAGES = ("mce", *PLAIN)
#: The same -> beginning of the names of its scores in tables, so that those of two data sets differ.
PREFIX = {"mce": "", "c_bar": "c_bar_", "custom": "custom_", "mfr": "", "mt5d": ""}
#: The same -> the metric that has its benchmarks, if that is another.
_OWNER = {"c_bar": "mce"}


def benchmark_name(result: Mapping[str, Any]) -> str:
    """Benchmark of a metric's result, from its signature."""
    return Signature.parse(str(result["signature"])).fields.get("benchmark", "")


def part_of(result: Mapping[str, Any]) -> str:
    """Extent of a metric's result as text, such as ``"100 of 50,000 images"``; empty for a whole benchmark."""
    part = Signature.parse(str(result["signature"])).fields.get("part", "")
    images, _, whole = part.partition("/")
    known = images.isdecimal() and whole.isdecimal()
    return f"{int(images):,} of {int(whole):,} images" if known else ""


def is_benchmark(metric: str, benchmark: str) -> bool:
    """True for a benchmark that the metric knows."""
    return metric == "custom" or benchmark in BENCHMARKS[_OWNER.get(metric, metric)]


def is_normalized(metric: str, benchmark: str) -> bool:
    """True for scores in percent of AlexNet's; those of CIFAR and Tiny ImageNet are plain means."""
    return metric not in PLAIN and BENCHMARKS[metric][benchmark].normaliser == "alexnet"


def all_parts(metric: str) -> tuple[str, ...]:
    """Names of all corruptions or perturbations that AlexNet has results for."""
    return tuple(ALEXNET.get(metric, ()))


def test_parts(metric: str, benchmark: str) -> tuple[str, ...]:
    """Names of the corruptions or perturbations that the mean is over; none of custom data, which has no list."""
    return () if metric == "custom" else BENCHMARKS[_OWNER.get(metric, metric)][benchmark].test


def tested_parts(metric: str, result: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the corruptions or perturbations that the mean of a result is over."""
    return test_parts(metric, benchmark_name(result)) or tuple(result[RAW_KEY[metric]])


def data_name(result: Mapping[str, Any]) -> str:
    """Name of the data of a metric's result for a page."""
    return str(result.get("name") or benchmark_name(result))


def compute_scores(metric: str, benchmark: str, means: Mapping[str, float | None]) -> dict[str, Any]:
    """Compute the scores of a metric from the mean of every config, by the metric's own formulas.

    Parameters
    ----------
    metric, benchmark : str
        Such as ``"mce"`` and ``"imagenet_c"``.
    means : dict
        Config -> error, flip probability or distance. A config that is absent or None is missing.

    Returns
    -------
    dict
        The scores in the result of ``compute()``: without ``missing``, signature and number of rows.
    """
    if metric in PLAIN:
        return _plain_scores(test_parts(metric, benchmark), means)
    tested = test_parts(metric, benchmark)
    if metric == "mce":
        # Corruptions for which AlexNet has no errors come last.
        added = (config.rpartition("_")[0] for config in means if config != CLEAN)
        names = dict.fromkeys([*tested, *all_parts(metric), *added])
        rows = {name: [means.get(f"{name}_{s}") for s in range(1, 6)] for name in names}
        error = {name: row for name, row in rows.items() if name in tested or row != [None] * 5}
        clean = means.get(CLEAN)
        return {**corruption_scores(error, clean, benchmark), "error": error, "clean_error": clean}
    raw = {name: means.get(name) for name in all_parts(metric) if name in tested or name in means}
    return {**sequence_scores(metric, raw, benchmark), RAW_KEY[metric]: raw}


def mean_over(rows: Mapping[str, Sequence[float | None]], names: Iterable[str]) -> float | None:
    """Mean over corruptions and severities; None if a value or a corruption is missing."""
    values = [value for name in names for value in rows.get(name, [None])]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def severity_rows(
    cells: Mapping[tuple[str, int], float | None], names: Iterable[str], tested: Sequence[str]
) -> tuple[dict[str, list[float | None]], dict[str, list[float | None]]]:
    """Arrange values by corruption and severity.

    Parameters
    ----------
    cells : dict
        Corruption and severity -> value.
    names : iterable of str
        The corruptions.
    tested : sequence of str
        Those of the mean; none for data in a layout of its own.

    Returns
    -------
    rows : dict
        Corruption -> values at the severities, None where one is missing.
    counted : dict
        The same for means: severities that data in a layout of its own lacks are not missing.
    """
    highest = 5 if tested else max((level for _, level in cells), default=0)
    severities = range(1, highest + 1)
    rows = {name: [cells.get((name, s)) for s in severities] for name in names}
    if tested:
        return rows, rows
    return rows, {name: [cells[name, s] for s in severities if (name, s) in cells] for name in rows}


def _plain_scores(tested: Sequence[str], means: Mapping[str, float | None]) -> dict[str, Any]:
    """Errors of corruptions at their severities and their plain means, as fractions.

    A mean over a missing config is None. Without a list of corruptions, all that are given count.
    """
    parts = ((*config.rpartition("_"), mean) for config, mean in means.items() if config != CLEAN)
    cells = {(name, int(level)): mean for name, _, level, mean in parts}
    names = tested or list(dict.fromkeys(name for name, _ in cells))
    error, counted = severity_rows(cells, names, tested)
    by_severity = [
        [cells.get((name, s)) for name in names if tested or (name, s) in cells]
        for s in range(1, 1 + max(map(len, error.values()), default=0))
    ]
    mean = mean_over(counted, names)
    return {
        "mean_error": mean,
        "mean_accuracy": None if mean is None else 1 - mean,
        "mean_error_by_severity": [mean_over({"": values}, [""]) for values in by_severity],
        "mean_error_by_corruption": {name: mean_over(counted, [name]) for name in names},
        "error": error,
        "clean_error": means.get(CLEAN),
    }


def missing_configs(metric: str, result: Mapping[str, Any]) -> list[str]:
    """Configs of the mean that a result lacks."""
    if metric == "custom":
        return []
    raw = result[RAW_KEY[metric]]
    tested = test_parts(metric, benchmark_name(result))
    if metric not in OF_IMAGES:
        return [name for name in tested if raw[name] is None]
    return [f"{name}_{s}" for name in tested for s, error in enumerate(raw[name], 1) if error is None]


@functools.cache
def alexnet(metric: str, benchmark: str) -> dict[str, Any]:
    """Scores of AlexNet; empty for benchmarks that are not normalized by AlexNet's."""
    if not is_normalized(metric, benchmark):
        return {}
    if metric not in OF_IMAGES:
        return compute_scores(metric, benchmark, ALEXNET[metric])
    cells = {f"{name}_{s}": e for name, row in ALEXNET["mce"].items() for s, e in enumerate(row, 1)}
    return compute_scores(metric, benchmark, {**cells, CLEAN: ALEXNET_CLEAN})


@functools.cache
def published() -> dict[str, dict[str, Any]]:
    """Read the published results that ship with the metrics.

    Returns
    -------
    dict
        Model -> ``clean_error``, ``mce``, ``relative_mce``, ``mfr`` and ``mt5d``, in percent, as far as published;
        the lists ``ce`` and ``relative_ce`` (15), ``fr`` and ``t5d`` (10), in the order of the tests; and ``source``,
        the list of the tables it is from.
    """
    rows: dict[str, dict[str, Any]] = {}
    for metric in METRICS:
        text = (metrics_folder() / metric / "published.json").read_text(encoding="utf-8")
        for model, row in json.loads(text).items():
            merged = rows.setdefault(model, {"source": []})
            source = list(dict.fromkeys([*merged["source"], *row["source"]]))
            merged.update({key: value for key, value in row.items() if value is not None}, source=source)
    return rows


@functools.cache
def published_bar(benchmark: str) -> dict[str, dict[str, Any]]:
    """Read the published results on ImageNet-C-bar or CIFAR-10-C-bar.

    They are the table in the authors' repository, facebookresearch/augmentation-corruption; images were corrupted in
    memory, without JPEG.

    Returns
    -------
    dict
        Model -> ``c`` and ``c_bar``, the mean errors on ImageNet-C (CIFAR-10-C) and on the benchmark, and ``error``,
        those on the ten corruptions in the order of the test, in percent. Empty for all other benchmarks.
    """
    text = (metrics_folder() / "mce" / "published_bar.json").read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = json.loads(text).get(benchmark, {})
    return rows


def flatten(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the path, such as ``("error", "fog", 2)``, and the value of every leaf of nested scores."""
    if isinstance(tree, (dict, list)):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, branch in items:
            yield from flatten(branch, (*path, key))
    else:
        yield path, tree


def unflatten(tree: Any, values: Mapping[tuple[Any, ...], Any], path: tuple[Any, ...] = ()) -> Any:
    """Nest values by their paths in the shape of ``tree``; None for a path that is not in ``values``."""
    if isinstance(tree, dict):
        return {key: unflatten(branch, values, (*path, key)) for key, branch in tree.items()}
    if isinstance(tree, list):
        return [unflatten(branch, values, (*path, i)) for i, branch in enumerate(tree)]
    return values.get(path)
