"""Names of the data sets and their profiles, without the imports that generating them takes."""

from __future__ import annotations

#: Name for ``load_dataset`` -> name of its profile.
DATASETS = {
    "imagenet_c": "imagenet",
    "imagenet_c_299": "imagenet_299",
    "tiny_imagenet_c": "tiny",
    "cifar10_c": "cifar",
    "cifar100_c": "cifar",
    "imagenet_p": "imagenet",
    "imagenet_p_299": "imagenet_299",
    "tiny_imagenet_p": "tiny",
    "cifar10_p": "cifar",
    "cifar100_p": "cifar",
}
