"""Export of builds to the authors' layouts, its resumption, and the way back."""

import importlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from released import rows_of

from imagenet_cp.archives import export as module
from imagenet_cp.archives.export import export
from imagenet_cp.archives.importer import import_official
from imagenet_cp.archives.known_releases import RELEASES
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.plan import build
from imagenet_cp.cli.main import app
from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.images import codecs
from imagenet_cp.sources import open_source
from imagenet_cp.sources.cifar import CIFAR10
from imagenet_cp.sources.classes import wnids

IDS = [f"ILSVRC2012_val_{number:08d}" for number in (293, 1, 3, 2)]


def draw(path, seed, side=64):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A build of four of ImageNet's images in two files per config."""
    root = tmp_path_factory.mktemp("imagenet")
    for seed, name in enumerate(IDS):
        draw(root / "val" / f"{name}.png", seed)
    source = open_source(root / "val")
    build("imagenet_c", source, root / "built", ["brightness_3", "clean"], images_per_file=2, workers_count=1)
    return root / "built"


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """A build of four images of CIFAR's size and classes."""
    root = tmp_path_factory.mktemp("cifar")
    for i in range(4):
        draw(root / "test" / CIFAR10[i // 2] / f"{i}.png", i, side=32)
    source = open_source(root / "test")
    configs = ["brightness", "contrast_3", "clean"]
    build("cifar10_c", source, root / "built", configs, images_per_file=3, workers_count=1)
    return root / "built"


def files(folder, ending="*.*"):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob(ending)
        if ".imagenet_cp" not in path.parts and path.name != "build.json"
    }


class TestImageFolder:
    def test_the_bytes_and_names_are_those_of_the_authors(self, photos, tmp_path):
        made = export(photos, "imagefolder", tmp_path / "out")
        rows = [*rows_of(photos, "brightness_3"), *rows_of(photos, "clean")]
        found = files(tmp_path / "out")
        assert made == (8, sum(map(len, found.values())), 8)
        names = {
            path.rpartition("/")[2].partition(".")[0]: path for path in found if path.startswith("bright")
        }
        assert sorted(names) == sorted(IDS)
        assert names[IDS[0]] == f"brightness/3/n01440764/{IDS[0]}.JPEG"
        assert sorted(found.values()) == sorted(row["image"]["bytes"] for row in rows)
        assert {path.split("/")[0]: path[-4:] for path in found} == {"brightness": "JPEG", "clean": ".png"}

    def test_the_way_back_gives_the_same_rows(self, photos, tmp_path):
        export(photos, "imagefolder", tmp_path / "out", ["brightness_3"])
        import_official([tmp_path / "out"], tmp_path / "back")
        assert sorted(rows_of(tmp_path / "back", "brightness_3"), key=str) == sorted(
            rows_of(photos, "brightness_3"), key=str
        )

    def test_ids_with_folders(self, tmp_path):
        draw(tmp_path / "mine/cats/old/a.png", 0)
        source = open_source(tmp_path / "mine", recursive=True)
        build("imagenet_c", source, tmp_path / "built", ["brightness_3"], size="keep", workers_count=1)
        export(tmp_path / "built", "imagefolder", tmp_path / "out")
        (path,) = files(tmp_path / "out")
        assert path.startswith("brightness/3/") and path.endswith("cats/old/a.JPEG")

    def test_videos(self, tmp_path):
        pytest.importorskip("av")
        draw(tmp_path / "val/cat/a.png", 0, side=32)
        source = open_source(tmp_path / "val")
        build("cifar10_p", source, tmp_path / "built", ["brightness"], codec="h264", workers_count=1)
        export(tmp_path / "built", "imagefolder", tmp_path / "out")
        (row,) = rows_of(tmp_path / "built", "brightness")
        assert files(tmp_path / "out") == {"brightness/cat/a.mp4": row["video"]["bytes"]}

    def test_images_without_labels_are_refused(self, photos, tmp_path, monkeypatch):
        rows = [{**row, "label": -1} for row in rows_of(photos, "clean")]
        monkeypatch.setattr(module, "_rows", lambda *_: iter(rows))
        with pytest.raises(BuildError, match="has no label"):
            export(photos, "imagefolder", tmp_path / "out", ["clean"])
        assert not files(tmp_path, "*.png")

    @pytest.mark.parametrize("image_id", ["../x", "/x", "a/../x", "", "a\\b", "a//b", "./a"])
    def test_names_that_leave_the_folder_are_refused(self, photos, tmp_path, monkeypatch, image_id):
        rows = [{**row, "image_id": image_id} for row in rows_of(photos, "clean")]
        monkeypatch.setattr(module, "_rows", lambda *_: iter(rows))
        with pytest.raises(BuildError, match="cannot name a folder and a file"):
            export(photos, "imagefolder", tmp_path / "out", ["clean"])
        assert not files(tmp_path, "*.png")

    def test_images_are_on_the_disk_before_their_record(self, photos, tmp_path, monkeypatch):
        records = []
        folder = tmp_path / "out/.imagenet_cp/units"
        monkeypatch.setattr(os, "sync", lambda: records.append(len([*folder.iterdir()])), raising=False)
        export(photos, "imagefolder", tmp_path / "out", ["clean"])
        assert records == [0, 1]
        monkeypatch.delattr(os, "sync")  # as on Windows
        assert export(photos, "imagefolder", tmp_path / "windows", ["clean"]).written == 4

    def test_loaders_read_it(self, photos, tmp_path):
        pytest.importorskip("torch")
        from torch_samples import load_torchvision

        datasets = load_torchvision("torchvision.datasets")
        export(photos, "imagefolder", tmp_path / "out")
        folder = str(tmp_path / "out/brightness/3")
        expected = [codecs.decode(row["image"]["bytes"]).tobytes() for row in rows_of(photos, "brightness_3")]
        timm = pytest.importorskip("timm.data")
        for data in (datasets.ImageFolder(folder), timm.create_dataset("", root=folder)):
            assert sorted(np.asarray(data[i][0]).tobytes() for i in range(len(data))) == sorted(expected)


@pytest.fixture
def robustbench(photos, monkeypatch, tmp_path):
    """The loaders of RobustBench's wheel, without its models, and with four images on its list of 5000."""
    pytest.importorskip("torch")
    from torch_samples import load_torchvision

    load_torchvision("torchvision")
    found = sorted(Path(os.environ.get("IMAGENET_CP_MODELS", "")).glob("robustbench-*.whl"))
    if not found:
        pytest.skip("no wheel of robustbench in IMAGENET_CP_MODELS")
    package, enums = ModuleType("robustbench"), ModuleType("robustbench.model_zoo.enums")
    package.__path__ = [f"{found[0]}/robustbench"]
    names = SimpleNamespace(cifar_10="cifar10", cifar_100="cifar100", imagenet="imagenet")
    enums.BenchmarkDataset, enums.ThreatModel = names, SimpleNamespace(corruptions="c", corruptions_3d="3d")
    zoo, resources = ModuleType("robustbench.model_zoo"), ModuleType("pkg_resources")
    zoo.model_dicts = {}
    listed = tmp_path / "ids.txt"
    labels = {row["image_id"]: row["label"] for row in rows_of(photos, "clean")}
    listed.write_text("".join(f"{wnids()[labels[name]]}/{name}.JPEG\n" for name in IDS))
    resources.resource_filename = lambda *_: str(listed)
    monkeypatch.syspath_prepend(str(found[0]))  # before pkg_resources is a stub, which it would ask
    for stub in (package, enums, zoo, resources):
        monkeypatch.setitem(sys.modules, stub.__name__, stub)
    yield importlib.import_module("robustbench.data")
    for name in [name for name in sys.modules if name.startswith("robustbench.")]:
        sys.modules.pop(name)


@pytest.mark.models
class TestRobustBench:
    def test_imagenet_c(self, photos, tmp_path, robustbench):
        export(photos, "imagefolder", tmp_path / "ImageNet-C", ["brightness_3"])
        images, _ = robustbench.load_imagenetc(4, 3, str(tmp_path), corruptions=["brightness"])
        rows = {row["image_id"]: row["image"]["bytes"] for row in rows_of(photos, "brightness_3")}
        found = (images.numpy() * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
        assert all(np.array_equal(found[i], codecs.decode(rows[name])) for i, name in enumerate(IDS))

    def test_cifar_10_c(self, cifar, tmp_path, robustbench):
        export(cifar, "npy", tmp_path / "CIFAR-10-C", ["brightness"])
        images, labels = robustbench.load_cifar10c(4, 1, str(tmp_path), corruptions=["brightness"])
        rows = rows_of(cifar, "brightness_1")
        found = (images.numpy() * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
        assert labels.tolist() == [row["label"] for row in rows]
        assert all((found[i] == codecs.decode(row["image"]["bytes"])).all() for i, row in enumerate(rows))


class TestArrays:
    def test_pixels_and_labels(self, cifar, tmp_path):
        made = export(cifar, "npy", tmp_path / "out", ["brightness"])
        array, labels = (np.load(tmp_path / "out" / name) for name in ("brightness.npy", "labels.npy"))
        rows = [row for level in range(1, 6) for row in rows_of(cifar, f"brightness_{level}")]
        assert array.shape == (20, 32, 32, 3) and made.rows == made.written == 20
        assert all((codecs.decode(row["image"]["bytes"]) == array[i]).all() for i, row in enumerate(rows))
        assert labels.tolist() == [row["label"] for row in rows] == [0, 0, 1, 1] * 5

    def test_the_way_back_gives_the_same_rows(self, cifar, tmp_path, monkeypatch):
        monkeypatch.setitem(RELEASES, "cifar10_c", replace(RELEASES["cifar10_c"], images=4))
        export(cifar, "npy", tmp_path / "CIFAR-10-C", ["brightness"])
        import_official([tmp_path / "CIFAR-10-C"], tmp_path / "back")
        for back, row in zip(
            rows_of(tmp_path / "back", "brightness_2"), rows_of(cifar, "brightness_2"), strict=True
        ):
            assert (back["image"]["bytes"], back["label"]) == (row["image"]["bytes"], row["label"])

    def test_what_does_not_fit_is_named(self, cifar, tmp_path):
        with pytest.raises(
            BuildError, match="all five severities, and those of contrast are 3; build the rest"
        ):
            export(cifar, "npy", tmp_path / "out")
        with pytest.raises(BuildError, match="the clean images are none; name corruptions with --configs"):
            export(cifar, "npy", tmp_path / "out", ["clean"])
        export(cifar, "npy", tmp_path / "out", ["brightness", "clean"])

    def test_images_without_labels_are_refused(self, cifar, tmp_path, monkeypatch):
        rows = [{**row, "label": -1} for row in rows_of(cifar, "brightness_1")]
        monkeypatch.setattr(module, "_rows", lambda *_: iter(rows))
        with pytest.raises(BuildError, match=r"has no label \(-1\), which labels\.npy cannot hold"):
            export(cifar, "npy", tmp_path / "out", ["brightness"])
        assert not list((tmp_path / "out").glob("*.npy"))

    def test_labels_that_differ_between_corruptions_are_named(self, cifar, tmp_path, monkeypatch):
        labels = iter([np.arange(20), np.zeros(20, np.int64)])
        monkeypatch.setattr(module, "_labels", lambda *_: next(labels))
        with pytest.raises(
            BuildError, match=r"the labels of brightness differ from those of the corruptions"
        ):
            export(cifar, "npy", tmp_path / "out", ["brightness"])


class TestResumption:
    def test_only_what_is_missing_is_written(self, photos, tmp_path):
        out = tmp_path / "out"
        assert export(photos, "imagefolder", out, ["clean"]).written == 4
        assert export(photos, "imagefolder", out, ["clean"]).written == 0
        assert export(photos, "imagefolder", out) == (8, sum(map(len, files(out).values())), 4)
        expected = files(out)
        next(out.glob("clean/*/*")).unlink()
        assert export(photos, "imagefolder", out).written == 2 and files(out) == expected
        next(out.glob("brightness/3/*/*")).write_bytes(b"cut short")
        assert export(photos, "imagefolder", out).written == 2 and files(out) == expected

    @pytest.mark.parametrize("to, configs", [("imagefolder", []), ("npy", ["brightness"])])
    def test_a_stopped_export_goes_on(self, cifar, tmp_path, to, configs):
        whole = export(cifar, to, tmp_path / "whole", configs)

        def stop(title, done, total):
            if done == total - 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            export(cifar, to, tmp_path / "out", configs, progress=stop)
        assert not list((tmp_path / "out").rglob("*.tmp"))
        again = export(cifar, to, tmp_path / "out", configs)
        assert again[:2] == whole[:2] and files(tmp_path / "out") == files(tmp_path / "whole")
        assert 0 < again.written < whole.written or to == "npy"

    @pytest.mark.parametrize("name, images", [("brightness", 20), ("labels", 0)])
    def test_damaged_arrays_are_written_again(self, cifar, tmp_path, name, images):
        out = tmp_path / "out"
        export(cifar, "npy", out, ["brightness"])
        good, path = files(out), out / f"{name}.npy"
        content = path.read_bytes()
        for damaged in (content[:-1] + b"x", content[:-1], content[:9], b"", None):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            assert export(cifar, "npy", out, ["brightness"]).written == images and files(out) == good

    def test_damaged_images_are_written_again_and_other_files_are_left(self, photos, tmp_path):
        out = tmp_path / "out"
        export(photos, "imagefolder", out)
        good, path = files(out), next(out.glob("clean/*/*"))
        path.write_bytes(good[path.relative_to(out).as_posix()][:-1] + b"x")
        assert export(photos, "imagefolder", out).written == 2 and files(out) == good
        (path.parent / "notes.txt").write_text("mine")
        assert export(photos, "imagefolder", out).written == 0

    def test_records_of_another_export_are_not_believed(self, photos, tmp_path):
        out = tmp_path / "out"
        export(photos, "imagefolder", out)
        one, two = (out / ".imagenet_cp/units").glob("clean*.json")
        stored = json.loads(one.read_text())
        stored["identity"]["source"] = "other"
        one.write_text(json.dumps(stored))
        two.write_text(two.read_text()[:-9])
        (out / ".fog.npy.0.tmp").touch()
        steps = []
        assert export(photos, "imagefolder", out, progress=lambda *step: steps.append(step)).written == 4
        assert [step for step in steps if step[0] == "exporting images"] == [
            ("exporting images", done, 8) for done in (5, 6, 7, 8)
        ]
        assert not list(out.glob(".*.tmp"))


class TestRefusals:
    def test_folders_of_something_else(self, photos, cifar, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine/notes.txt").write_text("mine")
        with pytest.raises(BuildError, match="holds something else"):
            export(photos, "imagefolder", tmp_path / "mine")
        export(cifar, "npy", tmp_path / "out", ["brightness"])
        with pytest.raises(BuildError, match=r"signature 'cifar10_c\|.*export:npy', not"):
            export(cifar, "imagefolder", tmp_path / "out")
        with pytest.raises(BuildError, match=r"export:npy"):
            build(
                "cifar10_c",
                open_source(cifar.parent / "test"),
                tmp_path / "out",
                ["brightness"],
                workers_count=1,
            )

    def test_wrong_arguments(self, photos, tmp_path):
        with pytest.raises(ValueError, match="unknown target 'imagefolders'; did you mean imagefolder"):
            export(photos, "imagefolders", tmp_path / "out")
        with pytest.raises(BuildError, match="lacks the config fog_1; build it first"):
            export(photos, "imagefolder", tmp_path / "out", ["fog"])
        with pytest.raises(UsageError, match=r"has no build\.json"):
            export(tmp_path, "imagefolder", tmp_path / "out")

    def test_a_damaged_build(self, photos, tmp_path):
        path = next((photos / "data/clean").glob("*"))
        data = path.read_bytes()
        path.write_bytes(data[:-1] + b"x")
        with pytest.raises(BuildError, match="its checksum is not the recorded one; check the build with"):
            export(photos, "imagefolder", tmp_path / "out")
        path.write_bytes(data)

    def test_frames_of_sequences(self, tmp_path):
        draw(tmp_path / "val/cat/a.png", 0, side=32)
        build("cifar10_p", open_source(tmp_path / "val"), tmp_path / "built", ["brightness"], workers_count=1)
        with pytest.raises(BuildError, match="build them with --codec h264"):
            export(tmp_path / "built", "imagefolder", tmp_path / "out")
        with pytest.raises(BuildError, match="export it with --to imagefolder"):
            export(tmp_path / "built", "npy", tmp_path / "out")


@pytest.mark.parametrize(
    ("dataset", "config", "folder"),
    [
        ("imagenet_c", "fog_3", "fog/3"),
        ("imagenet_c", "clean", "clean"),
        ("imagenet_p", "tilt", "tilt"),
        ("imagenet_p", "gaussian_noise_2", "gaussian_noise_2"),
    ],
)
def test_folders_are_those_of_the_authors(dataset, config, folder):
    benchmark = BENCHMARKS[dataset]
    assert module._folder(SimpleNamespace(benchmark=benchmark), benchmark.cell_of[config]) == folder


@pytest.mark.parametrize("flavour", [PurePosixPath, PureWindowsPath])
def test_a_file_of_an_export_keeps_the_names_of_its_image(flavour):
    def keeps(*names, folder="out/fog/3"):
        folder = flavour(folder)
        return module._keeps_names(folder.joinpath(*names), folder, names)

    assert keeps("cat", "a.png") and keeps("cat", "old", "..a.png") and keeps("cat", "a.png", folder=".")
    for names in ([".."], ["", "b"], [".", "b"], ["b", ""], ["..", "b"], ["b\\c"], ["\0"], ["", "etc", "b"]):
        assert not keeps("cat", *names), names
    assert keeps("cat", "c:b") == (flavour is PurePosixPath)  # a drive elsewhere


def test_records_of_units_are_read_for_their_own_export_only(tmp_path):
    unit, identity = module.Unit("fog", "fog.npy", (), 5), dict.fromkeys(("signature", "source"), "")
    identity |= {"images": 1, "images_per_file": 1}
    record = tmp_path / ".imagenet_cp" / "units" / "fog.json"
    assert module._record(tmp_path, unit) == record and module._read(tmp_path, unit, identity) is None
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"identity": identity, "rows": 5, "size": 7, "sha256": "sum"}))
    assert module._read(tmp_path, unit, identity) == (5, 7, "sum")
    assert module._read(tmp_path, unit, identity | {"source": "other"}) is None
    record.write_text("{")
    assert module._read(tmp_path, unit, identity) is None


def test_the_command(photos, tmp_path, capsys):
    app(["export", str(photos), "--to", "imagefolder", "-o", str(tmp_path / "out")], standalone_mode=False)
    assert "8 images" in capsys.readouterr().out
