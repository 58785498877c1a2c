"""Lists of classes to build or to score on: those of benchmarks with fewer classes, or a file's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError, UsageError, suggest
from .classes import indices_of, named_lists, wnids
from .name_lists import read_lines


@dataclass(frozen=True)
class ClassList:
    """Classes in the order of their labels.

    Attributes
    ----------
    name : str
        Name in signatures: ``"imagenet-r"``, or for a file the first 12 digits of the checksum of its classes.
    names : tuple of str
        Names of the labels 0, 1, ...: wnids, where all are of ImageNet's 1000.
    indices : tuple of int or None
        Their places among ImageNet's 1000 classes; None if one is none of these.
    lines : tuple of str
        Lines of its file.
    """

    name: str
    names: tuple[str, ...]
    indices: tuple[int, ...] | None
    lines: tuple[str, ...] = ()


def class_list(name_or_file: str | os.PathLike[str]) -> ClassList:
    """Look up a list of classes by its name, or read it from a file.

    Parameters
    ----------
    name_or_file : str or path
        ``"imagenet"`` (all 1000), ``"imagenet-100"``, ``"imagenette"``, ``"imagewoof"``, ``"imagenet-r"``,
        ``"imagenet-a"`` or ``"imagenet-devkit"``; or a text file with one class a line, in the order of the labels:
        wnids, which may be followed by a name, ImageNet's names, numbers from 0 to 999, or names of other classes.
        Empty lines, and lines that begin with ``#``, are skipped.

    Raises
    ------
    UsageError
        There is no such list or file.
    SourceError
        A class is repeated, or numbers and names are mixed.

    Notes
    -----
    imagenet-100 is the list of Tian et al., Contrastive Multiview Coding, ECCV 2020; imagenette and imagewoof are
    fast.ai's; imagenet-r and imagenet-a have the 200 classes of Hendrycks et al., ICCV and CVPR 2021. The labels of
    these are in the order of the wnids; imagenet-devkit has all 1000 classes in the order of ILSVRC2012_ID, as in the
    validation labels of the challenge's development kit.
    """
    text = os.fspath(name_or_file)
    known = _named()
    if text in known and not Path(text).is_file():
        return ClassList(text, tuple(wnids()[index] for index in known[text]), known[text])
    file = Path(text).expanduser()
    if not file.is_file():
        raise UsageError(
            f"{text}: neither a list of classes nor a file of one class a line{suggest(text, known)}"
        )
    lines = read_lines(file, "class")
    indices = _indices(lines, text)
    names = lines if indices is None else [wnids()[index] for index in indices]
    seen: set[str] = set()
    for line, name in zip(lines, names, strict=True):
        if name in seen:
            raise SourceError(f"{text}: names the class {line!r} twice; remove one of the lines")
        seen.add(name)
    checksum = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    return ClassList(checksum, tuple(names), None if indices is None else tuple(indices), tuple(lines))


def is_named(name: str) -> bool:
    """True for the name of a list, which `class_list` finds without a file."""
    return name in _named()


def labels_in(wanted: ClassList, names: Sequence[str], place: str) -> tuple[dict[int, int], str]:
    """Find the classes of data in a list.

    Parameters
    ----------
    wanted : ClassList
        The list.
    names : sequence of str
        Names of the data's labels: wnids, names of ImageNet's or of the list, or numbers, which are places in the
        list from 0, or from 1 where they run from 1 to its length.
    place : str
        The data in messages.

    Returns
    -------
    label_of : dict
        Label of the data -> label in the list; without the classes that the list has not.
    order : str
        Such as ``"0-199"``, where the classes of the data are numbers.

    Raises
    ------
    SourceError
        No class of the data is in the list, or a number is not.
    """
    count = len(wanted.names)
    if names and all(name.isdecimal() for name in names):
        numbers = [int(name) for name in names]
        first = int(0 not in numbers and max(numbers) == count)
        if max(numbers) - first >= count:
            raise SourceError(
                f"{place}: has a class {max(numbers)}, but {wanted.name} has {count} classes, numbered from 0; name "
                "another list"
            )
        order = f"{first}-{count - 1 + first}"
        return {label: number - first for label, number in enumerate(numbers)}, order
    position = {name: place for place, name in enumerate(wanted.names)}
    known = dict(zip(names, indices_of(names), strict=True)) if wanted.indices is not None else {}
    label_of = {}
    for label, name in enumerate(names):
        index = known.get(name)
        found = position.get(name, -1 if index is None else position.get(wnids()[index], -1))
        if found >= 0:
            label_of[label] = found
    if not label_of:
        raise SourceError(
            f"{place}: none of its {len(names):,} classes, such as {', '.join(names[:3])}, is in {wanted.name}, whose "
            f"classes are {', '.join(wanted.names[:3])}, ...; name a list of this data's classes"
        )
    return label_of, ""


def _named() -> dict[str, tuple[int, ...]]:
    """Names of the lists and the indices of their classes among ImageNet's."""
    return {"imagenet": tuple(range(len(wnids()))), **named_lists()}


def _indices(lines: list[str], file: str) -> list[int] | None:
    """Places of the classes among ImageNet's; None if one is none of these."""
    numbers = [line for line in lines if line.isdecimal()]
    if len(numbers) == len(lines):
        wrong = next((line for line in lines if int(line) >= len(wnids())), None)
        if wrong is not None:
            raise SourceError(f"{file}: {wrong} is none of ImageNet's classes, whose numbers are 0 to 999")
        return [int(line) for line in lines]
    if numbers:
        raise SourceError(
            f"{file}: mixes numbers such as {numbers[0]} with names; write wnids, or numbers from 0 to 999, alone"
        )
    found = indices_of(lines)
    known = [index for index in found if index is not None]
    if len(known) == len(lines):
        return known
    if 2 * len(known) > len(lines):
        strange = lines[found.index(None)]
        raise SourceError(
            f"{file}: {len(known)} of its {len(lines)} classes are ImageNet's, but {strange!r} is none of these, or "
            "may be one of two; write its wnid"
        )
    return None
