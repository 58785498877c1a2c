"""Pictures of what corruptions and perturbations do to one photograph."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from . import corruptions
from .api import corrupt

TILE = 144
_FRAME_TIME = 120  # milliseconds
_GAP = 6
_LABEL = 26
_MARGIN = 32
_PAPER, _INK, _FAINT = (250, 250, 248), (28, 28, 30), (120, 120, 124)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _tile(picture: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.LANCZOS)


def contact_sheet(clean: NDArray[np.uint8], image_id: str = "", seed: int = 0) -> Image.Image:
    """Show one picture under every corruption at every severity, labelled.

    Parameters
    ----------
    clean : ndarray of uint8, shape (H, W, 3)
        The clean picture, square or nearly so.
    image_id : str
        Decides the draws, with ``seed``.
    seed : int
        Of the random draws.

    Returns
    -------
    PIL.Image.Image
        Two columns of corruptions, five severities each, in the published order; the clean picture comes first.
    """
    names = (*corruptions.TEST, *corruptions.EXTRA)
    strip = 5 * TILE + 4 * _GAP
    rows = (len(names) + 2) // 2
    pitch = TILE + _LABEL + _GAP
    sheet = Image.new("RGB", (3 * _MARGIN + 2 * strip, 2 * _MARGIN + rows * pitch), _PAPER)
    draw = ImageDraw.Draw(sheet)

    def corner(place: int) -> tuple[int, int]:
        column, row = divmod(place, rows)
        return _MARGIN + column * (strip + _MARGIN), _MARGIN + row * pitch

    x, y = corner(0)
    sheet.paste(_tile(clean), (x, y + _LABEL))
    draw.text((x, y), "clean", _INK, _font(16))
    words = x + TILE + 3 * _GAP
    draw.text((words, y + _LABEL + 8), "ImageNet-C", _INK, _font(34))
    tested = f"{len(corruptions.TEST)} corruptions of the benchmark, {len(corruptions.EXTRA)} extra*"
    for line, text in enumerate((tested, "severity 1 to 5 from left to right", image_id)):
        draw.text((words, y + _LABEL + 56 + 24 * line), text, _FAINT, _font(16))
    for place, name in enumerate(names, start=1):
        x, y = corner(place)
        label = name + ("*" if name in corruptions.EXTRA else "")
        draw.text((x, y), label, _INK, _font(16))
        for severity in corruptions.SEVERITIES:
            made = corrupt(clean, name, severity, seed, image_id)
            sheet.paste(_tile(made), (x + (severity - 1) * (TILE + _GAP), y + _LABEL))
    return sheet


def save_animation(frames: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Save a sequence as a picture that moves.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, 3)
        Such as `imagenet_cp.perturb` gives.
    path : path
        Ending in .webp, .gif or .png.

    Raises
    ------
    ValueError
        It has another ending.
    """
    if os.path.splitext(path)[1].lower() not in (".webp", ".gif", ".png"):
        raise ValueError(f"{os.fspath(path)}: a picture that moves is a .webp, .gif or .png file")
    first, *others = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=others, duration=_FRAME_TIME, loop=0)
