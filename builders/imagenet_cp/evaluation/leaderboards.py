"""Results in the formats of timm's ``results/`` folder and of RobustBench."""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..benchmarks.signature import Signature
from ..corruptions import CORRUPTIONS, FAMILIES, TEST
from ..errors import SourceError
from ..files import write_text
from ..sources.subsets import ROBUSTBENCH, open_subset
from ..text import csv_text
from .references import benchmark_name, mean_over
from .results import Results

#: Columns of timm's files.
TIMM_COLUMNS = (
    "model",
    "img_size",
    "top1",
    "top1_err",
    "top5",
    "top5_err",
    "param_count",
    "crop_pct",
    "interpolation",
)
#: Corruptions in RobustBench's order.
_ROBUSTBENCH_ORDER = [
    "shot_noise",
    "motion_blur",
    "snow",
    "pixelate",
    "gaussian_noise",
    "defocus_blur",
    "brightness",
    "fog",
    "zoom_blur",
    "frost",
    "glass_blur",
    "impulse_noise",
    "contrast",
    "jpeg_compression",
    "elastic_transform",
]


def export_timm(results: Results, folder: Path) -> list[Path]:
    """Write rows of timm's ``results/``, a file for the clean images, for all of ImageNet-C and for each family.

    Parameters
    ----------
    results : Results
        With all 75 configs of mCE and with probabilities.
    folder : Path
        For ``results-imagenet-c.csv``, ``results-imagenet-c-noise.csv``, ...; rows of other models in them stay, sorted
        by ``top1``.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        The evaluation is not of all of ImageNet-C, or holds no top-5 errors; a file is not one of timm's.
    """
    result = _whole(results)
    top5 = results.calibration.get("top5_error")
    if top5 is None:
        raise ValueError(f"{results.model}: these results hold no top-5 errors; evaluate again")
    fields = Signature.parse(results.signature).fields
    name = results.model.removeprefix("timm:")
    described = {
        "model": name,
        "img_size": fields.get("input", "").partition("x")[0],
        "param_count": _parameters(name) if results.model.startswith("timm:") else "",
        "crop_pct": "1.0",  # ImageNet-C is cropped already
        "interpolation": fields.get("interpolation", "bilinear"),
    }
    sets = {"imagenet-c": TEST}
    sets |= {
        f"imagenet-c-{family}": tuple(n for n in TEST if CORRUPTIONS[n].family == family)
        for family in FAMILIES
    }
    errors = {
        title: (mean_over(result["error"], names), mean_over(top5["cells"], names))
        for title, names in sets.items()
    }
    errors["imagenet-c-clean"] = (result["clean_error"], top5["clean"])
    files = []
    for title, (one, five) in errors.items():
        if one is None or five is None:
            continue
        values = {"top1": 1 - one, "top1_err": one, "top5": 1 - five, "top5_err": five}
        row = {**described, **{key: f"{100 * value:.3f}" for key, value in values.items()}}
        files.append(folder / f"results-{title}.csv")
        _add_row(files[-1], row)
    return files


def export_robustbench(results: Results, folder: Path) -> list[Path]:
    """Write RobustBench's entry of a model and its row of ``unaggregated_results.csv``.

    Parameters
    ----------
    results : Results
        Of RobustBench's 5,000 images, as by ``--ids robustbench-5000``, with all 75 configs of mCE and clean images.
    folder : Path
        For ``MODEL.json`` and ``unaggregated_results.csv``.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        The evaluation is of other images, or not of all of ImageNet-C.

    Notes
    -----
    RobustBench divides by the errors of its own AlexNet on its 5,000 images, this package by those of the paper: the
    published mCEs differ by up to 0.03.
    """
    result = _whole(results)
    ids = results.counts["mce"].image_ids
    try:
        _, chosen = open_subset(ROBUSTBENCH).choose(ids, results.model)
    except SourceError as error:
        raise ValueError(_not_robustbench(results, len(ids))) from error
    if chosen != frozenset(ids):
        raise ValueError(_not_robustbench(results, len(ids)))
    if result["clean_error"] is None:
        raise ValueError(
            f"{results.model}: RobustBench needs the accuracy on clean images; evaluate on clean too"
        )
    numbers = {
        "clean_acc": 100 * (1 - result["clean_error"]),
        "corruptions_acc": 100 * result["mean_accuracy"],
        "corruptions_mce": result["mce"],
    }
    name = results.model.rpartition(":")[2].replace("/", "_")
    entry = {"name": results.model, "dataset": "imagenet"}
    entry |= {key: str(round(value, 2)) for key, value in numbers.items()}
    files = [folder / f"{name}.json", folder / "unaggregated_results.csv"]
    write_text(files[0], json.dumps(entry, indent=2) + "\n")
    rows = [
        ["", *(corruption for corruption in _ROBUSTBENCH_ORDER for _ in range(5))],
        ["", *(str(severity) for _ in _ROBUSTBENCH_ORDER for severity in range(1, 6))],
        [
            name,
            *(str(1 - error) for corruption in _ROBUSTBENCH_ORDER for error in result["error"][corruption]),
        ],
    ]
    write_text(files[1], csv_text(rows))
    return files


def _not_robustbench(results: Results, number: int) -> str:
    return (
        f"{results.model}: RobustBench's numbers are of its own 5,000 images, and these are {number:,} others; "
        f"evaluate with --ids {ROBUSTBENCH}"
    )


def _whole(results: Results) -> Mapping[str, Any]:
    """Result of mCE on ImageNet-C at 224x224, complete."""
    result = results.metrics.get("mce")
    if result is None or result["mce"] is None or benchmark_name(result) != "imagenet_c":
        raise ValueError(f"{results.model}: these results are not of all 75 configs of ImageNet-C")
    return result


def _parameters(name: str) -> str:
    """Number of parameters in millions of a model of timm; empty if timm is not installed."""
    with contextlib.suppress(ImportError, RuntimeError):
        timm, torch = (importlib.import_module(library) for library in ("timm", "torch"))
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False)
        return f"{sum(weights.numel() for weights in model.parameters()) / 1e6:.2f}"
    return ""


def _add_row(file: Path, row: Mapping[str, str]) -> None:
    """Add a model to a file of timm, in place of its former row."""
    rows: list[dict[str, str]] = []
    if file.exists():
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
        if reader.fieldnames != list(TIMM_COLUMNS):
            raise ValueError(f"{file}: not a file of timm's results; choose another folder with -o")
        rows = [other for other in reader if other["model"] != row["model"]]
    rows = sorted([*rows, dict(row)], key=lambda other: -float(other["top1"]))
    write_text(
        file, csv_text([list(TIMM_COLUMNS), *([other[name] for name in TIMM_COLUMNS] for other in rows)])
    )
