"""ImageNet-P, at every size: one sequence of frames per source image and perturbation."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import datasets
import numpy as np
from numpy.typing import NDArray

from .. import perturbations
from ..images import codecs
from ..images.profiles import PROFILES
from ..images.video import encode_video
from ..metrics import BENCHMARKS
from . import jpeg_quality
from .benchmark import Benchmark, Cell, Images
from .recipe import Recipe


@dataclass(frozen=True)
class PerturbationBenchmark(Benchmark):
    """Data set built as ImageNet-P is (Hendrycks & Dietterich, ICLR 2019, section 4.2)."""

    kind: ClassVar[str] = "perturbations"
    level_name: ClassVar[str] = "difficulty"
    example: ClassVar[str] = "tilt"
    keeps_size: ClassVar[bool] = False
    card: ClassVar[str] = "imagenet_p"
    images_per_file: ClassVar[int] = 250

    @property
    def codecs(self) -> Mapping[str, str]:
        """JPEG, lossless PNG and video; PNG first for CIFAR."""
        codecs = {"jpeg": jpeg_quality.SEQUENCE, "png": "png", "h264": "h264"}
        return {"png": "png", **codecs} if PROFILES[self.profile].lossless else codecs

    @property
    def test(self) -> Sequence[str]:
        """Perturbations of the config ``test``; the authors' CIFAR-P has spatter in place of snow."""
        return BENCHMARKS["mfr"][self.dataset].test

    @functools.cached_property
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Perturbations such as ``tilt``, harder noises such as ``gaussian_noise_2``, then ``test`` and ``extra``."""
        known = {
            name: perturbation
            for name, perturbation in perturbations.PERTURBATIONS.items()
            if self.profile in perturbation.tables
        }
        first = {name: (Cell(name, name, 1),) for name in known}
        harder = {
            f"{name}_{difficulty}": (Cell(f"{name}_{difficulty}", name, difficulty),)
            for name, perturbation in known.items()
            for difficulty in perturbation.levels[1:]
        }
        return {
            **first,
            **harder,
            "test": tuple(cell for name in self.test for cell in first[name]),
            "extra": tuple(cell for name, cells in first.items() if name not in self.test for cell in cells),
        }

    @property
    def default_configs(self) -> Sequence[str]:
        """All perturbations at difficulty 1."""
        return ["test", "extra"]

    def content_features(self, recipe: Recipe) -> dict[str, Any]:
        """Column sequence, or video."""
        if _is_video(recipe):
            # Not decoded by datasets, which would need torchcodec; the viewer of the Hub plays the files.
            return {"video": datasets.Video(decode=False)}
        return {"sequence": datasets.List(datasets.Image())}

    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize an image before it is perturbed and then cropped."""
        return PROFILES[self.profile].uncropped(image)

    def generate(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], image_id: str) -> Images:
        """Perturb one image."""
        bits = recipe.bits(cell.name, cell.level, image_id)
        codec = jpeg_quality.frame_codec(cell.name) if recipe.codec == jpeg_quality.SEQUENCE else recipe.codec
        return Images(perturbations.apply(cell.name, clean, bits, cell.level, recipe.profile), codec)

    def content(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], image_id: str) -> dict[str, Any]:
        """Perturb one image and encode the frames."""
        sequence, codec = self.generate(recipe, cell, clean, image_id)
        if _is_video(recipe):
            video = encode_video(sequence, noisy=cell.name in perturbations.NOISE)
            return {"video": {"bytes": video, "path": f"{image_id}.mp4"}}
        return {
            "sequence": [
                codecs.encode(frame, codec, f"{image_id}_{n:02d}") for n, frame in enumerate(sequence)
            ]
        }


def _is_video(recipe: Recipe) -> bool:
    return recipe.codec == "h264"
