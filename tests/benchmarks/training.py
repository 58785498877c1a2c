"""Time transforms against torchvision v2, kornia, Albumentations and imagecorruptions-imaug, and reading.

Transforms: what the libraries share, at the parameters of one severity, on uint8 images of 224x224 as a DataLoader's
worker calls them. Reading: an item of `ImageNetC` from a build against `ImageFolder` on the same JPEGs, and the start
of a DataLoader with four workers on as many files as the test of ImageNet-C has. A library that is not installed is
omitted.
"""

from __future__ import annotations

import one_thread  # noqa: F401  (before any other library)

# isort: split

import argparse
import importlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import measure
import numpy as np
import torch
from photographs import cropped, write_source

from imagenet_cp.archives.export import export
from imagenet_cp.build.plan import build
from imagenet_cp.sources import open_source
from imagenet_cp.torch import ImageNetC
from imagenet_cp.transforms import Corrupt

Transform = Callable[[np.ndarray], object]
LIBRARIES = ("torch", "torchvision", "kornia", "albumentations", "imagecorruptions-imaug")
#: Severity whose parameters the peers get.
SEVERITY = 3
#: Operation -> what the peers do otherwise.
SHARED = {
    "gaussian_noise": "standard deviation 0.18",
    "gaussian_blur": "standard deviation 3; the peers' kernels have 13 taps, not 25, Albumentations' in 8 bits",
    "motion_blur": "the peers' kernel is 15 pixels of equal weight, not Gaussian weights of radius 15",
    "brightness": "the peers add 0.3 to every channel, not to the value of HSV",
    "contrast": "factor 0.2 about black (Albumentations, kornia) or the mean grey, not about each channel's mean",
    "jpeg_compression": "quality 15",
    "elastic_transform": "the peers draw one displacement per pixel and smooth it",
    "fog": "Albumentations draws translucent discs, not fractal noise",
    "snow": "Albumentations brightens dark pixels, and draws no flakes",
    "spatter": "rain of Albumentations",
}


def as_tensor(function: Callable[[torch.Tensor], object], floats: bool) -> Transform:
    """Call a transform on a tensor made of an array, as its library's users do."""

    def call(image: np.ndarray) -> object:
        tensor = torch.from_numpy(image).permute(2, 0, 1)
        return function(tensor.float() / 255 if floats else tensor)

    return call


def torchvision() -> dict[str, Transform]:
    from torchvision.transforms import v2

    return {
        "gaussian_noise": as_tensor(v2.GaussianNoise(sigma=0.18), True),
        "gaussian_blur": as_tensor(v2.GaussianBlur(13, 3.0), False),
        "brightness": as_tensor(v2.ColorJitter(brightness=(1.3, 1.3)), False),
        "contrast": as_tensor(v2.ColorJitter(contrast=(0.2, 0.2)), False),
        "jpeg_compression": as_tensor(v2.JPEG(15), False),
        "elastic_transform": as_tensor(v2.ElasticTransform(), False),
    }


def kornia() -> dict[str, Transform]:
    k = importlib.import_module("kornia.augmentation")
    made = {
        "gaussian_noise": k.RandomGaussianNoise(std=0.18, p=1),
        "gaussian_blur": k.RandomGaussianBlur((13, 13), (3.0, 3.0), p=1),
        "motion_blur": k.RandomMotionBlur(15, 45.0, 0.0, p=1),
        "brightness": k.RandomBrightness((1.3, 1.3), p=1),
        "contrast": k.RandomContrast((0.2, 0.2), p=1),
        "jpeg_compression": k.RandomJPEG((15.0, 15.0), p=1),
        "elastic_transform": k.RandomElasticTransform(p=1),
        "snow": k.RandomSnow(p=1),
    }
    return {name: as_tensor(function, True) for name, function in made.items()}


def albumentations() -> dict[str, Transform]:
    a = importlib.import_module("albumentations")
    made = {
        "gaussian_noise": a.GaussNoise(std_range=(0.18, 0.18), p=1),
        "gaussian_blur": a.GaussianBlur(blur_limit=13, sigma_limit=3.0, p=1),
        "motion_blur": a.MotionBlur(blur_limit=15, p=1),
        "brightness": a.RandomBrightnessContrast((0.3, 0.3), (0, 0), p=1),
        "contrast": a.RandomBrightnessContrast((0, 0), (-0.8, -0.8), p=1),
        "jpeg_compression": a.ImageCompression(quality_range=(15, 15), p=1),
        "elastic_transform": a.ElasticTransform(p=1),
        "fog": a.RandomFog(p=1),
        "snow": a.RandomSnow(p=1),
        "spatter": a.Spatter(p=1),
    }
    return {name: lambda image, f=function: f(image=image)["image"] for name, function in made.items()}


def imaug() -> dict[str, Transform]:
    import opponents

    corrupt = opponents.imaug()
    return {name: lambda image, n=name: corrupt(n, image, SEVERITY) for name in SHARED}


def transforms(passes: int) -> str:
    images = cropped()
    runners = {"ours": {name: Corrupt(name, severity=SEVERITY) for name in SHARED}}
    for opener in (torchvision, kornia, albumentations, imaug):
        try:
            functions = opener()
        except (ImportError, RuntimeError) as error:
            print(f"without {opener.__name__}: {error}")
            continue
        for name, function in list(functions.items()):
            try:
                function(images[0])
            except Exception as error:
                print(f"without {name} of {opener.__name__}: {error}")
                del functions[name]
        runners[opener.__name__] = functions
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(passes + 1):  # the first one compiles
        for runner, functions in runners.items():
            for name, function in functions.items():
                spent = [measure.cpu_ms(function, image) for image in images]
                if number:
                    times.setdefault((runner, name), []).append(float(np.mean(spent)))
    rows = []
    for name, difference in SHARED.items():
        cells = [float(np.median(times[r, name])) if (r, name) in times else "" for r in runners]
        rows.append([name, *cells, difference])
    return measure.table(["transform", *runners, "parameters, and how the peers differ"], rows)


def wall_ms(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def reading(folder: Path, count: int, rounds: int) -> str:
    write_source(folder / "val", count)
    build("imagenet_c", open_source(folder / "val"), folder / "built", ["fog_3"], workers_count=1)
    export(folder / "built", "imagefolder", folder / "files")
    readers: dict[str, object] = {"ImageNetC, from a build": ImageNetC(folder / "built", "fog", 3)}
    readers["ImageNetC, on the fly"] = ImageNetC(folder / "val", "fog", 3)
    try:
        from torchvision.datasets import ImageFolder

        readers["ImageFolder"] = ImageFolder(str(folder / "files/fog/3"))
    except (ImportError, RuntimeError) as error:
        print(f"without torchvision: {error}")
    orders = (range(count), np.random.default_rng(0).permutation(count).tolist())

    def read_all(data: object, order: Sequence[int]) -> None:
        for (
            index
        ) in order:  # an image that is kept takes new memory, whose first use costs more than its decoding
            data[index]

    spent: dict[str, list[list[float]]] = {name: [[] for _ in orders] for name in readers}
    for _ in range(rounds + 1):
        for name, data in readers.items():
            for times, order in zip(spent[name], orders, strict=True):
                times.append(wall_ms(lambda data=data, order=order: read_all(data, order)) / count)
    rows = [[name, *(float(np.median(times[1:])) for times in of_data)] for name, of_data in spent.items()]
    return measure.table(["data set, ms per image", "in order", "shuffled"], rows)


def start(folder: Path) -> str:
    """Start of a DataLoader with four workers on 75 configs of 20 files each, links to one file.

    With 2,500 images in the file these are as many rows as ImageNet-C has, 3.75 million.
    """
    record = json.loads((folder / "built/build.json").read_text())
    ((_, info),) = record["files"].items()
    (original,) = (folder / "built/data/fog_3").glob("*")
    from imagenet_cp.benchmarks.catalog import BENCHMARKS

    record["files"] = {}
    for cell in BENCHMARKS["imagenet_c"].configs["test"]:
        place = folder / "large/data" / cell.config
        place.mkdir(parents=True)
        for index in range(20):
            os.link(original, place / f"validation-{index:05d}-of-00020.parquet")
            record["files"][f"data/{cell.config}/validation-{index:05d}-of-00020.parquet"] = info
    (folder / "large/build.json").write_text(json.dumps(record))
    rows = []
    for method in ("fork", "forkserver", "spawn"):

        def first(method: str = method) -> None:
            data = ImageNetC(folder / "large", "test", transform=np.asarray)
            loader = torch.utils.data.DataLoader(
                data, 32, shuffle=True, num_workers=4, multiprocessing_context=method
            )
            next(iter(loader))

        rows.append([method, wall_ms(first) / 1e3])
    floor = torch.utils.data.TensorDataset(torch.zeros(100, 1))

    def nothing(method: str) -> None:
        next(iter(torch.utils.data.DataLoader(floor, 1, num_workers=4, multiprocessing_context=method)))

    for method in ("fork", "spawn"):
        rows.append([f"{method}, of numbers in memory", wall_ms(lambda m=method: nothing(m)) / 1e3])
    rows.append(["opening alone", wall_ms(lambda: ImageNetC(folder / "large", "test")) / 1e3])
    return measure.table(["workers", "seconds to the first batch"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--images", type=int, default=2500, help="images that are read")
    parser.add_argument("--save", action="store_true", help="write the results")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        measure.save(
            "training" if options.save else "",
            "# Training loops",
            measure.machine(*LIBRARIES),
            f"Transforms: milliseconds of CPU time per image, median of {options.passes} passes, one thread.",
            transforms(options.passes),
            "## Reading",
            reading(folder, options.images, 3),
            "## Start of a DataLoader, four workers, 75 configs in 1,500 files",
            start(folder),
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
