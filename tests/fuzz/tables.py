"""Flipped bits in Arrow and Parquet files: sources, builds without their record, and predictions."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import datasets
import numpy as np
import pyarrow.parquet as pq
from fuzz.archives import read_all
from fuzz.damage import Case, damage

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation import prediction_files
from imagenet_cp.evaluation.data.built_rows import from_folder
from imagenet_cp.evaluation.data.loader import Batch, Resizing
from imagenet_cp.evaluation.data.rows import Sample
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.predictions import Predictions, class_ids
from imagenet_cp.images.codecs import encode_png
from imagenet_cp.sources import open_source

COUNT = 500
#: Images read of a source: of a page with a false size, Arrow allocates up to 2 GiB each time.
IMAGES = 2
IDENTITY = {"format": "2", "model": "m", "data": "d", "rows": {"fog_3": "s"}, "start": 0, "stop": 2}


def cases(folder: Path, random: Random) -> Iterator[Case]:
    datasets.disable_progress_bars()
    kinds = [kind for make in (_sources, _build, _predictions) for kind in make(folder)]
    whole = {file: file.read_bytes() for file, *_ in kinds}
    for number in range(COUNT):
        file, call, place = kinds[number % len(kinds)]
        data = whole[file]
        file.write_bytes(damage(data, random, edge=random.choice((64, 512, 2500))))
        yield Case(f"{number} {file}", call, place)
        file.write_bytes(data)


Kind = tuple[Path, Callable[[], object], str]


def _sources(folder: Path) -> Iterator[Kind]:
    images = [
        {"bytes": encode_png(np.full((9, 9, 3), row, np.uint8)), "path": f"{row}.png"} for row in range(20)
    ]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    data = datasets.Dataset.from_dict({"image": images, "label": [0, 1] * 10}, features)
    data.save_to_disk(folder / "saved")
    yield (
        next((folder / "saved").glob("*.arrow")),
        partial(read_all, folder / "saved", IMAGES),
        str(folder / "saved"),
    )
    for name, options in (
        ("plain", {}),
        ("none", {"compression": "none"}),
        ("v2", {"data_page_version": "2.0", "compression": "zstd"}),
    ):
        file = folder / name / "data" / "test-00000-of-00001.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(data.data.table, file, **options)
        yield file, partial(read_all, folder / name, IMAGES), str(folder / name)


def _build(folder: Path) -> Iterator[Kind]:
    for row in range(3):
        file = folder / "clean" / "ab"[row % 2] / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(np.full((9, 9, 3), 40 * row, np.uint8)))
    source, out = open_source(folder / "clean"), folder / "build"
    again = partial(build, "imagenet_c", source, out, ["clean"], workers_count=1)
    again()
    (file,) = out.glob("data/*/*.parquet")
    record = (out / "build.json").read_bytes()
    whole = file.read_bytes()

    def read() -> None:
        (out / "build.json").unlink(missing_ok=True)
        rows = from_folder(out)
        rows.check()
        for load in rows.slice(rows.cells, 0, max(rows.num_rows.values())).tasks():
            try:
                load()
            except SourceError as error:
                raise SourceError(f"{out}: {error}") from error

    def check() -> None:
        """Verify the file, with a record that agrees with it."""
        data = file.read_bytes()
        changed = json.loads(record)
        (info,) = changed["files"].values()
        info |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (out / "build.json").write_text(json.dumps(changed))
        verify(out)

    def resume() -> None:
        (out / "build.json").write_bytes(record)
        again()
        assert file.read_bytes() == whole

    for call in (read, read, check, resume):
        yield file, call, str(out)


def _predictions(folder: Path) -> Iterator[Kind]:
    file = folder / "predictions" / "fog_3.parquet"
    model = Model("m", lambda images: np.eye(6, dtype=np.float32)[images[:, 0, 0, 0] % 6])
    made = Predictions(model, classes=6, sequences=False)
    samples = [Sample("fog_3", "a", 3, []), Sample("fog_3", "b", 2, [])]
    made.add(Batch(samples, [1, 1], {Resizing(): np.arange(6, dtype=np.uint8).reshape(2, 1, 1, 3)}))
    prediction_files.write(file, made.tables([Cell("fog_3", "fog", 3)]), IDENTITY)

    def read() -> None:
        assert prediction_files.is_finished(file, IDENTITY)
        class_ids(prediction_files.read({prediction_files.Place("fog_3", 0, 2): file}, ["fog_3"])["fog_3"])

    yield file, read, str(file)
