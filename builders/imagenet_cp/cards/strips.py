"""Strips of images for the cards: a corruption or perturbation of an image in the public domain."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import corruptions, perturbations
from ..benchmarks.base import Benchmark
from ..benchmarks.catalog import BENCHMARKS
from ..images import codecs
from ..sources import open_source

#: Image of scikit-image: a cat, by Stéfan van der Walt, in the public domain (CC0).
SOURCE_IMAGE = "chelsea"
_TILE, _GAP, _SHOWN = 150, 4, 6


def strips(benchmark: Benchmark, names: Iterable[str]) -> dict[str, bytes]:
    """Draw a strip of six images for each name.

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
    strip = np.full((_TILE, _SHOWN * (_TILE + _GAP) - _GAP, 3), 255, np.uint8)
    for index, image in enumerate(shown):
        left = index * (_TILE + _GAP)
        tile = Image.fromarray(image).resize((_TILE, _TILE), Image.Resampling.LANCZOS)
        strip[:, left : left + _TILE] = np.array(tile)
    return codecs.encode_jpeg(strip, quality=85)


def _corrupted(benchmark: Benchmark, name: str) -> list[NDArray[np.uint8]]:
    clean = _clean(benchmark)
    recipe = benchmark.recipe()
    return [clean] + [
        corruptions.apply(name, clean, severity, recipe.bits(name, severity, SOURCE_IMAGE), benchmark.profile)
        for severity in corruptions.SEVERITIES
    ]


def _frames(benchmark: Benchmark, name: str) -> list[NDArray[np.uint8]]:
    bits = benchmark.recipe().bits(name, 1, SOURCE_IMAGE)
    frames = perturbations.apply(name, _clean(benchmark), bits, 1, benchmark.profile)
    return [frames[round(place * (len(frames) - 1) / (_SHOWN - 1))] for place in range(_SHOWN)]


def _clean(benchmark: Benchmark) -> NDArray[np.uint8]:
    source = open_source("sample")
    item = next(item for item in source.items if item.image_id == SOURCE_IMAGE)
    data = source.reader.read(item)
    if benchmark.profile == "cifar":  # accepts 32 x 32 only
        square = BENCHMARKS["imagenet_c"].prepare(data, item.location)
        return np.array(Image.fromarray(square).resize((32, 32), Image.Resampling.BOX))
    return benchmark.prepare(data, item.location)
