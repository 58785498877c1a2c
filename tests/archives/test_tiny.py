"""Import of Tiny ImageNet-C: its 200 classes are known by the release alone, its images by their names."""

import io
from dataclasses import replace

import datasets
import numpy as np
import pytest
from PIL import Image
from released import pack, rows_of, tree, unpack

from imagenet_cp.archives.import_folder import report
from imagenet_cp.archives.importer import import_official
from imagenet_cp.archives.known_releases import RELEASES
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.sources import classes as imagenet

#: Out of order, as the folders of a release may be.
CLASSES = tuple(f"n{number:08d}" for number in (30, 7, 2000))
IMAGES = 6


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A release of three classes of two images each."""
    release = replace(RELEASES["tiny_imagenet_c"], images=IMAGES, number_of_classes=3)
    monkeypatch.setitem(RELEASES, "tiny_imagenet_c", release)


def jpeg(seed):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", quality=40, progressive=True)
    return file.getvalue()


def images(cells, classes=CLASSES, name="test_{}"):
    """Path inside the release -> bytes."""
    return {
        f"Tiny-ImageNet-C/{cell}/{wnid}/{name.format(10 * place + which)}.JPEG": jpeg(
            [place, which, len(cell)]
        )
        for cell in cells
        for place, wnid in enumerate(classes)
        for which in (3, 12)
    }


def test_it_comes_out_byte_for_byte_by_class(tmp_path, cache):
    files = images(["fog/3", "zoom_blur/1"])
    out = tmp_path / "tiny_imagenet_c"
    made = import_official([pack(tmp_path / "Tiny-ImageNet-C.tar", files)], out, check=False)
    assert set(made.files) == {"fog_3", "zoom_blur_1"} and len(made.missing) == 93
    rows = rows_of(out, "fog_3")
    ids = ["test_13", "test_22", "test_12", "test_3", "test_23", "test_32"]
    assert [(row["image_id"], row["label"]) for row in rows] == list(
        zip(ids, [0, 0, 1, 1, 2, 2], strict=True)
    )
    for row in rows:
        wnid = sorted(CLASSES)[row["label"]]
        data = files[f"Tiny-ImageNet-C/fog/3/{wnid}/{row['image_id']}.JPEG"]
        assert row["image"] == {"bytes": data, "path": f"{row['image_id']}.JPEG"}
        assert (row["corruption"], row["severity"]) == ("fog", 3)
    loaded = datasets.load_dataset(str(out), "fog_3", split="validation", cache_dir=cache)
    assert loaded.features["label"].names == sorted(CLASSES) and loaded[0]["image"].size == (64, 64)
    checked = verify(out)
    assert checked.problems == [] and checked.rows == 12
    assert checked.signature == "tiny_imagenet_c|official|zenodo:2536630|profile:tiny|jpeg"
    lines = "\n".join(report(made))
    assert (
        "2 of 95 configs complete" in lines
        and "fog_1, fog_2, fog_4, fog_5" in lines
        and "speckle_noise" in lines
    )


@pytest.mark.parametrize("name", ["test_{}", "val_{}", "{}", "n01443537-{}"])
def test_names_of_any_kind_and_folders_of_any_extent(tmp_path, name):
    files = images(["fog/3", "snow/1"], name=name)
    folder = unpack(tmp_path, files) / "Tiny-ImageNet-C"
    ways = {
        "tar": [pack(tmp_path / "some.tar", files)],
        "folder": [folder],
        "corruptions": [folder / "snow", folder / "fog"],
        "severities": [folder / "fog" / "3", folder / "snow" / "1"],
    }
    for way, paths in ways.items():
        assert import_official(paths, tmp_path / way).images("fog_3") == IMAGES
        assert tree(tmp_path / way) == tree(tmp_path / "tar"), way


def test_a_config_of_other_classes_is_said(tmp_path):
    strange = images(["frost/2"], [*CLASSES, "n00000001", "n00000002"])
    others = images(["frost/1"], CLASSES, "ILSVRC2012_val_{:08d}")
    made = import_official([pack(tmp_path / "a.tar", images(["fog/3"]) | strange | others)], tmp_path / "out")
    assert set(made.files) == {"fog_3", "frost_2"} and made.missing["frost_1"] == IMAGES
    assert made.images("frost_2") == IMAGES and any("a.tar: 10 files skipped" in note for note in made.notes)
    with pytest.raises(
        SourceError, match=r"tiny_imagenet_c has 3 classes, but the folders here hold 5; labels"
    ):
        import_official([pack(tmp_path / "b.tar", strange)], tmp_path / "other")
    with pytest.raises(SourceError, match="the folders here hold 2, 5;"):
        import_official(
            [pack(tmp_path / "c.tar", images(["fog/1"], CLASSES[:2]) | strange)], tmp_path / "other"
        )
    two = images(["fog/1"]) | images(["fog/2"], ("n00000001", "n00000002", "n00000003"))
    with pytest.raises(SourceError, match="the folders here hold different ones"):
        import_official([pack(tmp_path / "d.tar", two)], tmp_path / "other")


def test_classes_of_two_archives_must_agree(tmp_path):
    one = pack(tmp_path / "a.tar", images(["fog/3"]))
    two = pack(tmp_path / "b.tar", images(["fog/2"], ("n00000001", "n00000002", "n00000003")))
    with pytest.raises(SourceError, match=r"a\.tar and .*b\.tar have different classes"):
        import_official([one, two], tmp_path / "out")
    import_official([one], tmp_path / "out")
    with pytest.raises(BuildError, match="its images have other classes than those given"):
        import_official([two], tmp_path / "out")
    assert verify(tmp_path / "out").rows == IMAGES


def test_it_is_told_from_imagenet_c(tmp_path):
    wnid = imagenet.wnids()[0]
    large = pack(tmp_path / "c.tar", {f"fog/3/{wnid}/ILSVRC2012_val_00000293.JPEG": jpeg(0)})
    tiny = pack(tmp_path / "t.tar", images(["fog/3"]))
    with pytest.raises(SourceError, match=r"c\.tar is of imagenet_c and .*t\.tar of tiny_imagenet_c"):
        import_official([large, tiny], tmp_path / "out")
