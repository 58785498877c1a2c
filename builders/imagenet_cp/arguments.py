"""Checks of the arguments of many functions: numbers, and names of corruptions, perturbations and configs."""

from __future__ import annotations

import contextlib
import math
import numbers
import operator
import reprlib
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from .errors import UsageError


def whole_number(name: str, value: Any, least: int = 0, most: int | None = None, hint: str = "") -> int:
    """Check that the argument ``name`` is a whole number, which may be of NumPy or written as 3.0.

    Raises
    ------
    UsageError
        It is not, or is out of the range; ``hint`` tells in the message which other values there are.
    """
    number: int | None = None
    with contextlib.suppress(TypeError, ValueError, OverflowError):  # the last two for NaN and infinity
        real = isinstance(value, numbers.Real)
        number = int(value) if real and value == int(value) else operator.index(value)
    if number is None or isinstance(value, bool) or number < least or (most is not None and number > most):
        end = "" if most is None else f" to {most}"
        raise UsageError(f"{name} must be a whole number from {least}{end}{hint}, not {reprlib.repr(value)}")
    return number


def optional_number(name: str, value: Any, least: int = 1) -> int | None:
    """Check that the argument ``name`` is None or a whole number.

    Raises
    ------
    UsageError
        It is not, or is too small.
    """
    return None if value is None else whole_number(name, value, least, hint=", or None")


def real_number(name: str, value: Any, most: float) -> float:
    """Check that the argument ``name`` is a number from 0 to ``most``.

    Raises
    ------
    UsageError
        It is not.
    """
    number = math.nan
    with contextlib.suppress(OverflowError):
        number = float(value) if isinstance(value, numbers.Real) else math.nan
    if not 0 <= number <= most:
        raise UsageError(f"{name} must be a number from 0 to {most:g}, not {reprlib.repr(value)}")
    return number


def check_on_error(on_error: Any) -> None:
    """Raise UsageError for another choice than to raise, or to skip an image that cannot be read."""
    if on_error not in ("raise", "skip"):
        raise UsageError(f'on_error must be "raise" or "skip", not {on_error!r}')


def name_list(argument: str, names: Any, order: Sequence[str] = ()) -> list[str]:
    """List the names in an argument: a single one, several, or the keys of a mapping.

    Names of a set or a mapping, whose order may differ from process to process, are sorted as in ``order``.

    Raises
    ------
    UsageError
        It holds anything else.
    """
    listed = [names] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
    for name in listed:
        if not isinstance(name, str):
            raise UsageError(f"{argument} must be a name or a list of names, not {reprlib.repr(names)}")
    if isinstance(names, (Set, Mapping)):
        place = {name: number for number, name in enumerate(order)}
        listed.sort(key=lambda name: (place.get(name, -1), name))
    return listed
