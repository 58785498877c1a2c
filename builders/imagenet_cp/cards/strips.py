"""Pictures for the cards: what a corruption or perturbation does, shown on a photograph that is free to show."""

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

#: The photograph of scikit-image that is shown: a cat, by Stéfan van der Walt, in the public domain (CC0).
PHOTOGRAPH = "chelsea"
_TILE, _GAP, _SHOWN = 150, 4, 6


def strips(benchmark: Benchmark, names: Iterable[str]) -> dict[str, bytes]:
    """Draw a strip of six pictures for each name.

    Parameters
    ----------
    benchmark : Benchmark
        Whose sizes and severities count.
    names : iterable of str
        Of corruptions: the clean picture and severities 1 to 5. Of perturbations: six frames from first to last.

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
    for place, picture in enumerate(shown):
        left = place * (_TILE + _GAP)
        tile = Image.fromarray(picture).resize((_TILE, _TILE), Image.Resampling.LANCZOS)
        strip[:, left : left + _TILE] = np.array(tile)
    return codecs.encode_jpeg(strip, quality=85)


def _corrupted(benchmark: Benchmark, name: str) -> list[NDArray[np.uint8]]:
    clean = _clean(benchmark)
    recipe = benchmark.recipe()
    return [clean] + [
        corruptions.apply(name, clean, severity, recipe.bits(name, severity, PHOTOGRAPH), benchmark.profile)
        for severity in corruptions.SEVERITIES
    ]


def _frames(benchmark: Benchmark, name: str) -> list[NDArray[np.uint8]]:
    bits = benchmark.recipe().bits(name, 1, PHOTOGRAPH)
    frames = perturbations.apply(name, _clean(benchmark), bits, 1, benchmark.profile)
    return [frames[round(place * (len(frames) - 1) / (_SHOWN - 1))] for place in range(_SHOWN)]


def _clean(benchmark: Benchmark) -> NDArray[np.uint8]:
    source = open_source("sample")
    item = next(item for item in source.items if item.image_id == PHOTOGRAPH)
    photograph = source.reader.read(item)
    if benchmark.profile == "cifar":  # takes its own small pictures only
        square = BENCHMARKS["imagenet_c"].prepare(photograph, item.location)
        return np.array(Image.fromarray(square).resize((32, 32), Image.Resampling.BOX))
    return benchmark.prepare(photograph, item.location)
