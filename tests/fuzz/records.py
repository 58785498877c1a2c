"""Damaged records of builds, imports and evaluations, settings, cards, and descriptions of saved data sets."""

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from fuzz.damage import Case, damage, restructure
from released import pack
from toy_evaluations import evaluation

from imagenet_cp import settings
from imagenet_cp.archives.importer import import_official
from imagenet_cp.archives.known_releases import RELEASES
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation import results_json
from imagenet_cp.evaluation.data.built_rows import from_folder
from imagenet_cp.hub.publish import _description
from imagenet_cp.images.codecs import encode_png
from imagenet_cp.sources import open_source

COUNT = 300
IMAGES = 4


def cases(folder: Path, random: Random) -> Iterator[Case]:
    kinds: list[Kind] = [
        kind for make in (_built, _imported, _evaluated, _saved, _remembered) for kind in make(folder)
    ]
    for number in range(COUNT):
        file, call = kinds[number % len(kinds)]
        root = next(
            place for place in (folder / name for name in os.listdir(folder)) if file.is_relative_to(place)
        )
        whole = _contents(root)
        data = _damaged(whole[file], random)
        file.write_bytes(data)
        yield Case(
            f"{number} {file.relative_to(folder)}",
            call,
            "data/" if file == folder / "build" / "README.md" else str(root),
        )
        _restore(root, whole)


def _damaged(data: bytes, random: Random) -> bytes:
    if random.random() < 0.1:
        return damage(data, random)
    if random.random() < 0.05:
        return random.choice(
            (b"", b"null", b"[" * 100_000, b"\xff\xfe", b"\xef\xbb\xbf" + data, b'{"a":' * 50_000, b"\0" * 99)
        )
    try:
        value = json.loads(data)
    except ValueError:
        return damage(data, random)
    return json.dumps(restructure(value, random)).encode()


def _contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _restore(root: Path, whole: dict[Path, bytes]) -> None:
    for path, data in _contents(root).items():
        if path not in whole:
            path.unlink()
        elif whole[path] != data:
            path.write_bytes(whole[path])
    for path in whole.keys() - _contents(root).keys():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole[path])


Kind = tuple[Path, Callable[[], object]]


def _built(folder: Path) -> Iterator[Kind]:
    for index in range(IMAGES):
        file = folder / "clean" / "ab"[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(np.full((9, 9, 3), 40 * index, np.uint8)))
    out, source = folder / "build", open_source(folder / "clean")
    again = partial(
        build, "imagenet_c", source, out, ["clean", "brightness_2"], images_per_file=2, workers_count=1
    )
    again()
    whole = {path: data for path, data in _contents(out).items() if path.suffix == ".parquet"}

    def resume() -> None:
        again()
        assert whole == {path: data for path, data in _contents(out).items() if path.suffix == ".parquet"}

    def check() -> None:
        _description(verify(out, quick=True), "user/imagenet_c")

    def sample() -> None:
        verify(out, source=source, sample=1)

    def read() -> None:
        rows = from_folder(out)
        rows.check()
        for load in rows.slice(rows.cells, 0, max(rows.num_rows.values())).tasks():
            load()

    def unrecorded() -> None:
        (out / "build.json").unlink()
        read()

    read()
    record = out / "build.json"
    for call in (resume, check, sample, read):
        yield record, call
    for unit in sorted((out / ".imagenet_cp" / "units").iterdir()):
        yield unit, resume
    for call in (read, resume):
        yield out / ".imagenet_cp" / "verified.txt", call
    for call in (unrecorded, check, resume):
        yield out / "README.md", call


def _imported(folder: Path) -> Iterator[Kind]:
    RELEASES["cifar10_c"] = replace(RELEASES["cifar10_c"], images=IMAGES)
    arrays = {"fog": np.zeros((5 * IMAGES, 32, 32, 3), np.uint8), "labels": np.zeros(5 * IMAGES, np.uint8)}
    files = {}
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        files[f"CIFAR-10-C/{name}.npy"] = file.getvalue()
    (folder / "archives").mkdir()
    again = partial(
        import_official, [pack(folder / "archives" / "CIFAR-10-C.tar", files)], folder / "import", check=False
    )
    again()
    yield folder / "import" / ".imagenet_cp" / "official.json", again
    yield folder / "import" / "build.json", again


def _evaluated(folder: Path) -> Iterator[Kind]:
    (folder / "evaluated").mkdir()
    file = folder / "evaluated" / "results.json"
    file.write_text(results_json.dumps(evaluation(4, 3)))

    def load() -> None:
        try:
            results_json.load(file)
        except ValueError as error:
            raise SourceError(str(error)) from error

    for _ in range(4):
        yield file, load


def _saved(folder: Path) -> Iterator[Kind]:
    image = {"bytes": encode_png(np.zeros((9, 9, 3), np.uint8)), "path": None}
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    data = Dataset.from_dict({"image": [image] * 3, "label": [0, 1, 0]}, features)
    data.save_to_disk(folder / "one")
    DatasetDict({"test": data}).save_to_disk(folder / "several")
    (folder / "parquet" / "data").mkdir(parents=True)
    data.to_parquet(folder / "parquet" / "data" / "test-00000-of-00001.parquet")
    (folder / "parquet" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: data/test-*\n---\n# x\n"
    )
    for name, file in (("one", "state.json"), ("one", "dataset_info.json"), ("several", "dataset_dict.json"),
                       ("several", "test/state.json"), ("parquet", "README.md")):  # fmt: skip
        yield folder / name / file, partial(open_source, folder / name)


def _remembered(folder: Path) -> Iterator[Kind]:
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    yield settings.remember_source("sample"), settings.default_source
