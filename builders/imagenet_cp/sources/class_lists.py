"""Lists of classes to build or to score on: those of benchmarks with fewer classes, or a file's."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import SourceError, suggest
from .base import reading
from .classes import indices_of, wnids

#: Largest file that is read as a list of classes.
_MAX_BYTES = 1 << 24


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
    """

    name: str
    names: tuple[str, ...]
    indices: tuple[int, ...] | None


def class_list(name_or_file: str | os.PathLike[str]) -> ClassList:
    """Look up a list of classes by its name, or read it from a file.

    Parameters
    ----------
    name_or_file : str or path
        ``"imagenet"`` (all 1000), ``"imagenet-100"``, ``"imagenette"``, ``"imagewoof"``, ``"imagenet-r"`` or
        ``"imagenet-a"``; or a text file with one class a line, in the order of the labels: wnids, which may be
        followed by a name, ImageNet's names, numbers from 0 to 999, or names of other classes. Empty lines, and lines
        that begin with ``#``, are skipped.

    Raises
    ------
    SourceError
        There is no such list or file; a class is repeated, or numbers and names are mixed.

    Notes
    -----
    imagenet-100 is the list of Tian et al., Contrastive Multiview Coding, ECCV 2020; imagenette and imagewoof are
    fast.ai's; imagenet-r and imagenet-a have the 200 classes of Hendrycks et al., ICCV and CVPR 2021. The labels of
    all are in the order of the wnids.
    """
    text = os.fspath(name_or_file)
    known = _named()
    if text in known and not Path(text).is_file():
        return ClassList(text, tuple(wnids()[index] for index in known[text]), known[text])
    file = Path(text).expanduser()
    if not file.is_file():
        raise SourceError(
            f"{text}: neither a list of classes nor a file of one class a line{suggest(text, known)}"
        )
    lines = _lines(file)
    indices = _indices(lines, text)
    names = lines if indices is None else [wnids()[index] for index in indices]
    seen: set[str] = set()
    for line, name in zip(lines, names, strict=True):
        if name in seen:
            raise SourceError(f"{text}: names the class {line!r} twice; remove one of the lines")
        seen.add(name)
    checksum = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    return ClassList(checksum, tuple(names), None if indices is None else tuple(indices))


def _named() -> dict[str, tuple[int, ...]]:
    """Names of the lists and the indices of their classes among ImageNet's."""
    stored = json.loads(resources.files(__package__).joinpath("class_lists.json").read_text(encoding="utf-8"))
    return {
        "imagenet": tuple(range(len(wnids()))),
        **{name: tuple(indices) for name, indices in stored.items()},
    }


def _lines(file: Path) -> list[str]:
    with reading(file):
        if file.stat().st_size > _MAX_BYTES:
            raise SourceError(
                f"{file}: too large for a list of classes; name a text file of one class a line"
            )
        data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{file}: not a text file in UTF-8; write one class a line") from None
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise SourceError(f"{file}: names no class; write one a line")
    for line in lines:
        if not line.isprintable():
            raise SourceError(
                f"{file}: the class {line!r} holds characters that cannot be stored; remove them"
            )
    return lines


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
