"""Outputs of a model as the classes of a data set: matched by name, or by their number."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError
from ...notices import notice
from ...sources.classes import full_names, indices_of, wnids
from ..probabilities import recognize_scores

#: Names that transformers gives to outputs without names.
_NAMELESS = re.compile(r"LABEL_\d+")
#: Numbers of outputs of models of larger parts of ImageNet -> their name in timm, which has their wnids.
_LARGER = {
    11221: "imagenet-21k-miil",
    11821: "imagenet-12k",
    21841: "imagenet-22k",
    21842: "imagenet-22k-ms",
    21843: "imagenet-21k-goog",
}
_HINT = "add --labels FILE (labels=) with the class of every output, one a line"


@dataclass(frozen=True)
class Outputs:
    """Places of the classes of a data set among the outputs of a model.

    Attributes
    ----------
    count : int
        Number of outputs.
    columns : tuple of int
        Place of each class; -1 for one that the model does not know and so never predicts.
    """

    count: int
    columns: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name for signatures, such as ``"200-of-1000-1f2e3d4c"``."""
        checksum = hashlib.sha256(",".join(map(str, self.columns)).encode()).hexdigest()[:8]
        return f"{len(self.columns)}-of-{self.count}-{checksum}"

    def select(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Scores of the classes, shape (N, classes), from those of the outputs.

        Probabilities are divided by their sum, so that they are probabilities of these classes alone.
        """
        selected = scores[:, self.columns]
        unknown = np.array(self.columns) < 0
        if unknown.any():
            selected[:, unknown] = scores.min(axis=1, keepdims=True)
        if len(self.columns) < self.count and recognize_scores(scores) == "probabilities":
            total = selected.sum(axis=1, keepdims=True)
            selected = selected / np.where(total > 0, total, 1)
        return selected


def match_outputs(name: str, labels: Sequence[str], count: int, classes: Sequence[str]) -> Outputs | None:
    """Match the outputs of a model with the classes of a data set.

    Parameters
    ----------
    name : str
        Name of the model in messages.
    labels : sequence of str
        Names of its outputs; empty if unknown.
    count : int
        Number of its outputs.
    classes : sequence of str
        Names of the classes.

    Returns
    -------
    Outputs or None
        None if the outputs are the classes in their order, or if there are as many without known names.

    Raises
    ------
    SourceError
        The outputs are not the classes, or some names are unknown and the rest is in another order.
    """
    if labels and len(labels) != count:
        raise SourceError(f"{name}: {len(labels):,} labels, but {count:,} outputs; {_HINT}")
    if all(map(_NAMELESS.fullmatch, labels)):
        labels = ()
    if labels and all(map(str.isdecimal, labels)):
        labels = _numbered(labels, classes)
    columns = _by_name(name, labels, classes) if labels else _by_number(name, count, classes)
    if columns is None or columns == list(range(count)):
        return None
    unknown = [name for name, column in zip(classes, columns, strict=True) if column < 0]
    if unknown:
        notice(f"{name}: has no output for {', '.join(unknown)}, so these classes are never predicted")
    return Outputs(count, tuple(columns))


def _numbered(labels: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Names of classes by their numbers: the data's if these are numbers, else ImageNet's."""
    if all(map(str.isdecimal, classes)):
        named = {int(number): number for number in classes}
    else:
        named = dict(enumerate(wnids()))
    return [named.get(int(label), label) for label in labels]


def _by_name(name: str, labels: Sequence[str], classes: Sequence[str]) -> list[int] | None:
    columns = _find(labels, classes)
    unknown = [place for place, column in enumerate(columns) if column < 0]
    if not unknown or (len(labels) > len(classes) and len(unknown) <= len(classes) // 100):
        return columns
    in_order = all(column in (-1, place) for place, column in enumerate(columns))
    if len(labels) == len(classes) and in_order:
        if 2 * len(unknown) > len(classes):
            strange = labels[unknown[0]]
            notice(
                f"{name}: its labels, such as {strange!r}, are none of the data's classes, such as "
                f"{classes[unknown[0]]!r}; its outputs are taken for the classes in their order. If they are not, "
                f"{_HINT}"
            )
        return None
    raise SourceError(
        f"{name}: {len(unknown):,} of the data's {len(classes):,} classes, such as {classes[unknown[0]]!r}, are none "
        f"of its {len(labels):,} labels, such as {labels[0]!r}; {_HINT}"
    )


def _find(labels: Sequence[str], classes: Sequence[str]) -> list[int]:
    """Place of every class among the labels; -1 if there is none, or more than one."""
    wanted = [index for index in indices_of(classes) if index is not None]
    if len(wanted) < len(classes):
        return _places([_plain(name) for name in labels], [_plain(name) for name in classes])
    columns = _places(indices_of(labels), wanted)
    # Names of two classes, such as crane, are in the order of the classes, as sorting leaves them.
    left = [name if index is None else "" for name, index in zip(labels, indices_of(labels), strict=True)]
    for word in {
        _first_word(full_names()[index]) for index, column in zip(wanted, columns, strict=True) if column < 0
    }:
        both = [place for place, name in enumerate(left) if name and _first_word(name) == word]
        same = sorted(
            (index, place)
            for place, index in enumerate(wanted)
            if columns[place] < 0 and _first_word(full_names()[index]) == word
        )
        if len(both) == len(same):
            for (_, place), column in zip(same, both, strict=True):
                columns[place] = column
    return columns


def _places(given: Sequence[object], wanted: Sequence[object]) -> list[int]:
    places: dict[object, int] = {}
    for place, key in enumerate(given):
        places[key] = place if key not in places else -1
    return [places.get(key, -1) for key in wanted]


def _first_word(name: str) -> str:
    return _plain(name.split(",")[0])


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def _by_number(name: str, count: int, classes: Sequence[str]) -> list[int] | None:
    """Columns for the usual numbers of outputs of classifiers of ImageNet."""
    wanted = indices_of(classes)
    known = [index for index in wanted if index is not None]
    if count == len(classes) or len(known) < len(classes):
        return None
    if count in (len(wnids()), len(wnids()) + 1):  # with one more, the background comes first
        return [index + count - len(wnids()) for index in known]
    if count in _LARGER:
        try:
            timm_data = importlib.import_module("timm.data")
        except ImportError as error:
            raise SourceError(
                f"{name}: gives {count:,} scores, whose classes timm knows, but it cannot be imported ({error}); "
                f"install it, or {_HINT}"
            ) from error
        return _by_name(name, timm_data.ImageNetInfo(_LARGER[count]).label_names(), classes)
    return None
