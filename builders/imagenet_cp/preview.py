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
from .benchmarks.names import BAR
from .corruptions.registry import SUITES
from .errors import UsageError
from .files import check_replaceable
from .images.tiles import tile

_TILE = 160
_COMPACT_TILE = 224
_FRAME_TIME = 120  # milliseconds
_GAP = 6
_LABEL = 24
_HEADING = 44
_MARGIN = 32
#: Text in every file of a preview, by which it is known as one.
MARK = "imagenet-cp preview"
_SOFTWARE = 0x0131  # tag of EXIF
_PAPER, _INK, _FAINT = (250, 250, 248), (28, 28, 30), (110, 110, 114)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fitting_font(text: str, width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Font of size 15, or the largest below in which a text is at most ``width`` pixels wide."""
    fonts = (_font(size) for size in range(15, 8, -1))
    return next((font for font in fonts if font.getlength(text) <= width), _font(8))


def contact_sheet(
    clean: NDArray[np.uint8], image_id: str = "", seed: int = 0, benchmark: str = "imagenet_c"
) -> Image.Image:
    """Draw one image under every corruption at every severity, labelled, in its native pixels.

    Parameters
    ----------
    clean : ndarray of uint8, shape (H, W, 3)
        The clean image. The sheet shows the central 160 x 160 pixels of the corrupted images.
    image_id : str
        Id of the image; with ``seed`` it selects the random draws.
    seed : int
        Seed of the random draws.
    benchmark : str
        ``imagenet_c`` or ``imagenet_c_bar``, which takes a square image.

    Returns
    -------
    PIL.Image.Image
        Two columns of corruptions under the headings of their families, severities 1 to 5 from left to right.
    """
    registry = corruptions.BAR if benchmark in BAR else corruptions.CORRUPTIONS
    names = {
        family: [name for name, c in registry.items() if c.family == family and "imagenet" in c.tables]
        for family in SUITES["c_bar" if benchmark in BAR else "c"]
    }
    names = {family: members for family, members in names.items() if members}
    pitch, strip = _TILE + _LABEL + _GAP, 5 * _TILE + 4 * _GAP
    title = _TILE + _LABEL + _GAP

    def column_heights(split: int) -> list[int]:
        height = [_HEADING + len(members) * pitch for members in names.values()]
        return [title + sum(height[:split]), sum(height[split:])]

    split = min(range(1, len(names) + 1), key=lambda split: max(column_heights(split)))
    heights = column_heights(split)
    halves = list(names)[:split], list(names)[split:]
    sheet = Image.new("RGB", (3 * _MARGIN + 2 * strip, 2 * _MARGIN + max(heights)), _PAPER)
    draw = ImageDraw.Draw(sheet)

    y = _MARGIN + _LABEL
    sheet.paste(Image.fromarray(tile(clean, _TILE)), (_MARGIN, y))
    draw.text((_MARGIN, _MARGIN), "clean", _INK, _font(16))
    text_x = _MARGIN + _TILE + 3 * _GAP
    draw.text((text_x, y), "ImageNet-C-bar" if benchmark in BAR else "ImageNet-C", _INK, _font(36))
    extra = sum(registry[name].extra for members in names.values() for name in members)
    summary = f"{sum(map(len, names.values())) - extra} corruptions of the benchmark"
    summary += f", {extra} extra*" if extra else ""
    for line, text in enumerate((summary, "severity 1 to 5 from left to right", image_id)):
        draw.text((text_x, y + 60 + 28 * line), text, _FAINT, _font(16))

    for column, half in enumerate(halves):
        x, y = _MARGIN + column * (strip + _MARGIN), _MARGIN + (title if column == 0 else 0)
        for family in half:
            draw.text((x, y + 8), family, _INK, _font(24))
            y += _HEADING
            for name in names[family]:
                label = name + ("*" if registry[name].extra else "")
                draw.text((x, y), label, _INK, _fitting_font(label, _TILE - 16))
                for severity in corruptions.SEVERITIES:
                    left = x + (severity - 1) * (_TILE + _GAP)
                    corrupted = corrupt(clean, name, severity, seed, image_id, benchmark=benchmark)
                    sheet.paste(Image.fromarray(tile(corrupted, _TILE)), (left, y + _LABEL))
                    draw.text((left + _TILE - 12, y), str(severity), _FAINT, _font(15))
                y += pitch
    return sheet


def compact_sheet(
    clean: NDArray[np.uint8], image_id: str = "", seed: int = 0, severity: int = 3
) -> Image.Image:
    """Draw one image under the 15 corruptions of mCE at one severity, as in Figure 1 of the paper.

    Parameters
    ----------
    clean : ndarray of uint8, shape (H, W, 3)
        The clean image. The sheet shows the central 224 x 224 pixels of the corrupted images.
    image_id, seed
        As for `contact_sheet`.
    severity : int
        From 1 to 5.

    Returns
    -------
    PIL.Image.Image
        Three rows of five labelled tiles, in the published order.
    """
    pitch_x, pitch_y = _COMPACT_TILE + _GAP, _COMPACT_TILE + _LABEL + _GAP
    columns, rows = 5, -(-len(corruptions.TEST) // 5)
    sheet = Image.new("RGB", (columns * pitch_x + _GAP, rows * pitch_y + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, name in enumerate(corruptions.TEST):
        x, y = _GAP + index % columns * pitch_x, _GAP + index // columns * pitch_y
        draw.text((x, y), f"{name} {severity}", _INK, _font(16))
        corrupted = corrupt(clean, name, severity, seed, image_id)
        sheet.paste(Image.fromarray(tile(corrupted, _COMPACT_TILE)), (x, y + _LABEL))
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
    """Raise UsageError if a file's ending is not that of an animated image."""
    if os.path.splitext(path)[1].lower() not in (".webp", ".gif", ".png"):
        raise UsageError(f"{os.fspath(path)}: an animation is a .webp, .gif or .png file")


def save_animation(frames: NDArray[np.uint8], path: str | os.PathLike[str], name: str = "") -> None:
    """Save a sequence as an animated image, with the number of each frame below it.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, 3)
        Frames of one sequence, such as those from `imagenet_cp.perturb`.
    path : path
        File to write, ending in .webp, .gif or .png.
    name : str
        Name of the perturbation, before the number.

    Raises
    ------
    UsageError
        The file has another ending.
    BuildError
        It exists and is no preview.
    """
    check_animation(path)
    shown = []
    for number, frame in enumerate(frames, start=1):
        height, width = frame.shape[:2]
        canvas = Image.new("RGB", (width, height + _LABEL), _PAPER)
        canvas.paste(Image.fromarray(frame))
        ImageDraw.Draw(canvas).text(
            (4, height + 4), f"{name} {number}/{len(frames)}".strip(), _INK, _font(14)
        )
        shown.append(canvas)
    first, *rest = shown
    save(first, path, save_all=True, append_images=rest, duration=_FRAME_TIME, loop=0)
