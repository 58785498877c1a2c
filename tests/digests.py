"""Digests of every config: run as a script, it prints them; with --write it makes the committed ones anew.

A committed digest changes only by decision: with a new recipe version and an entry in the changelog.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from imagenet_cp.benchmarks.benchmark import Benchmark
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.images.codecs import encode_png
from imagenet_cp.images.source_images import decode
from imagenet_cp.sources import Item, Source, open_source

COMMITTED = Path(__file__).parent / "golden" / "digests.json"


def photograph(benchmark: Benchmark, source: Source, item: Item) -> bytes:
    """Image of the sample, resized to the 32 x 32 pixels that CIFAR requires."""
    data = source.reader.read(item)
    if benchmark.profile != "cifar":
        return data
    return encode_png(np.array(Image.fromarray(decode(data, item.location)).resize((32, 32))))


def digests(few: bool = False) -> dict[str, dict[str, dict[str, str]]]:
    """Data set -> config -> SHA-256 of the stored bytes, and of the pixels they decode to, of the sample.

    With ``few`` the sample is three images for ImageNet-C and one for every other data set; without it, all images, but
    three for sequences of sizes different from ImageNet-P's, which would take a minute.
    """
    source = open_source("sample")
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, benchmark in BENCHMARKS.items():
        recipe = benchmark.recipe(seed=0)
        cells = benchmark.cells([*benchmark.configs])
        stored = {cell: hashlib.sha256() for cell in cells}
        decoded = {cell: hashlib.sha256() for cell in cells}
        for item in source.items[: _count(name, few)]:
            clean = benchmark.prepare(photograph(benchmark, source, item), item.location)
            for cell in cells:
                row = benchmark.row(recipe, cell, clean, item)
                for picture in row.get("sequence") or [row["image"]]:
                    stored[cell].update(picture["bytes"])
                    with Image.open(io.BytesIO(picture["bytes"])) as image:
                        decoded[cell].update(np.asarray(image).tobytes())
        found[name] = {
            cell.config: {"stored": stored[cell].hexdigest(), "pixels": decoded[cell].hexdigest()}
            for cell in cells
        }
    return found


def _count(name: str, few: bool) -> int | None:
    if few:
        return 3 if name == "imagenet_c" else 1
    return 3 if "_p" in name and name != "imagenet_p" else None


def committed() -> dict[str, dict[str, str]]:
    """The digests of the pixels of the whole sample, as committed."""
    return json.loads(COMMITTED.read_text())


def pixels_of(found: dict[str, dict[str, dict[str, str]]]) -> dict[str, dict[str, str]]:
    """Only the digests of the pixels."""
    return {name: {cell: both["pixels"] for cell, both in cells.items()} for name, cells in found.items()}


if __name__ == "__main__":
    if "--write" in sys.argv:
        COMMITTED.write_text(json.dumps(pixels_of(digests()), indent=1) + "\n")
    else:
        json.dump(digests(few=True), sys.stdout)
