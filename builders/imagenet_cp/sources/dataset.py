"""Data sets with a column of images and one of labels: on the Hub, or on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import datasets
import pyarrow as pa

from ..errors import SourceError
from ..notices import notice
from . import dataset_files
from .arrow import Columns, RowReader, columns_of, schema_of
from .classes import Labels, identify, known_label, unlabelled, wnids
from .extra import Extra, extra_columns, extra_values
from .source import Item, Source, image_id_of, row_id

#: Columns of labels whose classes have no names have at most so many.
_MOST_CLASSES = 100_000
#: How many files are listed at once.
_THREADS = 8


def open_dataset(source: str | os.PathLike[str]) -> Source:
    """List the rows of a data set without reading its images.

    Items come in the order of the rows. The id of an image is the stem of the name its file once had, or ImageNet's own
    id wherever that holds one, so that a row has the id that its file in a folder would have. Where some row has no
    such name, or two have the same, every id is the number of its row, such as ``row-000123``.

    Where ImageNet's wnids or ids in the names agree with the labels, or the labels are named by wnids or ImageNet's
    names, the classes are ImageNet's 1000 wnids; else the data set's own (see `identify`). Labels may be text. Without
    a column of labels, every label is -1. Further columns, such as boxes and captions, are carried along; of those
    that hold files, such as masks, a reference to the row.

    Parameters
    ----------
    source : str or path
        A folder of Parquet files laid out as on the Hub, one saved by ``Dataset.save_to_disk``, or the name of a data
        set on the Hub such as ``ILSVRC/imagenet-1k``; then, if it is not to be the split ``validation``, else
        ``test``, else the only one, a colon and the split, or ``config/split``.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        The data set cannot be read, or holds corrupted images; it is not plain which of its splits, and columns,
        are meant; or only some rows have a label.
    """
    read = read_columns(os.fspath(source))
    made_here = {"image_id", "corruption", "severity"} <= read.features.keys()
    if made_here and any(columns_of(read.files.urls[0], read.image, None, ["severity"]).extra["severity"]):
        raise SourceError(
            f"{read.files.name}: its images are corrupted already (column severity), so corrupting them again is no "
            "benchmark; name the clean images"
        )
    return source_of(read)


class Read(NamedTuple):
    """Columns of a data set but the images.

    Attributes
    ----------
    files : Files
        Its files.
    features : datasets.Features
        Its columns.
    image : str
        Column of the images.
    label : str or None
        Column of the labels.
    columns : list of Columns
        Values of the columns, file by file.
    extra : list of Extra
        The further columns that are carried along.
    """

    files: dataset_files.Files
    features: datasets.Features
    image: str
    label: str | None
    columns: list[Columns]
    extra: list[Extra]

    @property
    def stems(self) -> list[str]:
        """Stems of the names that the files of the images once had; "" where a row has none."""
        return [PurePosixPath(path).stem if path else "" for one in self.columns for path in one.paths]


def read_columns(place: str, wanted: Collection[str] = ()) -> Read:
    """Read the columns of a data set but the images: all, or only the label and those that are wanted and there.

    Raises
    ------
    SourceError
        As for `open_dataset`.
    """
    files = dataset_files.find_files(place)
    with dataset_files.explain_errors(files):
        if not files.urls:
            raise SourceError(f"{files.name}: no rows in it; name another split, as NAME:SPLIT")
        schema = schema_of(files.urls[0])
        features = files.features or datasets.Features.from_arrow_schema(schema)
        image, label = _image_column(files.name, features, schema), _label_column(files.name, features)
        extra = [] if wanted else extra_columns(features, schema, {image, label})
        stored = [one.stored for one in extra if not one.by_reference]
        stored += [name for name in wanted if name in schema.names]
        with ThreadPoolExecutor(_THREADS) as pool:
            columns = list(pool.map(lambda url: columns_of(url, image, label, stored), files.urls))
    if not any(one.paths for one in columns):
        raise SourceError(f"{files.name}: no rows in it; name another split, as NAME:SPLIT")
    return Read(files, features, image, label, columns, extra)


def source_of(read: Read) -> Source:
    """Source of the images of a data set, as for `open_dataset`."""
    files, stems = read.files, read.stems
    labels = [label for one in read.columns for label in one.labels]
    found = _classes(files.name, read.features[read.label] if read.label else None, labels, stems)
    rows = [
        (f"{url}#{row}", stamp, values)
        for url, stamp, one in zip(files.urls, files.stamps, read.columns, strict=True)
        for row, values in enumerate(extra_values(url, one, read.extra))
    ]
    items = tuple(
        Item(image_id, label, *row)
        for image_id, label, row in zip(_ids(files.name, stems), found.labels, rows, strict=True)
    )
    features = {one.name: one.feature for one in read.extra}
    return Source(
        files.name, found.classes, items, RowReader(read.image), order=found.order, columns=features
    )


def _image_column(name: str, features: datasets.Features, schema: pa.Schema) -> str:
    holds_bytes = [
        field.name
        for field in schema
        if pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
    ]
    images = [column for column, feature in features.items() if isinstance(feature, datasets.Image)]
    # Files without a note of their columns' meaning still have the shape of images.
    fitting: list[str] = [column for column in images or features if column in holds_bytes]
    if len(fitting) == 1:
        return fitting[0]
    if "image" in fitting:
        return "image"
    found = f"{len(fitting)} columns of images ({', '.join(fitting)})" if fitting else "no column of images"
    raise SourceError(
        f"{name}: {found}, and there must be one; its columns are {', '.join(features)}. Cast the column of the images "
        "to datasets.Image, or remove the others (Dataset.remove_columns)"
    )


def _label_column(name: str, features: datasets.Features) -> str | None:
    """Column of the labels; None if there is none."""
    named: list[str] = [
        column
        for column, feature in features.items()
        if isinstance(feature, datasets.ClassLabel) and column not in ("corruption", "severity")
    ]
    plain = [
        column
        for column, feature in features.items()
        if isinstance(feature, datasets.Value) and ("int" in feature.dtype or "string" in feature.dtype)
    ]
    # CIFAR-100 has fine_label beside coarse_label.
    for column in ("label", "labels", "fine_label"):
        if column in named or column in plain:
            return column
    if len(named) == 1:
        return named[0]
    if named:
        raise SourceError(
            f"{name}: {len(named)} columns of labels ({', '.join(named)}); rename the one that is meant to label "
            "(Dataset.rename_column)"
        )
    notice(
        f"{name}: no column is called label; if one of {', '.join(features)} holds the labels, rename it to label"
    )
    return None


def _classes(name: str, feature: object, labels: Sequence[Any], stems: Sequence[str]) -> Labels:
    """Classes, and the labels as indices into them."""
    names = list(feature.names) if isinstance(feature, datasets.ClassLabel) else None
    if any(isinstance(label, str) for label in labels):
        _check_labels(name, labels, lambda label: bool(label))
        return identify(name, labels, stems)
    if all(label in (None, -1) for label in labels):
        return unlabelled(f"{name}: no row has a label", len(labels), names or ())
    numbers = [label for label in labels if label is not None]
    count = len(names) if names is not None else max(numbers) + 1
    _check_labels(name, labels, lambda label: 0 <= label < min(count, _MOST_CLASSES))
    if names is not None:
        found = identify(name, [names[label] for label in labels], stems, declared=names)
        if found.classes == wnids() or len(names) != len(wnids()):
            return found
        if not any(known_label(stem) is not None for stem in stems):
            return found
    # A column of numbers without names: the numbers up to the largest are classes, except that 1 to 1000 are.
    one_based = names is None and set(numbers) == set(range(1, len(wnids()) + 1))
    every = [] if one_based else [str(number) for number in range(count)]
    numbered = identify(name, [str(label) for label in labels], stems, empty=every)
    return numbered if names is None or numbered.classes == wnids() else found


def _check_labels(name: str, labels: Sequence[Any], valid: Callable[[Any], bool]) -> None:
    for row, label in enumerate(labels):
        if label is None or not valid(label):
            raise SourceError(
                f"{name}: row {row} has the label {label!r}, which is none of the classes, though other rows have one; "
                "if this split is only partly labelled, remove these rows, or name another as NAME:SPLIT"
            )


def _ids(name: str, stems: Sequence[str]) -> list[str]:
    ids = [image_id_of(stem) for stem in stems]
    if "" in ids or len(set(ids)) < len(ids):
        return [row_id(row) for row in range(len(ids))]
    for row, one in enumerate(ids):
        if not one.isprintable():
            raise SourceError(
                f"{name}: row {row}: the file name {one!r} holds characters that cannot be stored; rename it"
            )
    return ids
