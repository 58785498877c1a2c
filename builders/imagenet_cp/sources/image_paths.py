"""Classes and ids of image files by their paths, in a folder or an archive."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import SourceError
from ..images.source_images import FORMATS
from ..notices import notice
from .classes import Labels, identify, is_class, unlabelled, validation_labels, wnids
from .source import Item, Reader, Source, image_id_of, in_order

#: Endings of the files of images.
ENDINGS = frozenset(itertools.chain.from_iterable(FORMATS.values()))
#: Endings of other images, which a notice counts.
_OTHER_ENDINGS = frozenset(
    [
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
    ]
)
_FLAT = re.compile(r"ILSVRC2012_val_\d{8}", re.ASCII)

_Parts = tuple[str, ...]


class File(NamedTuple):
    """An image file of a folder or an archive.

    Attributes
    ----------
    folder : tuple of str
        Folders that it is in, from the top.
    name : str
        Name of the file.
    location, stamp : str
        As of an `Item`.
    """

    folder: _Parts
    name: str
    location: str
    stamp: str

    def __str__(self) -> str:
        return "/".join((*self.folder, self.name))

    @property
    def stem(self) -> str:
        """Name without the ending."""
        return os.path.splitext(self.name)[0]


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


def path_in_archive(name: str, root: str) -> list[str]:
    """Parts of the path of a member, without those that mean nothing.

    Raises
    ------
    SourceError
        The path is absolute or leads out of the archive.
    """
    parts = name.split("/")
    if not parts[0] or ".." in parts:
        raise SourceError(
            f"{root}: its member {name!r} has a name that leads out of the archive; pack it anew with relative names"
        )
    return [part for part in parts if part not in ("", ".")] or [""]


def files_in_archive(members: Iterable[tuple[str, str]], root: str, stamp: str) -> list[File]:
    """Images among the members of an archive, without those in hidden folders.

    Parameters
    ----------
    members : iterable of (str, str)
        Path of each file, and its location in the archive.
    root, stamp : str
        Path of the archive, for locations and errors, and its stamp.

    Raises
    ------
    SourceError
        A path is absolute or leads out of the archive.
    """
    folders: dict[_Parts, _Parts] = {}
    files, ignored = [], []
    for path, location in members:
        *inside, name = path_in_archive(path, root)
        if any(part.startswith(".") for part in inside):
            continue
        if looks_like_image(name):
            ignored.append(path)
        if is_image(name):
            folder = folders.setdefault(tuple(inside), tuple(inside))
            files.append(File(folder, name, f"{root}#{location}", stamp))
    warn_of_ignored(root, ignored)
    return files


def source_of_folder(root: str, files: Sequence[File], reader: Reader, subfolders: Iterable[str]) -> Source:
    """Source of a folder with one sub-folder per class, or of a flat one: ImageNet's, or images without labels.

    Parameters
    ----------
    root : str
        The folder, which is its name.
    files : sequence of File
        All its images at any depth.
    reader : Reader
        Reads them.
    subfolders : iterable of str
        Names of the folders in it, also of those without images.

    Raises
    ------
    SourceError
        Images at other depths; classes that contradict the names of the files, or are not plain; one id twice.
    """
    folders = {file.folder for file in files}
    if folders == {()} or (len(folders) == 1 and len(files[0].folder) == 1 and _is_flat(files)):
        return _source(root, files, reader, _flat(root, files))
    if {len(folder) for folder in folders} != {1}:
        raise _misplaced(root, files)
    return _source(root, files, reader, _by_folder(root, files, subfolders))


def source_of_archive(root: str, files: Sequence[File], reader: Reader) -> Source:
    """Source of an archive: as of a folder, except that folders around those of the classes are skipped.

    Raises
    ------
    SourceError
        No images, or some deeper than others; else as for `source_of_folder`.
    """
    if not files:
        raise SourceError(
            f"{root}: no image in it; files ending in {', '.join(sorted(ENDINGS))} count, so name another archive"
        )
    first, folders = files[0], {file.folder for file in files}
    if len(folders) == 1 and (not first.folder or _is_flat(files)):
        return _source(root, files, reader, _flat(root, files))
    if () in folders or len({folder[:-1] for folder in folders}) > 1:
        strange = next(one for one in files if not one.folder or one.folder[:-1] != first.folder[:-1])
        if strange == first:
            strange = next(one for one in files if one.folder)
        raise SourceError(
            f"{root}: {first} and {strange} are not in folders side by side; put images into one folder per class, or "
            "unpack the archive and name the folder that is meant"
        )
    return _source(root, files, reader, _by_folder(root, files, ()))


def _source(root: str, files: Sequence[File], reader: Reader, found: Labels) -> Source:
    ids = [image_id_of(file.stem) for file in files]
    if len(set(ids)) < len(ids):
        # As in ImageNet-Sketch and ImageNet-R: file names are unique in their class only.
        ids = [f"{file.folder[-1]}/{file.stem}" if file.folder else file.stem for file in files]
    items = (
        Item(image_id, label, file.location, file.stamp)
        for image_id, label, file in zip(ids, found.labels, files, strict=True)
    )
    return Source(root, found.classes, in_order(items, root), reader, order=found.order)


def _by_folder(root: str, files: Sequence[File], subfolders: Iterable[str]) -> Labels:
    return identify(
        root, [file.folder[-1] for file in files], [file.stem for file in files], empty=subfolders
    )


def _is_flat(files: Sequence[File]) -> bool:
    # The flat folder may have been packed with its own name, such as val/.
    return not is_class(files[0].folder[-1]) and all(
        image_id_of(file.stem) in validation_labels() for file in files
    )


def _flat(root: str, files: Sequence[File]) -> Labels:
    """Labels of the files of ImageNet's flat validation folder; -1 if no file is one of ImageNet's."""
    found = [_FLAT.search(file.name) for file in files]
    labels = [validation_labels().get(one.group()) if one else None for one in found]
    known = [label for label in labels if label is not None]
    if not known:
        return unlabelled(f"{root}: no sub-folders, and no file is called ILSVRC2012_val_*.JPEG", len(files))
    if len(known) < len(files):
        raise SourceError(
            f"{root}: no sub-folders, and {files[labels.index(None)].name!r} is not one of ImageNet's "
            f"ILSVRC2012_val_*.JPEG, as {len(known):,} of {len(files):,} files are, so it has no label; put images "
            "into one sub-folder per class, or move it out"
        )
    return Labels(wnids(), known)


def _misplaced(root: str, files: Sequence[File]) -> SourceError:
    """Error for images that are at several depths, or deeper than in sub-folders; names the folder that is meant."""
    depth = Counter(min(len(file.folder), 2) for file in files)
    first = {min(len(file.folder), 2): file for file in reversed(files)}
    layouts = ("in the folder itself", "in its sub-folders", "deeper")
    found = ", ".join(f"{depth[one]:,} {layouts[one]} ({first[one]})" for one in sorted(first))
    inside: Counter[_Parts] = Counter()
    for folder, group in itertools.groupby(files, key=lambda file: file.folder):
        every = list(group)
        if folder:
            inside[folder if _is_flat(every) else folder[:-1]] += len(every)
    del inside[()]
    # The validation images before others, and most images before fewer.
    ordered = sorted(inside, key=lambda folder: (folder[-1] != "val", -inside[folder], folder))
    places = [f"{'/'.join((root, *folder))} ({inside[folder]:,} images)" for folder in ordered[:3]]
    name = f"name {' or '.join(places)}, or move them" if places else "move them, or name another folder"
    return SourceError(
        f"{root}: images must be in one sub-folder per class, or all in the folder itself as ImageNet's are, but "
        f"{found}; {name}"
    )
