"""Registry of the corruptions, from which configs, cards, previews, the command line and tests are derived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import suggest
from ..kernels.types import Image
from .base import Registered, as_rows, check

Kernel = Callable[..., Image]

SEVERITIES = (1, 2, 3, 4, 5)
#: The families in the published order.
FAMILIES = ("noise", "blur", "weather", "digital")


@dataclass(frozen=True)
class Corruption(Registered):
    """Corruption of the benchmark.

    Attributes
    ----------
    kernel : callable
        Takes a uint8 image (H, W, 3), C-contiguous, and returns a new array of the same shape and dtype.
    family : str
        Such as ``"weather"``.
    """

    family: str
    levels = SEVERITIES


_REGISTERED: list[Corruption] = []


def corruption(
    family: str, *, extra: bool = False, **severities: Sequence[Any]
) -> Callable[[Kernel], Kernel]:
    """Register the decorated kernel under its own name.

    Parameters
    ----------
    family : str
        One of ``FAMILIES``.
    extra : bool
        True to exclude it from mCE.
    **severities
        For each profile the parameters at severities 1 to 5, each a tuple or a single number. An extra may lack
        profiles other than ``imagenet``: it is then absent from the data sets of these sizes.

    Raises
    ------
    ValueError
        The family, a profile or a table is invalid, or the name is already registered.
    """

    def register(kernel: Kernel) -> Kernel:
        tables = {profile: as_rows(rows) for profile, rows in severities.items()}
        new = Corruption(kernel.__name__, extra, kernel, tables, family)
        if family not in FAMILIES:
            raise ValueError(f"{new.name}: unknown family {family!r}{suggest(family, FAMILIES)}")
        check(new, _REGISTERED)
        _REGISTERED.append(new)
        return kernel

    return register


def published_order() -> dict[str, Corruption]:
    """Corruptions by name: the fifteen of the benchmark first, then the extra ones, each family by family."""
    ordered = sorted(_REGISTERED, key=lambda known: (known.extra, FAMILIES.index(known.family)))
    return {known.name: known for known in ordered}
