"""Registry of the perturbations, from which configs, cards, previews, the command line and tests are derived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..corruptions.registered import Registered, as_rows, check
from ..kernels.types import Frames

Kernel = Callable[..., Frames]

DIFFICULTIES = (1, 2, 3)
#: Default number of frames of a sequence.
FRAMES = 31


@dataclass(frozen=True)
class Perturbation(Registered):
    """Perturbation of the benchmark.

    Attributes
    ----------
    kernel : callable
        Takes a ``View`` and returns uint8 (frames, height, width, 3).
    noise : bool
        True if every frame has independent noise: frames are compared with the first one, and each difficulty is a
        separate sequence. If False, a difficulty is a stride of the metric over one sequence.
    resized_after : frozenset of str
        Profiles in which the uncropped image is perturbed and the frames are resized afterwards. The last parameter of
        the kernel is then a tuple of one value per frame.
    lengths : dict
        Profile name -> number of frames, where it is not 31.
    """

    noise: bool
    resized_after: frozenset[str]
    lengths: dict[str, int]

    @property
    def levels(self) -> tuple[int, ...]:
        """Difficulties that are separate sequences."""
        return DIFFICULTIES if self.noise else DIFFICULTIES[:1]

    def frames(self, profile: str = "imagenet") -> int:
        """Number of frames of a sequence."""
        return self.lengths.get(profile, FRAMES)


_REGISTERED: list[Perturbation] = []


def perturbation(
    *,
    extra: bool = False,
    noise: bool = False,
    resized_after: tuple[str, ...] = (),
    frames: dict[str, int] | None = None,
    **parameters: Any,
) -> Callable[[Kernel], Kernel]:
    """Register the decorated kernel under its own name.

    Parameters
    ----------
    extra, noise, resized_after
        As in ``Perturbation``.
    frames : dict, optional
        The ``lengths`` of ``Perturbation``.
    **parameters
        For each profile the parameters of the kernel: a tuple, or for a noise a list of three numbers, one per
        difficulty.

    Raises
    ------
    ValueError
        A profile or its parameters are invalid, or the name is already registered.
    """

    def register(kernel: Kernel) -> Kernel:
        tables = {profile: as_rows(row) if noise else (row,) for profile, row in parameters.items()}
        new = Perturbation(
            kernel.__name__, extra, kernel, tables, noise, frozenset(resized_after), frames or {}
        )
        check(new, _REGISTERED)
        _REGISTERED.append(new)
        return kernel

    return register


def published_order() -> dict[str, Perturbation]:
    """Perturbations by name, the ten of the benchmark first."""
    return {known.name: known for known in sorted(_REGISTERED, key=lambda known: known.extra)}
