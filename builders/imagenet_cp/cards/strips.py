"""Strips of images for the cards: a corruption or perturbation of an image in the public domain."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .. import corruptions, perturbations
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.catalog import BENCHMARKS
from ..images import codecs
from ..images.tiles import tile
from ..sources import open_source

#: Image of scikit-image: a cat, by Stéfan van der Walt, in the public domain (CC0).
SOURCE_IMAGE = "chelsea"
_TILE, _GAP, _LABEL, _SHOWN = 150, 4, 18, 6


def strips(benchmark: Benchmark, names: Iterable[str]) -> dict[str, bytes]:
    """Draw a strip of six labelled images, at native pixels, for each name.

    Parameters
    ----------
    benchmark : Benchmark
        Data set, for its profile.
    names : iterable of str
        Names of corruptions, shown clean and at severities 1 to 5, or of perturbations, shown as six frames from first
        to last.

    Returns
    -------
    dict
        Name -> the bytes of a JPEG file, the same on every machine.
    """
    return {name: _strip(benchmark.dataset, name) for name in names}


@functools.cache
def _strip(dataset: str, name: str) -> bytes:
    benchmark = BENCHMARKS[dataset]
    shown = _corrupted(benchmark, name) if benchmark.kind == "corruptions" else _frames(benchmark, name)
    strip = Image.new("RGB", (_SHOWN * (_TILE + _GAP) - _GAP, _TILE + _LABEL), (255, 255, 255))
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default_imagefont()  # a bitmap, which looks the same on every machine
    for index, (text, image) in enumerate(shown.items()):
        left = index * (_TILE + _GAP)
        strip.paste(Image.fromarray(tile(image, _TILE)), (left, 0))
        draw.text((left + 2, _TILE + 5), text, (28, 28, 30), font)
    return codecs.encode_jpeg(np.array(strip), quality=85)


def _corrupted(benchmark: Benchmark, name: str) -> dict[str, NDArray[np.uint8]]:
    clean = _clean(benchmark)
    recipe = benchmark.recipe()
    shown = {"clean": clean}
    for severity in corruptions.SEVERITIES:
        bits = recipe.bits(name, severity, SOURCE_IMAGE)
        shown[f"severity {severity}"] = corruptions.apply(name, clean, severity, bits, benchmark.profile)
    return shown


def _frames(benchmark: Benchmark, name: str) -> dict[str, NDArray[np.uint8]]:
    bits = benchmark.recipe().bits(name, 1, SOURCE_IMAGE)
    frames = perturbations.apply(name, _clean(benchmark), bits, 1, benchmark.profile)
    shown = [round(place * (len(frames) - 1) / (_SHOWN - 1)) for place in range(_SHOWN)]
    return {f"frame {index + 1} of {len(frames)}": frames[index] for index in shown}


def _clean(benchmark: Benchmark) -> NDArray[np.uint8]:
    source = open_source("sample")
    item = next(item for item in source.items if item.image_id == SOURCE_IMAGE)
    data = source.reader.read(item)
    if benchmark.profile == "cifar":  # accepts 32 x 32 only
        square = BENCHMARKS["imagenet_c"].prepare(data, item.location)
        return np.array(Image.fromarray(square).resize((32, 32), Image.Resampling.BOX))
    return benchmark.prepare(data, item.location)
