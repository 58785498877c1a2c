"""Base class of corruptions and perturbations, and the check of their tables of parameters."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, suggest
from ..images.profiles import PROFILES

#: Parameters of one profile: a tuple for each severity or difficulty.
Table = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Registered:
    """A kernel registered under its own name.

    Attributes
    ----------
    name : str
        Such as ``"fog"``; also the name of its configs.
    extra : bool
        True if it is for validation and not part of the benchmark's score.
    kernel : callable
        ``kernel(image, bits, *parameters)``, or ``kernel(image, *parameters)`` if it is not random.
    tables : dict
        Profile name -> one tuple of parameters for each of ``levels``.
    """

    name: str
    extra: bool
    kernel: Callable[..., NDArray[np.uint8]]
    tables: dict[str, Table]

    @property
    def levels(self) -> tuple[int, ...]:
        """Severities, or difficulties that are separate sequences: the rows of every table."""
        raise NotImplementedError

    @property
    def required_profiles(self) -> tuple[str, ...]:
        """Profiles that need a table; an extra may be absent at sizes other than ImageNet's."""
        return ("imagenet",) if self.extra else tuple(PROFILES)

    @functools.cached_property
    def random(self) -> bool:
        """True if the kernel draws from ``bits``; if False, the seed has no effect."""
        return list(inspect.signature(self.kernel).parameters)[1:2] == ["bits"]

    @functools.cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the kernel's parameters, the columns of its tables."""
        return tuple(inspect.signature(self.kernel).parameters)[2 if self.random else 1 :]

    @property
    def summary(self) -> str:
        """The first line of the kernel's docstring."""
        return (inspect.getdoc(self.kernel) or "").partition("\n")[0]

    @property
    def notes(self) -> str:
        """The section Notes of the kernel's docstring, with its formula and its quirks; empty if it has none."""
        return (inspect.getdoc(self.kernel) or "").partition("Notes\n-----\n")[2]

    def __call__(self, image: Any, bits: Any, *parameters: Any) -> NDArray[np.uint8]:
        """Call the kernel, with ``bits`` if it is random."""
        return self.kernel(image, bits, *parameters) if self.random else self.kernel(image, *parameters)

    def table(self, profile: str) -> Table:
        """Look up the table of a profile.

        Raises
        ------
        ValueError
            The profile is unknown, or there is no table for it.
        """
        if profile not in PROFILES:
            raise UsageError(f"unknown profile {profile!r}{suggest(profile, PROFILES)}")
        if profile not in self.tables:
            raise ValueError(
                f"{self.name} has no parameters for the profile {profile}, only for {', '.join(self.tables)}; add "
                f"{profile}=[...] to its decorator"
            )
        return self.tables[profile]


def check(new: Registered, registered: Iterable[Registered]) -> None:
    """Check a corruption or perturbation that is about to be registered.

    Parameters
    ----------
    new : Registered
        The corruption or perturbation.
    registered : iterable of Registered
        Existing corruptions or perturbations.

    Raises
    ------
    ValueError
        Naming the corruption, the profile and the row at fault.
    """
    name = new.name
    if not re.fullmatch("[a-z]+(_[a-z]+)*", name) or name in ("test", "extra", "clean"):
        raise ValueError(f"{name!r} cannot name a config; rename the function, in lower case without digits")
    if any(name == known.name for known in registered):
        raise ValueError(f"{name} is registered already; rename one of the two functions")
    if not new.summary:
        raise ValueError(f"{name} has no docstring; cards show its first line")
    for profile in new.tables:
        if profile not in PROFILES:
            raise ValueError(f"{name}: unknown profile {profile!r}{suggest(profile, PROFILES)}")
    missing = [profile for profile in new.required_profiles if profile not in new.tables]
    if missing:
        raise ValueError(
            f"{name} has no parameters for {', '.join(missing)}; add {missing[0]}=[...] to its decorator"
            f"{'' if new.extra else ', or extra=True if it is not one of the paper'}"
        )
    expected = ", ".join(new.parameter_names)
    for profile, table in new.tables.items():
        if len(table) != len(new.levels):
            raise ValueError(f"{name}: {profile} has {len(table)} rows of parameters, not {len(new.levels)}")
        for row in table:
            if len(row) != len(new.parameter_names):
                raise ValueError(f"{name}: {profile} has the row {row}, but the parameters are ({expected})")


def as_rows(values: Sequence[Any]) -> Table:
    """Rows of a table in which single numbers may be written without a tuple."""
    return tuple(row if isinstance(row, tuple) else (row,) for row in values)
