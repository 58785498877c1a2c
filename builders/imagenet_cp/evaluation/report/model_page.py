"""The report of one model: a page, with its charts and numbers as files."""

from __future__ import annotations

import base64
import math
import os
from pathlib import Path
from typing import Any

from ...benchmarks.signature import Signature
from ...files import write_text
from ...notices import notice
from ...text import count
from .. import references
from ..dataframe import to_dataframe
from ..references import MEAN_KEY, OF_IMAGES, RATIO_KEY, RAW_KEY, alexnet, benchmark_name, published
from ..results import Example, Results
from ..results_json import dumps, load
from .formatting import display_name, format_number
from .page import CLEAN, HEADLINE, Score, headline, is_relative_to_alexnet, make_report_dir, write_page

_WORST = 10
_BASELINE = "ResNet-50"
#: Titles of the raw values of the metrics, and their factors to the unit of the page.
_PARTIAL = {
    **dict.fromkeys(OF_IMAGES, ("error", 100)),
    "mfr": ("flip probability", 100),
    "mt5d": ("top-5 distance", 1),
}
_FORMATS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def write_report(results: Results, folder: str | os.PathLike[str]) -> Path:
    """Write the report of one model.

    Parameters
    ----------
    results : Results
        Results of its evaluation.
    folder : path
        Folder for ``index.html``, which needs no other file and no network, ``results.json``, ``results.csv``, and
        every chart as SVG and PNG in ``charts/``. Files of a previous report are replaced.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        The folder cannot be created.
    BuildError
        Matplotlib is not installed.
    """
    path = make_report_dir(folder, "report")
    if gone := _replaced(path / "results.json", results):
        notice(
            f"{path}: this report replaces one of {gone}, whose predictions stay; give both data sets in one "
            "evaluation, or choose another folder with -o"
        )
    write_text(path / "results.json", dumps(results) + "\n")
    write_text(path / "results.csv", to_dataframe(results).to_csv(index=False))
    preprocessor = Signature.parse(results.signature).fields.get("preprocess", "none")
    write_page(
        path / "index.html",
        "report.html",
        {results.model: results},
        preprocessor="" if preprocessor == "none" else preprocessor,
        scores=[score for score in headline([results]) if score.metric in results.metrics],
        cards=_partial_cards(results) + [_card(results, score) for score in headline([results])],
        metrics={metric: _metric(results, metric) for metric in results.metrics},
        worst=_worst_configs(results),
        examples=[shown for example in results.examples if (shown := _example(example, results.classes))],
        published=[table for table in (_published(results), _published_bar(results)) if table],
    )
    return path / "index.html"


def _replaced(file: Path, results: Results) -> str:
    """Names of the data sets that the earlier report in a folder covers and the new one does not."""
    try:
        earlier = load(file)
    except ValueError:  # none, or damaged
        return ""
    gone = [result for metric, result in earlier.metrics.items() if metric not in results.metrics]
    return " and ".join(dict.fromkeys(map(references.data_name, gone)))


def _card(results: Results, score: Score) -> dict[str, Any]:
    """One score of the headline, with notes on AlexNet and ResNet-50, or on missing configs."""
    metric, key = score.metric, score.key
    card: dict[str, Any] = {"title": score.title, "times": score.times, "value": None, "interval": None}
    result = results.metrics.get(metric)
    if result is None:
        return {**card, "notes": ["not evaluated"]}
    if result[key] is None:
        no_clean = key in ("relative_mce", "clean_error") and result["clean_error"] is None
        missing = len(references.missing_configs(metric, result))
        lacking = f"{missing} configs missing" if missing else "no corrupted images"
        return {**card, "notes": ["no clean images" if no_clean else lacking]}
    notes = []
    if is_relative_to_alexnet(metric, results):
        base = format_number(alexnet(metric, benchmark_name(result))[key], score.times)
        notes = [f"AlexNet {base}", f"{_BASELINE} {format_number(published()[_BASELINE].get(key))}"]
    return {**card, "value": result[key], "interval": results.intervals[metric][key], "notes": notes}


def _partial_cards(results: Results) -> list[dict[str, Any]]:
    """Means of the configs that were measured, for metrics that lack some."""
    cards = []
    for metric, result in results.metrics.items():
        measured = results.mean_of_measured(metric)
        if result[MEAN_KEY[metric]] is None and measured:
            title, times = _PARTIAL[metric]
            mean, configs = measured
            notes = [f"mean of {count(configs, 'config')}"]
            cards.append({"title": title, "times": times, "value": mean, "interval": None, "notes": notes})
    return cards


def _metric(results: Results, metric: str) -> dict[str, Any]:
    """Scores of one metric for the tables.

    Returns
    -------
    dict
        ``name`` of the data, and titles of its ``severities``; ``result`` and ``intervals`` as in `Results`;
        ``ratios`` to AlexNet and ``raw`` values by corruption or perturbation; ``tested``, the names in the mean that
        have a ratio, the best first; ``alexnet``, the raw values of AlexNet; ``baseline``, the published means of
        ResNet-50, with its ratios under ``"parts"``. The last two are empty where AlexNet is not the normalizer.
    """
    result = results.metrics[metric]
    benchmark = benchmark_name(result)
    ratios, tests = result[RATIO_KEY[metric]], references.tested_parts(metric, result)
    baseline: dict[str, Any] = {}
    if is_relative_to_alexnet(metric, results):
        row = published()[_BASELINE]
        baseline = {**row, "parts": dict(zip(tests, row[RATIO_KEY[metric]], strict=True))}
    return {
        "name": references.data_name(result),
        "severities": [f"severity {s}" for s, _ in enumerate(result.get("mean_error_by_severity", ()), 1)],
        "result": result,
        "intervals": results.intervals[metric],
        "ratios": ratios,
        "raw": result[RAW_KEY[metric]],
        "tested": sorted((name for name in tests if ratios.get(name) is not None), key=ratios.__getitem__),
        "alexnet": alexnet(metric, benchmark).get(RAW_KEY[metric], {}),
        "baseline": baseline,
    }


def _worst_configs(results: Results) -> list[dict[str, Any]]:
    """Configs of corrupted images with the highest errors; none of an evaluation on a few configs."""
    configs = [
        config for metric in OF_IMAGES if metric in results.metrics for config in _configs(results, metric)
    ]
    configs.sort(key=lambda config: -config["error"])
    return configs[:_WORST] if len(configs) > _WORST else []


def _configs(results: Results, metric: str) -> list[dict[str, Any]]:
    """Configs of a data set with their errors."""
    result, intervals = results.metrics[metric], results.intervals[metric]
    base = alexnet(metric, benchmark_name(result)).get("error", {})
    return [
        {
            "name": name,
            "severity": s + 1,
            "error": error,
            "interval": intervals["error"][name][s],
            "alexnet": base[name][s] if name in base else None,
            "ratio": result["ce_by_severity"].get(name, [None] * 5)[s] if name in base else None,
        }
        for name, errors in result["error"].items()
        for s, error in enumerate(errors)
        if error is not None
    ]


def _example(example: Example, classes: tuple[str, ...]) -> dict[str, Any] | None:
    """A mistake with its image as a data URL; None for a file that is neither JPEG nor PNG."""
    kind = next((kind for magic, kind in _FORMATS.items() if example.picture.startswith(magic)), None)
    if kind is None:
        return None
    label, prediction = (
        classes[i] if 0 <= i < len(classes) else str(i) for i in (example.label, example.prediction)
    )
    name, _, level = example.config.rpartition("_")
    return {
        **example._asdict(),
        "label": label,
        "prediction": prediction,
        "src": f"data:{kind};base64,{base64.b64encode(example.picture).decode()}",
        "name": display_name(name if name and level.isdecimal() else example.config),
        "severity": level if name and level.isdecimal() else "",
    }


def _published(results: Results) -> dict[str, Any] | None:
    """Published results with the model among them; None if there are none of the benchmark."""
    shown = [score for score in (CLEAN, *HEADLINE) if is_relative_to_alexnet(score.metric, results)]
    if not shown:
        return None
    own, base = {}, {}
    for metric, key, _, times, _ in shown:
        result = results.metrics[metric]
        base[key] = times * alexnet(metric, benchmark_name(result))[key]
        if result[key] is not None:
            own[key] = times * result[key]
    models = [(name, _format_source(row["source"]), row) for name, row in published().items()]
    models += [("AlexNet", "Table 1, 2, 3, 4", base), (results.model, "this report", own)]
    keys = [score.key for score in shown]
    models.sort(key=lambda model: model[2].get(keys[:2][-1], math.inf))  # by the first after the clean error
    rows = [
        {"model": name, "source": source, "scores": [row.get(key) for key in keys], "own": row is own}
        for name, source, row in models
        if any(key in row for key in keys if key != "clean_error")
    ]
    return {"titles": [score.title for score in shown], "rows": rows, "bar": False}


def _published_bar(results: Results) -> dict[str, Any] | None:
    """Published results on ImageNet-C and ImageNet-C-bar side by side, with the model among them."""
    result = results.metrics.get("c_bar")
    if not result:
        return None
    benchmark = benchmark_name(result)
    models = references.published_bar(benchmark)
    title = "CIFAR-10-C" if benchmark.startswith("cifar") else "ImageNet-C"
    rows: list[dict[str, Any]]
    rows = [{"model": name, "scores": [row["c"], row["c_bar"]], "own": False} for name, row in models.items()]
    own = [(results.metrics.get(metric) or {}).get("mean_error") for metric in ("mce", "c_bar")]
    own_row = [None if value is None else 100 * value for value in own]
    rows.append({"model": results.model, "scores": own_row, "own": True})
    rows.sort(key=lambda row: math.inf if row["scores"][1] is None else row["scores"][1])
    titles = [f"mean error, {title}", f"mean error, {title}-bar"]
    return {"titles": titles, "rows": rows, "bar": True}


def _format_source(source: list[str]) -> str:
    ordered = sorted(source, key=lambda text: text.startswith("Leaderboard"))
    return ", ".join(ordered).replace(", Table ", ", ")
