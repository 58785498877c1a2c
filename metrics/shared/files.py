"""Files of predictions as columns of a metric: CSV, JSON Lines, Parquet and those of `imagenet-cp evaluate`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Columns of the Parquet files that `imagenet-cp evaluate` writes, and the key of their identity.
EVALUATED = {"config", "label", "prediction"}
IDENTITY = b"imagenet_cp_predictions"


def read_result(path, metric, benchmark):
    """Read the result of a metric from a results.json of `imagenet-cp evaluate`; None for a file of another kind."""
    try:
        fields = json.loads(Path(path).read_bytes())
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get("format") != "imagenet-cp evaluation":
        return None
    name = Path(path).name
    result = fields.get("metrics", {}).get(metric)
    if result is None:
        found = ", ".join(fields.get("metrics", {}))
        raise ValueError(f"{name} has no {metric}, only {found}; score the Parquet files of its predictions")
    if f"|benchmark:{benchmark}|" not in result["signature"]:
        raise ValueError(f"{name} is not of {benchmark}, but {result['signature']}; choose its benchmark")
    return result


def read_columns(path, features):
    """Read a file of predictions.

    Parameters
    ----------
    path : path
        The file.
    features : datasets.Features
        Columns of the metric; ``difficulty`` is optional.

    Returns
    -------
    columns : dict
        Name -> values.
    identity : dict
        Of predictions that `imagenet-cp evaluate` wrote, their model and data; empty for any other file.

    Raises
    ------
    ValueError
        The file cannot be read or lacks a column; the message names the file and all columns.
    """
    path = Path(path)
    needed = [name for name in features if name != "difficulty"]
    try:
        columns, identity = _read(path)
        if columns.keys() >= EVALUATED:
            return _of_evaluation(columns, features), identity
        if missing := [name for name in needed if name not in columns]:
            raise ValueError(f"no column {missing[0]!r}")
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{path.name}: {error}. A file needs the columns {', '.join(needed)}, as CSV, JSON Lines or Parquet; the "
            "Parquet files and the results.json of imagenet-cp evaluate can be scored, too"
        ) from None
    return {name: columns[name] for name in features if name in columns}, identity


def _read(path):
    """Columns of a file by name, and the identity in its metadata."""
    content = path.read_bytes()
    if content.startswith(b"PAR1"):
        table = pq.read_table(path, page_checksum_verification=True)
        identity = json.loads((table.schema.metadata or {}).get(IDENTITY, b"{}"))
        return {name: table[name].combine_chunks() for name in table.column_names}, identity
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("neither text nor Parquet") from None
    if not text.lstrip().startswith("{"):
        table = pd.read_csv(path, keep_default_na=False)
        return {name: table[name].tolist() for name in table}, {}
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ValueError(f"line {i + 1} is not a JSON object")
        if missing := [name for name in rows[0] if name not in row]:
            raise ValueError(f"line {i + 1} has no {missing[0]}")
    return {name: [row[name] for row in rows] for name in rows[0]}, {}


def _of_evaluation(columns, features):
    """Columns of a metric from those of `imagenet-cp evaluate`: five classes for each image or frame."""
    names = columns["config"].to_pylist()
    best = columns["prediction"]
    if "corruption" in features:
        ids = best.flatten().to_numpy().reshape(len(best), -1)
        parts = [name.rpartition("_") if name != "clean" else ("clean", "", "0") for name in names]
        corruption, severity = [part[0] for part in parts], [int(part[2]) for part in parts]
        values = (ids[:, 0], columns["label"].to_numpy(), corruption, severity)
        return dict(zip(features, values, strict=True)) | {"extra": sorted({*corruption} - {"clean"})}
    frames = best.flatten()
    ids = frames.flatten().to_numpy().reshape(len(frames), -1)
    ids = ids if hasattr(features["predictions"].feature, "feature") else ids[:, 0]
    ends = np.cumsum(pc.list_value_length(best))
    return {"predictions": np.split(ids, ends[:-1]), "perturbation": names}
