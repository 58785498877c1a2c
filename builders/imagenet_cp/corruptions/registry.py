"""Registry of the corruptions, from which configs, cards, previews, the command line and tests are derived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import suggest
from ..kernels.types import Image
from .registered import Registered, as_rows, check

Kernel = Callable[..., Image]

SEVERITIES = (1, 2, 3, 4, 5)
#: The families in the published order.
FAMILIES = ("noise", "blur", "weather", "digital")
#: Suite of corruptions -> its families: ImageNet-C's, and those of ImageNet-C-bar and CIFAR-10-C-bar.
SUITES = {"c": FAMILIES, "c_bar": ("obscuring", "distortion", "blur", "additive noise")}


@dataclass(frozen=True)
class Corruption(Registered):
    """Corruption of the benchmark.

    Attributes
    ----------
    kernel : callable
        Takes a uint8 image (H, W, 3), C-contiguous, and returns a new array of the same shape and dtype.
    family : str
        Such as ``"weather"``.
    suite : {"c", "c_bar"}
        Set of corruptions that it belongs to.
    """

    family: str
    suite: str = "c"
    levels = SEVERITIES

    @property
    def required_profiles(self) -> tuple[str, ...]:
        """Profiles that need a table; the suite c_bar is a different set at each of its sizes."""
        return super().required_profiles if self.suite == "c" else ()


_REGISTERED: list[Corruption] = []


def corruption(
    family: str, *, extra: bool = False, suite: str = "c", **severities: Sequence[Any]
) -> Callable[[Kernel], Kernel]:
    """Register the decorated kernel under its own name.

    Parameters
    ----------
    family : str
        One of the suite's families in ``SUITES``.
    extra : bool
        True to exclude it from mCE.
    suite : str
        One of ``SUITES``.
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
        new = Corruption(kernel.__name__, extra, kernel, tables, family, suite)
        if family not in SUITES[suite]:
            raise ValueError(f"{new.name}: unknown family {family!r}{suggest(family, SUITES[suite])}")
        check(new, _REGISTERED)
        _REGISTERED.append(new)
        return kernel

    return register


def published_order(suite: str = "c") -> dict[str, Corruption]:
    """Corruptions of a suite by name, in the published order.

    The fifteen of ImageNet-C come first, then the extra ones, each family by family; ImageNet-C-bar is in the order of
    the alphabet.
    """
    members = [known for known in _REGISTERED if known.suite == suite]
    if suite == "c":
        members.sort(key=lambda known: (known.extra, FAMILIES.index(known.family)))
    else:
        members.sort(key=lambda known: known.name)
    return {known.name: known for known in members}
