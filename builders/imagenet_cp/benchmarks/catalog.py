"""The data sets this package can make."""

from .. import perturbations
from ..errors import suggest
from .base import Benchmark
from .corruption import CorruptionBenchmark
from .names import DATASETS
from .perturbation import PerturbationBenchmark

#: The authors' CIFAR-P averages spatter where ImageNet-P averages snow.
_CIFAR_P = tuple({"snow": "spatter"}.get(name, name) for name in perturbations.TEST)

_C = (
    "under common corruptions at five severities each. The 15 corruptions of the config `test` are the benchmark that "
    "mCE is computed on; those of `extra` are for validation."
)
_P = (
    "as short sequences of frames that change a little from one to the next. The 10 perturbations of the config "
    "`test` are the benchmark that mFR and mT5D are computed on; those of `extra` are for validation."
)
_IMAGENET, _TINY = "ImageNet's validation images", "Tiny ImageNet's images, 64 x 64 pixels,"
_299 = "ImageNet's validation images at 299 x 299 pixels, as Inception networks take them,"
_CIFAR10, _CIFAR100 = "CIFAR-10's test images", "CIFAR-100's test images"

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.dataset: benchmark
    for benchmark in (
        CorruptionBenchmark("imagenet_c", DATASETS["imagenet_c"], "ImageNet-C", f"{_IMAGENET} {_C}"),
        CorruptionBenchmark("imagenet_c_299", DATASETS["imagenet_c_299"], "ImageNet-C 299", f"{_299} {_C}"),
        CorruptionBenchmark(
            "tiny_imagenet_c", DATASETS["tiny_imagenet_c"], "Tiny ImageNet-C", f"{_TINY} {_C}"
        ),
        CorruptionBenchmark("cifar10_c", DATASETS["cifar10_c"], "CIFAR-10-C", f"{_CIFAR10} {_C}"),
        CorruptionBenchmark("cifar100_c", DATASETS["cifar100_c"], "CIFAR-100-C", f"{_CIFAR100} {_C}"),
        PerturbationBenchmark("imagenet_p", DATASETS["imagenet_p"], "ImageNet-P", f"{_IMAGENET} {_P}"),
        PerturbationBenchmark("imagenet_p_299", DATASETS["imagenet_p_299"], "ImageNet-P 299", f"{_299} {_P}"),
        PerturbationBenchmark(
            "tiny_imagenet_p", DATASETS["tiny_imagenet_p"], "Tiny ImageNet-P", f"{_TINY} {_P}"
        ),
        PerturbationBenchmark("cifar10_p", DATASETS["cifar10_p"], "CIFAR-10-P", f"{_CIFAR10} {_P}", _CIFAR_P),
        PerturbationBenchmark(
            "cifar100_p", DATASETS["cifar100_p"], "CIFAR-100-P", f"{_CIFAR100} {_P}", _CIFAR_P
        ),
    )
}


def benchmark_of(dataset: str) -> Benchmark:
    """Return a data set by its name; ValueError, with the nearest names, if there is none."""
    if dataset not in BENCHMARKS:
        raise ValueError(f"there is no data set {dataset!r}{suggest(dataset, BENCHMARKS)}")
    return BENCHMARKS[dataset]
