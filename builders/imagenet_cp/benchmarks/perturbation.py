"""ImageNet-P and its forms at other sizes: one sequence of frames per photograph and perturbation."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import datasets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import perturbations
from ..images import codecs
from ..images.profiles import PROFILES
from ..images.video import encode_video
from ..sources import Item
from .base import Benchmark, Cell
from .recipe import Recipe


@dataclass(frozen=True)
class PerturbationBenchmark(Benchmark):
    """A data set in the manner of ImageNet-P (Hendrycks & Dietterich, ICLR 2019, section 4.2).

    Attributes
    ----------
    test : tuple of str
        The perturbations of the config ``test``; all others are those of ``extra``.
    """

    test: tuple[str, ...] = perturbations.TEST

    example: ClassVar[str] = "tilt"
    keeps_size: ClassVar[bool] = False
    images_per_file: ClassVar[int] = 250

    @property
    def codecs(self) -> Mapping[str, str]:
        """JPEG, lossless PNG, which is the usual one for CIFAR, and video."""
        others = {"jpeg": "jpeg:99:4:4:4", "png": "png", "h264": "h264"}
        return {"png": "png", **others} if PROFILES[self.profile].lossless else others

    @functools.cached_property
    def configs(self) -> Mapping[str, tuple[Cell, ...]]:
        """Perturbations such as ``tilt``, harder noises such as ``gaussian_noise_2``, then ``test`` and ``extra``."""
        known = {
            name: perturbation
            for name, perturbation in perturbations.PERTURBATIONS.items()
            if self.profile in perturbation.parameters
        }
        first = {name: (Cell(name, name, 1),) for name in known}
        harder = {
            f"{name}_{difficulty}": (Cell(f"{name}_{difficulty}", name, difficulty),)
            for name, perturbation in known.items()
            for difficulty in perturbation.difficulties[1:]
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

    def features(self, classes: Sequence[str], recipe: Recipe) -> datasets.Features:
        """Return the columns sequence (or video), label, perturbation, difficulty and image_id."""
        frames = (
            {"video": datasets.Value("binary")}
            if _is_video(recipe)
            else {"sequence": datasets.List(datasets.Image())}
        )
        return datasets.Features(
            {
                **frames,
                "label": datasets.ClassLabel(names=list(classes)),
                "perturbation": datasets.Value("string"),
                "difficulty": datasets.Value("int8"),
                "image_id": datasets.Value("string"),
            }
        )

    def resize(self, image: Image.Image) -> Image.Image:
        """Bring a photograph to the size that is perturbed, which is not yet cropped."""
        return PROFILES[self.profile].uncropped(image)

    def row(self, recipe: Recipe, cell: Cell, clean: NDArray[np.uint8], item: Item) -> dict[str, Any]:
        """Make the encoded frames of one sequence."""
        bits = recipe.bits(cell.name, cell.level, item.image_id)
        sequence = perturbations.apply(cell.name, clean, bits, cell.level, self.profile)
        made: dict[str, Any]
        if _is_video(recipe):
            made = {"video": encode_video(sequence, noisy=cell.name in perturbations.NOISE)}
        else:
            made = {"sequence": _encode(sequence, recipe.codec, item.image_id)}
        return {
            **made,
            "label": item.label,
            "perturbation": cell.name,
            "difficulty": cell.level,
            "image_id": item.image_id,
        }


def _is_video(recipe: Recipe) -> bool:
    return recipe.codec == "h264"


def _encode(frames: NDArray[np.uint8], codec: str, image_id: str) -> list[dict[str, Any]]:
    """Encode every frame by itself, as the codec of the recipe says: png, or jpeg:QUALITY:SUBSAMPLING."""
    if codec == "png":
        return [
            {"bytes": codecs.encode_png(frame), "path": f"{image_id}_{index:02d}.png"}
            for index, frame in enumerate(frames)
        ]
    _, quality, subsampling = codec.split(":", 2)
    return [
        {
            "bytes": codecs.encode_jpeg(frame, int(quality), subsampling=subsampling),
            "path": f"{image_id}_{index:02d}.JPEG",
        }
        for index, frame in enumerate(frames)
    ]
