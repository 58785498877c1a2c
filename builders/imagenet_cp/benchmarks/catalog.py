"""Catalog of the data sets that this package generates."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import UsageError, suggest
from ..images.profiles import PROFILES
from . import names
from .benchmark import Benchmark
from .corruption import BarBenchmark, CorruptionBenchmark
from .perturbation import PerturbationBenchmark
from .recipe import Recipe

_C = (
    "under common corruptions at five severities each. The 15 corruptions of the config `test` are the benchmark that "
    "mCE is computed on; those of `extra` are for validation."
)
_C_BAR = (
    "under ten corruptions at five severities each that look different from ImageNet-C's, to test if a robustness "
    "gained on those carries over. The score is the mean error."
)
_P = (
    "as short sequences of frames that change a little from one to the next. The 10 perturbations of the config "
    "`test` are the benchmark that mFR and mT5D are computed on; those of `extra` are for validation."
)
#: Profile -> number of source images of its benchmarks.
IMAGES = {"imagenet": 50_000, "imagenet_299": 50_000, "tiny": 10_000, "cifar": 10_000}
#: Name without the letter of the benchmark -> title, and source images.
_TITLES = {
    "imagenet": ("ImageNet-{}", "ImageNet's validation images"),
    "imagenet_299": (
        "ImageNet-{} 299",
        "ImageNet's validation images at 299 x 299 pixels, as Inception networks take them,",
    ),
    "tiny_imagenet": ("Tiny ImageNet-{}", "Tiny ImageNet's images, 64 x 64 pixels,"),
    "cifar10": ("CIFAR-10-{}", "CIFAR-10's test images"),
    "cifar100": ("CIFAR-100-{}", "CIFAR-100's test images"),
}


def _texts(dataset: str, letter: str, description: str) -> tuple[str, str]:
    title, images = _TITLES[dataset.replace(f"_{letter}", "")]
    return title.format(letter.upper().replace("_BAR", "-bar")), f"{images} {description}"


BENCHMARKS: dict[str, Benchmark] = {
    **{
        name: CorruptionBenchmark(name, profile, *_texts(name, "c", _C))
        for name, profile in names.CORRUPTIONS.items()
    },
    **{
        name: BarBenchmark(name, profile, *_texts(name, "c_bar", _C_BAR))
        for name, profile in names.BAR.items()
    },
    **{
        name: PerturbationBenchmark(name, profile, *_texts(name, "p", _P))
        for name, profile in names.PERTURBATIONS.items()
    },
}


def get_benchmark(dataset: str) -> Benchmark:
    """Look up a data set by its name, in any case and with ``-`` for ``_``.

    Raises
    ------
    ValueError
        The name is unknown; the message suggests similar ones.
    """
    name = str(dataset).lower().replace("-", "_")
    if name not in BENCHMARKS:
        raise UsageError(f"unknown data set {dataset!r}{suggest(name, BENCHMARKS)}")
    return BENCHMARKS[name]


def part_of(profile: str, rows: Iterable[int]) -> str | None:
    """Number of images and of those of the whole benchmark, such as ``"100/50000"``, if the fewest rows are a part."""
    images, whole = min(rows), IMAGES[profile]
    return f"{images}/{whole}" if images < whole else None


def parse_signature(signature: str) -> tuple[Benchmark, Recipe]:
    """Read the benchmark and the recipe back from the signature of a data set.

    Raises
    ------
    ValueError
        The text is not the signature of a data set of this package.
    """
    recipe = Recipe.parse(signature)
    if recipe.dataset not in BENCHMARKS or recipe.profile not in PROFILES:
        raise ValueError(f"not the signature of a data set of this package: {signature!r}")
    return BENCHMARKS[recipe.dataset], recipe
