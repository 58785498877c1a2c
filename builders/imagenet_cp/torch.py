"""ImageNet-C and ImageNet-P as map-style data sets of PyTorch, in the manner of torchvision's.

Images come from the Parquet files of a build, or are made on the fly from clean images. Torch itself is imported only
for the tensors of sequences.
"""

from __future__ import annotations

import functools
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .benchmarks.benchmark import Benchmark, Cell
from .benchmarks.catalog import get_benchmark, parse_signature
from .benchmarks.file_names import DATA_FILE
from .benchmarks.recipe import Recipe
from .errors import SourceError
from .evaluation.models.model import import_library
from .images import codecs
from .images.video import decode_video
from .sources import Source, open_source

Pixels = NDArray[np.uint8]
Transform = Callable[[Any], Any]

#: Parquet files that one process has open at a time.
_OPEN_FILES = 128


class _Rows:
    """Map-style data set of rows of one benchmark."""

    _kind: ClassVar[str]

    def __init__(
        self,
        root: str | os.PathLike[str],
        config: str,
        level: int | None,
        transform: Transform | None,
        target_transform: Transform | None,
        benchmark: str,
        seed: int,
    ) -> None:
        self.root = os.fspath(root)
        self.transform, self.target_transform = transform, target_transform
        folder = Path(self.root).expanduser()
        if (folder / "data").is_dir() and next((folder / "data").glob("*/*.parquet"), None) is not None:
            self._reader: _Build | _OnTheFly = _Build(folder)
        else:
            self._reader = _OnTheFly(open_source(root), get_benchmark(benchmark), seed)
        of = self._reader.benchmark
        if of.kind != self._kind:
            other = "ImageNetC" if of.kind == "corruptions" else "ImageNetP"
            raise SourceError(f"{self.root}: is {of.dataset}, whose rows are {of.kind}; read it with {other}")
        cells = [cell for cell in of.cells([config]) if level is None or cell.level == level]
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
        row = range(len(self))[index]  # a negative one counts from the end
        content, label = self._reader.read(row)
        image: Any = self._content(content)
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def _content(self, content: dict[str, Any]) -> Any:
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
    benchmark : str
        Benchmark to make from clean images, such as ``"cifar10_c"``; a build has its own.
    seed : int
        Seed of the images made from clean ones.

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
        The corruption, severity or benchmark is unknown.
    SourceError
        The build lacks the config, or the clean images cannot be used.
    BuildError
        The build is not finished.

    Examples
    --------
    >>> data = ImageNetC("sample", "fog", severity=3)
    >>> image, label = data[0]
    >>> image.size, data.classes[label], len(data)
    ((224, 224), 'astronaut', 14)
    """

    _kind = "corruptions"

    def __init__(
        self,
        root: str | os.PathLike[str],
        corruption: str,
        severity: int | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        benchmark: str = "imagenet_c",
        seed: int = 0,
    ) -> None:
        super().__init__(root, corruption, severity, transform, target_transform, benchmark, seed)

    def _content(self, content: dict[str, Any]) -> Image.Image:
        return Image.fromarray(codecs.decode(content["image"]["bytes"]))


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
    benchmark : str
        Benchmark to make from clean images; a build has its own.
    seed : int
        Seed of the sequences made from clean images.

    Notes
    -----
    Attributes and errors are those of `ImageNetC`.
    """

    _kind = "perturbations"

    def __init__(
        self,
        root: str | os.PathLike[str],
        perturbation: str,
        difficulty: int = 1,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        benchmark: str = "imagenet_p",
        seed: int = 0,
    ) -> None:
        config = perturbation if difficulty == 1 else f"{perturbation}_{difficulty}"
        super().__init__(root, config, None, transform, target_transform, benchmark, seed)

    def _content(self, content: dict[str, Any]) -> Any:
        if "video" in content:
            frames = decode_video(content["video"])
        else:
            frames = np.stack([codecs.decode(frame["bytes"]) for frame in content["sequence"]])
        return import_library("torch").from_numpy(frames).permute(0, 3, 1, 2).contiguous()


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

    def read(self, row: int) -> tuple[dict[str, Any], int]:
        cell, place = divmod(row, len(self.source.items))
        item = self.source.items[place]
        clean = self.benchmark.prepare(self.source.reader.read(item), item.location, self.recipe.size)
        return self.benchmark.row(self.recipe, self.cells[cell], clean, item), item.label

    def labels(self) -> NDArray[np.int64]:
        return np.tile([item.label for item in self.source.items], len(self.cells)).astype(np.int64)

    def image_ids(self) -> list[str]:
        return [item.image_id for item in self.source.items] * len(self.cells)


class _Build:
    """Rows of the Parquet files of a build."""

    def __init__(self, folder: Path) -> None:
        from .build.build_json import open_build
        from .jobs.job_folder import RECORD_FILE

        self.folder = str(folder)
        self._sizes: dict[str, int] = {}
        if (folder / RECORD_FILE).exists():
            self._sizes = {path: info.rows for path, info in open_build(folder).files.items()}
        self._paths: list[str] = []
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)
        self._files: OrderedDict[int, tuple[Any, NDArray[np.int64]]] = OrderedDict()
        self._group: tuple[int, int, Any] = (-1, -1, None)
        self._pid = os.getpid()
        some = next(iter(self._sizes), None) or str(next(folder.glob("data/*/*.parquet")).relative_to(folder))
        metadata = self._metadata(some)
        try:
            self.benchmark, self.recipe = parse_signature(metadata.get(b"imagenet_cp", b"").decode())
            features = json.loads(metadata[b"huggingface"])["info"]["features"]
            self.classes: Sequence[str] = features["label"]["names"]
            self._columns = [name for name in ("image", "sequence", "video", "label") if name in features]
        except (ValueError, KeyError, TypeError):
            raise SourceError(f"{folder}/{some}: no file of a build of this package") from None

    def _metadata(self, path: str) -> dict[bytes, bytes]:
        import pyarrow.parquet as pq

        return pq.read_schema(os.path.join(self.folder, path)).metadata or {}

    def select(self, cells: tuple[Cell, ...]) -> None:
        """Restrict the rows to those of some cells, in their order."""
        import pyarrow.parquet as pq

        counts = []
        for cell in cells:
            found = sorted(
                f"data/{cell.config}/{p.name}" for p in Path(self.folder, "data", cell.config).glob("*")
            )
            paths = [path for path in found if DATA_FILE.fullmatch(path)]
            total = {int(path.rpartition("-")[2].partition(".")[0]) for path in paths}
            if total != {len(paths)}:
                problem = f"has {len(paths)} files, not {max(total)}" if total else "is missing"
                raise SourceError(
                    f"{self.folder}: the config {cell.config} {problem}; build it with `imagenet-cp build "
                    f"{self.benchmark.dataset} --out {self.folder} --configs {cell.config}`"
                )
            for path in paths:
                self._paths.append(path)
                rows = self._sizes.get(path)
                counts.append(
                    rows if rows is not None else pq.read_metadata(os.path.join(self.folder, path)).num_rows
                )
        self._sizes = {}
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, row: int) -> tuple[dict[str, Any], int]:
        file = int(np.searchsorted(self._starts, row, side="right")) - 1
        values = self._row(file, row - int(self._starts[file]))
        return values, values["label"]

    def _row(self, file: int, row: int) -> dict[str, Any]:
        import pyarrow as pa

        if self._pid != os.getpid():  # a forked worker opens its own files
            self._forget()
        try:
            parquet, starts = self._open(file)
            group = int(np.searchsorted(starts, row, side="right")) - 1
            if self._group[:2] != (file, group):
                self._group = (file, group, parquet.read_row_group(group, self._columns, use_threads=False))
            values: dict[str, Any] = self._group[2].slice(row - int(starts[group]), 1).to_pylist()[0]
        except (OSError, pa.ArrowException) as error:
            raise SourceError(
                f"{self.folder}/{self._paths[file]}: cannot be read ({error}); check it with `imagenet-cp verify`"
            ) from error
        return values

    def _open(self, file: int) -> tuple[Any, NDArray[np.int64]]:
        """Open file and the first rows of its groups."""
        import pyarrow.parquet as pq

        if file in self._files:
            self._files.move_to_end(file)
            return self._files[file]
        parquet = pq.ParquetFile(os.path.join(self.folder, self._paths[file]), memory_map=True)
        sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
        opened = parquet, np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._files[file] = opened
        if len(self._files) > _OPEN_FILES:
            self._files.popitem(last=False)[1][0].close()
        return opened

    def _forget(self) -> None:
        """Forget the open files, which belong to one process."""
        self._pid = os.getpid()
        self._files = OrderedDict()
        self._group = (-1, -1, None)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_files", "_group")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def labels(self) -> NDArray[np.int64]:
        return np.concatenate([self._column(path, "label").to_numpy() for path in self._paths])

    def image_ids(self) -> list[str]:
        return [image_id for path in self._paths for image_id in self._column(path, "image_id").to_pylist()]

    def _column(self, path: str, name: str) -> Any:
        import pyarrow.parquet as pq

        return pq.read_table(os.path.join(self.folder, path), columns=[name], partitioning=None)[name]
