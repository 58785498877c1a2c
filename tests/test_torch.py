"""Map-style data sets of builds and of clean images; only the tests of tensors and DataLoaders need torch."""

import json
import pickle
import re
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import imagenet_cp
from imagenet_cp.build.plan import build
from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.images import codecs
from imagenet_cp.sources import Source, open_source
from imagenet_cp.sources.cifar import CIFAR10
from imagenet_cp.torch import ImageNetC, ImageNetP


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Three small images of two classes."""
    root = tmp_path_factory.mktemp("clean") / "val"
    for i, place in enumerate(("cat/a.png", "cat/b.png", "dog/c.png")):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(i).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(values).save(root / place)
    return root


def make(dataset, clean, folder, configs):
    build(dataset, open_source(clean), folder, configs, images_per_file=2, workers_count=1)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory, clean):
    folder = tmp_path_factory.mktemp("built") / "tiny_imagenet_c"
    return make("tiny_imagenet_c", clean, folder, ["brightness", "gaussian_noise_3", "clean"])


@pytest.fixture(scope="module")
def sequences(tmp_path_factory, clean):
    folder = tmp_path_factory.mktemp("built") / "tiny_imagenet_p"
    return make("tiny_imagenet_p", clean, folder, ["brightness"])


def on_the_fly(clean, *config, **options):
    return ImageNetC(clean, *config, benchmark="tiny_imagenet_c", **options)


def equal(one, two):
    return len(one) == len(two) and all(
        np.array_equal(np.asarray(a), np.asarray(b)) and m == n
        for (a, m), (b, n) in zip(one, two, strict=True)
    )


class TestImageNetC:
    def test_items_of_a_build_and_of_clean_images_are_the_same(self, built, clean):
        for config in (("gaussian_noise", 3), ("brightness",), ("clean",)):
            assert equal(ImageNetC(built, *config), on_the_fly(clean, *config))

    def test_items_are_the_images_of_corrupt(self, built, clean):
        data = ImageNetC(built, "gaussian_noise", 3)
        source = np.asarray(Image.open(clean / "cat/b.png"))
        corrupted = imagenet_cp.corrupt(
            source, "gaussian_noise", 3, image_id="b", benchmark="tiny_imagenet_c"
        )
        image, label = data[1]
        assert isinstance(image, Image.Image) and (label, len(data)) == (0, 3)
        assert np.array_equal(np.asarray(image), codecs.decode(codecs.encode_jpeg(corrupted, 85)))

    def test_the_attributes_of_torchvision(self, built):
        data = ImageNetC(built, "brightness")
        assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1}
        assert data.samples == [("a", 0), ("b", 0), ("c", 1)] * 5 and data.targets.tolist() == [0, 0, 1] * 5
        assert [cell.level for cell in data.cells] == [1, 2, 3, 4, 5] and len(data) == 15
        assert repr(data).startswith(f"ImageNetC({str(built)!r}, 5 configs, 15 items, tiny_imagenet_c|")
        assert ", gaussian_noise_3, 3 items, " in repr(ImageNetC(built, "gaussian_noise", 3))

    def test_attributes_of_clean_images(self, clean):
        data = on_the_fly(clean, "brightness", 2)
        assert data.samples == [("a", 0), ("b", 0), ("c", 1)] and data.targets.tolist() == [0, 0, 1]
        assert data.class_to_idx == {"cat": 0, "dog": 1} and data.targets.dtype == np.int64

    def test_defaults_of_clean_images(self):
        images, frames = ImageNetC("sample", "fog"), ImageNetP("sample", "gaussian_noise", 2)
        assert [cell.config for cell in images.cells] == [f"fog_{n}" for n in range(1, 6)] and len(
            images
        ) == 70
        assert (
            repr(images)
            == "ImageNetC('sample', 5 configs, 70 items, imagenet_c|recipe:1|profile:imagenet|seed:0|jpeg:85)"
        )
        assert [cell.config for cell in frames.cells] == ["gaussian_noise_2"]
        assert "|seed:3|" in repr(ImageNetP("sample", "tilt", seed=3)) and "imagenet_p|" in repr(frames)

    def test_transforms(self, built):
        data = ImageNetC(
            built, "clean", transform=lambda image: image.size, target_transform="label {}".format
        )
        assert data[2] == ((64, 64), "label 1")

    def test_indices(self, built):
        data = ImageNetC(built, "brightness")
        assert np.array_equal(np.asarray(data[-1][0]), np.asarray(data[14][0]))
        assert np.array_equal(np.asarray(data[np.int64(3)][0]), np.asarray(data[3][0]))
        with pytest.raises(IndexError):
            data[15]

    def test_a_pickled_copy_reads_the_same_and_is_small(self, built):
        data = ImageNetC(built, "brightness")
        first = data[0]
        stored = pickle.dumps(data)
        assert equal([pickle.loads(stored)[0]], [first]) and len(stored) < 10_000

    def test_seeds_of_images_made_from_clean_ones(self, clean):
        one, two = (on_the_fly(clean, "gaussian_noise", 1, seed=seed)[0][0] for seed in (0, 1))
        assert not np.array_equal(np.asarray(one), np.asarray(two))

    def test_images_can_be_pickled_and_have_the_pixels_of_decode(self, built):
        image, _ = ImageNetC(built, "gaussian_noise", 3)[1]
        row = pq.read_table(next((built / "data/gaussian_noise_3").glob("*")), partitioning=None)["image"][1]
        assert image.mode == "RGB" and np.array_equal(np.asarray(image), codecs.decode(row["bytes"].as_py()))
        assert np.array_equal(np.asarray(pickle.loads(pickle.dumps(image))), np.asarray(image))

    def test_a_build_that_was_compressed(self, built, tmp_path):
        shutil.copytree(built / "data", tmp_path / "data")
        for path in (tmp_path / "data/brightness_1").glob("*"):
            pq.write_table(pq.read_table(path, partitioning=None), path, compression="zstd")
        assert equal(ImageNetC(tmp_path, "brightness"), ImageNetC(built, "brightness"))

    def test_a_folder_without_its_record(self, built, tmp_path):
        shutil.copytree(built / "data", tmp_path / "data")
        assert equal(ImageNetC(tmp_path, "brightness"), ImageNetC(built, "brightness"))


class TestErrors:
    def test_names(self, built, sequences):
        with pytest.raises(ValueError, match="tiny_imagenet_c has no config 'fogg'; did you mean fog"):
            ImageNetC(built, "fogg")
        with pytest.raises(
            ValueError, match="has no 'brightness' of severity 6; did you mean brightness_1 or"
        ):
            ImageNetC(built, "brightness", 6)
        with pytest.raises(
            SourceError, match="is tiny_imagenet_p, whose rows are perturbations; read it with ImageNetP"
        ):
            ImageNetC(sequences, "brightness")

    def test_a_build_has_its_own_benchmark_and_seed(self, built):
        same = ImageNetC(built, "brightness", benchmark="tiny_imagenet_c", seed=0)
        assert len(same) == len(ImageNetC(built, "brightness"))
        for options in ({"seed": 5}, {"benchmark": "cifar10_c"}):
            ((argument, value),) = options.items()
            with pytest.raises(UsageError, match=f"a build with {argument}=.*, not {value!r}"):
                ImageNetC(built, "brightness", **options)

    def test_the_working_directory_may_change(self, built, tmp_path, monkeypatch):
        monkeypatch.chdir(built.parent)
        for variable in ("HOME", "USERPROFILE"):  # the second on Windows
            monkeypatch.setenv(variable, str(built.parent))
        data = ImageNetC(built.name, "brightness")
        assert len(ImageNetC(f"~/{built.name}", "brightness")) == 15
        monkeypatch.chdir(tmp_path)
        assert data[0][1] == ImageNetC(built, "brightness")[0][1]

    def test_what_is_missing(self, built, tmp_path):
        command = re.escape(f"imagenet-cp build tiny_imagenet_c --out {built} --configs fog_1")
        with pytest.raises(SourceError, match=f"the config fog_1 is missing; build it with `{command}`$"):
            ImageNetC(built, "fog")
        shutil.copytree(built, tmp_path / "part")
        next((tmp_path / "part/data/clean").glob("*")).unlink()
        with pytest.raises(SourceError, match="clean has 1 files, not 2"):
            ImageNetC(tmp_path / "part", "clean")
        with pytest.raises(UsageError):
            ImageNetC(tmp_path / "nowhere", "clean")
        (tmp_path / "part/build.json").write_text('{"identity": {}}')
        with pytest.raises(BuildError):
            ImageNetC(tmp_path / "part", "clean")

    def test_a_part_of_the_clean_images_is_in_the_signature(self, monkeypatch):
        part = Source("x", CIFAR10, (), None, ids="some", class_list="ten")
        monkeypatch.setattr("imagenet_cp.torch.open_source", lambda root: part)
        assert "|seed:0|ids:some|classes:ten|png)" in repr(ImageNetC("x", "fog", benchmark="cifar10_c"))

    def test_clean_images_of_another_data_set(self, monkeypatch):
        monkeypatch.setattr("imagenet_cp.torch.open_source", lambda root: Source("x", CIFAR10, (), None))
        with pytest.raises(
            SourceError, match="x: holds the images of cifar10, but cifar100_c is made of those of"
        ):
            ImageNetC("x", "fog", benchmark="cifar100_c")

    @pytest.mark.parametrize("record", [True, False])
    def test_a_file_damaged_after_opening(self, built, tmp_path, record):
        folder = shutil.copytree(
            built if record else built / "data", tmp_path / ("copy" if record else "data")
        )
        data = ImageNetC(tmp_path / "copy" if record else tmp_path, "brightness", 1)
        for path in folder.rglob("brightness_1/*"):
            path.write_bytes(b"PAR1" + bytes(99))
        problem = (
            "103 bytes, not" if record else r"cannot be read .*; check the build with `imagenet-cp verify`"
        )
        for use in (lambda: data[0], lambda: data.targets, lambda: data.samples):
            with pytest.raises(SourceError, match=rf"-00000-of-00002\.parquet: {problem}"):
                use()

    def test_a_file_replaced_before_opening(self, built, tmp_path):
        folder = shutil.copytree(built, tmp_path / "copy")
        first, second = sorted((folder / "data/brightness_1").glob("*"))
        good = first.read_bytes()
        shutil.copy(second, first)
        with pytest.raises(
            SourceError, match=rf"{first.name}: .* bytes, not .* as recorded; check the build with"
        ):
            ImageNetC(folder, "brightness")
        first.write_bytes(good[:-20])
        (folder / "build.json").unlink()
        with pytest.raises(SourceError, match=rf"{first.name}: cannot be read .*; check the build with"):
            ImageNetC(folder, "brightness")

    def test_checksums_are_compared_once(self, built, tmp_path, monkeypatch):
        folder = shutil.copytree(built, tmp_path / "copy")
        path = min((folder / "data/brightness_1").glob("*"))
        good = path.read_bytes()
        path.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
        data = ImageNetC(folder, "brightness", 1)
        for use in (lambda: data[0], lambda: data.targets):
            with pytest.raises(SourceError, match=rf"{path.name}: its checksum is not the recorded one"):
                use()
        path.write_bytes(good)
        data[0]
        monkeypatch.setattr("imagenet_cp.build.checksums.problem_of", lambda *_: "read again")
        assert ImageNetC(folder, "brightness", 1)[1][1] == 0
        with pytest.raises(SourceError, match="read again"):
            data[2]

    def test_a_number_of_rows_that_is_not_the_recorded_one(self, built, tmp_path):
        folder = shutil.copytree(built, tmp_path / "copy")
        record = json.loads((folder / "build.json").read_text())
        _, second = sorted(path for path in record["files"] if "brightness_1/" in path)
        record["files"][second]["rows"] = 7
        (folder / "build.json").write_text(json.dumps(record))
        data = ImageNetC(folder, "brightness", 1)
        data[0]
        for use in (lambda: data[2], lambda: data.targets):
            with pytest.raises(
                SourceError, match=r"-00001-of-00002\.parquet: 1 rows, not 7 as recorded; check"
            ):
                use()

    def test_a_file_of_another_build(self, built, sequences, tmp_path):
        shutil.copytree(built / "data/brightness_1", tmp_path / "data/brightness_1")
        _, other = sorted((tmp_path / "data/brightness_1").glob("*"))
        shutil.copy(next((sequences / "data/brightness").glob("*")), other)
        with pytest.raises(
            SourceError, match=rf"{other.name}: of 'tiny_imagenet_p.*', not of 'tiny_imagenet_c"
        ):
            ImageNetC(tmp_path, "brightness", 1)

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ((None, 3), "corruption must be one name, such as 'fog_3', not None"),
            ((["fog", "snow"],), r"corruption must be one name, such as 'fog_3', not \['fog', 'snow'\]"),
            (("brightness", True), "severity must be a whole number from 0, not True"),
            (
                ("brightness", np.array([1, 2])),
                r"severity must be a whole number from 0, not array\(\[1, 2\]\)",
            ),
            (("brightness", "high"), "severity must be a whole number from 0, not 'high'"),
        ],
    )
    def test_arguments(self, built, arguments, message):
        with pytest.raises(ValueError, match=message):
            ImageNetC(built, *arguments)

    def test_arguments_of_sequences(self, sequences):
        for difficulty in (4, None, True):
            with pytest.raises(ValueError, match="difficulty must be a whole number from 1 to 3, not"):
                ImageNetP(sequences, "brightness", difficulty)
        with pytest.raises(ValueError, match="perturbation must be one name"):
            ImageNetP(sequences, ["brightness"], 2)

    def test_several_indices(self, built):
        data = ImageNetC(built, "brightness", np.int64(1))
        for index in (slice(0, 2), [0, 1], "a", 1.0):
            with pytest.raises(
                TypeError, match=r"one whole number, not .*; torch\.utils\.data\.Subset takes several"
            ):
                data[index]

    @pytest.mark.parametrize("features", ["[]", "{}", "null"])
    def test_a_file_whose_columns_are_not_ours(self, built, tmp_path, features):
        (tmp_path / "data/clean").mkdir(parents=True)
        (stored,) = (built / "data/clean").glob("*-00000-*")
        table = pq.read_table(stored)
        table = table.replace_schema_metadata(
            {**table.schema.metadata, b"huggingface": f'{{"info": {{"features": {features}}}}}'}
        )
        pq.write_table(table, tmp_path / "data/clean/validation-00000-of-00001.parquet")
        with pytest.raises(SourceError, match="no file of a build of this package"):
            ImageNetC(tmp_path, "clean")

    @pytest.mark.parametrize("metadata", [None, {"imagenet_cp": "imagenet_d|recipe:1"}])
    def test_a_file_of_no_build_is_named(self, tmp_path, metadata):
        (tmp_path / "data/clean").mkdir(parents=True)
        table = pa.table({"image": [b""], "label": [0]}).replace_schema_metadata(metadata)
        path = tmp_path / "data/clean/validation-00000-of-00001.parquet"
        pq.write_table(table, path)
        with pytest.raises(
            SourceError, match=f"^{re.escape(str(path))}: no file of a build of this package$"
        ):
            ImageNetC(tmp_path, "clean")

    def test_a_damaged_image_is_named_by_its_file_and_row(self, built, tmp_path):
        shutil.copytree(built / "data", tmp_path / "data")
        path = sorted((tmp_path / "data/clean").glob("*"))[0]
        content = path.read_bytes()
        image = pq.read_table(path, partitioning=None)["image"][1]["bytes"].as_py()
        path.write_bytes(content.replace(image, bytes(len(image))))
        with pytest.raises(
            SourceError, match=r"-of-00002\.parquet, row 1: .*; check the build with `imagenet-cp verify`"
        ):
            ImageNetC(tmp_path, "clean")[1]


class TestTensors:
    def test_frames_of_a_build_and_of_clean_images(self, sequences, clean):
        torch = pytest.importorskip("torch")
        data = ImageNetP(sequences, "brightness")
        frames, label = data[2]
        assert frames.shape == (31, 3, 64, 64) and frames.dtype == torch.uint8 and label == 1
        assert torch.equal(frames, ImageNetP(clean, "brightness", benchmark="tiny_imagenet_p")[2][0])

    def test_frames_of_a_video(self, clean, tmp_path):
        pytest.importorskip("av")
        torch = pytest.importorskip("torch")
        source = open_source(clean)
        one = replace(source, items=source.items[2:])  # the encoding takes the time
        build("tiny_imagenet_p", one, tmp_path / "v", ["brightness"], codec="h264", workers_count=1)
        frames, label = ImageNetP(tmp_path / "v", "brightness")[0]
        (stored,) = (tmp_path / "v/data/brightness").glob("*")
        video = pq.read_table(stored, partitioning=None)["video"][0]["bytes"].as_py()
        expected = torch.from_numpy(np.stack(list(imagenet_cp.decode_video(video)))).permute(0, 3, 1, 2)
        assert frames.shape == (31, 3, 64, 64) and torch.equal(frames, expected) and label == 1

    def test_workers_and_transforms(self, built):
        torch = pytest.importorskip("torch")
        data = ImageNetC(built, "brightness", transform=lambda image: torch.from_numpy(np.array(image)))
        data[0]  # opens a file that the workers must open again
        loader = torch.utils.data.DataLoader(data, 4, num_workers=4, multiprocessing_context="fork")
        images, labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
        assert labels.tolist() == data.targets.tolist()
        assert all(torch.equal(image, data[i][0]) for i, image in enumerate(images))
