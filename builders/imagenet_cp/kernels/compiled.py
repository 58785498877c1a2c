"""Decorator of every compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from ..errors import BuildError
from .cache import enable_caching


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function for the processor when it is first called, and cache the machine code on disk.

    The function runs without the global interpreter lock, and division by zero behaves as in NumPy.

    Raises
    ------
    BuildError
        numba is set to compile nothing.

    Examples
    --------
    >>> @kernel
    ... def double(x):
    ...     return 2 * x
    >>> double(21)
    42
    """
    compiled = njit(nogil=True, error_model="numpy")(function)
    if compiled is function:
        raise BuildError(
            "NUMBA_DISABLE_JIT is set, but the kernels of imagenet-cp run only compiled; type  unset NUMBA_DISABLE_JIT"
        )
    enable_caching(compiled)
    return compiled
