"""The builder behind ``load_dataset("imagenet_c", "fog_3")``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from .._version import __version__
from ..arguments import check_on_error, whole_number
from ..benchmarks.benchmark import Benchmark, Cell
from ..benchmarks.catalog import BENCHMARKS
from ..benchmarks.recipe import RECIPE, Recipe
from ..cards import card as cards
from ..cards import texts
from ..errors import BuildError, SourceError, suggest
from ..sources import Source, open_source
from ..sources.source import digest
from ..sources.subsets import Ids
from .prepared import PreparedImages, prepare_all

#: Largest number of parts of a config, which num_proc and streaming distribute.
_PARTS = 256
_OPTIONS = ("data_dir", "source", "seed", "codec", "size", "on_error", "ids", "classes")

logger = datasets.utils.logging.get_logger(__name__)


@dataclass
class BenchmarkConfig(datasets.BuilderConfig):
    """A config of a benchmark and its options.

    Attributes
    ----------
    dataset : str
        Name of the benchmark.
    data_dir, source : str, optional
        The clean images: a folder, or ``"sample"``; only one of the two. See `imagenet_cp.sources.open_source`.
    seed : int
        Seed of the random draws.
    codec : str, optional
        Storage of the images; the first of the benchmark's ``codecs`` by default.
    size : {"keep"}, optional
        Corrupt images of any size from 8 x 8 at their own size, an extension of the paper; the ids of images in a
        folder are then their relative paths.
    on_error : {"raise", "skip"}
        Stop at an image that cannot be read, or skip it.
    ids, classes : str, optional
        Restrict the images to a subset, or to a list of classes: ``"robustbench-5000"``, ``"imagenet-r"``, or a file;
        ``ids`` also as a list. See `imagenet_cp.sources.open_source`.
    """

    dataset: str = "imagenet_c"
    source: str | None = None
    seed: int = 0
    codec: str | None = None
    size: str | None = None
    on_error: str = "raise"
    ids: Ids | None = None
    classes: str | None = None

    @property
    def recipe(self) -> Recipe:
        """Recipe of this data set and its options."""
        return BENCHMARKS[self.dataset].recipe(self.seed, self.codec, self.size, self.open_source())

    def open_source(self) -> Source:
        """Open the clean images, at the first call."""
        if not hasattr(self, "_source"):
            chosen = self.source if self.source is not None else self.data_dir
            source = open_source(chosen, recursive=self.size == "keep", ids=self.ids, classes=self.classes)
            BENCHMARKS[self.dataset].check(source)
            self._source = source
        return self._source

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """Name of the cache, from the recipe and the state of the source's files."""
        source = self.open_source()
        content = (self.recipe.signature, source.name, source.stamp, self.on_error, custom_features)
        return f"{self.name}-{digest([content])}"


def configs_of(benchmark: Benchmark) -> list[BenchmarkConfig]:
    """Configs of a benchmark for datasets."""
    return [
        BenchmarkConfig(name=name, version=f"{RECIPE}.0.0", dataset=benchmark.dataset)
        for name in benchmark.configs
    ]


class BenchmarkBuilder(datasets.GeneratorBasedBuilder):
    """Builder of the benchmark that its configs name."""

    BUILDER_CONFIG_CLASS = BenchmarkConfig
    BUILDER_CONFIGS = configs_of(BENCHMARKS["imagenet_c"])
    DEFAULT_WRITER_BATCH_SIZE = 256

    def _create_builder_config(
        self,
        config_name: str | None = None,
        custom_features: Any = None,
        config_id: str | None = None,
        **options: Any,
    ) -> tuple[BenchmarkConfig, str]:
        # datasets would use a config "default" if the name is missing, and accept any option.
        check_options(self.BUILDER_CONFIGS[0].dataset, config_name, options)
        made: tuple[BenchmarkConfig, str] = super()._create_builder_config(
            config_name, custom_features, config_id, **options
        )
        return made

    def _info(self) -> datasets.DatasetInfo:
        benchmark = BENCHMARKS[self.config.dataset]
        source = self.config.open_source()
        return datasets.DatasetInfo(
            description=f"{benchmark.description}\n\nRecipe: {self.config.recipe.signature} "
            f"(imagenet-cp {__version__}).",
            citation=texts.CITATIONS[benchmark.card],
            homepage=texts.HOMEPAGES[benchmark.card],
            license=texts.LICENCE if cards.under_terms(benchmark) else "",
            features=benchmark.features(source.classes, self.config.recipe, source.columns),
        )

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        source = self.config.open_source()
        count = len(source.items)
        step = max(1, math.ceil(count / _PARTS))
        cells = BENCHMARKS[self.config.dataset].configs[self.config.name]
        # datasets distributes lists among processes, in order; other values go to all of them.
        parts = [(cell, start, min(start + step, count)) for cell in cells for start in range(0, count, step)]
        prepared = PreparedImages(count, self._cache_dir_root) if len(cells) > 1 else None
        options = {"parts": parts, "source": source, "recipe": self.config.recipe, "prepared": prepared}
        return [datasets.SplitGenerator(name=datasets.Split.VALIDATION, gen_kwargs=options)]

    def _prepare_split_single(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        # datasets would only report that an error occurred.
        try:
            yield from super()._prepare_split_single(*args, **kwargs)
        except datasets.exceptions.DatasetGenerationError as error:
            cause = error.__cause__
            if isinstance(cause, (SourceError, BuildError)):
                error.__cause__ = None  # it becomes the context of its cause: a cycle that cannot be pickled
                raise cause from None
            raise

    def _generate_examples(
        self,
        parts: list[tuple[Cell, int, int]],
        source: Source,
        recipe: Recipe,
        prepared: PreparedImages | None,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        benchmark = BENCHMARKS[recipe.dataset]

        def prepare(number: int) -> NDArray[np.uint8] | None:
            item = source.items[number]
            try:
                return benchmark.load(source.reader, item, recipe.size, self.config.on_error)[1]
            except SourceError as error:
                if self.config.on_error == "raise":
                    raise
                logger.warning(f"skipped: {error}")
                return None

        for cell, start, stop in _merge(parts):
            images = (
                prepared.read(start, stop, prepare) if prepared else prepare_all(range(start, stop), prepare)
            )
            for number, clean in images:
                item = source.items[number]
                yield f"{cell.config}/{item.image_id}", benchmark.row(recipe, cell, clean, item)


def _merge(parts: list[tuple[Cell, int, int]]) -> list[tuple[Cell, int, int]]:
    """Merge consecutive parts of a cell, since opening the files of a part takes as long as a few images."""
    merged: list[tuple[Cell, int, int]] = []
    for cell, start, stop in parts:
        if merged and (merged[-1][0], merged[-1][2]) == (cell, start):
            start = merged.pop()[1]
        merged.append((cell, start, stop))
    return merged


def check_options(dataset: str, config_name: str | None, options: dict[str, Any]) -> None:
    """Refuse a missing or unknown config name, and unknown options, before anything is read.

    Raises
    ------
    ValueError
        The message names the mistake and the correction.
    """
    benchmark = BENCHMARKS[dataset]
    configs = benchmark.configs
    if config_name is None:
        raise ValueError(
            f'the config name is missing: load_dataset("{dataset}", "{benchmark.example}"), for example; "test" is the '
            f'benchmark as a whole, and get_dataset_config_names("{dataset}") lists all {len(configs)}'
        )
    if config_name not in configs:
        raise ValueError(f"{dataset} has no config {config_name!r}{benchmark.suggest(config_name)}")
    for option, value in options.items():
        if option in ("severity", "difficulty"):
            meant = f"{config_name.rstrip('0123456789').rstrip('_')}_{value}"
            raise ValueError(
                f"the config name includes the {option}; {option}={value!r} beside {config_name!r} has no meaning"
                f"{benchmark.suggest(meant)}"
            )
        if option not in _OPTIONS and value is not None:
            raise ValueError(f"{dataset} has no option {option!r}{suggest(option, _OPTIONS)}")
    benchmark.recipe(codec=options.get("codec"), size=options.get("size"))
    whole_number("seed", options.get("seed", 0))
    check_on_error(options.get("on_error", "raise"))
    if options.get("source") is not None and options.get("data_dir") is not None:
        raise ValueError("give the clean images by data_dir= or by source=, not by both")
