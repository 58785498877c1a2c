"""Sources of clean images, whose kinds are opened by `open_source`.

The kinds are `cifar`, `dataset`, `image_folder`, `sample`, `tar`, `tiny` and `zip`.

- `arrow`: rows of Parquet and Arrow files
- `cifar`: the archives of CIFAR-10 and CIFAR-100, and their folders
- `class_lists`: lists of classes to build or to score on
- `classes`: ImageNet's classes and validation labels, and the classes that names and numbers stand for
- `corrupted`: corrupted images of others in their own layouts, for an evaluation only
- `dataset`: data sets with a column of images, on the Hub or on this machine
- `dataset_files`: files of a data set, found by its name or in its folder
- `extra`: further columns of data sets, such as boxes, which rows carry along
- `gzip_stream`: the bytes inside a gzip file at any offset
- `image_folder`: folders of images, one sub-folder a class, or ImageNet's flat folder
- `image_paths`: classes and ids of image files by their paths
- `name_lists`: text files of one name a line
- `pickles`: pickles read as plain data, within bounds
- `sample`: the images that ship with scikit-image
- `source`: `Source`, which every kind is opened as, `Item` and `Reader`
- `subsets`: subsets of images, by a name, a file of ids or a list of them, and by a list of classes
- `tar`: tar archives, such as ILSVRC2012_img_val.tar
- `tar_members`: the members of a tar archive
- `template`: layouts of paths as templates, for corrupted images
- `tiny`: Tiny ImageNet's validation images
- `zip`: zip archives of images, laid out as folders are
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from .. import settings
from ..errors import SourceError, UsageError
from .cifar import open_cifar
from .dataset import open_dataset
from .dataset_files import is_dataset, is_hub_name, split_name
from .image_folder import open_folder, open_folder_recursively
from .sample import open_sample
from .source import Item, Reader, Source
from .subsets import Ids, restrict_images
from .tar import open_tar
from .tiny import open_tiny
from .zip import open_zip

#: Old names of data sets, which many scripts still use -> their names on the Hub.
_ON_HUB = {"cifar10": "uoft-cs/cifar10", "cifar100": "uoft-cs/cifar100"}

__all__ = ["Item", "Reader", "Source", "open_source"]


def open_source(
    source: str | os.PathLike[str] | None = None,
    *,
    recursive: bool = False,
    ids: Ids | None = None,
    classes: str | os.PathLike[str] | None = None,
) -> Source:
    """Open a source of clean images.

    Parameters
    ----------
    source : str or path, optional
        ``"sample"`` for the images that ship with scikit-image; a folder: one sub-folder per class, or
        ImageNet's flat validation folder; a tar, tar.gz or zip archive of either, such as
        ``ILSVRC2012_img_val.tar``; the released archive of CIFAR or Tiny ImageNet, or its
        unpacked folder (see `open_cifar`, `open_tiny`); a folder of Parquet
        files or one saved by ``save_to_disk``; or a data set on the Hub by its name, such as ``ILSVRC/imagenet-1k``,
        ``cifar10`` or ``user/name:split`` (see `open_dataset`). Default: the variable ``IMAGENET_CP_SOURCE``, else the
        source registered by ``imagenet-cp use``.
    recursive : bool
        List a folder with all its sub-folders, relative paths being the ids: see
        `open_folder_recursively`. Without effect on sources that are not folders.
    ids : str, path or list, optional
        Restrict the source to these images: ``"robustbench-5000"``, a file, or a list of numbers, ids or paths, as for
        `open_subset`.
    classes : str or path, optional
        Restrict the source to these classes, whose places become the labels: ``"imagenet-r"`` or a file, as for
        `class_list`.

    Returns
    -------
    Source

    Raises
    ------
    UsageError
        No source is named anywhere, or there is none of that name; or there are no such ids or classes.
    SourceError
        The source cannot be used, or lacks some of the images or all classes.
    """
    chosen = source if source is not None else settings.default_source()
    if chosen is None:
        raise UsageError(
            'no source of clean images is named. Name one with data_dir="path/to/val" in load_dataset or '
            f"--source path/to/val on the command line, or set {settings.VARIABLE}=path/to/val, or once and for "
            "all run `imagenet-cp use path/to/val`. It may also be ILSVRC2012_img_val.tar or ILSVRC/imagenet-1k on the "
            'Hub. source="sample" takes the few images of scikit-image.'
        )
    try:
        found = _open(os.fspath(chosen), recursive)
    except (SourceError, UsageError) as error:
        if source is not None:
            raise
        raise SourceError(
            f"{error}. It is the source set by `imagenet-cp use` or {settings.VARIABLE}; if it has moved, set it again"
        ) from error
    return found if ids is None and classes is None else restrict_images(found, ids, classes)


def _open(name: str, recursive: bool) -> Source:
    if name == "sample":
        return open_sample()
    if name in _ON_HUB and not Path(name).exists():
        return open_dataset(_ON_HUB[name])
    path = Path(name).expanduser()
    if path.is_file() or path.is_dir():
        published = open_cifar(name) or open_tiny(name)
        if published is not None:
            return published
    if path.is_file():
        return open_zip(name) if zipfile.is_zipfile(path) else open_tar(name)
    folder = Path(split_name(name)[0]).expanduser()
    if folder.is_dir() and is_dataset(folder):
        return open_dataset(name)
    if not folder.exists() and is_hub_name(name):
        return open_dataset(name)
    return open_folder_recursively(name) if recursive else open_folder(name)
