"""ImageNet-C and its forms at other sizes: one picture per photograph, corruption and severity."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import datasets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import corruptions
from ..images import codecs
from ..images.profiles import PROFILES
from ..sources import Item
from .base import Benchmark, Cell
from .recipe import Recipe

CLEAN = Cell("clean", "clean", 0)


@dataclass(frozen=True)
class CorruptionBenchmark(Benchmark):
    """A data set in the manner of ImageNet-C (Hendrycks & Dietterich, ICLR 2019, section 4.1)."""

    example: ClassVar[str] = "fog_3"
    keeps_size: ClassVar[bool] = True
    images_per_file: ClassVar[int] = 2500

    @property
    def codecs(self) -> Mapping[str, str]:
        """JPEG as published; for CIFAR, whose pixels were published, lossless PNG."""
        jpeg = {"jpeg": "jpeg:85"}
        return {"png": "png", **jpeg} if PROFILES[self.profile].lossless else jpeg

    @functools.cached_property
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Single severities such as ``fog_3``, corruptions such as ``fog``, then ``test``, ``extra`` and ``clean``."""
        every = {
            name: tuple(Cell(f"{name}_{severity}", name, severity) for severity in corruptions.SEVERITIES)
            for name, corruption in corruptions.CORRUPTIONS.items()
            if self.profile in corruption.severities
        }
        return {
            **{cell.config: (cell,) for cells in every.values() for cell in cells},
            **every,
            "test": tuple(cell for name in corruptions.TEST for cell in every[name]),
            "extra": tuple(cell for name in corruptions.EXTRA for cell in every.get(name, ())),
            "clean": (CLEAN,),
        }

    @property
    def default_configs(self) -> Sequence[str]:
        """All corruptions at all severities."""
        return ["test", "extra"]

    def features(self, classes: Sequence[str], recipe: Recipe) -> datasets.Features:
        """Return the columns image, label, corruption, severity and image_id."""
        return datasets.Features(
            {
                "image": datasets.Image(),
                "label": datasets.ClassLabel(names=list(classes)),
                "corruption": datasets.Value("string"),
                "severity": datasets.Value("int8"),
                "image_id": datasets.Value("string"),
            }
        )

    def resize(self, image: Image.Image) -> Image.Image:
        """Bring a photograph to the profile's square."""
        return PROFILES[self.profile].square(image)

    def row(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], item: Item) -> dict[str, Any]:
        """Make and store one corrupted picture; ``clean`` itself is stored losslessly."""
        made = clean
        if cell != CLEAN:
            bits = recipe.bits(cell.name, cell.level, item.image_id)
            made = corruptions.apply(cell.name, clean, cell.level, bits, self.profile)
        if cell == CLEAN or recipe.codec == "png":
            image = {"bytes": codecs.encode_png(made), "path": f"{item.image_id}.png"}
        else:
            image = {"bytes": codecs.encode_jpeg(made), "path": f"{item.image_id}.JPEG"}
        return {
            "image": image,
            "label": item.label,
            "corruption": cell.name,
            "severity": cell.level,
            "image_id": item.image_id,
        }
