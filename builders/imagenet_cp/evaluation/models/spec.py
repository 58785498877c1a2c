"""Models that any process can open on its own device."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .by_name import open_model
from .model import Function, Model
from .outputs import Outputs


@dataclass(frozen=True)
class ModelSpec:
    """A model by its name, or the function itself.

    Attributes
    ----------
    given : str, callable or Model
        As for `imagenet_cp.evaluation.run.evaluate_model`.
    options : dict
        Options of `open_model` but the device, for a model given by name.
    name : str, optional
        Display name; by default the model's own.
    identity : str, optional
        Name of the version of the model; by default its fingerprint tells.
    labels : tuple of str
        Names of its outputs; by default those that it comes with.
    outputs : Outputs, optional
        Places of the data's classes among its outputs.
    """

    given: str | Function | Model
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    identity: str | None = None
    labels: tuple[str, ...] = ()
    outputs: Outputs | None = None

    @property
    def label(self) -> str:
        """Name to show before the model is open."""
        given = self.given
        if isinstance(given, Model):
            return self.name or given.name
        own = given if isinstance(given, str) else getattr(given, "__qualname__", type(given).__name__)
        return self.name or str(own)

    def open(self, device: str) -> Model:
        """Open the model; a process opens a model by name once.

        Raises
        ------
        SourceError
            It cannot be opened; see `open_model`.
        """
        given = self.given
        if isinstance(given, str):
            model = _open_once(given, device, tuple(sorted(self.options.items())))
        else:
            model = given if isinstance(given, Model) else Model(self.label, given)
        return replace(
            model,
            name=self.name or model.name,
            weights=self.identity or model.weights,
            labels=self.labels or model.labels,
            outputs=self.outputs,
        )


@functools.cache
def _open_once(spec: str, device: str, options: tuple[tuple[str, Any], ...]) -> Model:
    return open_model(spec, device=device, **dict(options))
