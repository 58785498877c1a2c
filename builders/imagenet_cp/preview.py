"""Contact sheets and animations of one image under corruptions and perturbations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from . import corruptions
from .api import corrupt
from .files import check_replaceable

TILE = 144
_FRAME_TIME = 120  # milliseconds
_GAP = 6
_LABEL = 26
_MARGIN = 32
#: Text in every file of a preview, by which it is known as one.
MARK = "imagenet-cp preview"
_SOFTWARE = 0x0131  # tag of EXIF
_PAPER, _INK, _FAINT = (250, 250, 248), (28, 28, 30), (120, 120, 124)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _tile(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(image).resize((TILE, TILE), Image.Resampling.LANCZOS)


def contact_sheet(clean: NDArray[np.uint8], image_id: str = "", seed: int = 0) -> Image.Image:
    """Draw one image under every corruption at every severity, labelled.

    Parameters
    ----------
    clean : ndarray of uint8, shape (H, W, 3)
        The clean image, square or nearly so.
    image_id : str
        Id of the image; with ``seed`` it selects the random draws.
    seed : int
        Seed of the random draws.

    Returns
    -------
    PIL.Image.Image
        Two columns of corruptions, five severities each, in the published order; the clean image comes first.
    """
    names = (*corruptions.TEST, *corruptions.EXTRA)
    strip = 5 * TILE + 4 * _GAP
    rows = (len(names) + 2) // 2
    pitch = TILE + _LABEL + _GAP
    sheet = Image.new("RGB", (3 * _MARGIN + 2 * strip, 2 * _MARGIN + rows * pitch), _PAPER)
    draw = ImageDraw.Draw(sheet)

    def corner(index: int) -> tuple[int, int]:
        column, row = divmod(index, rows)
        return _MARGIN + column * (strip + _MARGIN), _MARGIN + row * pitch

    x, y = corner(0)
    sheet.paste(_tile(clean), (x, y + _LABEL))
    draw.text((x, y), "clean", _INK, _font(16))
    text_x = x + TILE + 3 * _GAP
    draw.text((text_x, y + _LABEL + 8), "ImageNet-C", _INK, _font(34))
    summary = f"{len(corruptions.TEST)} corruptions of the benchmark, {len(corruptions.EXTRA)} extra*"
    for line, text in enumerate((summary, "severity 1 to 5 from left to right", image_id)):
        draw.text((text_x, y + _LABEL + 56 + 24 * line), text, _FAINT, _font(16))
    for index, name in enumerate(names, start=1):
        x, y = corner(index)
        label = name + ("*" if name in corruptions.EXTRA else "")
        draw.text((x, y), label, _INK, _font(16))
        for severity in corruptions.SEVERITIES:
            corrupted = corrupt(clean, name, severity, seed, image_id)
            sheet.paste(_tile(corrupted), (x + (severity - 1) * (TILE + _GAP), y + _LABEL))
    return sheet


def save(image: Image.Image, path: str | os.PathLike[str], **options: Any) -> None:
    """Save an image with the mark of a preview, which takes the place of an earlier one only.

    Raises
    ------
    BuildError
        The file exists and is no preview.
    """
    check_replaceable(Path(path), MARK)
    exif = Image.Exif()
    exif[_SOFTWARE] = MARK
    image.save(path, exif=exif, comment=MARK, **options)


def check_animation(path: str | os.PathLike[str]) -> None:
    """Raise ValueError if a file's ending is not that of an animated image."""
    if os.path.splitext(path)[1].lower() not in (".webp", ".gif", ".png"):
        raise ValueError(f"{os.fspath(path)}: an animation is a .webp, .gif or .png file")


def save_animation(frames: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Save a sequence as an animated image.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, 3)
        Frames of one sequence, such as those from `imagenet_cp.perturb`.
    path : path
        File to write, ending in .webp, .gif or .png.

    Raises
    ------
    ValueError
        The file has another ending.
    BuildError
        It exists and is no preview.
    """
    check_animation(path)
    first, *rest = map(Image.fromarray, frames)
    save(first, path, save_all=True, append_images=rest, duration=_FRAME_TIME, loop=0)
