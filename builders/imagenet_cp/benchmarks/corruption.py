"""ImageNet-C, at every size, and ImageNet-C-bar: one image per source image, corruption and severity."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import datasets
import numpy as np
from numpy.typing import NDArray

from .. import corruptions
from ..images import codecs
from ..images.profiles import PROFILES
from . import jpeg_quality
from .benchmark import Benchmark, Cell, Images
from .recipe import Recipe

CLEAN = Cell("clean", "clean", 0)


@dataclass(frozen=True)
class CorruptionBenchmark(Benchmark):
    """Data set built as ImageNet-C is (Hendrycks & Dietterich, ICLR 2019, section 4.1)."""

    kind: ClassVar[str] = "corruptions"
    level_name: ClassVar[str] = "severity"
    example: ClassVar[str] = "fog_3"
    keeps_size: ClassVar[bool] = True
    images_per_file: ClassVar[int] = 2500
    registry: ClassVar[Mapping[str, corruptions.Corruption]] = corruptions.CORRUPTIONS
    card: ClassVar[str] = "imagenet_c"

    @property
    def codecs(self) -> Mapping[str, str]:
        """JPEG as published; PNG first for CIFAR, which was published as pixels."""
        jpeg = {"jpeg": jpeg_quality.IMAGE}
        return {"png": "png", **jpeg} if PROFILES[self.profile].lossless else jpeg

    @functools.cached_property
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Single severities such as ``fog_3``, corruptions such as ``fog``, then ``test``, ``extra`` and ``clean``.

        ``extra`` is absent if there is no extra corruption.
        """
        every = {
            name: tuple(Cell(f"{name}_{severity}", name, severity) for severity in corruptions.SEVERITIES)
            for name, corruption in self.registry.items()
            if self.profile in corruption.tables
        }
        tested = [cells for name, cells in every.items() if not self.registry[name].extra]
        extra = [cells for name, cells in every.items() if self.registry[name].extra]
        return {
            **{cell.config: (cell,) for cells in every.values() for cell in cells},
            **every,
            "test": tuple(itertools.chain(*tested)),
            **({"extra": tuple(itertools.chain(*extra))} if extra else {}),
            "clean": (CLEAN,),
        }

    @property
    def default_configs(self) -> Sequence[str]:
        """All corruptions at all severities, and the clean images, which relative mCE needs."""
        return [name for name in ("test", "extra", "clean") if name in self.configs]

    def content_features(self, recipe: Recipe) -> dict[str, Any]:
        """Column image."""
        return {"image": datasets.Image()}

    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize and crop an image to the profile's square."""
        return PROFILES[self.profile].square(image)

    def generate(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], image_id: str) -> Images:
        """Corrupt one image; the clean image itself is stored losslessly."""
        if cell == CLEAN:
            return Images(clean[None], "png")
        bits = recipe.bits(cell.name, cell.level, image_id)
        image = corruptions.apply(cell.name, clean, cell.level, bits, recipe.profile)
        return Images(image[None], recipe.codec)

    def content(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], image_id: str) -> dict[str, Any]:
        """Corrupt and encode one image."""
        (image,), codec = self.generate(recipe, cell, clean, image_id)
        return {"image": codecs.encode(image, codec, image_id)}


@dataclass(frozen=True)
class BarBenchmark(CorruptionBenchmark):
    """Data set built as ImageNet-C-bar is (Mintun, Kirillov & Xie, NeurIPS 2021)."""

    example: ClassVar[str] = "sparkles_3"
    keeps_size: ClassVar[bool] = False
    registry: ClassVar[Mapping[str, corruptions.Corruption]] = corruptions.BAR
    card: ClassVar[str] = "imagenet_c_bar"
