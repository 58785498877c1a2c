"""What a score is measured against: the metrics' own formulas, AlexNet's numbers and the published tables."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from ..resources import METRICS, metrics_folder

#: Metric -> key of its result that holds what was measured in every part, before it is divided by AlexNet's.
MEASURED = {"mce": "error", "mfr": "flip_probability", "mt5d": "unnormalised_t5d"}
#: Metric -> key of its result that holds the parts of the mean.
PARTS = {"mce": "ce", "mfr": "fr", "mt5d": "t5d"}


@functools.cache
def formulas() -> ModuleType:
    """Import the formulas and AlexNet's results that the metrics share; they need NumPy alone."""
    path = metrics_folder() / "shared" / "formulas.py"
    spec = importlib.util.spec_from_file_location("imagenet_cp_formulas", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def benchmark_of(result: Mapping[str, Any]) -> str:
    """Return which benchmark a metric's result is of, as its signature says."""
    return fields(str(result["signature"])).get("benchmark", "")


def fields(signature: str) -> dict[str, str]:
    """Return the parts of a signature, ``name:value|name:value``; one without a name is under itself."""
    parts = (part.partition(":") for part in signature.split("|") if part)
    return {name: value if colon else name for name, colon, value in parts}


def is_normalised(metric: str, benchmark: str) -> bool:
    """Tell whether a benchmark's scores are in percent of AlexNet's; those of CIFAR and Tiny ImageNet are not."""
    return bool(formulas().BENCHMARKS[metric][benchmark].normaliser == "alexnet")


def test_parts(metric: str, benchmark: str) -> tuple[str, ...]:
    """Return the corruptions or perturbations that the mean is over."""
    return tuple(formulas().BENCHMARKS[metric][benchmark].test)


def scores(metric: str, benchmark: str, measured: Mapping[str, float | None]) -> dict[str, Any]:
    """Compute what ``compute()`` of a metric returns, by its own formulas, from what was measured in every config.

    Parameters
    ----------
    metric, benchmark : str
        Such as ``"mce"`` and ``"imagenet_c"``.
    measured : dict
        Config -> error, flip probability or distance. What is absent or None is missing.

    Returns
    -------
    dict
        The scores alone: no ``missing``, signature or number of rows.
    """
    module = formulas()
    tested = test_parts(metric, benchmark)
    known = module.ALEXNET[metric]
    if metric == "mce":
        # Corruptions for which AlexNet has no errors come last.
        names = dict.fromkeys(
            [*known, *(config.rpartition("_")[0] for config in measured if config != module.CLEAN)]
        )
        rows = {name: [measured.get(f"{name}_{s}") for s in range(1, 6)] for name in names}
        error = {name: row for name, row in rows.items() if name in tested or row != [None] * 5}
        clean = measured.get(module.CLEAN)
        return {**module.corruption_scores(error, clean, benchmark), "error": error, "clean_error": clean}
    value = {name: measured.get(name) for name in known if name in tested or name in measured}
    return {**module.sequence_scores(metric, value, benchmark), MEASURED[metric]: value}


def missing(metric: str, benchmark: str, result: Mapping[str, Any]) -> list[str]:
    """Return the configs without which there is no mean."""
    measured = result[MEASURED[metric]]
    tested = test_parts(metric, benchmark)
    if metric != "mce":
        return [name for name in tested if measured[name] is None]
    return [f"{name}_{s}" for name in tested for s, e in enumerate(measured[name], 1) if e is None]


@functools.cache
def alexnet(metric: str, benchmark: str) -> dict[str, Any]:
    """Return AlexNet's result; an empty one where AlexNet is not the measure."""
    if not is_normalised(metric, benchmark):
        return {}
    module = formulas()
    if metric != "mce":
        return scores(metric, benchmark, module.ALEXNET[metric])
    cells = {f"{name}_{s}": e for name, row in module.ALEXNET["mce"].items() for s, e in enumerate(row, 1)}
    return scores(metric, benchmark, {**cells, module.CLEAN: module.ALEXNET_CLEAN})


@functools.cache
def published() -> dict[str, dict[str, Any]]:
    """Return the published results, as they ship with the metrics.

    Returns
    -------
    dict
        Model -> ``clean_error``, ``mce``, ``relative_mce``, ``mfr`` and ``mt5d``, in percent, where there are any;
        the lists ``ce`` and ``relative_ce`` (15), ``fr`` and ``t5d`` (10), in the order of the tests; and ``source``,
        the list of tables it is in.
    """
    rows: dict[str, dict[str, Any]] = {}
    for metric in METRICS:
        text = (metrics_folder() / metric / "published.json").read_text(encoding="utf-8")
        for model, row in json.loads(text).items():
            merged = rows.setdefault(model, {"source": []})
            source = list(dict.fromkeys([*merged["source"], *row["source"]]))
            merged.update({key: value for key, value in row.items() if value is not None}, source=source)
    return rows


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield where each number of nested scores is, such as ``("error", "fog", 2)``, and the number."""
    if isinstance(tree, (dict, list)):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, branch in items:
            yield from leaves(branch, (*path, key))
    else:
        yield path, tree


def replaced(tree: Any, values: Mapping[tuple[Any, ...], Any], path: tuple[Any, ...] = ()) -> Any:
    """Return nested scores with other values in the places of the numbers."""
    if isinstance(tree, Mapping):
        return {key: replaced(branch, values, (*path, key)) for key, branch in tree.items()}
    if isinstance(tree, list):
        return [replaced(branch, values, (*path, i)) for i, branch in enumerate(tree)]
    return values[path]
