"""Names of the data sets and their profiles, without the imports that generating them needs."""

from __future__ import annotations

#: Corrupted images: name for ``load_dataset`` -> name of the profile.
CORRUPTIONS = {
    "imagenet_c": "imagenet",
    "imagenet_c_299": "imagenet_299",
    "tiny_imagenet_c": "tiny",
    "cifar10_c": "cifar",
    "cifar100_c": "cifar",
}
#: Images under the corruptions of ImageNet-C-bar: name for ``load_dataset`` -> name of the profile.
BAR = {"imagenet_c_bar": "imagenet", "cifar10_c_bar": "cifar"}
#: Perturbed sequences: name for ``load_dataset`` -> name of the profile.
PERTURBATIONS = {
    "imagenet_p": "imagenet",
    "imagenet_p_299": "imagenet_299",
    "tiny_imagenet_p": "tiny",
    "cifar10_p": "cifar",
    "cifar100_p": "cifar",
}
DATASETS = {**CORRUPTIONS, **BAR, **PERTURBATIONS}
