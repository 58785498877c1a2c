"""Tiny ImageNet's validation images, from its zip archive or its folder."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import SourceError
from ..notices import notice
from .image_folder import FileReader
from .image_paths import is_image
from .source import Item, Source, file_stamp, image_id_of, in_order, reading, stamp_of
from .zip import FAULTS, ZipReader, read_member

_ANNOTATIONS = "val_annotations.txt"
#: No list is larger; a crafted archive could ask for any amount of memory.
_LARGEST = 1 << 24


def open_tiny(source: str | os.PathLike[str]) -> Source | None:
    """List Tiny ImageNet's validation images by ``val_annotations.txt``.

    The classes are its 200 wnids, sorted; the ids are the stems of the files' names, such as ``val_0``.

    Parameters
    ----------
    source : str or path
        ``tiny-imagenet-200.zip``, the folder it holds, or the folder ``val`` in that.

    Returns
    -------
    Source or None
        None if this is not Tiny ImageNet.

    Raises
    ------
    SourceError
        It is damaged, or an image or its class is missing.
    """
    path = Path(source).expanduser().resolve()
    if path.is_dir():
        return _open_folder(path)
    return _open_zip(path) if zipfile.is_zipfile(path) else None


def _open_folder(path: Path) -> Source | None:
    root = next((root for root in (path / "val", path) if (root / _ANNOTATIONS).is_file()), None)
    if root is None:
        return None
    wnids = root.parent / "wnids.txt"

    def item(name: str, label: int) -> Item:
        file = root / "images" / name
        return Item(image_id_of(file.stem), label, str(file), file_stamp(file))

    with reading():
        lists = (root / _ANNOTATIONS).read_bytes(), wnids.read_bytes() if wnids.is_file() else b""
        return _source(str(path), *lists, os.listdir(root / "images"), item, FileReader())


def _open_zip(path: Path) -> Source | None:
    try:
        with zipfile.ZipFile(path) as archive:
            every = set(archive.namelist())
            annotations = [name for name in every if name.endswith(f"val/{_ANNOTATIONS}")]
            if len(annotations) != 1:
                return None
            val = annotations[0].removesuffix(_ANNOTATIONS)
            wnids = f"{val.removesuffix('val/')}wnids.txt"
            lists = _list(archive, annotations[0]), _list(archive, wnids) if wnids in every else b""
        stamp = stamp_of(path.stat())
    except FAULTS as error:
        raise SourceError(f"{path}: damaged, or cut short ({error}); fetch it again") from error

    def item(name: str, label: int) -> Item:
        member = f"{val}images/{name}"
        if member not in every:
            raise SourceError(f"{path}: {_ANNOTATIONS} names {member}, which is not in it; fetch it again")
        return Item(image_id_of(Path(name).stem), label, f"{path}#{member}", stamp)

    images = [name.removeprefix(f"{val}images/") for name in every if name.startswith(f"{val}images/")]
    return _source(str(path), *lists, images, item, ZipReader(str(path)))


def _list(archive: zipfile.ZipFile, name: str) -> bytes:
    if (size := archive.getinfo(name).file_size) > _LARGEST:
        raise SourceError(
            f"{archive.filename}#{name}: {size:,} bytes are too many for a list; fetch the archive again"
        )
    return read_member(archive, name)


def _source(
    name: str,
    annotations: bytes,
    wnids: bytes,
    images: Sequence[str],
    item: Callable[[str, int], Item],
    reader: FileReader | ZipReader,
) -> Source:
    rows = [line.split("\t") for line in _lines(annotations)]
    for row in rows:
        if len(row) < 2 or Path(row[0]).name != row[0] or not row[0].isprintable():
            raise SourceError(
                f"{name}: {_ANNOTATIONS} has the line {' '.join(row)!r}, not a file's name and a class; fetch it again"
            )
    if not rows:
        raise SourceError(f"{name}: {_ANNOTATIONS} names no image; fetch it again")
    classes = tuple(sorted({*_lines(wnids)} or {row[1] for row in rows}))
    place = {wnid: label for label, wnid in enumerate(classes)}
    for row in rows:
        if row[1] not in place:
            raise SourceError(
                f"{name}: {row[0]} is of the class {row[1]!r}, which is not in wnids.txt; fetch both again"
            )
    ignored = sorted({image for image in images if is_image(image)} - {row[0] for row in rows})
    if ignored:
        notice(f"{name}: {len(ignored):,} images are not in {_ANNOTATIONS}, such as {ignored[0]}")
    return Source(name, classes, in_order((item(row[0], place[row[1]]) for row in rows), name), reader)


def _lines(text: bytes) -> Sequence[str]:
    return [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
