"""load_dataset("imagenet_p", ...) through stock datasets, and the same sequences by every other road."""

import io

import datasets
import numpy as np
import pytest
from datasets import get_dataset_config_names, load_dataset
from PIL import Image

import imagenet_cp
from imagenet_cp.build.plan import build
from imagenet_cp.perturbations import EXTRA, NOISE, TEST
from imagenet_cp.sources import open_source

pytestmark = pytest.mark.usefixtures("elsewhere")

BARE = datasets.List(datasets.Image(decode=False))


def load(config, cache, **options):
    options.setdefault("data_dir", None)
    return load_dataset("imagenet_p", config, split="validation", cache_dir=cache, **options)


def rows(dataset):
    return list(dataset.cast_column("sequence", BARE))


def test_configs_are_those_of_the_registry():
    names = get_dataset_config_names("imagenet_p")
    harder = [f"{name}_{difficulty}" for name in NOISE for difficulty in (2, 3)]
    assert set(names) == {*TEST, *EXTRA, *harder, "test", "extra"} and len(names) == len(set(names))


def test_a_row_holds_the_frames_of_one_sequence(class_folder, cache):
    dataset = load("translate", cache, data_dir=str(class_folder))
    assert list(dataset.features) == ["sequence", "label", "perturbation", "difficulty", "image_id"]
    row = dataset[1]
    assert (row["image_id"], row["perturbation"], row["difficulty"]) == ("chelsea", "translate", 1)
    assert len(row["sequence"]) == 41 and row["sequence"][0].size == (224, 224)


def test_lossless_frames_are_those_of_perturb(class_folder, cache):
    dataset = load("gaussian_noise_2", cache, data_dir=str(class_folder), codec="png", seed=3)
    with Image.open(class_folder / "thing" / "chelsea.png") as image:
        frames = imagenet_cp.perturb(image, "gaussian_noise", difficulty=2, seed=3, image_id="chelsea")
    assert np.array_equal(np.stack([np.asarray(frame) for frame in dataset[1]["sequence"]]), frames)


def test_the_same_rows_whatever_the_road(class_folder, cache, tmp_path):
    plain = rows(load("tilt", cache, data_dir=str(class_folder)))
    assert rows(load("tilt", str(tmp_path / "two"), data_dir=str(class_folder), num_proc=2)) == plain
    assert rows(load("tilt", cache, data_dir=str(class_folder), streaming=True)) == plain
    build(
        "imagenet_p", open_source(class_folder), tmp_path / "built" / "imagenet_p", ["tilt"], workers_count=1
    )
    stored = load_dataset(str(tmp_path / "built" / "imagenet_p"), "tilt", split="validation", cache_dir=cache)
    assert (
        rows(stored) == plain and stored.features == load("tilt", cache, data_dir=str(class_folder)).features
    )


def test_videos_repeat_themselves_and_decode_without_torchcodec(class_folder, cache, tmp_path):
    folder = tmp_path / "one"
    (folder / "animal").mkdir(parents=True)
    (folder / "animal" / "astronaut.png").write_bytes(
        (class_folder / "animal" / "astronaut.png").read_bytes()
    )
    row = load("shot_noise", cache, data_dir=str(folder), codec="h264")[0]
    build(
        "imagenet_p", open_source(folder), tmp_path / "built", ["shot_noise"], codec="h264", workers_count=1
    )
    stored = load_dataset(str(tmp_path / "built"), "shot_noise", split="validation", cache_dir=cache)
    assert stored[0]["video"] == row["video"]
    assert stored.features["video"] == datasets.Video(decode=False)
    frames = imagenet_cp.decode_video(row["video"])
    with Image.open(io.BytesIO((folder / "animal" / "astronaut.png").read_bytes())) as image:
        original = imagenet_cp.perturb(image, "shot_noise", image_id="astronaut")
    assert frames.shape == (31, 224, 224, 3) and frames.dtype == np.uint8
    assert np.abs(frames.astype(int) - original).mean() < 10


def test_no_video_is_no_video():
    with pytest.raises(ValueError, match="not a video"):
        imagenet_cp.decode_video(b"no video")


@pytest.mark.parametrize(
    ("config", "options", "says"),
    [
        ("tilt_2", {}, "did you mean tilt"),
        ("gaussian_noise_4", {}, "gaussian_noise or gaussian_noise_2 or gaussian_noise_3"),
        ("tilt", {"difficulty": 2}, "the config name includes the difficulty.*did you mean tilt?"),
        ("tilt", {"codec": "avi"}, "no codec 'avi'"),
        (None, {}, "config name is missing"),
    ],
)
def test_options_that_mean_nothing_are_refused(config, options, says, cache):
    with pytest.raises(ValueError, match=says):
        load_dataset("imagenet_p", config, cache_dir=cache, **options)
