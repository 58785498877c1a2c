"""Folders of images: one sub-folder a class, or ImageNet's flat validation folder."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import SourceError
from ..images.preprocessing import FORMATS
from ..notices import notice
from . import classes as imagenet
from .base import Item, Source, check_size, check_stamp, file_stamp, image_id_of, in_order, reading

#: Endings of the files of images.
ENDINGS = frozenset(itertools.chain.from_iterable(FORMATS.values()))
#: Endings of other images, which a notice counts.
_OTHER_ENDINGS = frozenset(
    (
        ".avif",
        ".eps",
        ".heic",
        ".heif",
        ".ico",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jxl",
        ".pbm",
        ".pgm",
        ".psd",
        ".tga",
    )
)
_FLAT = re.compile(r"ILSVRC2012_val_\d{8}", re.ASCII)


class FileReader:
    """Reads items that are files."""

    def read(self, item: Item) -> bytes:
        """Read the file, if it is still the one that was listed."""
        with reading(item.location):
            file_stamp(item.location)  # opening a pipe would block
            with open(item.location, "rb") as file:
                stat = os.fstat(file.fileno())
                if item.stamp:
                    check_stamp(stat, item.stamp, item.location)
                check_size(stat.st_size, item.location)
                return file.read()


class _File(NamedTuple):
    """A file of an image: the parts of its path relative to the folder, and its stamp."""

    parts: tuple[str, ...]
    stamp: str

    def __str__(self) -> str:
        return "/".join(self.parts)


def open_folder(folder: str | os.PathLike[str]) -> Source:
    """List a folder with one sub-folder per class, or ImageNet's flat validation folder.

    Sub-folders named by ImageNet's wnids give ImageNet's 1000 labels; any other names give the folder's own
    classes, sorted. Files and folders whose names begin with a dot are skipped.

    Raises
    ------
    SourceError
        No such folder, nothing in it, no images, images at other depths, links to nothing, names that mix wnids with
        others, or one image id twice.
    """
    root, subfolders, files = _list_images(folder)
    depths = Counter(len(file.parts) for file in files)
    if set(depths) == {1}:
        classes = imagenet.wnids()
        labels = [flat_label(str(root), file.parts[0]) for file in files]
    elif set(depths) == {2}:
        classes = classes_of(str(root), subfolders)
        label_of = {name: label for label, name in enumerate(classes)}
        labels = [label_of[file.parts[0]] for file in files]
    else:
        first = {min(len(file.parts), 3): file for file in reversed(files)}
        layouts = {1: "in the folder itself", 2: "in its sub-folders", 3: "deeper"}
        counts = {1: depths[1], 2: depths[2], 3: len(files) - depths[1] - depths[2]}
        found = ", ".join(f"{counts[depth]:,} {layouts[depth]} ({first[depth]})" for depth in sorted(first))
        raise SourceError(
            f"{root}: images must be in one sub-folder per class, or all in the folder itself as ImageNet's are, but "
            f"{found}; move them, or name another folder"
        )
    items = (
        Item(image_id_of(Path(file.parts[-1]).stem), label, str(root / str(file)), file.stamp)
        for file, label in zip(files, labels, strict=True)
    )
    return Source(str(root), classes, in_order(items, str(root)), FileReader())


def open_any_folder(folder: str | os.PathLike[str]) -> Source:
    """List all images in a folder and its sub-folders.

    The id of an image is its path relative to the folder, with slashes and without the file's ending. Its class is the
    sub-folder of ``folder`` that it is in, as in `open_folder`; images that are in none are of the class ``"."``,
    unless all images have names of ImageNet's validation images.

    Raises
    ------
    SourceError
        No such folder, no images, links to nothing, sub-folders that mix wnids with others, or one image id twice.
    """
    root, _, files = _list_images(folder)
    own = [file.parts[0] if len(file.parts) > 1 else "." for file in files]
    labels = [imagenet.validation_labels().get(Path(file.parts[-1]).stem) for file in files]
    if all(label is not None for label in labels):
        classes = imagenet.wnids()
    else:
        classes = classes_of(str(root), set(own))
        labels = [classes.index(name) for name in own]
    items = [
        Item(os.path.splitext(str(file))[0], label or 0, str(root / str(file)), file.stamp)
        for file, label in zip(files, labels, strict=True)
    ]
    return Source(str(root), classes, in_order(items, str(root)), FileReader())


def _list_images(folder: str | os.PathLike[str]) -> tuple[Path, list[str], list[_File]]:
    """Find the absolute path of a folder, its sub-folders, and all images at any depth."""
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise SourceError(f"{root}: {'not a folder' if root.exists() else 'no such folder'}")

    def fail(error: OSError) -> None:
        raise SourceError(f"{error.filename}: cannot be listed ({error.strerror or error})") from error

    subfolders: list[str] | None = None
    files, unusable, ignored, seen = [], [], [], set()
    for place, folders, names in os.walk(root, onerror=fail, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            raise SourceError(f"{place}: a link to a folder that is listed already; remove it")
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names = sorted(name for name in names if not name.startswith("."))
        if subfolders is None:
            subfolders = list(folders)
            if not (folders or names):
                raise SourceError(f"{root}: the folder is empty")
        inside = () if place == str(root) else Path(place).relative_to(root).parts
        for name in names:
            if is_image(name):
                try:
                    files.append(_File((*inside, name), file_stamp(os.path.join(place, name))))
                except SourceError as error:
                    unusable.append(str(error))
            elif looks_like_image(name):
                ignored.append(os.path.join(place, name))
    if unusable:
        raise SourceError(
            f"{root}: {len(unusable):,} files have names of images but are none: "
            f"{'; '.join(unusable[:3])}; repair or remove them"
        )
    warn_of_ignored(str(root), ignored)
    if not files:
        raise SourceError(
            f"{root}: no image in it or in its sub-folders; files ending in {', '.join(sorted(ENDINGS))} count"
        )
    return root, subfolders or [], files


def warn_of_ignored(root: str, names: Sequence[str]) -> None:
    """Write a notice that counts the files which look like images and are not listed."""
    if names:
        notice(
            f"{root}: {len(names):,} files that look like images are not listed, such as {names[0]}; only "
            f"files ending in {', '.join(sorted(ENDINGS))} are"
        )


def looks_like_image(name: str) -> bool:
    """True for the name of an image file that is not listed."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in _OTHER_ENDINGS


def is_image(name: str) -> bool:
    """True for the name of an image file."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in ENDINGS


def classes_of(root: str, names: Iterable[str]) -> tuple[str, ...]:
    """Classes of sub-folders of these names.

    Raises
    ------
    SourceError
        Some names are ImageNet's wnids and others are not, or one holds a newline or bytes that are no UTF-8.
    """
    every = sorted(names)
    for name in every:
        if not name.isprintable():
            raise SourceError(
                f"{root}: the name of the sub-folder {name!r} holds characters that cannot be stored; rename it"
            )
    known = set(imagenet.wnids())
    others = [name for name in every if name not in known]
    if not others:
        return imagenet.wnids()
    if len(others) < len(every):
        raise SourceError(
            f"{root}: {len(every) - len(others)} sub-folders are ImageNet wnids and {len(others)} are not, such as "
            f"{others[0]!r}; labels would be ambiguous, so move the others out or rename them all"
        )
    return tuple(every)


def flat_label(root: str, name: str) -> int:
    """Label of a file of ImageNet's flat validation folder.

    Raises
    ------
    SourceError
        The name is not one of ImageNet's validation images.
    """
    found = _FLAT.search(name)
    label = imagenet.validation_labels().get(found.group()) if found else None
    if label is None:
        raise SourceError(
            f"{root}: no sub-folders, and {name!r} is not one of ImageNet's ILSVRC2012_val_*.JPEG, so it has no "
            "label; put images into one sub-folder per class"
        )
    return label
