"""ImageNet-C and ImageNet-P as map-style data sets of PyTorch, in the manner of torchvision's.

Images come from the Parquet files of a build, or are made on the fly from clean images. Torch itself is imported only
for the tensors of sequences.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import json
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from .arguments import whole_number
from .benchmarks.benchmark import Benchmark, Cell
from .benchmarks.catalog import get_benchmark, parse_signature
from .benchmarks.file_names import DATA_FILE
from .benchmarks.recipe import Recipe
from .build.build_json import open_build
from .build.checksums import Checksums
from .build.parquet import signature_in
from .build.stored_images import StoredImages
from .errors import SourceError, UsageError
from .evaluation.data.completeness import check_record
from .evaluation.models.model import import_library
from .images import codecs
from .images.video import decode_video
from .jobs.job_folder import RECORD_FILE
from .perturbations import DIFFICULTIES
from .sources import Source, open_source

Pixels = NDArray[np.uint8]
Transform = Callable[[Any], Any]
_VERIFY = "check the build with `imagenet-cp verify`"


class _Rows:
    """Map-style data set of rows of one benchmark."""

    _kind: ClassVar[str]
    _benchmark: ClassVar[str]

    def __init__(
        self,
        root: str | os.PathLike[str],
        config: str,
        level: int | None,
        transform: Transform | None,
        target_transform: Transform | None,
        benchmark: str | None,
        seed: int | None,
    ) -> None:
        self.root = os.fspath(root)
        self.transform, self.target_transform = transform, target_transform
        folder = Path(self.root).expanduser().absolute()  # the working directory may change
        if (folder / "data").is_dir() and next((folder / "data").glob("*/*.parquet"), None) is not None:
            self._reader: _Build | _OnTheFly = _Build(folder)
            for argument, given, own in (
                ("benchmark", benchmark, self._reader.benchmark.dataset),
                ("seed", seed, self._reader.recipe.seed),
            ):
                if given not in (None, own):
                    raise UsageError(f"{self.root}: a build with {argument}={own!r}, not {given!r}")
        else:
            made = get_benchmark(self._benchmark if benchmark is None else benchmark)
            self._reader = _OnTheFly(open_source(root), made, 0 if seed is None else seed)
        of = self._reader.benchmark
        if of.kind != self._kind:
            other = "ImageNetC" if of.kind == "corruptions" else "ImageNetP"
            raise SourceError(f"{self.root}: is {of.dataset}, whose rows are {of.kind}; read it with {other}")
        if not isinstance(config, str):
            raise UsageError(
                f"{of.kind.removesuffix('s')} must be one name, such as {of.example!r}, not {config!r}"
            )
        level = None if level is None else whole_number(of.level_name, level)
        cells = [cell for cell in of.cells(config) if level is None or cell.level == level]
        if not cells:
            raise ValueError(
                f"{of.dataset} has no {config!r} of {of.level_name} {level!r}{of.suggest(f'{config}_{level}')}"
            )
        self.cells: tuple[Cell, ...] = tuple(cells)
        self._reader.select(self.cells)
        self.classes: list[str] = list(self._reader.classes)
        self.class_to_idx: dict[str, int] = {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        try:
            row = range(len(self))[operator.index(index)]  # a negative one counts from the end
        except TypeError:
            raise TypeError(
                f"an index is one whole number, not {index!r}; torch.utils.data.Subset takes several"
            ) from None
        images, label = self._reader.read(row)
        image: Any = self._content(images)
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def _content(self, images: Sequence[Any]) -> Any:
        raise NotImplementedError

    @functools.cached_property
    def targets(self) -> NDArray[np.int64]:
        """Label of every item, read when first used."""
        return self._reader.labels()

    @functools.cached_property
    def samples(self) -> list[tuple[str, int]]:
        """Id of the source image and label of every item, read when first used."""
        return list(zip(self._reader.image_ids(), self.targets.tolist(), strict=True))

    def __repr__(self) -> str:
        configs = self.cells[0].config if len(self.cells) == 1 else f"{len(self.cells)} configs"
        return f"{type(self).__name__}({self.root!r}, {configs}, {len(self):,} items, {self._reader.recipe.signature})"


class ImageNetC(_Rows):
    """ImageNet-C as a data set of PyTorch, whose items are pairs of an image and its label.

    Parameters
    ----------
    root : str or path
        A build, as a folder; or clean images, as for `imagenet_cp.sources.open_source`, from which each item is made
        when it is read, with the pixels of a build.
    corruption : str
        Such as ``"fog"``; or a config, such as ``"test"`` (75 of them), ``"extra"``, ``"fog_3"`` or ``"clean"``.
    severity : int, optional
        From 1 to 5; all five in turn by default.
    transform, target_transform : callable, optional
        Applied to the image, a Pillow image, and to the label.
    benchmark : str, optional
        Benchmark to make from clean images, such as ``"cifar10_c"``, by default ``"imagenet_c"``; a build has its own.
    seed : int, optional
        Seed of the images made from clean ones, by default 0; a build has its own.

    Attributes
    ----------
    classes : list of str
        Names of the labels.
    class_to_idx : dict
        Name -> label.
    cells : tuple of Cell
        Configs in the order of the items; each has the same source images in the same order.
    targets : ndarray of int64
        Labels of all items.
    samples : list of (str, int)
        Ids of the source images and labels of all items.

    Raises
    ------
    ValueError
        The corruption, severity or benchmark is unknown, or the build has another benchmark or seed.
    SourceError
        The build lacks the config, its files differ from its build.json, or the clean images cannot be used.
    BuildError
        The build is not finished.

    Notes
    -----
    Names and sizes of the files, and the recipe of the first, are compared with the build.json at the beginning, and
    recipe, number of rows and checksum of each file when its first item is read. The folder of the build remembers the
    checksum of a file from when it is written, as long as it is not copied or changed.

    Examples
    --------
    >>> data = ImageNetC("sample", "fog", severity=3)
    >>> image, label = data[0]
    >>> image.size, data.classes[label], len(data)
    ((224, 224), 'astronaut', 14)
    """

    _kind = "corruptions"
    _benchmark = "imagenet_c"

    def __init__(
        self,
        root: str | os.PathLike[str],
        corruption: str,
        severity: int | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        benchmark: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(root, corruption, severity, transform, target_transform, benchmark, seed)

    def _content(self, images: Sequence[Any]) -> Image.Image:
        return images[0] if isinstance(images[0], Image.Image) else Image.fromarray(images[0])


class ImageNetP(_Rows):
    """ImageNet-P as a data set of PyTorch, whose items are pairs of the frames of a sequence and its label.

    The frames are a tensor of uint8, shape (frames, 3, side, side), to which ``transform`` is applied.

    Parameters
    ----------
    root : str or path
        As for `ImageNetC`.
    perturbation : str
        Such as ``"tilt"``; or a config, such as ``"test"``, ``"extra"`` or ``"gaussian_noise_2"``.
    difficulty : int
        1, and for the noises also 2 or 3.
    transform, target_transform : callable, optional
        Applied to the tensor of the frames, and to the label.
    benchmark : str, optional
        Benchmark to make from clean images, by default ``"imagenet_p"``; a build has its own.
    seed : int, optional
        Seed of the sequences made from clean images, by default 0; a build has its own.

    Notes
    -----
    Attributes and errors are those of `ImageNetC`.
    """

    _kind = "perturbations"
    _benchmark = "imagenet_p"

    def __init__(
        self,
        root: str | os.PathLike[str],
        perturbation: str,
        difficulty: int = 1,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        benchmark: str | None = None,
        seed: int | None = None,
    ) -> None:
        level = whole_number("difficulty", difficulty, 1, len(DIFFICULTIES))
        config = (
            perturbation if level == 1 or not isinstance(perturbation, str) else f"{perturbation}_{level}"
        )
        super().__init__(root, config, None, transform, target_transform, benchmark, seed)

    def _content(self, images: Sequence[Any]) -> Any:
        return import_library("torch").from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


class _OnTheFly:
    """Rows made from clean images when they are read: those of a build."""

    def __init__(self, source: Source, benchmark: Benchmark, seed: int) -> None:
        benchmark.check(source)
        self.benchmark, self.source = benchmark, source
        self.recipe: Recipe = benchmark.recipe(seed, source=source)
        self.classes: Sequence[str] = source.classes
        self.cells: tuple[Cell, ...] = ()

    def select(self, cells: tuple[Cell, ...]) -> None:
        self.cells = cells

    def __len__(self) -> int:
        return len(self.cells) * len(self.source.items)

    def read(self, row: int) -> tuple[list[Any], int]:
        cell, place = divmod(row, len(self.source.items))
        item = self.source.items[place]
        _, clean = self.benchmark.load(self.source.reader, item, self.recipe.size)
        return self.benchmark.stored_pixels(self.recipe, self.cells[cell], clean, item), item.label

    def labels(self) -> NDArray[np.int64]:
        return np.tile([item.label for item in self.source.items], len(self.cells)).astype(np.int64)

    def image_ids(self) -> list[str]:
        return [item.image_id for item in self.source.items] * len(self.cells)


class _Build:
    """Rows of the Parquet files of a build, which are compared with its record where it has one."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.build = open_build(folder) if (folder / RECORD_FILE).exists() else None
        if self.build is not None:
            self.benchmark, self.recipe = self.build.benchmark, self.build.recipe
        else:
            path = next(folder.glob("data/*/*.parquet"))
            try:
                self.benchmark, self.recipe = parse_signature(signature_in(_footer(str(path)).metadata))
            except (ValueError, KeyError, IndexError):
                raise SourceError(f"{path}: no file of a build of this package") from None
        self.classes: Sequence[str] = ()
        self._paths: list[str] = []
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)
        self._files: dict[int, StoredImages] = {}
        self._checksums: Checksums | None = None

    def select(self, cells: tuple[Cell, ...]) -> None:
        """Restrict the rows to those of some cells, in their order."""
        for cell in cells:
            names = sorted(glob.glob("*", root_dir=os.path.join(self.folder, "data", cell.config)))
            paths = [path for name in names if DATA_FILE.fullmatch(path := f"data/{cell.config}/{name}")]
            total = {int(path.rpartition("-")[2].partition(".")[0]) for path in paths}
            if total != {len(paths)}:
                problem = f"has {len(paths)} files, not {max(total)}" if total else "is missing"
                raise SourceError(
                    f"{self.folder}: the config {cell.config} {problem}; build it with `imagenet-cp build "
                    f"{self.benchmark.dataset} --out {self.folder} --configs {cell.config}`"
                )
            self._paths += paths
        opened = self._paths
        if self.build is not None:
            configs = {cell.config for cell in cells}
            files = {p: info for p, info in self.build.files.items() if p.split("/")[1] in configs}
            self.build = replace(self.build, record={}, files=files)
            for problem in check_record(self.build, dict.fromkeys(self._paths)).values():
                raise SourceError(f"{self.folder}/{problem}; {_VERIFY}, or run the same build command again")
            opened = self._paths[:1]  # the footers of many files take long to read
        footers = {path: _footer(os.path.join(self.folder, path)) for path in opened}
        for path, footer in footers.items():
            self._check(path, footer)
        try:
            features = json.loads(footers[self._paths[0]].metadata[b"huggingface"])["info"]["features"]
            self.classes = features["label"]["names"]
            self._column = next(name for name in ("image", "sequence", "video") if name in features)
        except (ValueError, KeyError, TypeError, StopIteration):
            raise SourceError(f"{self.folder}/{self._paths[0]}: no file of a build of this package") from None
        rows = [self.build.files[p].rows if self.build else footers[p].num_rows for p in self._paths]
        self._starts = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])

    def _check(self, path: str, footer: Any) -> None:
        """Compare the recipe and the number of rows of a file with those of the build."""
        place, signature = os.path.join(self.folder, path), signature_in(footer.metadata)
        if signature != self.recipe.signature:
            raise SourceError(
                f"{place}: of {signature or 'no build'!r}, not of {self.recipe.signature!r}; {_VERIFY}"
            )
        if self.build is not None and footer.num_rows != (rows := self.build.files[path].rows):
            raise SourceError(f"{place}: {footer.num_rows:,} rows, not {rows:,} as recorded; {_VERIFY}")

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, row: int) -> tuple[list[Any], int]:
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        row -= int(self._starts[number])
        place = os.path.join(self.folder, self._paths[number])
        if number not in self._files:
            self._files[number] = self._open(self._paths[number])
        with _reading(place):
            files, label = self._files[number].read(row)
        with _reading(f"{place}, row {row}"):
            if self._column == "image":
                return [codecs.decode_image(files[0])], label
            if self._column == "sequence":
                return [codecs.decode(data) for data in files], label
            return list(decode_video(files[0])), label

    def _open(self, path: str) -> StoredImages:
        self._verify(path)
        place = os.path.join(self.folder, path)
        with _reading(place):
            images = StoredImages(place, self._column)
            footer = images.metadata
        self._check(path, footer)
        return images

    def _verify(self, path: str) -> None:
        """Compare the checksum of a file with the record, unless it was done before, also in another process."""
        if self.build is not None:
            self._checksums = self._checksums or Checksums(self.build.folder, self.build.files)
            self._checksums.verify(path)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_files": {}, "_checksums": None}

    def labels(self) -> NDArray[np.int64]:
        return np.concatenate([self._values(path, "label").to_numpy() for path in self._paths])

    def image_ids(self) -> list[str]:
        return [image_id for path in self._paths for image_id in self._values(path, "image_id").to_pylist()]

    def _values(self, path: str, name: str) -> Any:
        self._verify(path)
        place = os.path.join(self.folder, path)
        # Not read_table, which takes ten times as long to open a file.
        with _reading(place), pq.ParquetFile(place) as file:
            footer, values = file.metadata, file.read([name], use_threads=False)[name]
        self._check(path, footer)
        return values


@contextlib.contextmanager
def _reading(place: str) -> Iterator[None]:
    """Convert the errors of reading and decoding a file of a build."""
    try:
        yield
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(f"{place}: cannot be read ({error}); {_VERIFY}") from error


def _footer(path: str) -> Any:
    with _reading(path):
        return pq.read_metadata(path)
