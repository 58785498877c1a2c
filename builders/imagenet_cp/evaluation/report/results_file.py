"""results.json: an evaluation as one file that has all that a comparison needs."""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...resources import METRICS
from ..references import benchmark_of, formulas, leaves, scores
from ..result import Counts, Evaluation, Example
from ..statistics import measured

FORMAT = "imagenet-cp evaluation"
#: Raised when a file cannot be read by what read the former ones.
VERSION = 1


def dumps(evaluation: Evaluation) -> str:
    """Return an evaluation as JSON: what people want to read first, what is counted in every image last."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "model": evaluation.model,
            "signature": evaluation.signature,
            "metrics": evaluation.metrics,
            "intervals": evaluation.intervals,
            "command": evaluation.command,
            "versions": evaluation.versions,
            "classes": evaluation.classes,
            "examples": [
                {**example._asdict(), "picture": base64.b64encode(example.picture).decode()}
                for example in evaluation.examples
            ],
            "counts": {metric: _packed(counts) for metric, counts in evaluation.counts.items()},
        },
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )


def load(path: Path) -> Evaluation:
    """Read an evaluation.

    Raises
    ------
    ValueError
        The file cannot be read, is something else, is damaged, or of a newer format; the message names it.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON, or cut short ({error})") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"{path}: not a results.json that imagenet-cp evaluate wrote")
    if found.get("version") != VERSION:
        raise ValueError(
            f"{path}: of format {found.get('version')!r}, and this version of imagenet-cp reads {VERSION}; "
            "it takes a newer one"
        )
    try:
        evaluation = _evaluation(found)
        _check(evaluation)
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        OverflowError,
        zlib.error,
        binascii.Error,
    ) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path}: damaged ({reason}); copy it again, or evaluate again") from error
    return evaluation


def _packed(counts: Counts) -> dict[str, Any]:
    table = np.stack(list(counts.counts.values()))
    narrow = "<i1" if table.max(initial=0) < 128 else "<i2"
    return {
        "configs": list(counts.counts),
        "pairs": [counts.pairs[config] for config in counts.counts],
        "images": len(counts.image_ids),
        "image_ids": _text(json.dumps(counts.image_ids, ensure_ascii=False).encode()),
        "type": narrow,
        "counts": _text(np.ascontiguousarray(table, narrow).tobytes()),
    }


def _counts(packed: Mapping[str, Any]) -> Counts:
    ids = json.loads(_bytes(packed["image_ids"]))
    configs, pairs, images = packed["configs"], packed["pairs"], packed["images"]
    if packed["type"] not in ("<i1", "<i2") or len(ids) != images or ids != sorted(set(ids)):
        raise ValueError("the images do not fit the counts")
    flat: NDArray[Any] = np.frombuffer(_bytes(packed["counts"]), packed["type"])
    table = flat.reshape(len(configs), images).astype(np.int16)
    return Counts(
        tuple(ids),
        dict(zip(configs, table, strict=True)),
        {config: int(number) for config, number in zip(configs, pairs, strict=True)},
    )


def _text(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 6)).decode()


def _bytes(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text, validate=True))


def _evaluation(found: Mapping[str, Any]) -> Evaluation:
    versions = found["versions"]
    return Evaluation(
        model=str(found["model"]),
        signature=str(found["signature"]),
        metrics={metric: found["metrics"][metric] for metric in METRICS if metric in found["metrics"]},
        counts={metric: _counts(found["counts"][metric]) for metric in METRICS if metric in found["counts"]},
        classes=tuple(map(str, found["classes"])),
        examples=tuple(
            Example(
                str(one["config"]),
                str(one["image_id"]),
                int(one["label"]),
                int(one["prediction"]),
                float(one["margin"]),
                base64.b64decode(one["picture"], validate=True),
            )
            for one in found["examples"]
        ),
        command=str(found["command"]),
        versions=None if versions is None else {str(name): str(text) for name, text in versions.items()},
    )


def _check(evaluation: Evaluation) -> None:
    """Raise ValueError when the scores do not follow from the counts."""
    if set(evaluation.metrics) != set(evaluation.counts) or not evaluation.metrics:
        raise ValueError("scores and counts are not of the same metrics")
    for metric, result in evaluation.metrics.items():
        benchmark = benchmark_of(result)
        if benchmark not in formulas().BENCHMARKS[metric]:
            raise ValueError(f"{metric} is of an unknown benchmark, {benchmark!r}")
        counted = scores(metric, benchmark, measured(evaluation.counts[metric]))
        there = dict(leaves({key: result[key] for key in counted}))
        for place, value in leaves(counted):
            other = there[place]
            if (value is None) != (other is None) or (
                value is not None and other is not None and not math.isclose(value, other, rel_tol=1e-9)
            ):
                where = " ".join(map(str, place))
                raise ValueError(f"{where} is {other}, but the counts give {value}")
