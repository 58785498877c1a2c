"""Units of an evaluation: the same files on every engine, each made once, and at most one lost to a kill."""

import importlib.util
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from toy_models import by_colour, by_contrast_of_10, of_10
from typer.testing import CliRunner

from imagenet_cp.benchmarks.catalog import get_benchmark
from imagenet_cp.build.plan import build
from imagenet_cp.cli import app
from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.prediction_units import predict
from imagenet_cp.evaluation.run import evaluate_model, evaluate_models
from imagenet_cp.images import codecs
from imagenet_cp.images.round_trip import round_trip
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.sources import open_source

CONFIGS = ["brightness", "contrast_2", "clean", "tilt", "translate"]


def write_images(folder, count):
    """Images of 32 x 32 pixels in folders of ten classes."""
    chance = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"class{number % 10}" / f"image{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(path)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return write_images(tmp_path_factory.mktemp("images") / "val", 12)


@pytest.fixture(scope="module")
def options(images):
    return {
        "source": images,
        "benchmarks": ["cifar10_c", "cifar10_p"],
        "configs": CONFIGS,
        "images_per_unit": 5,
    }


@pytest.fixture(scope="module")
def alone(options, tmp_path_factory):
    """Files of an evaluation in one process on the fly."""
    out = tmp_path_factory.mktemp("alone")
    return evaluate_models([of_10], **options, out=out), files(out)


def files(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.parquet")}


def test_a_unit_is_a_slice_of_the_images_for_all_cells(alone):
    made, found = alone
    assert len(found) == 6 and not made.failed and not made.missing
    assert set(made.evaluations["of_10"].metrics) == {"mce", "mfr", "mt5d"}


def test_from_a_build_the_predictions_are_the_same(images, options, alone, tmp_path):
    for dataset in ("cifar10_c", "cifar10_p"):
        configs = [name for name in CONFIGS if name in get_benchmark(dataset).configs]
        build(dataset, open_source(images), tmp_path / dataset, configs, workers_count=1, images_per_file=7)
    out = tmp_path / "out"
    build_options = {"imagenet_c": tmp_path / "cifar10_c", "imagenet_p": tmp_path / "cifar10_p"}
    made = evaluate_models([of_10], **build_options, images_per_unit=5, out=out, batch_size=33)
    assert made.evaluations["of_10"].metrics == alone[0].evaluations["of_10"].metrics
    for path in alone[1]:
        (tmp_path / "alone.parquet").write_bytes(alone[1][path])
        assert pq.read_table(out / path).equals(pq.read_table(tmp_path / "alone.parquet")), path


def test_shards_give_the_same_files_and_the_last_one_the_scores(options, alone, tmp_path):
    first = evaluate_models([of_10], **options, out=tmp_path, shard=Shard(2, 2))
    assert not first.evaluations and first.missing == 4
    last = evaluate_models([of_10], **options, out=tmp_path, shard=Shard(1, 2))
    assert last.missing == 0 and files(tmp_path) == alone[1]
    assert last.evaluations["of_10"].metrics == alone[0].evaluations["of_10"].metrics
    again = evaluate_models([of_10], **options, out=tmp_path, shard=Shard(2, 2))
    assert again.evaluations["of_10"].metrics == last.evaluations["of_10"].metrics


def test_processes_give_the_same_files(options, alone, tmp_path):
    evaluate_models(["toy_models:of_10"], names=["of_10"], identity="1", **options, out=tmp_path / "named")
    evaluate_models([of_10], **options, out=tmp_path / "two", processes=2)
    assert files(tmp_path / "two") == alone[1] and len(files(tmp_path / "named")) == 6
    with pytest.raises(SourceError, match=r"cannot be sent to other processes .*package\.module:callable"):
        evaluate_models([lambda images: of_10(images)], **options, processes=2)


# In a process of its own: distributed changes how exceptions are pickled.
DASK = """
import json, sys
import distributed
from imagenet_cp.evaluation.run import evaluate_models
from toy_models import of_10

if __name__ == "__main__":
    workers = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**workers) as cluster, distributed.Client(cluster) as client:
        executor = client.get_executor(pure=False)
        made = evaluate_models([of_10], **json.loads(sys.argv[1]), out=sys.argv[2], executor=executor, threads=2)
    assert not made.missing
"""


def test_dask_gives_the_same_files(options, alone, tmp_path):
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("distributed is not installed")
    (tmp_path / "run.py").write_text(DASK)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, tmp_path / "run.py", json.dumps(options, default=str), tmp_path / "out"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert files(tmp_path / "out") == alone[1]


def test_many_models_in_one_pass_make_the_data_once(options, alone, tmp_path, monkeypatch):
    made = []
    prepare = type(get_benchmark("cifar10_c")).prepare
    monkeypatch.setattr(
        type(get_benchmark("cifar10_c")), "prepare", lambda *args: made.append(1) or prepare(*args)
    )
    done = evaluate_models(
        [of_10, by_contrast_of_10, Model("large", of_10, side=48)],
        **{**options, "benchmarks": ["cifar10_c"], "configs": CONFIGS[:3]},
        out=tmp_path,
        check=False,
    )
    pictures = len(done.evaluations["of_10"].examples) * 3
    assert len(made) <= 12 + pictures + 3  # one image of each model is probed first
    for name in ("of_10", "by_contrast_of_10", "large"):
        assert done.folders[name] == tmp_path / name and len(files(tmp_path / name)) == 3
    assert done.evaluations["large"].signature.endswith("|input:48|resize:bilinear")
    alone_c = evaluate_models(
        [of_10], **{**options, "benchmarks": ["cifar10_c"], "configs": CONFIGS[:3]}, out=tmp_path / "alone"
    )
    assert files(tmp_path / "of_10") == files(tmp_path / "alone")
    assert done.evaluations["of_10"].metrics == alone_c.evaluations["of_10"].metrics


def test_models_that_fail_are_named_and_the_rest_go_on(options, tmp_path):
    def fail(images):
        raise ValueError("out of order")

    small = {**options, "benchmarks": ["cifar10_c"], "configs": ["clean"]}
    done = evaluate_models(["timm", fail, of_10], **small, out=tmp_path)
    assert list(done.evaluations) == ["of_10"]
    assert "try timm:timm" in done.failed["timm"]
    (reason,) = (reason for name, reason in done.failed.items() if name.endswith("fail"))
    assert "out of order" in reason
    with pytest.raises(SourceError, match=r"all models fail\. .*fail: .*out of order; timm: Unknown"):
        evaluate_models([fail, "timm"], **small)

    def late(images):
        return fail(images) if len(images) > 1 else of_10(images)

    with pytest.raises(SourceError, match=r"^late fails on uint8 images of shape 5x32x32x3: .*out of order$"):
        evaluate_models([late], names=["late"], **small, check=False)
    done = evaluate_models([late, of_10], names=["late", None], **small, check=False)
    assert list(done.evaluations) == ["of_10"] and list(done.failed) == ["late"]
    with pytest.raises(UsageError, match=r"^there is no config 'fgo'"):  # which no model is to blame for
        evaluate_models([of_10, by_contrast_of_10], **{**small, "configs": ["fgo"]})
    with pytest.raises(ValueError, match="two models have one name"):
        evaluate_models([of_10, of_10], **small, out=tmp_path / "twice")


def test_data_of_another_size_leave_what_is_finished(options, tmp_path):
    """A model of 32 x 32 pixels resizes only the added images."""
    model = Model("of_10", of_10, side=32)
    small = {**options, "benchmarks": ["cifar10_c"], "configs": ["clean"]}
    alone = evaluate_models([model], **small, out=tmp_path)
    before = files(tmp_path)
    folder = tmp_path.with_name("images")
    for number in range(10):
        path = folder / "mist" / f"class{number}" / f"{number}.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (48, 48), (9, 90, number)).save(path)
    small["configs"] = ["clean", "mist"]
    both = evaluate_models([model], **small, data=folder, layout="{corruption}/{class}/{file}", out=tmp_path)
    assert before.items() <= files(tmp_path).items()
    (one,), (two,) = alone.evaluations.values(), both.evaluations.values()
    assert "resize" not in one.signature and two.signature.endswith("|input:32|resize:bilinear")


def test_no_model_sees_what_another_writes_to_its_input_or_ends_the_process(options):
    def mutating(images):
        images[:] = 0
        return of_10(images)

    def leaving(images):
        raise SystemExit(3)

    small = {**options, "benchmarks": ["cifar10_c"], "configs": ["clean"]}
    done = evaluate_models([mutating, leaving, of_10], **small, names=["mutating", "leaving", None])
    assert done.failed == {"leaving": "leaving fails on uint8 images of shape 1x32x32x3: SystemExit: 3"}
    alone = evaluate_models([of_10], **small).evaluations["of_10"]
    assert done.evaluations["of_10"].calibration == alone.calibration
    assert done.evaluations["mutating"].calibration != alone.calibration


@pytest.mark.parametrize("kind", [SourceError, UsageError])
def test_a_model_that_cannot_be_opened_again_is_named(kind):
    class Gone:
        def open(self, device):
            raise kind(f"cannot be opened on {device}")

    settings = SimpleNamespace(devices=["cuda:0"], classes=(), sequences=False, scores="auto")
    assert predict(None, {2: Gone()}, settings, None) == ({}, {2: "cannot be opened on cuda:0"})


def test_more_configs_are_added_to_what_is_finished(options, alone, tmp_path):
    few = {**options, "benchmarks": ["cifar10_c"]}
    evaluate_model(of_10, source=options["source"], benchmarks=["cifar10_c"], configs=["clean"], out=tmp_path)
    first = evaluate_models([of_10], **{**few, "configs": ["clean"]}, out=tmp_path / "more")
    before = files(tmp_path / "more")
    done = evaluate_models([of_10], **{**few, "configs": ["clean", "brightness"]}, out=tmp_path / "more")
    after = files(tmp_path / "more")
    assert before.items() <= after.items() and len(after) == 6
    metrics = done.evaluations["of_10"].metrics["mce"]
    assert metrics["clean_error"] == first.evaluations["of_10"].metrics["mce"]["clean_error"]
    assert (
        metrics["error"]["brightness"] == alone[0].evaluations["of_10"].metrics["mce"]["error"]["brightness"]
    )


@pytest.mark.parametrize("codec", ["jpeg:85", "jpeg:99:4:4:4", "jpeg:50:4:4:4", "png"])
def test_the_round_trip_is_encoding_and_decoding(codec):
    chance = np.random.default_rng(1)
    for height, width in ((32, 32), (64, 65), (47, 33), (224, 224)):
        smooth = chance.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
        for image in (
            np.kron(smooth, np.ones((8, 8, 1), np.uint8))[:height, :width],
            chance.integers(0, 256, (height, width, 3)).astype(np.uint8),
            chance.integers(0, 2, (height, width, 3)).astype(np.uint8) * 255,
        ):
            stored = codecs.decode(codecs.encode(image, codec, "image")["bytes"])
            assert np.array_equal(round_trip(image, codec), stored)


@pytest.mark.kills
def test_killed_at_twenty_moments_at_most_one_unit_of_a_process_is_lost(tmp_path):
    options = {
        "source": write_images(tmp_path / "val", 200),
        "benchmarks": ["cifar10_c"],
        "configs": ["brightness", "contrast"],
        "images_per_unit": 10,
    }
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["imagenet_cp.evaluation.run", "toy_models"])

    def start(out, processes):
        run = partial(evaluate_models, ["toy_models:of_10"], **options, out=out, processes=processes)
        process = context.Process(target=run)
        process.start()
        return process

    start(tmp_path / "undisturbed", 1).join(300)
    undisturbed = files(tmp_path / "undisturbed")
    assert len(undisturbed) == 20
    for moment in range(20):
        chance = random.Random(moment)
        out, processes, target = tmp_path / str(moment), 2 if moment % 5 == 0 else 1, chance.randrange(20)
        first = start(out, processes)
        while first.is_alive() and len(files(out)) < target:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))
        first.kill()
        first.join()
        time.sleep(0.5)  # for the worker processes to end
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
        assert len(before) >= target
        second = start(out, processes)
        second.join(300)
        assert second.exitcode == 0
        assert files(out) == undisturbed and not list(out.rglob("*.tmp"))
        assert all(path.stat().st_mtime_ns == written for path, written in before.items())


def test_images_at_the_size_of_the_model(labelled, tmp_path):
    seen = {}

    def model(side):
        def watch(images):
            seen.setdefault(side, []).append(images)
            return by_colour(images)

        return Model(f"of_{side}", watch, side=side, weights=str(side))

    options = {
        "source": labelled,
        "benchmarks": ["imagenet_c"],
        "configs": ["brightness_3", "clean"],
        "check": False,
    }
    done = evaluate_models(
        [model(64), model(96), model(224)], **options, native_size=True, limit=2, out=tmp_path
    )
    for side, size in ((64, "|size:native-64|"), (96, "|size:native-96|"), (224, "|profile:imagenet|seed")):
        evaluation = done.evaluations[f"of_{side}"]
        assert size in evaluation.metrics["mce"]["signature"] and f"|input:{side}" in evaluation.signature
        assert "resize:" not in evaluation.signature
        images = seen[side][1]  # after the probe
        item = open_source(labelled).items[0]
        clean = get_benchmark("imagenet_c").prepare(
            open_source(labelled).reader.read(item), "", "profile" if side == 224 else f"native-{side}"
        )
        assert images.shape[1:] == (side, side, 3) and np.array_equal(images[1], clean)
    with pytest.raises(ValueError, match="imagenet_p is not made at the size of a model's input"):
        evaluate_models([model(64)], **{**options, "benchmarks": ["imagenet_p"]}, native_size=True)
    with pytest.raises(SourceError, match="takes images of any size"):
        evaluate_models([by_colour], **options, native_size=True)
    with pytest.raises(ValueError, match="give a source instead of builds"):
        evaluate_models([by_colour], imagenet_c="any", native_size=True)


def test_the_command_evaluates_several_models_and_prints_tables(options, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["imagenet-cp", "evaluate"])
    (tmp_path / "list.txt").write_text("# models\ntoy_models:by_contrast_of_10\n")
    command = ["evaluate", "toy_models:of_10", "toy_models:missing", "--models", str(tmp_path / "list.txt")]
    data = ["--source", str(options["source"]), "--benchmarks", "cifar10_c", "--configs", "brightness,clean"]
    run = CliRunner().invoke(app, [*command, *data, "-o", str(tmp_path / "zoo")])
    assert run.exit_code == 1 and "toy_models:missing failed: " in run.stderr
    lines = run.stdout.splitlines()
    (header, _) = (number for number, line in enumerate(lines) if line.startswith("error % at severity"))
    assert lines[header + 1].startswith("clean ") and lines[header + 2].startswith("brightness ")
    assert "writing the report" in run.stderr
    assert lines[-1] == str(tmp_path / "zoo/comparison/index.html")
    assert "toy_models:of_10" in lines and "toy_models:by_contrast_of_10" in lines  # above their scores
    for name in ("toy_models-of_10", "toy_models-by_contrast_of_10"):
        assert (tmp_path / "zoo" / name / "index.html").is_file()
    assert not (tmp_path / "zoo/toy_models-missing").exists()


def test_the_command_of_a_shard_names_what_is_left(options, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["imagenet-cp", "evaluate"])
    monkeypatch.setattr("imagenet_cp.evaluation.prediction_plan._IMAGES_PER_UNIT", {"corruptions": 6})
    data = ["--source", str(options["source"]), "--benchmarks", "cifar10_c", "--configs", "clean"]
    command = ["evaluate", "toy_models:of_10", *data, "-o", str(tmp_path)]
    first = CliRunner().invoke(app, [*command, "--shard", "2/2"])
    assert first.exit_code == 0 and "shard 2/2 is finished; 1 unit of other shards" in first.stdout
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    last = CliRunner().invoke(app, command)
    assert last.exit_code == 0 and last.stdout.splitlines()[-1] == str(tmp_path / "index.html")
    assert "toy_models:of_10" not in last.stdout.splitlines()  # of a single model there is no heading


@pytest.mark.parametrize(
    ("arguments", "launched", "shard", "local"),
    [([], False, (1, 1), None), (["--shard", "2/3"], True, (2, 3), None), ([], True, (4, 4), 1)],
)
def test_a_launched_process_uses_its_own_device(monkeypatch, tmp_path, arguments, launched, shard, local):
    given = {}

    def stop(models, **options):
        given.update(options)
        raise SourceError("stop")

    monkeypatch.setattr("imagenet_cp.evaluation.run.evaluate_models", stop)
    for name, value in {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value) if launched else monkeypatch.delenv(name, raising=False)
    CliRunner().invoke(app, ["evaluate", "a", "--source", "b", "-o", str(tmp_path), *arguments])
    assert (given["shard"].index, given["shard"].count) == shard and given["local"] == local


def test_predictions_of_other_data_are_not_added_to(options, tmp_path):
    small = {**options, "benchmarks": ["cifar10_c"], "configs": ["clean"]}
    evaluate_models([of_10], **small, out=tmp_path)
    with pytest.raises(BuildError, match="never mixed"):
        evaluate_models([of_10], **small, seed=1, out=tmp_path)
