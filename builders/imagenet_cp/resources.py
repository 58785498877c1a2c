"""Folders that ship with this package: inside it when installed, at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

#: Names for ``evaluate.load``.
METRICS = ("mce", "mfr", "mt5d")


def metrics_folder() -> Path:
    """Folder that holds one folder per metric."""
    return _folder("metric_folders", "metrics")


def card_texts_folder() -> Path:
    """Folder that holds the text of the dataset cards."""
    return _folder("card_texts", "cards/datasets")


def _folder(installed: str, checkout: str) -> Path:
    package = Path(__file__).parent
    inside = package / installed
    return inside if inside.is_dir() else package.parents[1] / checkout
