"""Scores as the evaluation results that the Hub shows on a model's page."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from ..benchmarks.catalog import get_benchmark
from ..benchmarks.names import BAR
from ..benchmarks.signature import Signature
from ..files import write_text
from ..text import join_first

#: Score that has a file of its own -> the tasks in it; relative mCE accompanies mCE if clean images were scored. The
#: Hub ranks the larger value first, so the mean accuracy is there to be ranked.
_TASKS = {
    "mce": ("mce", "relative_mce", "mean_accuracy"),
    "mean_error": ("mean_error", "mean_accuracy"),
    "mfr": ("mfr",),
    "mt5d": ("mt5d",),
}
#: Folder of the results in a model repo.
FOLDER = ".eval_results"
#: File that makes a data set a Benchmark.
BENCHMARK_FILE = "eval.yaml"


def evaluation_results(
    scores: Mapping[str, Any],
    dataset_id: str,
    *,
    revision: str | None = None,
    date: str | None = None,
    source_url: str | None = None,
    source_name: str | None = None,
) -> list[EvalResultEntry]:
    """Convert scores to evaluation results of the Hub.

    Parameters
    ----------
    scores : dict
        Result of ``compute()`` of mce, mfr or mt5d, or plain means of an `Evaluation`.
    dataset_id : str
        The data set's id on the Hub, such as ``"user/imagenet_c"``.
    revision : str, optional
        Its commit.
    date : str, optional
        Time of the evaluation in ISO 8601; by default the Hub uses that of the commit.
    source_url, source_name : str, optional
        Address and name of a source of the scores; a name requires an address.

    Returns
    -------
    list of huggingface_hub.EvalResultEntry
        One entry for mFR, mT5D, mCE or the mean error, and others for relative mCE and the mean accuracy if present.
        The value is in percent as in the paper, the task is the name of the score, and the notes are the signature,
        with which scores are compared.

    Raises
    ------
    ValueError
        The scores are no such result, or are incomplete: a part of a benchmark does not have its name.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, sections 4.1 and 4.2.

    Examples
    --------
    >>> scores = {"mfr": 58.0, "missing": [], "signature": "mfr|benchmark:imagenet_p|n:50000"}
    >>> entry, = evaluation_results(scores, "user/imagenet_p")
    >>> entry.task_id, entry.value, entry.notes
    ('mfr', 58.0, 'mfr|benchmark:imagenet_p|n:50000')
    """
    metric = _metric(scores)
    if scores[metric] is None:
        missing = list(scores.get("missing") or [])
        some = f": {join_first(missing, 5)}" if missing else ""
        raise ValueError(
            f"{metric} is None, because parts of the benchmark are missing{some}; nothing to publish"
        )
    if dataset_id.count("/") != 1:
        raise ValueError(
            f"the data set's id on the Hub is its owner and its name, user/name, not {dataset_id!r}"
        )
    return [
        EvalResultEntry(
            dataset_id=dataset_id,
            task_id=name,
            value=_number(name, scores[name]) * (100 if name in _TASKS["mean_error"] else 1),
            dataset_revision=revision,
            date=date,
            source_url=source_url,
            source_name=source_name,
            notes=str(scores["signature"]),
        )
        for name in _TASKS[metric]
        if scores.get(name) is not None
    ]


def write_evaluation_results(
    scores: Mapping[str, Any], dataset_id: str, model: str | os.PathLike[str], **options: Any
) -> Path:
    """Write scores into the folder of a model, for the Hub to show once the folder is pushed.

    Parameters
    ----------
    scores, dataset_id, **options
        As for `evaluation_results`.
    model : path
        The folder. An existing result of this metric on this data set is replaced.

    Returns
    -------
    Path
        The file, such as ``.eval_results/imagenet_c_mce.yaml``.

    Raises
    ------
    ValueError
        As `evaluation_results` does.
    FileNotFoundError
        The folder does not exist.
    """
    entries = evaluation_results(scores, dataset_id, **options)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{model}: no such folder")
    (folder / FOLDER).mkdir(exist_ok=True)
    file = folder / FOLDER / f"{dataset_id.split('/')[1]}_{_metric(scores)}.yaml"
    write_text(
        file, yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
    )
    return file


def benchmark_file(dataset: str) -> str:
    """Text of ``eval.yaml``, which makes a data set on the Hub a Benchmark with a leaderboard.

    Parameters
    ----------
    dataset : str
        Such as ``"imagenet_c"``; its tasks are what `evaluation_results` names.

    Returns
    -------
    str
        YAML. The first task is the one to rank by: the Hub ranks the larger value first, which is right for the mean
        accuracy and wrong for mCE, mFR and mT5D.
    """
    benchmark = get_benchmark(dataset)
    tasks = ["mean_accuracy", "mce", "relative_mce"] if "clean" in benchmark.configs else ["mfr", "mt5d"]
    if dataset in BAR:
        tasks = ["mean_accuracy", "mean_error"]
    fields = {
        "name": dataset,
        "description": "Robustness of image classifiers to corruptions and perturbations. mean_accuracy is higher for "
        "better models; mce, relative_mce, mean_error, mfr and mt5d are lower.",
        "evaluation_framework": "imagenet-cp",
        "tasks": [{"id": task, "config": "test", "split": "validation"} for task in tasks],
    }
    return str(yaml.safe_dump(fields, sort_keys=False, width=120))


def _metric(scores: Mapping[str, Any]) -> str:
    signature = str(scores.get("signature") or "")
    plain = Signature.parse(signature).fields.get("benchmark") in BAR or "mce" not in scores
    found = [name for name in _TASKS if name in scores and name != ("mce" if plain else "mean_error")]
    if len(found) != 1 or not signature:
        raise ValueError("scores must be the result of compute() of mce, mfr or mt5d, with its signature")
    return found[0]


def _number(name: str, value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, which is not a score")
    return number
