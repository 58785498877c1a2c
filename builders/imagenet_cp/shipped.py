"""Finds the folders that come with this package: inside it when installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path


def folder(installed: str, checkout: str) -> Path:
    """Return a folder that is shipped.

    Parameters
    ----------
    installed : str
        Its name inside the installed package.
    checkout : str
        Its name at the top of a checkout.
    """
    package = Path(__file__).parent
    inside = package / installed
    return inside if inside.is_dir() else package.parents[1] / checkout
