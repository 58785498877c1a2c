"""Import of CIFAR-10-C and CIFAR-100-C: every row as a PNG, every way an array can be wrong one clear error."""

import io
import json
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import datasets
import numpy as np
import pytest
from PIL import Image
from released import pack, publish, rows_of, special, tree, unpack

from imagenet_cp.archives.array_releases import Array, ArrayImages
from imagenet_cp.archives.import_folder import report
from imagenet_cp.archives.importer import import_official
from imagenet_cp.archives.known_releases import RELEASES, release_of
from imagenet_cp.archives.release import read_at
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.images import codecs
from imagenet_cp.sources.cifar import CIFAR10, CIFAR100
from imagenet_cp.sources.source import stamp_of

IMAGES = 20


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Releases of just a few images."""
    for name in ("cifar10_c", "cifar100_c"):
        monkeypatch.setitem(RELEASES, name, replace(RELEASES[name], images=IMAGES))


def saved(array, **options):
    """The bytes of ``*.npy``."""
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (5 * IMAGES, 32, 32, 3), np.uint8)


def labels(classes):
    return np.tile(np.arange(IMAGES) * 7 % classes if classes == 10 else np.arange(IMAGES) + 80, 5)


ARRAYS = {"fog": pixels(1), "spatter": pixels(2)}


def files_of(classes=10, **changed):
    """Name in the release -> bytes; the labels last."""
    arrays = {**ARRAYS, "labels": labels(classes).astype(np.uint8), **changed}
    return {
        f"CIFAR-{classes}-C/{name}.npy": array if isinstance(array, bytes) else saved(array)
        for name, array in arrays.items()
        if array is not None
    }


@pytest.mark.parametrize(("classes", "names"), [(10, CIFAR10), (100, CIFAR100)])
def test_every_row_comes_out(tmp_path, classes, names, cache):
    archive = pack(tmp_path / f"CIFAR-{classes}-C.tar", files_of(classes))
    out = tmp_path / f"cifar{classes}_c"
    made = import_official([archive], out, check=False)
    assert set(made.files) == {f"{name}_{level}" for name in ARRAYS for level in range(1, 6)}
    for name, array in ARRAYS.items():
        for level in range(1, 6):
            for row, stored in enumerate(rows_of(out, f"{name}_{level}")):
                at = IMAGES * (level - 1) + row
                assert stored == {
                    "image": {"bytes": codecs.encode_png(array[at]), "path": f"row-{row:06d}.png"},
                    "label": labels(classes)[row],
                    "corruption": name,
                    "severity": level,
                    "image_id": f"row-{row:06d}",
                }
    with Image.open(io.BytesIO(rows_of(out, "fog_2")[3]["image"]["bytes"])) as image:
        assert (np.asarray(image) == ARRAYS["fog"][IMAGES + 3]).all()
    loaded = datasets.load_dataset(str(out), "fog_3", split="validation", cache_dir=cache)
    assert loaded.features["label"].names == list(names) and len(loaded) == IMAGES
    checked = verify(out)
    record = {10: "2535967", 100: "3555552"}[classes]
    assert checked.problems == [] and checked.recipe.official and checked.rows == 10 * IMAGES
    assert checked.signature == f"cifar{classes}_c|official|zenodo:{record}|profile:cifar|png"
    card = (out / "README.md").read_text()
    assert f"(https://zenodo.org/records/{record}), pixel for pixel." in card
    assert not [note for note in made.notes if "skipped" in note]


def test_archives_folders_and_single_arrays_give_the_same(tmp_path):
    files = files_of()
    folder = unpack(tmp_path / "unpacked", files) / "CIFAR-10-C"
    bare = {name.rpartition("/")[2]: data for name, data in files.items()}
    plain = unpack(tmp_path / "mine", bare)
    ways = {
        "tar": [pack(tmp_path / "CIFAR-10-C.tar", files)],
        "labels first": [pack(tmp_path / "x.tar", dict(sorted(bare.items(), reverse=True)))],
        "folder": [folder],
        "above": [tmp_path / "unpacked"],
        "single": [folder / "fog.npy", folder / "spatter.npy"],
        "glob": sorted(folder.iterdir()),
        "told by labels": [plain],
        "twice": [plain / "fog.npy", folder],
    }
    for way, paths in ways.items():
        import_official(paths, tmp_path / way, check=False)
        assert tree(tmp_path / way) == tree(tmp_path / "tar"), way
    assert len(tree(tmp_path / "tar")) == 12


def test_reading_holds_no_more_than_a_row(tmp_path, monkeypatch):
    read = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: read.append(size) or pread(file, size, at))
    import_official([pack(tmp_path / "CIFAR-10-C.tar", files_of())], tmp_path / "out", check=False)
    assert max(read) <= 4096 and read.count(3072) == 10 * IMAGES


def test_what_is_there_is_kept_and_what_is_missing_or_extra_is_said(tmp_path, monkeypatch):
    fog = pack(
        tmp_path / "a.tar", files_of(spatter=None) | {"CIFAR-10-C/hail.npy": b"", "notes.txt": b"hello"}
    )
    made = import_official([fog], tmp_path / "out")
    lines = "\n".join(report(made))
    assert "a.tar: 2 files skipped: 'CIFAR-10-C/hail.npy' (no file of the release), 'notes.txt'" in lines
    assert (
        "not given: gaussian_noise, " in lines and "saturate" in lines and "5 of 95 configs complete" in lines
    )
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    both = pack(tmp_path / "CIFAR-10-C.tar", files_of())
    with pytest.raises(
        SourceError, match=r"CIFAR-10-C\.tar: .* bytes, but the released one has 2,918,471,680"
    ):
        import_official([both], tmp_path / "out")
    publish(monkeypatch, "cifar10_c", **{"CIFAR-10-C": both})
    made = import_official([both], tmp_path / "out")
    assert "CIFAR-10-C.tar: MD5 as released" in made.notes and len(made.files) == 10
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert json.loads((tmp_path / "out" / "build.json").read_text())["archives"] == ["CIFAR-10-C.tar"]
    publish(monkeypatch, "cifar10_c", **{"CIFAR-10-C": fog})
    os.utime(both)
    with pytest.raises(SourceError, match="its MD5 is"):
        import_official([both], tmp_path / "out")


def test_a_stopped_import_goes_on(tmp_path, monkeypatch):
    archive = pack(tmp_path / "a.tar", files_of())
    import_official([archive], tmp_path / "whole")

    def stop(title, done, total):
        if done == 6 * IMAGES + 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_official([archive], tmp_path / "out", progress=stop)
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    assert len(finished) == 6
    import_official([archive], tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trap",)


def described(dtype, shape="100, 32, 32, 3"):
    """The bytes of an array with any description."""
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': ({shape}), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(100)


FOG = ARRAYS["fog"]
LABELS = labels(10)
WRONG = {
    "shape": (
        "fog",
        FOG[:, :, :16],
        r"uint8 of the shape \(100, 32, 16, 3\), not uint8 of .*\(100, 32, 32, 3\)",
    ),
    "planes first": ("fog", FOG.transpose(0, 3, 1, 2).copy(), r"the shape \(100, 3, 32, 32\), not"),
    "one severity": ("fog", FOG[:IMAGES], r"the shape \(20, 32, 32, 3\), not"),
    "dtype": ("fog", FOG.astype(np.float32), "float32 of the shape"),
    "fortran": ("fog", np.asfortranarray(FOG), "is in Fortran order"),
    "objects": (
        "fog",
        saved(np.array([Trap()], object), allow_pickle=True),
        "pickled objects, which are never",
    ),
    "cut short": ("fog", saved(FOG)[:-1], "bytes, not"),
    "cut in the header": ("fog", saved(FOG)[:40], "not an array saved by NumPy, or cut short"),
    "more": ("fog", saved(FOG) + b"x", "bytes, not"),
    "empty": ("fog", b"", "not an array saved by NumPy"),
    "text": ("fog", b"hello" * 1000, "not an array saved by NumPy"),
    "a wild header": (
        "fog",
        b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').mkdir('trap')   \n",
        "not an array",
    ),
    "a header without end": ("fog", b"\x93NUMPY\x01\x00\xf0\xff" + b"(" * 4096, "not an array"),
    "a deep header": ("fog", described("(" * 1500 + ")" * 1500), "not an array"),
    "a number of many digits": ("fog", described("'|u1'", "9" * 3000), "not an array"),
    "a wild shape": (
        "fog",
        described("'|u1'", "100, 32, 32, 999999999999"),
        r"the shape \(100, 32, 32, 9+\), not",
    ),
    "a wild type": ("fog", described("('|u1', (999999999,))"), "not an array"),
    "a type of no size": ("fog", described("'|u0'"), "not an array"),
    "a record": ("fog", saved(np.zeros((100, 32, 32, 3), "u1,u1")), "not an array"),
    "version": ("fog", b"\x93NUMPY\x07\x00" + saved(FOG)[8:], "not an array saved by NumPy"),
    "few labels": (
        "labels",
        LABELS[:-1],
        r"int64 of the shape \(99,\), not integers of the shape \(100,\)",
    ),
    "labels in rows": ("labels", LABELS[:, None], r"of the shape \(100, 1\), not"),
    "labels of floats": ("labels", LABELS.astype(float), "float64 of the shape"),
    "labels of objects": ("labels", saved(LABELS.astype(object), allow_pickle=True), "pickled objects"),
    "labels cut short": ("labels", saved(LABELS)[:-8], "bytes, not"),
    "a label too large": (
        "labels",
        np.where(LABELS == 7, 100, LABELS),
        "row 1 has the label 100, but there are 100",
    ),
    "a label below 0": ("labels", np.where(LABELS == 7, -1, LABELS), "row 1 has the label -1"),
    "labels that differ": (
        "labels",
        np.arange(5 * IMAGES) * 7 % 10 // (1 + np.arange(100) // 60),
        "severity 4 are not",
    ),
    "no labels": ("labels", None, r"fog\.npy: there is no labels\.npy beside it"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("way", ["tar", "folder", "file"])
def test_wrong_arrays_are_named(tmp_path, monkeypatch, case, way):
    monkeypatch.chdir(tmp_path)
    name, array, says = WRONG[case]
    files = files_of(**{name: array})
    path = (
        pack(tmp_path / "CIFAR-10-C.tar", files)
        if way == "tar"
        else unpack(tmp_path / "C", files) / "CIFAR-10-C"
    )
    with pytest.raises(SourceError, match=says) as error:
        import_official([path / "fog.npy" if way == "file" else path], tmp_path / "out", check=False)
    named = "fog" if array is None else name
    assert str(error.value).startswith(str(tmp_path)) and f"CIFAR-10-C/{named}.npy: " in str(error.value)
    assert not list(tmp_path.rglob("*.parquet")) and not (tmp_path / "trap").exists()


def test_labels_in_a_row_have_no_order(tmp_path):
    """Programs that write arrays in Fortran order note it for one dimension too, where it changes nothing."""
    flat = saved(LABELS.astype(np.uint8)).replace(b"False", b"True", 1).replace(b"\n", b" \n", 1)
    archive = pack(tmp_path / "CIFAR-10-C.tar", files_of(labels=flat))
    import_official([archive], tmp_path / "out", check=False)
    assert [row["label"] for row in rows_of(tmp_path / "out", "fog_2")] == LABELS[:IMAGES].tolist()


@pytest.mark.parametrize(("largest", "dataset"), [(9, "cifar10_c"), (10, "cifar100_c"), (99, "cifar100_c")])
def test_the_largest_label_tells_the_release(tmp_path, largest, dataset):
    files = {"fog.npy": b"", "labels.npy": saved(np.full(5 * IMAGES, largest))}
    assert release_of(unpack(tmp_path / "mine", files)).dataset == dataset


def test_labels_are_checked_with_the_classes_of_the_release(tmp_path):
    folder = unpack(tmp_path, files_of(100)) / "CIFAR-100-C"
    with pytest.raises(SourceError, match=r"labels\.npy: row 0 has the label 80, but there are 10 classes"):
        RELEASES["cifar10_c"].scan(folder, {"fog_1"})


@pytest.mark.parametrize(("called", "classes", "other"), [(10, 100, 10), (100, 10, 100)])
def test_a_name_that_the_labels_belie_is_an_error(tmp_path, called, classes, other):
    files = {name.replace(f"-{classes}-", f"-{called}-"): data for name, data in files_of(classes).items()}
    with pytest.raises(
        SourceError, match=rf"labels\.npy: the labels go from \d+ to \d+, .*called CIFAR-{other}-C"
    ):
        import_official([pack(tmp_path / "some.tar", files)], tmp_path / "out")


def test_several_releases_at_once_are_an_error(tmp_path):
    folder = unpack(tmp_path / "all", files_of(10) | files_of(100))
    with pytest.raises(
        SourceError, match=r"arrays in several folders, .*CIFAR-10-C, .*CIFAR-100-C; name one"
    ):
        import_official([folder], tmp_path / "out")
    with pytest.raises(SourceError, match=r"is of cifar10_c and .*CIFAR-100-C of cifar100_c"):
        import_official([folder / "CIFAR-10-C", folder / "CIFAR-100-C"], tmp_path / "out")
    import_official([folder / "CIFAR-10-C"], tmp_path / "out")
    with pytest.raises(BuildError, match="holds a build with signature 'cifar10_c"):
        import_official([folder / "CIFAR-100-C"], tmp_path / "out")
    with pytest.raises(SourceError, match=r"labels\.npy: no image of cifar10_c in it"):
        import_official([folder / "CIFAR-10-C" / "labels.npy"], tmp_path / "other")


HOSTILE = {
    "absolute": "/CIFAR-10-C/snow.npy",
    "parent": "../CIFAR-10-C/snow.npy",
    "symlink": special("CIFAR-10-C/snow.npy", tarfile.SYMTYPE, "fog.npy"),
    "pipe": special("CIFAR-10-C/snow.npy", tarfile.FIFOTYPE),
    "twice": "CIFAR-10-C/fog.npy",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_strange_members_are_passed_over(tmp_path, case):
    name = HOSTILE[case]
    last = {name: b""} if isinstance(name, tarfile.TarInfo) else {name: saved(pixels(9))}
    members = [*files_of().items(), *last.items()]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for member, data in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    made = import_official([tmp_path / "a.tar"], tmp_path / "out")
    assert len(made.files) == 10 and any("1 files skipped" in note for note in made.notes)
    assert rows_of(tmp_path / "out", "fog_1")[0]["image"]["bytes"] == codecs.encode_png(FOG[0])
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "out"]


def test_a_pipe_holds_up_nothing_and_an_array_that_changes_is_named(tmp_path, monkeypatch):
    folder = unpack(tmp_path / "C", files_of()) / "CIFAR-10-C"
    os.mkfifo(folder / "snow.npy")
    made = import_official([folder], tmp_path / "out")
    assert len(made.files) == 10 and any("(no file)" in note for note in made.notes)
    count = ArrayImages.count.fget
    monkeypatch.setattr(
        ArrayImages, "count", property(lambda self: os.utime(folder / "fog.npy") or count(self))
    )
    with pytest.raises(SourceError, match=r"fog\.npy: has changed since it was listed"):
        import_official([folder], tmp_path / "other")


def test_an_array_that_is_cut_short_while_it_is_read_is_named(tmp_path):
    path = tmp_path / "fog.npy"
    path.write_bytes(b"12345")
    array = Array(path, 0, 5, stamp_of(path.stat()), "the array")
    with array.open() as read:
        assert read(3, 2) == b"345"
        os.truncate(path, 4)
        with pytest.raises(SourceError, match="the array: cut short; fetch it again"):
            read(3, 2)


def test_without_pread_bytes_are_read_at_their_offsets(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.delattr(os, "pread")
    (tmp_path / "file").write_bytes(bytes(range(200)))
    with open(tmp_path / "file", "rb", buffering=0) as file, ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda offset: read_at(file.fileno(), 5, offset, "file"), range(190)))
    assert read == [bytes(range(offset, offset + 5)) for offset in range(190)]
