"""Folders of images: one sub-folder a class, or ImageNet's flat validation folder."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import SourceError
from ..images.preprocessing import FORMATS
from . import classes as imagenet
from .base import Item, Source, check_stamp, image_id_of, in_order, reading, stamp_of

#: Endings of the files of images.
ENDINGS = frozenset(itertools.chain.from_iterable(FORMATS.values()))
_FLAT = re.compile(r"ILSVRC2012_val_\d{8}", re.ASCII)


class FileReader:
    """Reads items that are files."""

    def read(self, item: Item) -> bytes:
        """Read the file, if it is still the one that was listed."""
        with reading(item.location), open(item.location, "rb") as file:
            data = file.read()
            if item.stamp:
                check_stamp(os.fstat(file.fileno()), item.stamp, item.location)
            return data


def open_folder(folder: str | os.PathLike[str]) -> Source:
    """List a folder with one sub-folder per class, or ImageNet's flat validation folder.

    Sub-folders named by ImageNet's wnids give ImageNet's 1000 labels; any other names give the folder's own
    classes, sorted. Files and folders whose names begin with a dot are skipped.

    Raises
    ------
    SourceError
        No such folder, nothing in it, no images, names that mix wnids with others, or one image id twice.
    """
    root = Path(folder).expanduser().resolve()
    if not root.exists():
        raise SourceError(f"{root}: no such folder")
    if not root.is_dir():
        raise SourceError(f"{root}: not a folder")
    try:
        entries = sorted(
            (entry for entry in os.scandir(root) if not entry.name.startswith(".")), key=lambda e: e.name
        )
    except OSError as error:
        raise SourceError(f"{root}: cannot be listed ({error.strerror or error})") from error
    if not entries:
        raise SourceError(f"{root}: the folder is empty")
    subfolders = [entry.name for entry in entries if entry.is_dir()]
    if subfolders:
        classes = classes_of(str(root), subfolders)
        label_of = {name: label for label, name in enumerate(classes)}
        files = [(entry, label_of[name]) for name in subfolders for entry in _images(root / name)]
    else:
        classes = imagenet.wnids()
        files = [(entry, flat_label(str(root), entry.name)) for entry in entries if is_image(entry.name)]
    if not files:
        raise SourceError(
            f"{root}: no image in it or in its sub-folders; files ending in {', '.join(sorted(ENDINGS))} count"
        )
    items = (
        Item(image_id_of(Path(entry.name).stem), label, entry.path, stamp_of(entry.stat()))
        for entry, label in files
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
        No such folder, no images, sub-folders that mix wnids with others, or one image id twice.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise SourceError(f"{root}: {'not a folder' if root.exists() else 'no such folder'}")

    def fail(error: OSError) -> None:
        raise SourceError(f"{error.filename}: cannot be listed ({error.strerror or error})") from error

    paths = []
    for place, folders, files in os.walk(root, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(place, name).relative_to(root) for name in files if is_image(name)]
    if not paths:
        raise SourceError(f"{root}: no image in it; files ending in {', '.join(sorted(ENDINGS))} count")
    own = {path: path.parts[0] if len(path.parts) > 1 else "." for path in paths}
    labels = [imagenet.validation_labels().get(path.stem) for path in paths]
    if all(label is not None for label in labels):
        classes = imagenet.wnids()
    else:
        classes = classes_of(str(root), set(own.values()))
        labels = [classes.index(own[path]) for path in paths]
    with reading():
        items = [
            Item(
                path.with_suffix("").as_posix(), label or 0, str(root / path), stamp_of((root / path).stat())
            )
            for path, label in zip(paths, labels, strict=True)
        ]
    return Source(str(root), classes, in_order(items, str(root)), FileReader())


def is_image(name: str) -> bool:
    """True for the name of an image file."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in ENDINGS


def _images(folder: Path) -> list[os.DirEntry[str]]:
    return sorted((e for e in os.scandir(folder) if is_image(e.name) and e.is_file()), key=lambda e: e.name)


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
