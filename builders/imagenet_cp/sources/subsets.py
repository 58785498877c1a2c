"""Subsets of images, by a name, a file of ids or a list of them, and by a list of classes."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import numpy as np

from ..errors import SourceError, UsageError, suggest
from .class_lists import class_list, labels_in
from .image_paths import is_image
from .name_lists import clean_lines, read_lines
from .source import Source, image_id_of, row_id

#: Name of a subset, file of one image a line, or the images themselves: numbers, ids or paths.
Ids: TypeAlias = str | os.PathLike[str] | Collection[int | str | os.PathLike[str]]

#: The images that RobustBench evaluates ImageNet-C on, from its package (robustbench 1.1.1, MIT licence): the file
#: holds the differences between their numbers in ascending order.
ROBUSTBENCH = "robustbench-5000"


@dataclass(frozen=True)
class Subset:
    """Images of a source, one a line.

    Attributes
    ----------
    place : str
        Its name or file, for messages.
    lines : tuple of str
        Numbers of validation images or of rows, ids, or paths.
    """

    place: str
    lines: tuple[str, ...]

    def choose(self, ids: Sequence[str], name: str) -> tuple[str, frozenset[str]]:
        """Find the images among those of a source.

        Parameters
        ----------
        ids : sequence of str
            Ids of all images of the source.
        name : str
            The source in messages.

        Returns
        -------
        key : str
            Name in signatures: that of a known subset, or the first 12 digits of the checksum of the sorted ids.
        chosen : frozenset of str
            Ids of the images.

        Raises
        ------
        SourceError
            A line names no image of the source, or two name the same.
        """
        available = frozenset(ids)
        line_of: dict[str, str] = {}
        missing = []
        for line in self.lines:
            image_id = next((one for one in _possible_ids(line) if one in available), None)
            if image_id is None:
                missing.append(line)
            elif image_id in line_of:
                raise SourceError(
                    f"{self.place}: {line_of[image_id]!r} and {line!r} are the same image, {image_id}; "
                    "remove one of them"
                )
            else:
                line_of[image_id] = line
        if missing:
            raise SourceError(
                f"{self.place}: {len(missing):,} of its {len(self.lines):,} images are not in {name}, such as "
                f"{missing[0]!r} (there, images are called {ids[0]!r}); name a source that has them all, or remove "
                "these lines"
            )
        return _key(line_of), frozenset(line_of)


def open_subset(ids: Ids) -> Subset:
    """Open a subset by its name, a file of it, or a list of its images.

    Parameters
    ----------
    ids : str, path or list
        ``"robustbench-5000"``; or a text file with one image a line: its number, as in
        ``ILSVRC2012_val_00000001`` or, for images without names, that of its row from 0; its id; or its path. Empty
        lines, and lines that begin with ``#``, are skipped. Or a list of what lines may hold, numbers also as integers.

    Raises
    ------
    UsageError
        There is no such subset or file.
    SourceError
        The file is empty.
    TypeError
        A list holds other things.
    """
    if not isinstance(ids, (str, os.PathLike)):
        return Subset("ids", tuple(clean_lines(map(_line, ids), "ids", "image")))
    text = os.fspath(ids)
    file = Path(text).expanduser()
    if text == ROBUSTBENCH and not file.is_file():
        return Subset(text, tuple(map(str, _robustbench())))
    if not file.is_file():
        raise UsageError(
            f"{text}: neither a subset nor a file of one image a line{suggest(text, [ROBUSTBENCH])}"
        )
    return Subset(text, tuple(read_lines(file, "image")))


def _line(image: object) -> str:
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image)
    if isinstance(image, (int, np.integer)) and not isinstance(image, bool):
        return str(image)
    raise TypeError(f"ids: {image!r} is neither the number of an image nor an id or a path")


def restrict_images(
    source: Source, ids: Ids | None = None, classes: str | os.PathLike[str] | None = None
) -> Source:
    """Restrict a source to a subset of its images, in the order of the source, and to a list of classes.

    Raises
    ------
    UsageError, SourceError
        As for `restrict`, or classes are chosen and the images have no labels.
    """
    if classes is not None:
        source.check_labels()
    every = {item.image_id: item.label for item in source.items}
    names, labels, marks = restrict(every, source.classes, source.name, ids, classes)
    items = (item._replace(label=labels[item.image_id]) for item in source.items if item.image_id in labels)
    return replace(source, classes=names, items=tuple(items), **marks)


def restrict(
    labels: Mapping[str, int],
    names: tuple[str, ...],
    place: str,
    ids: Ids | None,
    classes: str | os.PathLike[str] | None,
) -> tuple[tuple[str, ...], Mapping[str, int], dict[str, Any]]:
    """Choose a subset of images and those of a list of classes, whose places become the labels.

    Parameters
    ----------
    labels : mapping
        Image id -> label.
    names : tuple of str
        Names of the labels.
    place : str
        The data in messages.
    ids, classes : str, path or list, optional
        As for `open_subset` and `class_list`.

    Returns
    -------
    names, labels : tuple of str, mapping
        Names of the labels, and the labels of the images that are chosen.
    marks : dict
        Changed fields of a signature: ``ids``, ``class_list`` and ``order``.

    Raises
    ------
    UsageError, SourceError
        As for `open_subset`, `Subset.choose`, `class_list` and `labels_in`; or no image is of the classes.
    """
    marks: dict[str, Any] = {}
    if ids is not None:
        marks["ids"], chosen = open_subset(ids).choose(list(labels), place)
        labels = {image_id: label for image_id, label in labels.items() if image_id in chosen}
    if classes is not None and (wanted := class_list(classes)).names != names:
        label_of, order = labels_in(wanted, names, place)
        labels = {image_id: label_of[label] for image_id, label in labels.items() if label in label_of}
        names = wanted.names
        marks |= {"class_list": wanted.name, **({"order": order} if order else {})}
    if not labels:
        raise SourceError(f"{place}: has no image of the classes of {classes}; name other classes")
    return names, labels, marks


def _possible_ids(line: str) -> Iterator[str]:
    """Ids that a line may stand for, the likeliest first."""
    yield line
    if line.isdecimal() and line.isascii() and len(line) < 10:
        yield f"ILSVRC2012_val_{int(line):08d}"
        yield row_id(int(line))
    path = PurePosixPath(line.replace("\\", "/"))
    path = path.with_suffix("") if is_image(path.name) else path
    for parts in range(len(path.parts), 1, -1):
        yield "/".join(path.parts[-parts:])
    yield image_id_of(path.name)


def _key(ids: Iterable[str]) -> str:
    every = sorted(ids)
    if every == [f"ILSVRC2012_val_{number:08d}" for number in _robustbench()]:
        return ROBUSTBENCH
    return hashlib.sha256("\n".join(every).encode()).hexdigest()[:12]


def _robustbench() -> list[int]:
    text = resources.files(__package__).joinpath("robustbench_5000.txt").read_text(encoding="utf-8")
    return list(itertools.accumulate(map(int, text.split())))
