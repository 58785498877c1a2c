"""Fixtures of the evaluation: images with ImageNet's labels, and builds of them."""

import shutil

import pytest

from imagenet_cp.build.plan import build
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources import open_source

C_CONFIGS = ["fog_3", "brightness", "gaussian_noise_1", "clean"]
P_CONFIGS = ["tilt", "gaussian_noise"]


@pytest.fixture(scope="session")
def labelled(tmp_path_factory, photographs):
    """Four images in folders of ImageNet's classes."""
    root = tmp_path_factory.mktemp("labelled") / "val"
    for place, path in enumerate(photographs.values()):
        folder = root / imagenet.wnids()[100 * place]
        folder.mkdir(parents=True)
        shutil.copy(path, folder)
    return root


@pytest.fixture(scope="session")
def folders(tmp_path_factory, labelled):
    """Builds of ImageNet-C and ImageNet-P, by their names."""
    root = tmp_path_factory.mktemp("builds")
    for dataset, configs in (("imagenet_c", C_CONFIGS), ("imagenet_p", P_CONFIGS)):
        options = {"workers_count": 1, "images_per_file": 3}
        build(dataset, open_source(labelled), root / dataset, configs, **options)
    return {dataset: root / dataset for dataset in ("imagenet_c", "imagenet_p")}
