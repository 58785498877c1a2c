"""Folders of photographs: one sub-folder a class, or ImageNet's flat validation folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import SourceError
from . import imagenet
from .base import Item, Source, image_id_of, in_order

ENDINGS = frozenset((".jpeg", ".jpg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"))
_FLAT = re.compile(r"ILSVRC2012_val_\d{8}", re.ASCII)


class FileReader:
    """Reads items that are files."""

    def read(self, item: Item) -> bytes:
        """Return the file's bytes, if it is still the file that was listed."""
        try:
            with open(item.location, "rb") as file:
                data = file.read()
                stamp = stamp_of(os.fstat(file.fileno()))
        except OSError as error:
            raise SourceError(f"{item.location}: cannot be read ({error.strerror or error})") from error
        if item.stamp and stamp != item.stamp:
            raise SourceError(f"{item.location}: has changed since the folder was listed; start again")
        return data


def open_folder(folder: str | os.PathLike[str]) -> Source:
    """List a folder with one sub-folder per class, or ImageNet's flat validation folder.

    Sub-folders named by ImageNet's wnids give ImageNet's 1000 labels; any other names give the folder's own
    classes, sorted. Files and folders whose names begin with a dot are passed over.

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


def stamp_of(stat: os.stat_result) -> str:
    """Return what changes when a file is written anew."""
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for an image."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in ENDINGS


def _images(folder: Path) -> list[os.DirEntry[str]]:
    return sorted((e for e in os.scandir(folder) if is_image(e.name) and e.is_file()), key=lambda e: e.name)


def classes_of(root: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the classes that sub-folders of these names stand for.

    Raises
    ------
    SourceError
        Some names are ImageNet's wnids and others are not.
    """
    every = sorted(names)
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
    """Return the label of a file of ImageNet's flat validation folder.

    Raises
    ------
    SourceError
        It is not called as ImageNet's validation images are.
    """
    found = _FLAT.search(name)
    label = imagenet.validation_labels().get(found.group()) if found else None
    if label is None:
        raise SourceError(
            f"{root}: no sub-folders, and {name!r} is not one of ImageNet's ILSVRC2012_val_*.JPEG, so it has no "
            "label; put images into one sub-folder per class"
        )
    return label
