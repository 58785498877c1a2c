"""Where clean images come from, one file a kind."""

from __future__ import annotations

import os
from pathlib import Path

from .. import settings
from ..errors import SourceError
from .base import Item, Reader, Source
from .folder import open_folder
from .sample import open_sample
from .tar import open_tar

__all__ = ["Item", "Reader", "Source", "open_source"]


def open_source(source: str | os.PathLike[str] | None = None) -> Source:
    """Open a source of clean images.

    Parameters
    ----------
    source : str or path, optional
        ``"sample"`` for the photographs that ship with scikit-image; a folder: one sub-folder per class, or
        ImageNet's flat validation folder; or a tar archive of either, such as ``ILSVRC2012_img_val.tar``. When None:
        the environment variable ``IMAGENET_CP_SOURCE``, else what is remembered by ``imagenet-cp use``.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        No source is named anywhere, or the one named cannot be used.
    """
    chosen = source if source is not None else settings.default_source()
    if chosen is None:
        raise SourceError(
            'no source of clean images is named. Name one with data_dir="path/to/val" in load_dataset or '
            f"--source path/to/val on the command line, or set {settings.VARIABLE}=path/to/val, or once and for "
            'all run `imagenet-cp use path/to/val`. source="sample" takes the few photographs of scikit-image.'
        )
    if str(chosen) == "sample":
        return open_sample()
    if Path(chosen).expanduser().is_file():
        return open_tar(chosen)
    return open_folder(chosen)
