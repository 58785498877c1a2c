"""The data sets this package can make."""

from .imagenet_c import CorruptionBenchmark
from .imagenet_p import PerturbationBenchmark

BENCHMARKS = {
    benchmark.dataset: benchmark
    for benchmark in (
        CorruptionBenchmark(
            "imagenet_c",
            "imagenet",
            "ImageNet-C",
            "ImageNet's validation images under 19 common corruptions at five severities each. The 15 corruptions "
            "of the config `test` are the benchmark that mCE is computed on; the four of `extra` are for validation.",
        ),
        PerturbationBenchmark(
            "imagenet_p",
            "imagenet",
            "ImageNet-P",
            "ImageNet's validation images as short sequences of frames that change a little from one to the next. "
            "The 10 perturbations of the config `test` are the benchmark that mFR and mT5D are computed on; the "
            "four of `extra` are for validation.",
        ),
    )
}
