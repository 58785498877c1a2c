"""Import of the published archives: bytes untouched, what is missing or strange named."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace

import datasets
import numpy as np
import pytest
from PIL import Image
from released import pack, publish, rows_of, special, tree, unpack
from toy_models import by_colour

from imagenet_cp.archives import importer as official
from imagenet_cp.archives import release
from imagenet_cp.archives.image_releases import FileRelease
from imagenet_cp.archives.import_folder import report
from imagenet_cp.archives.importer import import_official
from imagenet_cp.archives.known_releases import RELEASES
from imagenet_cp.benchmarks.recipe import Recipe
from imagenet_cp.build.build_folder import lock_build
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.jobs.job_folder import STATE_DIR, Shard
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources import open_source

NUMBERS = (1, 2, 2500, 2501, 40_000)
COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()"]


def wnid_of(number):
    return imagenet.wnids()[imagenet.validation_labels()[f"ILSVRC2012_val_{number:08d}"]]


def jpeg(seed):
    """A JPEG in a way that this package does not write them."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((224, 224)).save(file, "JPEG", quality=40, progressive=True)
    return file.getvalue()


def mp4(seed):
    """What begins as an MP4 does."""
    return b"\0\0\0\x18ftypisom" + np.random.default_rng(seed).bytes(3000)


def images(cells, numbers=NUMBERS, ending="JPEG", make=jpeg):
    """Path inside a release -> bytes, in no order at all."""
    places = [(cell, number) for cell in cells for number in numbers]
    np.random.default_rng(0).shuffle(places)
    return {
        f"{cell}/{wnid_of(int(number))}/ILSVRC2012_val_{int(number):08d}.{ending}": make(
            [int(number), len(cell)]
        )
        for cell, number in places
    }


@pytest.fixture
def small(monkeypatch):
    """A release of just five images, so that it can be whole."""
    monkeypatch.setitem(RELEASES, "imagenet_c", replace(RELEASES["imagenet_c"], images=5))
    return (1, 2, 3, 4, 5)


def test_imagenet_c_bar_comes_by_severities_and_by_levels(tmp_path):
    """The archive names folders by the severity, the authors' script by its level with two digits."""
    files = images(["cbar_download/caustic_refraction/1", "cbar_download/sparkles/5"], NUMBERS[:2])
    made = import_official([pack(tmp_path / "imagenet_c_bar.tar", files)], tmp_path / "out")
    assert set(made.files) == {"caustic_refraction_1", "sparkles_5"}
    assert made.identity["source"] == RELEASES["imagenet_c_bar"].address
    assert made.recipe.signature == "imagenet_c_bar|official|release:inc_bar|profile:imagenet|jpeg"
    assert Recipe.parse(made.recipe.signature) == made.recipe and made.recipe.official
    levels = {
        name.replace("cbar_download", "ImageNet-C-Bar").replace("refraction/1", "refraction/2.35"): data
        for name, data in files.items()
    }
    levels = {name.replace("sparkles/5", "sparkles/6.00"): data for name, data in levels.items()}
    import_official([unpack(tmp_path / "script", levels)], tmp_path / "again")
    for config in made.files:
        assert rows_of(tmp_path / "again", config) == rows_of(tmp_path / "out", config)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert (
        "dl.fbaipublicfiles.com/inc_bar" in card
        and "zenodo" not in card
        and "random draws differ" not in card
    )
    result = evaluate_model(by_colour, imagenet_c_bar=tmp_path / "out")
    assert result.metrics["c_bar"]["error"]["sparkles"][4] is not None


def test_imagenet_c_comes_out_byte_for_byte(tmp_path):
    files = images(["fog/3", "fog/1", "snow/5"])
    steps = []
    archive = pack(tmp_path / "some.tar", files)
    made = import_official([archive], tmp_path / "out", progress=lambda *step: steps.append(step))
    assert set(made.files) == {"fog_1", "fog_3", "snow_5"} and made.identity["source"] == "zenodo:2235448"
    assert [step[1:] for step in steps if step[0] == "importing images"] == [(n, 15) for n in range(1, 16)]
    for config, cell in (("fog_1", "fog/1"), ("fog_3", "fog/3"), ("snow_5", "snow/5")):
        for number, row in zip(NUMBERS, rows_of(tmp_path / "out", config), strict=True):
            image_id = f"ILSVRC2012_val_{number:08d}"
            assert row == {
                "image": {
                    "bytes": files[f"{cell}/{wnid_of(number)}/{image_id}.JPEG"],
                    "path": f"{image_id}.JPEG",
                },
                "label": imagenet.validation_labels()[image_id],
                "corruption": cell.split("/")[0],
                "severity": int(cell[-1]),
                "image_id": image_id,
            }
    names = sorted(path.name for path in (tmp_path / "out" / "data" / "fog_3").iterdir())
    assert names == [f"validation-{index:05d}-of-00020.parquet" for index in (0, 1, 15)]


def test_imagenet_p_keeps_its_videos(tmp_path):
    files = images(["tilt", "gaussian_noise", "gaussian_noise_3"], ending="mp4", make=mp4)
    import_official([pack(tmp_path / "some.tar", files)], tmp_path / "out")
    for config, name, difficulty in (("tilt", "tilt", 1), ("gaussian_noise_3", "gaussian_noise", 3)):
        for number, row in zip(NUMBERS, rows_of(tmp_path / "out", config), strict=True):
            image_id = f"ILSVRC2012_val_{number:08d}"
            assert row == {
                "video": {
                    "bytes": files[f"{config}/{wnid_of(number)}/{image_id}.mp4"],
                    "path": f"{image_id}.mp4",
                },
                "label": imagenet.validation_labels()[image_id],
                "perturbation": name,
                "difficulty": difficulty,
                "image_id": image_id,
            }


def test_stock_datasets_reads_it_and_verify_knows_it(tmp_path, small, cache):
    import_official([pack(tmp_path / "some.tar", images(["fog/3"], small))], tmp_path / "imagenet_c")
    loaded = datasets.load_dataset(str(tmp_path / "imagenet_c"), "fog_3", split="validation", cache_dir=cache)
    assert loaded[0]["image"].size == (224, 224) and loaded["severity"] == [3] * 5
    assert loaded.features["label"].int2str(loaded[0]["label"]) == wnid_of(1)
    checked = verify(tmp_path / "imagenet_c")
    assert checked.recipe.official and checked.rows == 5 and checked.problems == []
    assert checked.signature == "imagenet_c|official|zenodo:2235448|profile:imagenet|jpeg"
    with pytest.raises(BuildError, match="images released by the authors"):
        verify(tmp_path / "imagenet_c", source=open_source("sample"))
    with pytest.raises(BuildError, match="official"):
        build("imagenet_c", open_source("sample"), tmp_path / "imagenet_c", ["fog_3"], workers_count=1)
    card = (tmp_path / "imagenet_c" / "README.md").read_text()
    assert "zenodo.org/records/2235448" in card and "imagenet_c|official|" in card


def test_models_are_evaluated_on_the_published_images(tmp_path):
    files = images(["fog/3", "fog/1"])
    import_official([pack(tmp_path / "c.tar", files)], tmp_path / "c")
    made = evaluate_model(by_colour, imagenet_c=tmp_path / "c")
    assert made.metrics["mce"]["num_examples"] == 10 and made.metrics["mce"]["error"]["fog"][2] is not None
    assert "|data:imagenet_c|official|zenodo:2235448|" in made.metrics["mce"]["signature"]
    import_official([pack(tmp_path / "p.tar", images(["tilt"], ending="mp4", make=mp4))], tmp_path / "p")
    pytest.importorskip("av")
    with pytest.raises(SourceError, match="ILSVRC2012_val_00000001: not a video that can be decoded"):
        evaluate_model(by_colour, imagenet_p=tmp_path / "p")


def test_archives_and_folders_of_any_extent_give_the_same(tmp_path):
    files = images(["fog/3", "fog/1", "snow/5"])
    folder = unpack(tmp_path / "ImageNet-C" / "weather", files)
    inside = {name.removeprefix("fog/"): data for name, data in files.items() if name.startswith("fog/")}
    ways = {
        "tar": [pack(tmp_path / "some.tar", files)],
        "prefix": [
            pack(tmp_path / "x.tar", {f"./ImageNet-C/weather/{name}": data for name, data in files.items()})
        ],
        "folder": [folder],
        "above": [tmp_path / "ImageNet-C"],
        "corruptions": [folder / "snow", folder / "fog"],
        "severities": [folder / "fog" / "3", folder / "fog" / "1", folder / "snow" / "5"],
        "one corruption": [pack(tmp_path / "fog.tar", inside), folder / "snow"],
        "twice": [folder / "fog", tmp_path / "some.tar", folder],
    }
    made = {way: import_official(paths, tmp_path / way) for way, paths in ways.items()}
    first = tree(tmp_path / "tar")
    assert sum(name.endswith(".parquet") for name in first) == 9
    for way in ways:
        assert tree(tmp_path / way) == first, way
        assert not [note for note in made[way].notes if "skipped" in note], way


def test_a_second_run_writes_nothing_and_later_ones_add(tmp_path):
    files = images(["fog/3", "snow/5"])
    fog = pack(tmp_path / "a.tar", {name: data for name, data in files.items() if name.startswith("fog")})
    snow = pack(tmp_path / "b.tar", {name: data for name, data in files.items() if name.startswith("snow")})
    import_official([fog], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "data").rglob("*.parquet")}
    import_official([fog], tmp_path / "out")
    state = tmp_path / "out" / STATE_DIR / "official.json"
    state.write_text(
        state.read_text().replace('"rows": 1,', '"rows": 7,')
    )  # the files are counted, not believed
    import_official([snow], tmp_path / "out")
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    import_official([fog, snow], tmp_path / "at once")
    assert tree(tmp_path / "out") == tree(tmp_path / "at once")


def test_a_more_complete_archive_replaces_a_config(tmp_path):
    files = images(["fog/3"])
    part = {name: data for name, data in files.items() if "40000" not in name}
    import_official([pack(tmp_path / "a.tar", part)], tmp_path / "out")
    made = import_official([pack(tmp_path / "b.tar", files)], tmp_path / "out")
    assert made.images("fog_3") == 5 and len(rows_of(tmp_path / "out", "fog_3")) == 5
    assert import_official([tmp_path / "a.tar"], tmp_path / "out").images("fog_3") == 5


def test_damaged_files_are_made_again_or_named(tmp_path):
    archive = pack(tmp_path / "some.tar", images(["fog/3", "snow/5"]))
    import_official([archive], tmp_path / "out")
    whole = tree(tmp_path / "out")
    path = tmp_path / "out" / "data" / "fog_3" / "validation-00000-of-00020.parquet"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    notes = import_official([archive], tmp_path / "out").notes
    assert any("not the recorded one" in note for note in notes) and tree(tmp_path / "out") == whole
    path.unlink()
    other = pack(tmp_path / "other.tar", images(["frost/1"]))
    made = import_official([other], tmp_path / "out")
    assert "fog_3: its files are missing or damaged; import it again" in made.notes
    assert set(made.files) == {"snow_5", "frost_1"} and not list((tmp_path / "out").glob("data/fog_3/*"))


def test_the_published_archives_are_known_by_their_md5(tmp_path, monkeypatch):
    weather = pack(tmp_path / "weather.tar", images(["fog/3"]))
    with pytest.raises(SourceError, match=r"weather\.tar: .* bytes, but the released one has 12,797,438,995"):
        import_official([weather], tmp_path / "out")
    publish(monkeypatch, "imagenet_c", weather=weather, blur=weather)
    monkeypatch.setattr(release, "_BLOCK", 100)  # larger archives are read in several blocks
    assert "weather.tar: MD5 as released" in import_official([weather], tmp_path / "out").notes
    record = json.loads((tmp_path / "out" / "build.json").read_text())
    assert list(record) == ["identity", "versions", "skipped", "archives", "files"]
    assert record["versions"].keys() == {"python", "imagenet-cp", "datasets", "pyarrow"}
    assert record["archives"] == ["weather.tar"] and record["skipped"] == {}
    blur = pack(tmp_path / "blur.tar", images(["zoom_blur/3"]))
    before = tree(tmp_path / "out")
    with pytest.raises(
        SourceError, match=r"blur\.tar: its MD5 is [0-9a-f]{32}, but that .* [0-9a-f]{32}; .*--no-md5"
    ):
        import_official([weather, blur], tmp_path / "out")
    assert tree(tmp_path / "out") == before
    made = import_official([blur], tmp_path / "out", check=False)
    assert "blur.tar: MD5 not compared, as requested" in made.notes and set(made.files) == {
        "fog_3",
        "zoom_blur_3",
    }


def test_a_known_archive_is_hashed_once(tmp_path, monkeypatch):
    weather = pack(tmp_path / "weather.tar", images(["fog/3"]))
    publish(monkeypatch, "imagenet_c", weather=weather)
    titles = []

    def stop(title, *count):
        if title == "importing images":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_official([weather], tmp_path / "stopped", progress=stop)
    import_official([weather], tmp_path / "stopped", progress=lambda title, *count: titles.append(title))
    assert "importing images" in titles and "checking archives (MB)" not in titles
    titles.clear()
    for _ in range(2):
        import_official([weather], tmp_path / "out", progress=lambda title, *count: titles.append(title))
        titles.append("run")
    assert titles.index("run") > 0 and "checking archives (MB)" not in titles[titles.index("run") :]
    os.utime(weather)
    monkeypatch.setattr(official, "_MEGABYTE", 512)
    steps = []
    import_official([weather], tmp_path / "out", progress=lambda *step: steps.append(step))
    done = [step[1] for step in steps if step[0] == "checking archives (MB)"]
    blocks = weather.stat().st_size // 512
    assert done == sorted(done) and 0.8 * blocks < done[-1] < blocks and steps[len(done) - 1][2] == blocks


def test_the_same_name_is_another_archive_in_the_other_release(tmp_path, monkeypatch):
    noise = pack(tmp_path / "noise.tar", images(["shot_noise"], ending="mp4", make=mp4))
    publish(monkeypatch, "imagenet_p", noise=noise)
    assert "noise.tar: MD5 as released" in import_official([noise], tmp_path / "out").notes


def test_what_is_missing_or_extra_is_reported(tmp_path, small):
    files = images(["fog/1", "fog/2", "fog/3", "fog/4", "fog/5", "snow/1"], small)
    files.pop(next(name for name in files if name.startswith("snow/1/") and "00005" in name))
    extra = {
        "README.txt": b"hello",
        "fog/6/n01440764/ILSVRC2012_val_00000293.JPEG": jpeg(0),
        "hail/3/n01440764/ILSVRC2012_val_00000293.JPEG": jpeg(0),
        "fog/3/n00000000/ILSVRC2012_val_00000293.JPEG": jpeg(0),
        "fog/3/n01440764/ILSVRC2012_val_00050001.JPEG": jpeg(0),
        "fog/3/n01440764/holiday.JPEG": jpeg(0),
        "fog/3/n01440764/ILSVRC2012_val_00000001.JPEG": jpeg(0),
    }
    made = import_official([pack(tmp_path / "some.tar", files | extra)], tmp_path / "out")
    lines = "\n".join(report(made))
    assert "some.tar: 7 files skipped: 'README.txt' (no file of the release)" in lines
    assert "snow_1: 4 of 5 images" in lines and "fog" not in lines.split("not given: ")[1].splitlines()[0]
    assert "not given: gaussian_noise, shot_noise," in lines and "frost, brightness" in lines
    assert "snow_2, snow_3, snow_4, snow_5, frost" in lines
    assert "5 of 95 configs complete, 29 rows" in lines and made.missing["snow_1"] == 1
    assert {row["image"]["bytes"] for row in rows_of(tmp_path / "out", "fog_3")} <= set(files.values())


def test_a_config_may_have_fewer_images_than_a_later_one(tmp_path):
    files = images(["fog/1"], (1, 2)) | images(["fog/2"], (1, 2, 3))
    made = import_official([pack(tmp_path / "some.tar", files)], tmp_path / "out")
    assert {config: made.images(config) for config in made.files} == {"fog_1": 2, "fog_2": 3}


def test_files_that_are_no_images_are_skipped_by_name(tmp_path):
    files = images(["fog/3"])
    for number, data in ((1, b""), (2, b"GIF89a"), (2500, b"\xff\xd8\xff" + bytes(2 << 20))):
        files[f"fog/3/{wnid_of(number)}/ILSVRC2012_val_{number:08d}.JPEG"] = data
    made = import_official([unpack(tmp_path / "C", files)], tmp_path / "out")
    assert made.images("fog_3") == 2
    skipped = (
        "fog_3: 3 files skipped that are no JPEG: ILSVRC2012_val_00000001, ILSVRC2012_val_00000002, ILSVRC"
    )
    assert any(note.startswith(skipped) for note in made.notes)
    assert made.notes[0].endswith("00002, ILSVRC2012_val_00002500")
    files[f"fog/3/{wnid_of(2501)}/ILSVRC2012_val_00002501.JPEG"] = b""
    again = import_official([unpack(tmp_path / "D", files)], tmp_path / "again")
    assert again.notes[0].endswith("00002, ILSVRC2012_val_00002500, ...")
    made = import_official([pack(tmp_path / "some.tar", files)], tmp_path / "other")
    assert made.images("fog_3") == 1 and any("2,097,155 bytes" in note for note in made.notes)


GOOD = "fog/3/n01440764/ILSVRC2012_val_00000293.JPEG"
HOSTILE = {
    "absolute": f"/{GOOD}",
    "parent": f"../../{GOOD}",
    "inside": f"fog/../{GOOD}",
    "symlink": special(GOOD, tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": special(GOOD, tarfile.LNKTYPE, "fog/3/x"),
    "device": special(GOOD, tarfile.BLKTYPE),
    "pipe": special(GOOD, tarfile.FIFOTYPE),
    "newline": f"fog\n/3\n/{GOOD}\n",
    "bytes": "\udcff\udcfe.JPEG",
    "long": "x" * 3000 + ".JPEG",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_strange_members_are_passed_over_by_name_and_nothing_is_written_elsewhere(tmp_path, case):
    name = HOSTILE[case]
    archive = pack(
        tmp_path / "some.tar",
        {name: b"" if isinstance(name, tarfile.TarInfo) else jpeg(0)} | images(["fog/3"]),
    )
    made = import_official([archive], tmp_path / "out")
    assert made.images("fog_3") == 5
    note = next(note for note in made.notes if "1 files skipped" in note)
    assert repr((name if isinstance(name, str) else name.name)[:200]) in note and note.isprintable()
    assert sorted(os.listdir(tmp_path)) == ["out", "some.tar"]
    assert sorted(os.listdir(tmp_path / "out")) == [".imagenet_cp", "README.md", "build.json", "data"]


def test_a_pipe_and_a_link_in_a_folder_hold_up_nothing(tmp_path):
    folder = unpack(tmp_path / "C", images(["fog/3"]))
    first, second = sorted(folder.rglob("*.JPEG"))[:2]
    first.unlink()
    os.mkfifo(first)
    second.unlink()
    second.symlink_to("/nowhere")
    (folder / "loop").symlink_to(folder)
    made = import_official([folder], tmp_path / "out")
    assert made.images("fog_3") == 3 and any("2 files skipped" in note for note in made.notes)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda p: pack(p, {"cat/a.JPEG": jpeg(0)}),
            "holds no released files, which have names like .../fog/3/n01440764/ILSVRC2012_val_00000293.JPEG or "
            ".../sparkles/3/n01440764/ILSVRC2012_val_00000293.JPEG or .../tilt/n01440764/ILSVRC2012_val_00000293.mp4 "
            "or .../fog/3/n01443537/test_293.JPEG or .../fog.npy",
        ),
        (lambda p: pack(p, {}), "not a tar archive"),
        (lambda p: p.mkdir(), "holds no released files"),
        (lambda p: p.write_bytes(b"hello"), "not a folder, and not a tar archive"),
        (lambda p: p.write_bytes(b"\x1f\x8b" + bytes(1000)), "compressed with gzip"),
        (lambda p: None, "no such file or folder"),
        (lambda p: os.truncate(pack(p, images(["fog/3"])), 6000), "cut short"),
        (lambda p: pack(p, images(["fog/3"])).write_bytes(p.read_bytes()[:9000] + b"x" * 9000), ""),
    ],
)
def test_inputs_that_cannot_be_used_are_named(tmp_path, make, says):
    path = tmp_path / "some.tar"
    make(path)
    with pytest.raises(ValueError) as error:
        import_official([path], tmp_path / "out")
    assert str(path) in str(error.value) and says in str(error.value)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_nothing_to_import_is_an_error():
    with pytest.raises(
        UsageError, match=r"^name the archives or folders to import, such as noise\.tar blur\.tar$"
    ):
        import_official([])


def test_the_two_releases_are_not_mixed(tmp_path):
    c = pack(tmp_path / "c.tar", images(["fog/3"]))
    p = pack(tmp_path / "p.tar", images(["tilt"], ending="mp4", make=mp4))
    with pytest.raises(SourceError, match=r"c\.tar is of imagenet_c and .*p\.tar of imagenet_p"):
        import_official([c, p], tmp_path / "out")
    import_official([c], tmp_path / "out")
    with pytest.raises(BuildError, match="holds a build with signature 'imagenet_c"):
        import_official([p], tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(tmp_path, class_folder):
    archive = pack(tmp_path / "c.tar", images(["fog/3"]))
    before = tree(class_folder)
    with pytest.raises(BuildError, match="holds something else"):
        import_official([archive], class_folder)
    assert tree(class_folder) == before
    build("imagenet_c", open_source(class_folder), tmp_path / "built", ["brightness_1"], workers_count=1)
    with pytest.raises(BuildError, match="cannot be mixed"):
        import_official([archive], tmp_path / "built")
    import_official([archive], tmp_path / "out")
    (tmp_path / "out" / "data" / "mine.txt").write_text("mine")
    with pytest.raises(BuildError, match=r"data/mine\.txt .*not part of this import"):
        import_official([archive], tmp_path / "out")
    with (
        pytest.raises(BuildError, match="is being built by"),
        lock_build(
            tmp_path / "out",
            json.loads((tmp_path / "out" / "build.json").read_text())["identity"],
            Shard(),
        ),
    ):
        import_official([archive], tmp_path / "out")


def test_an_archive_that_changes_on_the_way_is_named(tmp_path, monkeypatch):
    archive = pack(tmp_path / "c.tar", images(["fog/3"]))
    scan = FileRelease.scan

    def found_then_touched(*arguments):
        found = scan(*arguments)
        os.utime(archive)
        return found

    monkeypatch.setattr(FileRelease, "scan", found_then_touched)
    with pytest.raises(SourceError, match=r"c\.tar: has changed since it was listed"):
        import_official([archive], tmp_path / "out")


def test_a_killed_import_goes_on_and_leaves_nothing_behind(tmp_path):
    cells = [
        f"{name}/{severity}" for name in ("fog", "snow", "frost", "zoom_blur") for severity in range(1, 6)
    ]
    archive = pack(tmp_path / "c.tar", images(cells, numbers=range(1, 60)))
    import_official([archive], tmp_path / "whole")
    command = [*COMMAND, "import-official", str(archive), "--out", str(tmp_path / "out")]
    for wait in (0, 6):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("out/data/*/*.parquet"))) <= wait and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL if wait else signal.SIGINT)
        _, errors = process.communicate()
        assert process.returncode in (-signal.SIGKILL, 130, 0), errors
    (tmp_path / "out" / "data" / "fog_3").mkdir(parents=True, exist_ok=True)
    (tmp_path / "out" / "data" / "fog_3" / ".validation-00000-of-00020.parquet.1.tmp").write_bytes(b"half")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "fog_1: 59 of 50,000 images" in done.stdout, done.stderr
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    archive = pack(tmp_path / "c.tar", images(["fog/3", "snow/5"]))

    def full(self, row):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(official.ParquetFile, "write", full)
    with pytest.raises(BuildError, match=r"No space left on device\. Finished files stay"):
        import_official([archive], tmp_path / "out")
    assert not [path for path in (tmp_path / "out" / "data").rglob("*") if path.is_file()]
