"""Corrupted images in layouts of their own: in a folder or a tar archive by a template, or as rows of a data set."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import datasets

from ..errors import SourceError, UsageError
from ..notices import notice
from . import dataset_files
from .classes import Labels, identify, known_label, wnids
from .dataset import read_columns, source_of
from .image_folder import FileReader, list_images
from .image_paths import File
from .source import Item, Reader, digest, image_id_of, in_order, row_id
from .subsets import Ids, restrict
from .tar import list_tar
from .template import PLACEHOLDERS, Template, parse_template

#: Corruption of images without any, whose severity is 0.
CLEAN = "clean"
#: No severity is higher: a larger number is a mistake, such as an angle.
_HIGHEST = 100
#: Most images of a corruption and severity whose bytes are part of the fingerprint.
_READ = 32
#: Config of all corruptions.
_ALL = "test"
_EXAMPLE = "{corruption}/{severity}/{class}/{file}"
#: Corruption and severity.
Key = tuple[str, int]


@dataclass(frozen=True)
class CorruptedImages:
    """Corrupted images with labels.

    Attributes
    ----------
    name : str
        Name in messages, such as a folder's absolute path.
    classes : tuple of str
        Names of the labels 0, 1, ...
    cells : dict
        Corruption and severity -> its images by their ids; ``("clean", 0)`` for images without corruption.
    reader : Reader
        Reads them.
    layout : str
        Template of the paths; ``"columns"`` for rows.
    order, ids, class_list : str
        See `Source`.
    """

    name: str
    classes: tuple[str, ...]
    cells: Mapping[Key, tuple[Item, ...]] = field(repr=False)
    reader: Reader = field(repr=False)
    layout: str
    order: str = ""
    ids: str = ""
    class_list: str = ""

    @functools.cached_property
    def fingerprint(self) -> str:
        """12 digits of a digest of the ids and labels of all images, and of the bytes of some.

        Of files these are the sizes of all, too. The bytes are those of up to 32 images, spread evenly, of every
        corruption and severity; rows have the same fingerprint wherever they are stored.
        """
        listed = (
            (*key, item.image_id, item.label, _size(item) if self.layout != "columns" else "")
            for key, items in self.cells.items()
            for item in items
        )
        read = (
            hashlib.sha256(self.reader.read(items[number * len(items) // few])).hexdigest()
            for items in self.cells.values()
            for few in [min(len(items), _READ)]
            for number in range(few)
        )
        return digest(itertools.chain(listed, read))[:12]


def open_corrupted(
    place: str | os.PathLike[str],
    layout: str | None = None,
    *,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
) -> CorruptedImages:
    """List corrupted images in a layout of their own.

    Parameters
    ----------
    place : str or path
        A folder or a tar archive, which may be compressed with gzip. Without a layout a data set with the columns
        ``corruption`` and ``severity``, a label and an image: a folder of Parquet files, one saved by
        ``save_to_disk``, or a name on the Hub, as for `open_dataset`.
    layout : str, optional
        Template of the paths in it, as for `parse_template`. Without ``{severity}`` all images have severity 1;
        without ``{class}`` they have names of ImageNet's images.
    ids, classes : str or path, optional
        As for `imagenet_cp.sources.open_source`.

    Raises
    ------
    SourceError
        The place or some of its images cannot be read, do not match the layout, have no label or a severity that is
        no number or written in two ways; or as for `open_source`.
    UsageError
        There is no such place, it needs a layout, or it is a zip archive; or as for `parse_template`.
    """
    path = Path(os.fspath(place)).expanduser()
    if layout is not None:
        found = _open_files(path, parse_template(layout))
    elif path.is_file() or (path.is_dir() and not dataset_files.is_dataset(path)):
        raise UsageError(
            f"{place}: the corruption of its images is in their paths; add the layout of these, such as "
            f"--layout '{_EXAMPLE}' (layout=)"
        )
    elif not _exists(os.fspath(place)):
        raise UsageError(f"{place}: no such folder or data set; name one, or a tar archive with its layout")
    else:
        found = _open_rows(os.fspath(place))
    label_of_image: dict[str, int] = {}
    for item in itertools.chain.from_iterable(found.cells.values()):
        if label_of_image.setdefault(item.image_id, item.label) != item.label:
            raise SourceError(
                f"{found.name}: images of several classes have the id {item.image_id!r}, {item.location} among them; "
                "rename them, since one id is one image in all corruptions"
            )
    if any(item.label < 0 for items in found.cells.values() for item in items):
        raise SourceError(
            f"{found.name}: has no labels (-1), so no model can be scored on it; add a column label"
        )
    if ids is None and classes is None:
        return found
    names, labels, marks = restrict(label_of_image, found.classes, found.name, ids, classes)
    cells = {
        key: tuple(item._replace(label=labels[item.image_id]) for item in items if item.image_id in labels)
        for key, items in found.cells.items()
    }
    cells = {key: items for key, items in cells.items() if items}
    return replace(found, classes=names, cells=cells, **marks)


def _open_files(path: Path, template: Template) -> CorruptedImages:
    reader: Reader
    if path.is_dir():
        folder, _, files = list_images(path)
        root, reader = str(folder), FileReader()
    elif not path.exists():
        raise UsageError(
            f"{path}: no such folder or tar archive; a data set on the Hub is read by its columns corruption and "
            "severity, without --layout"
        )
    elif path.is_file() and zipfile.is_zipfile(path):  # opening a pipe would block
        raise UsageError(f"{path}: a zip archive; unpack it and name the folder")
    else:
        root, files, reader = list_tar(path)
        if not files:
            raise SourceError(f"{root}: no image in it; name another archive")
    values, stems, strange = [], [], []
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # one object a folder, for millions of images
    for file in files:
        if found := template.match(str(file)):
            value = (found["corruption"], found.get("severity", "1"), found.get("class", ""))
            values.append(shared.setdefault(value, value))
            stems.append(found["file"].removesuffix(PurePosixPath(str(file)).suffix))
        else:
            strange.append(file)
    if strange:
        raise SourceError(
            f"{root}: {len(strange):,} of {len(files):,} images do not match the layout {template.text!r}, such as "
            f"{strange[0]}; write the layout of all paths, or move these images out"
        )
    keys = _keys(root, [(value[0], value[1]) for value in values], files)
    names = [value[2] for value in values]
    labels = _labels(root, template, names, stems, files)
    ids = _unique_ids(keys, names, stems)
    listed: dict[Key, list[Item]] = defaultdict(list)
    for key, image_id, label, file in zip(keys, ids, labels.labels, files, strict=True):
        listed[key].append(Item(image_id, label, file.location, file.stamp))
    cells = {key: in_order(listed[key], root) for key in sorted(listed, key=_order)}
    return CorruptedImages(root, labels.classes, cells, reader, template.text, labels.order)


def _keys(root: str, values: Sequence[tuple[Any, Any]], places: Iterable[object]) -> list[Key]:
    """Corruption and severity of every image."""
    keys, wrong = [], []
    for (corruption, severity), place in zip(values, places, strict=True):
        if not isinstance(corruption, str) or not corruption.isprintable() or not corruption:
            raise SourceError(
                f"{root}: {place} has the corruption {corruption!r}, which is no name; rename it"
            )
        if corruption == _ALL or "|" in corruption:
            raise SourceError(
                f"{root}: {place} has the corruption {corruption!r}; rename it, since {_ALL} names all corruptions "
                "and | separates the fields of signatures"
            )
        level = 0 if corruption == CLEAN else _severity(severity)
        if level is None:
            wrong.append((severity, place))
        else:
            keys.append((corruption, level))
    if wrong:
        raise SourceError(
            f"{root}: {len(wrong):,} of {len(values):,} images have severities that are not whole numbers from 1 to "
            f"{_HIGHEST}, such as {wrong[0][0]!r} of {wrong[0][1]}; number the severities, or correct the layout. "
            f"Images without corruption are of the corruption {CLEAN}"
        )
    written: dict[Key, Any] = {}
    for key, (_, severity), place in zip(keys, values, places, strict=True):
        if key[1] and written.setdefault(key, severity) != severity:
            raise SourceError(
                f"{root}: {place} has the severity {severity!r}, but other images of {key[0]!r} have {written[key]!r}, "
                "the same number; write it in one way"
            )
    configs = {f"{name}_{level}" for name, level in keys}
    if twice := next((name for name, _ in keys if name in configs), None):
        raise SourceError(
            f"{root}: the corruption {twice!r} is also the name of a corruption with a severity; rename one"
        )
    return keys


def _order(key: Key) -> tuple[bool, str, int]:
    """Sorting key of a cell: by name and severity, clean images last."""
    return key[0] == CLEAN, *key


def _severity(value: Any) -> int | None:
    whole = (
        value.isdecimal() if isinstance(value, str) else isinstance(value, (int, float)) and value % 1 == 0
    )
    number = int(value) if whole else 0
    return number if 1 <= number <= _HIGHEST else None


def _labels(
    root: str, template: Template, names: Sequence[str], stems: Sequence[str], files: Sequence[File]
) -> Labels:
    """Classes, and the label of every image, each identified once for all its corruptions."""
    if template.has_class:
        pairs = list(dict.fromkeys(zip(names, stems, strict=True)))
        found = identify(root, [name for name, _ in pairs], [stem for _, stem in pairs])
        label_of = dict(zip(pairs, found.labels, strict=True))
        return found._replace(labels=[label_of[pair] for pair in zip(names, stems, strict=True)])
    known = {stem: known_label(stem) for stem in dict.fromkeys(stems)}
    labels = [label for stem in stems if (label := known[stem]) is not None]
    if len(labels) < len(stems):
        strange = next(file for file, stem in zip(files, stems, strict=True) if known[stem] is None)
        raise SourceError(
            f"{root}: the layout {template.text!r} has no {{class}}, and {strange} has no name of one of ImageNet's "
            "images, so it has no label; put images into a folder per class, and add {class} to the layout"
        )
    return Labels(wnids(), labels)


def _unique_ids(keys: Sequence[Key], names: Sequence[str], stems: Sequence[str]) -> list[str]:
    """Ids of the images, with the class where names are unique in their class only."""
    ids = [image_id_of(stem) for stem in stems]
    if len(set(zip(keys, ids, strict=True))) == len(ids):
        return ids
    return [f"{name}/{stem}" if name else stem for name, stem in zip(names, stems, strict=True)]


def _exists(place: str) -> bool:
    """Check that a data set is a folder, or can be on the Hub."""
    name = dataset_files.split_name(place)[0]
    return Path(name).expanduser().exists() or dataset_files.is_hub_name(name)


def _open_rows(place: str) -> CorruptedImages:
    read = read_columns(place, (*PLACEHOLDERS[:2], "image_id"))
    source, name = source_of(read), read.files.name
    values = {
        column: [value for one in read.columns for value in one.extra[column]]
        for column in read.columns[0].extra
    }
    for column in PLACEHOLDERS[:2]:
        if column not in values:
            raise SourceError(
                f"{name}: has no column {column!r}; its columns are {', '.join(read.features)}. Call the one that is "
                "meant so (Dataset.rename_column)"
            )
        if isinstance(read.features[column], datasets.ClassLabel):
            name_of = dict(enumerate(read.features[column].names))
            values[column] = [name_of.get(value) for value in values[column]]
    places = [f"row {row}" for row in range(len(source.items))]
    keys = _keys(name, list(zip(values["corruption"], values["severity"], strict=True)), places)
    stems = read.stems
    if "image_id" in values:
        ids = [str(one) for one in values["image_id"]]
    elif all(stems):
        names = [source.classes[item.label] if item.label >= 0 else "" for item in source.items]
        ids = _unique_ids(keys, names, stems)
    else:
        ids = [""] * len(keys)
    if "" in ids or len(set(zip(keys, ids, strict=True))) < len(ids):
        notice(f"{name}: without unique names its images are paired by the order of the rows; add image_id")
        counts: dict[Key, int] = defaultdict(int)
        for row, key in enumerate(keys):
            ids[row] = row_id(counts[key])
            counts[key] += 1
    listed: dict[Key, list[Item]] = defaultdict(list)
    for key, image_id, item in zip(keys, ids, source.items, strict=True):
        listed[key].append(item._replace(image_id=image_id))
    cells = {key: tuple(listed[key]) for key in sorted(listed, key=_order)}
    return CorruptedImages(source.name, source.classes, cells, source.reader, "columns", source.order)


def _size(item: Item) -> str:
    """Size of a file in bytes."""
    size = item.location.rpartition("@")[2].partition("+")[2]  # of a member of an archive
    return size if size.isdecimal() else item.stamp.partition(":")[0]
