"""Scores as the evaluation results that the Hub shows on a model's page."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from ..files import write_text

#: The means of the three metrics; relative mCE comes along with mCE where clean pictures were scored too.
_MEANS = ("mce", "relative_mce", "mfr", "mt5d")
#: Where a model repo keeps its results.
FOLDER = ".eval_results"


def evaluation_results(
    scores: Mapping[str, Any],
    dataset_id: str,
    *,
    revision: str | None = None,
    date: str | None = None,
    source_url: str | None = None,
    source_name: str | None = None,
) -> list[EvalResultEntry]:
    """Turn a score into the entries that the Hub understands.

    Parameters
    ----------
    scores : dict
        What ``compute()`` of mce, mfr or mt5d returned.
    dataset_id : str
        The data set's id on the Hub, such as ``"user/imagenet_c"``.
    revision : str, optional
        Its commit.
    date : str, optional
        When the score was computed, as ISO 8601 has it; by default the Hub takes the time of the commit.
    source_url, source_name : str, optional
        Where more can be read about it; a name needs an address.

    Returns
    -------
    list of huggingface_hub.EvalResultEntry
        One for mFR or mT5D; for mCE one, and another for relative mCE where there is one. The value is in percent as
        in the paper, the task is the metric's name, and the notes are the signature, without which two scores cannot
        be compared.

    Raises
    ------
    ValueError
        The score is no such result, or incomplete: a part of a benchmark is not called by its name.

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
        some = f": {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}" if missing else ""
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
            value=_number(name, scores[name]),
            dataset_revision=revision,
            date=date,
            source_url=source_url,
            source_name=source_name,
            notes=str(scores["signature"]),
        )
        for name in _MEANS
        if scores.get(name) is not None
    ]


def write_evaluation_results(
    scores: Mapping[str, Any], dataset_id: str, model: str | os.PathLike[str], **options: Any
) -> Path:
    """Write a score into the folder of a model, where the Hub looks for it once the folder is pushed.

    Parameters
    ----------
    scores, dataset_id, **options
        As for `evaluation_results`.
    model : path
        The folder. A former result of this metric on this data set in it is replaced.

    Returns
    -------
    Path
        The file, such as ``.eval_results/imagenet_c_mce.yaml``.

    Raises
    ------
    ValueError
        As `evaluation_results` does.
    FileNotFoundError
        There is no such folder.
    """
    entries = evaluation_results(scores, dataset_id, **options)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{model}: no such folder")
    (folder / FOLDER).mkdir(exist_ok=True)
    file = folder / FOLDER / f"{dataset_id.split('/')[1]}_{entries[0].task_id}.yaml"
    write_text(
        file, yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
    )
    return file


def _metric(scores: Mapping[str, Any]) -> str:
    found = [name for name in _MEANS if name in scores and name != "relative_mce"]
    if len(found) != 1 or not scores.get("signature"):
        raise ValueError("scores must be what compute() of mce, mfr or mt5d returned, with its signature")
    return found[0]


def _number(name: str, value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, which is no score")
    return number
