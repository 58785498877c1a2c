"""Folders of images: one sub-folder a class, or ImageNet's flat validation folder."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import SourceError, UsageError
from .classes import Labels, identify, validation_labels, wnids
from .image_paths import ENDINGS, File, is_image, looks_like_image, source_of_folder, warn_of_ignored
from .source import Item, Source, check_size, check_stamp, file_stamp, in_order, reading


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


def open_folder(folder: str | os.PathLike[str]) -> Source:
    """List a folder with one sub-folder per class, ImageNet's flat validation folder, or images without labels.

    Sub-folders named by ImageNet's wnids, names or numbers give ImageNet's 1000 labels; other numbers give classes in
    the order of the numbers, and any other names the folder's own classes, sorted (see `identify`). Files and folders
    whose names begin with a dot are skipped, and sub-folders without images are no classes. Images in the
    folder itself, none of which has an id of ImageNet's, have the label -1. The id of an image is
    the name of its file without the ending; where two are the same, all ids are ``class/name``.

    Raises
    ------
    UsageError
        There is no such folder.
    SourceError
        Nothing in it, no images, images at other depths, links to nothing, classes that contradict
        the names of the files or are not plain, or one image id twice.
    """
    root, subfolders, files = list_images(folder)
    return source_of_folder(str(root), files, FileReader(), subfolders)


def open_folder_recursively(folder: str | os.PathLike[str]) -> Source:
    """List all images in a folder and its sub-folders.

    The id of an image is its path relative to the folder, with slashes and without the file's ending. Its class is the
    sub-folder of ``folder`` that it is in, as in `open_folder`; images that are in none are of the class ``"."``,
    unless all images have names of ImageNet's validation images.

    Raises
    ------
    UsageError
        There is no such folder.
    SourceError
        No images, links to nothing, classes that contradict the names of the files or are not plain,
        or one image id twice.
    """
    root, subfolders, files = list_images(folder)
    stems = [file.stem for file in files]
    labels = [validation_labels().get(stem) for stem in stems]
    known = [label for label in labels if label is not None]
    if len(known) == len(files):
        found = Labels(wnids(), known)
    else:
        own = [file.folder[0] if file.folder else "." for file in files]
        found = identify(str(root), own, stems, empty=subfolders)
    items = [
        Item(os.path.splitext(str(file))[0], label, file.location, file.stamp)
        for file, label in zip(files, found.labels, strict=True)
    ]
    return Source(str(root), found.classes, in_order(items, str(root)), FileReader(), order=found.order)


def list_images(folder: str | os.PathLike[str]) -> tuple[Path, list[str], list[File]]:
    """Find the absolute path of a folder, its sub-folders, and all images at any depth; errors as `open_folder`."""
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        fault = "not a folder" if root.exists() else "no such folder"
        raise UsageError(f"{root}: {fault}; name a folder of images, an archive or a data set on the Hub")

    def fail(error: OSError) -> None:
        raise SourceError(
            f"{error.filename}: cannot be listed ({error.strerror or error}); change its permissions, or move it out"
        ) from error

    subfolders: list[str] | None = None
    files, unusable, ignored, seen = [], [], [], set()
    for place, folders, names in os.walk(root, onerror=fail, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            raise SourceError(f"{place}: a link to a folder that is listed already; remove it")
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if subfolders is None:
            subfolders = list(folders)
            if not (folders or names):
                raise SourceError(f"{root}: the folder is empty; name a folder of images")
        inside = () if place == str(root) else Path(place).relative_to(root).parts
        for name in sorted(names):
            if is_image(name):
                path = os.path.join(place, name)
                try:
                    files.append(File(inside, name, path, file_stamp(path)))
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
            f"{root}: no image in it or in its sub-folders; files ending in {', '.join(sorted(ENDINGS))} count, so "
            "name another folder"
        )
    return root, subfolders or [], files
