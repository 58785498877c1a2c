"""The one list of corruptions; configs, cards, previews, the command line and tests are made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..kernels.types import Image

Kernel = Callable[..., Image]

SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Corruption:
    """A corruption of the benchmark.

    Attributes
    ----------
    name, family : str
        Such as ``"fog"`` of the family ``"weather"``.
    extra : bool
        True for the four that are meant for validation and never enter mCE.
    random : bool
        Whether it draws anything; if not, the picture is the same whatever the seed.
    kernel : callable
        ``kernel(image, bits, *parameters)``: uint8 (H, W, 3), C-contiguous, to a new array of the same kind.
    severities : dict
        Profile name -> five tuples of parameters, for severities 1 to 5.
    """

    name: str
    family: str
    extra: bool
    random: bool
    kernel: Kernel
    severities: dict[str, tuple[tuple[Any, ...], ...]]

    @property
    def summary(self) -> str:
        """The first line of the kernel's docstring."""
        return (self.kernel.__doc__ or "").strip().splitlines()[0]


#: The families in the published order.
FAMILIES = ("noise", "blur", "weather", "digital")

_REGISTERED: list[Corruption] = []


def corruption(
    family: str, *, extra: bool = False, random: bool = True, **severities: Sequence[Any]
) -> Callable[[Kernel], Kernel]:
    """Register the decorated kernel under its own name.

    Parameters
    ----------
    family : str
        One of ``FAMILIES``.
    extra : bool
        Whether it stays out of mCE.
    random : bool
        Whether it draws from the bits it is given.
    **severities
        For each profile the parameters at severities 1 to 5, each a tuple or a single number.
    """
    tables = {
        profile: tuple(row if isinstance(row, tuple) else (row,) for row in rows)
        for profile, rows in severities.items()
    }

    def register(kernel: Kernel) -> Kernel:
        _REGISTERED.append(Corruption(kernel.__name__, family, extra, random, kernel, tables))
        return kernel

    return register


def published_order() -> dict[str, Corruption]:
    """Return what is registered: the fifteen of the benchmark first, then family by family."""
    ordered = sorted(_REGISTERED, key=lambda known: (known.extra, FAMILIES.index(known.family)))
    return {known.name: known for known in ordered}
