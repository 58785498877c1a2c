"""results.json: the results of an evaluation in one file, complete enough for a comparison."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .counts import Counts
from .references import RAW_KEY, benchmark_name, compute_scores, flatten, is_benchmark
from .results import Example, Results

FORMAT = "imagenet-cp evaluation"
#: Raised when a reader of the previous version cannot read the file.
VERSION = 1
#: Attributes of `Results` that are JSON as they are.
_VERBATIM = (
    "model",
    "signature",
    "metrics",
    "intervals",
    "command",
    "versions",
    "scores",
    "calibration",
    "classes",
)


def dumps(results: Results) -> str:
    """Serialize results as JSON: scores first, counts per image last."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            **{name: getattr(results, name) for name in _VERBATIM},
            "examples": [
                {**example._asdict(), "picture": base64.b64encode(example.picture).decode()}
                for example in results.examples
            ],
            "counts": {metric: _pack_counts(counts) for metric, counts in results.counts.items()},
        },
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )


def load(path: Path) -> Results:
    """Read results.

    Raises
    ------
    UsageError
        There is no such file.
    ValueError
        The file cannot be read, is of another kind, is corrupt, or of a newer format; the message names it.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; name results.json of a report, or its folder") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON, or cut short ({error})") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError(f"{path}: not a results.json that imagenet-cp evaluate wrote")
    if fields.get("version") != VERSION:
        raise ValueError(
            f"{path}: of format {fields.get('version')!r}, but this version of imagenet-cp reads {VERSION}; "
            "upgrade imagenet-cp, or evaluate again"
        )
    try:
        results = _unpack(fields)
        _check_scores(results)
    except Exception as error:  # of any content
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path}: corrupt ({reason}); copy it again, or evaluate again") from error
    return results


def _pack_counts(counts: Counts) -> dict[str, Any]:
    table = np.stack(list(counts.columns.values()))
    dtype = "<i1" if table.max(initial=0) < 128 else "<i2"
    return {
        "configs": list(counts.columns),
        "pairs": [counts.pairs[config] for config in counts.columns],
        "images": len(counts.image_ids),
        "image_ids": _compress(json.dumps(counts.image_ids, ensure_ascii=False).encode()),
        "type": dtype,
        "counts": _compress(np.ascontiguousarray(table, dtype).tobytes()),
    }


def _unpack_counts(packed: Mapping[str, Any]) -> Counts:
    ids = json.loads(_decompress(packed["image_ids"]))
    configs, pairs, images = packed["configs"], packed["pairs"], packed["images"]
    if packed["type"] not in ("<i1", "<i2") or len(ids) != images or ids != sorted(set(ids)):
        raise ValueError("the images do not fit the counts")
    flat: NDArray[Any] = np.frombuffer(_decompress(packed["counts"]), packed["type"])
    table = flat.reshape(len(configs), images).astype(np.int16)
    columns = dict(zip(configs, table, strict=True))
    return Counts(tuple(ids), columns, dict(zip(configs, map(int, pairs), strict=True)))


def _compress(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _decompress(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text, validate=True))


def _unpack(fields: Mapping[str, Any]) -> Results:
    versions = fields["versions"]
    counts = {
        metric: _unpack_counts(fields["counts"][metric]) for metric in RAW_KEY if metric in fields["counts"]
    }
    metrics = {
        metric: _add_scores(metric, fields["metrics"][metric], counts.get(metric))
        for metric in RAW_KEY
        if metric in fields["metrics"]
    }
    return Results(
        model=str(fields["model"]),
        signature=str(fields["signature"]),
        metrics=metrics,
        counts=counts,
        classes=tuple(map(str, fields["classes"])),
        examples=tuple(map(_unpack_example, fields["examples"])),
        command=str(fields["command"]),
        versions=None if versions is None else {str(name): str(text) for name, text in versions.items()},
        scores=str(fields.get("scores", "")),
        calibration=dict(fields.get("calibration", {})),
    )


def _add_scores(metric: str, result: dict[str, Any], counts: Counts | None) -> dict[str, Any]:
    """Add scores that a previous version did not compute."""
    benchmark = benchmark_name(result)
    if counts is None or not is_benchmark(metric, benchmark) or RAW_KEY[metric] not in result:
        return result
    return {**compute_scores(metric, benchmark, counts.means()), **result}


def _unpack_example(fields: Mapping[str, Any]) -> Example:
    types = {"config": str, "image_id": str, "label": int, "prediction": int, "margin": float}
    values = {name: convert(fields[name]) for name, convert in types.items()}
    return Example(**values, picture=base64.b64decode(fields["picture"], validate=True))


def _check_scores(results: Results) -> None:
    """Raise ValueError for scores that do not follow from the counts."""
    if set(results.metrics) != set(results.counts) or not results.metrics:
        raise ValueError("scores and counts are not of the same metrics")
    for metric, result in results.metrics.items():
        benchmark = benchmark_name(result)
        if not is_benchmark(metric, benchmark):
            raise ValueError(f"{metric} is of an unknown benchmark, {benchmark!r}")
        expected = compute_scores(metric, benchmark, results.counts[metric].means())
        stored = dict(flatten({key: result[key] for key in expected}))
        for path, value in flatten(expected):
            other = stored[path]
            if other is value is None:
                continue
            if value is None or other is None or not math.isclose(value, other):
                raise ValueError(f"{' '.join(map(str, path))} is {other}, but the counts give {value}")
