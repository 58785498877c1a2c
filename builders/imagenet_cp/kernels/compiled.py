"""The decorator of compiled functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function without Python's global lock, with IEEE division, and keep it in numba's cache."""
    return njit(cache=True, nogil=True, error_model="numpy")(function)
