"""The one list of perturbations; configs, cards, previews, the command line and tests are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..kernels.types import Frames

Kernel = Callable[..., Frames]

DIFFICULTIES = (1, 2, 3)


@dataclass(frozen=True)
class Perturbation:
    """A perturbation of the benchmark.

    Attributes
    ----------
    name : str
        Such as ``"tilt"``.
    extra : bool
        True for the four that are meant for validation and never enter mFR or mT5D.
    noise : bool
        True where every frame has noise of its own: its frames are compared with the first one, and each
        difficulty is another sequence. For all others a difficulty is a stride of the metric over one sequence.
    kernel : callable
        ``kernel(view, bits, *parameters)``: a ``View`` to uint8 (frames, height, width, 3).
    parameters : dict
        Profile name -> one tuple of parameters for each of ``difficulties``.
    resized_after : frozenset of str
        The profiles in which the whole picture is perturbed and the frames are resized afterwards. The kernel's
        last parameter is then a tuple of one value a frame.
    lengths : dict
        Profile name -> number of frames, where it is not 31.
    """

    name: str
    extra: bool
    noise: bool
    kernel: Kernel
    parameters: dict[str, tuple[tuple[Any, ...], ...]]
    resized_after: frozenset[str]
    lengths: dict[str, int]

    @property
    def difficulties(self) -> tuple[int, ...]:
        """The difficulties that are sequences of their own."""
        return DIFFICULTIES if self.noise else DIFFICULTIES[:1]

    def frames(self, profile: str = "imagenet") -> int:
        """Return how many frames a sequence has."""
        return self.lengths.get(profile, 31)

    @property
    def summary(self) -> str:
        """The first line of the kernel's docstring."""
        return (self.kernel.__doc__ or "").strip().splitlines()[0]


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
        For each profile the kernel's parameters: a tuple; for a noise a list of three numbers, one a difficulty.
    """
    tables = {
        profile: tuple((level,) for level in row) if noise else (row,) for profile, row in parameters.items()
    }

    def register(kernel: Kernel) -> Kernel:
        name = kernel.__name__
        whole = frozenset(resized_after)
        _REGISTERED.append(Perturbation(name, extra, noise, kernel, tables, whole, frames or {}))
        return kernel

    return register


def published_order() -> dict[str, Perturbation]:
    """Return what is registered, the ten of the benchmark first."""
    return {p.name: p for p in sorted(_REGISTERED, key=lambda p: p.extra)}
