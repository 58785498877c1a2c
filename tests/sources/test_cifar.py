"""CIFAR's archives, as published."""

import hashlib
import io
import itertools
import os
import pickle
import shutil
import tarfile
import tracemalloc

import numpy as np
import PIL.Image
import pytest
from datasets import ClassLabel, Dataset, Features, Image, load_dataset

from imagenet_cp.build.plan import build
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation.data.generated_rows import from_source
from imagenet_cp.evaluation.streams import stream
from imagenet_cp.images import codecs
from imagenet_cp.sources import cifar, open_source, pickles

COUNT = 6
PICTURES = np.random.default_rng(10).integers(0, 256, (COUNT, 32, 32, 3), np.uint8)
LABELS = [3, 8, 0, 9, 6, 3]
PLANES = np.ascontiguousarray(PICTURES.transpose(0, 3, 1, 2)).reshape(COUNT, -1)


def of_2010() -> bytes:
    """The pickle of CIFAR-10's test images as Python 2 and the NumPy of 2010 wrote it, opcode by opcode."""

    def short(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    data = PLANES.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + short(b"b") + b"tR"
        b"(K\x01K\x06M\x00\x0c\x86cnumpy\ndtype\n(" + short(b"u1") + b"K\x00K\x01tR"
        b"(K\x03" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + len(data).to_bytes(4, "little") + data + b"tb"
    )
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in LABELS) + b"e"
    return b"\x80\x02}(" + short(b"data") + array + short(b"labels") + labels + b"u."


def of_today(protocol: int, labels: str = "labels") -> bytes:
    return pickle.dumps({b"data": PLANES, labels.encode(): LABELS}, protocol)


def binary(*before: int) -> bytes:
    return b"".join(
        bytes([*before, label]) + plane.tobytes() for label, plane in zip(LABELS, PLANES, strict=True)
    )


FORMS = {
    "cifar-10-batches-py/test_batch of 2010": of_2010(),
    **{f"cifar-10-batches-py/test_batch of protocol {p}": of_today(p) for p in (2, 4, 5)},
    "cifar-10-batches-bin/test_batch.bin": binary(),
    "cifar-100-python/test": of_today(2, "fine_labels"),
    "cifar-100-binary/test.bin": binary(7),
}


def unpacked(root, form, data=None):
    file = root / form.split()[0]
    file.parent.mkdir(parents=True)
    file.write_bytes(FORMS[form] if data is None else data)
    if form.startswith("cifar-100-python"):
        (file.parent / "meta").write_bytes(b"never read")
    return file


def packed(root, form, data=None, mode="w:gz"):
    file = unpacked(root / "unpacked", form, data)
    with tarfile.open(root / "cifar.tar", mode) as archive:
        archive.add(file.parent, arcname=file.parent.name)
    shutil.rmtree(root / "unpacked")
    return root / "cifar.tar"


def assert_is_cifar(source):
    assert source.classes in (cifar.CIFAR10, cifar.CIFAR100)
    assert [item.image_id for item in source.items] == [f"row-{row:06d}" for row in range(COUNT)]
    assert [item.label for item in source.items] == LABELS
    for item, picture in zip(source.items, PICTURES, strict=True):
        with PIL.Image.open(io.BytesIO(source.reader.read(item))) as read:
            assert np.array_equal(np.asarray(read.convert("RGB")), picture)


def test_the_classes_are_cifars_own():
    """The checksums are of the names joined by spaces."""
    assert len(cifar.CIFAR10) == 10 and list(cifar.CIFAR10) == sorted(cifar.CIFAR10)
    assert len(set(cifar.CIFAR100)) == 100 and list(cifar.CIFAR100) == sorted(cifar.CIFAR100)
    sums = [
        hashlib.sha256(" ".join(names).encode()).hexdigest()[:16] for names in (cifar.CIFAR10, cifar.CIFAR100)
    ]
    assert sums == ["66c673d653014822", "77827c4c023a75b4"]


TEXT = {"a": ["b", ("c", "d"), ()], "e": {}, "f": None}


@pytest.mark.parametrize(
    ("value", "protocol"),
    [
        *itertools.product([{"a": 1}, {"a": [2], "b": (3, ({},))}, [None, True]], range(2, 6)),
        *((TEXT, protocol) for protocol in range(6)),
    ],
)
def test_a_pickle_of_plain_data_is_read_as_it_is(protocol, value):
    assert pickles.load(pickle.dumps(value, protocol), ()) == value


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pictures(form, tmp_path):
    file = unpacked(tmp_path / "all", form)
    for place in (file, file.parent, file.parent.parent, packed(tmp_path, form)):
        source = open_source(place)
        assert_is_cifar(source)
        assert len(source.classes) == (100 if "100" in form else 10)
        assert source.name == str(place)


def test_an_archive_that_is_not_compressed(tmp_path):
    assert_is_cifar(open_source(packed(tmp_path, "cifar-10-batches-bin/test_batch.bin", mode="w:")))


def test_rows_have_the_ids_that_a_data_set_of_the_hub_gives_them(tmp_path):
    features = Features({"img": Image(), "label": ClassLabel(names=list(cifar.CIFAR10))})
    rows = {"img": [{"bytes": codecs.encode_png(p), "path": None} for p in PICTURES], "label": LABELS}
    (tmp_path / "hub" / "data").mkdir(parents=True)
    Dataset.from_dict(rows, features).to_parquet(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet")
    hub = open_source(tmp_path / "hub")
    archive = open_source(packed(tmp_path, "cifar-10-batches-bin/test_batch.bin"))
    assert hub.contents == archive.contents


def test_fine_labels_are_those_of_cifar_100(tmp_path):
    labels = {
        "fine_label": ClassLabel(names=list(cifar.CIFAR100)),
        "coarse_label": ClassLabel(num_classes=20),
    }
    features = Features({"img": Image(), **labels})
    pictures = [{"bytes": codecs.encode_png(picture), "path": None} for picture in PICTURES]
    rows = {"img": pictures, "fine_label": LABELS, "coarse_label": [7] * COUNT}
    (tmp_path / "data").mkdir()
    Dataset.from_dict(rows, features).to_parquet(tmp_path / "data" / "test-00000-of-00001.parquet")
    assert_is_cifar(open_source(tmp_path))


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_names_that_datasets_once_had_still_do(name, monkeypatch):
    monkeypatch.setattr("imagenet_cp.sources.open_dataset", lambda source: source)
    assert open_source(name) == f"uoft-cs/{name}"


def test_load_dataset_takes_an_archive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = packed(tmp_path, "cifar-10-batches-py/test_batch of 2010")
    options = {"data_dir": str(archive), "split": "validation", "cache_dir": str(tmp_path / "cache")}
    clean = load_dataset("cifar10_c", "clean", **options)
    assert clean.features["label"].names == list(cifar.CIFAR10)
    assert all(np.array_equal(row["image"], p) for row, p in zip(clean, PICTURES, strict=True))
    assert load_dataset("cifar10_c", "fog_3", num_proc=2, **options).num_rows == COUNT


@pytest.mark.parametrize(
    ("form", "dataset", "right"),
    [
        ("cifar-100-binary/test.bin", "cifar10_c", "cifar100_c"),
        ("cifar-10-batches-bin/test_batch.bin", "cifar100_p", "cifar10_p"),
    ],
)
def test_the_other_cifar_is_refused(form, dataset, right, tmp_path):
    archive = packed(tmp_path, form)
    says = rf"holds the images of {right[:-2]}, but {dataset} is made of .*or make {right}"
    with pytest.raises(SourceError, match=says):
        build(dataset, open_source(archive), tmp_path / "made")
    with pytest.raises(SourceError, match=says):
        from_source(dataset, archive)
    own = dataset.partition("_")[0]
    with pytest.raises(
        SourceError, match=f"holds the images of {right[:-2]}, but {own}_c is made of those of {own}"
    ):
        stream("mixed", archive, benchmark=f"{own}_c")
    with pytest.raises(SourceError, match=says):
        load_dataset(dataset, "brightness", data_dir=str(archive), cache_dir=str(tmp_path / "cache"))
    assert not (tmp_path / "made").exists()


class Runs:
    def __reduce__(self):
        return os.system, ("touch was_run",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_hostile_pickle_is_refused_by_name_and_not_run(protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps({"data": Runs(), "labels": LABELS}, protocol)
    archive = packed(tmp_path, "cifar-10-batches-py/test_batch of 2010", evil)
    with pytest.raises(SourceError, match=r"cifar\.tar: its pickle asks for (posix|nt)\.system"):
        open_source(archive)
    assert not (tmp_path / "was_run").exists()


OBJECTS = pickle.dumps({"data": np.array([[object]]), "labels": [1]}, 2)
LONG = of_2010().replace(b"K\x01K\x06M\x00\x0c", b"K\x01J\xff\xff\xff\x7fM\x00\x0c")
HUGE = of_today(2).replace(b"M\x00\x0c", b"M\xff\xff")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (of_2010()[:-2000], "cannot be read as CIFAR's pickle"),
        (b"no pickle at all", "cannot be read as CIFAR's pickle"),
        (b"", "cannot be read as CIFAR's pickle"),
        (pickle.dumps([1, 2]), "cannot be read as CIFAR's pickle"),
        (pickle.dumps({"data": 1, "label": [1]}), "no array of"),
        (pickle.dumps({"data": PLANES, "label": [1]}), "a pickle without 'labels'"),
        (pickle.dumps({"data": b"12", "labels": [1]}), "no array"),
        (pickle.dumps({"data": PLANES.astype(np.float32), "labels": LABELS}, 2), "'f4' and not bytes"),
        (pickle.dumps({"data": PLANES[:, :100], "labels": LABELS}, 2), "no array of"),
        (pickle.dumps({"data": PLANES, "labels": LABELS[1:]}, 2), "6 images but 5 labels"),
        (pickle.dumps({"data": PLANES, "labels": [*LABELS[1:], 10]}, 2), "image 5 has the label 10"),
        (pickle.dumps({"data": PLANES, "labels": [*LABELS[1:], "cat"]}, 2), "image 5 has the label 'cat'"),
        (
            pickle.dumps({"data": PLANES, "labels": ["x" * 9999] * COUNT}, 2),
            f"label '{'x' * 19}, which is none",
        ),
        (pickle.dumps({"data": PLANES, "labels": tuple(LABELS)}, 2), "its labels are no list"),
        (b"\x80\x02}\x86.", "too few values"),
        (OBJECTS, "asks for|not bytes"),
        (HUGE, "no array of"),
        (LONG, "cannot be read as CIFAR's pickle"),
    ],
)
def test_a_damaged_pickle_is_named(data, says, tmp_path):
    file = unpacked(tmp_path, "cifar-10-batches-py/test_batch of 2010", data)
    with pytest.raises(SourceError, match=says) as error:
        open_source(file.parent)
    assert str(error.value).startswith(str(file))


#: Opcodes of a tuple of 2 ** 100 leaves.
DOUBLED = b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(100, 200))
DATA = b"X\x04\0\0\0data"
BOMBS = {
    "a place in the memo": (b"\x80\x02Nr\xff\xff\xff\x0f.", "cannot be read"),
    "a doubled tuple as a key": (b"\x80\x02}(" + DOUBLED + b"Nu.", "a tuple as the key"),
    "a doubled tuple as an array": (b"\x80\x02}(" + DATA + DOUBLED + b"u.", "no array of"),
    "a doubled tuple as a label": (
        of_2010().replace(b"](K\x03", b"](" + DOUBLED),
        "image 0 has the label tuple, which is none",
    ),
    "many opcodes": (b"\x80\x02" + b"]" * 210_000 + b".", "more than 200,000 opcodes"),
    "many marks": (b"\x80\x02" + b"]" * 20_000 + b"(t" * 20_000 + b".", "cannot be read"),
    "a long text": (b"\x80\x02X\xff\xff\xff\x7f.", "cannot be read"),
    "long bytes": (b"\x80\x05\x96" + b"\xff" * 7 + b"\x00.", "cannot be read"),
    "a long number": (b"\x80\x02\x8b\xff\xff\xff\x7f.", "cannot be read"),
    "a set": (b"\x80\x04(NN\x91.", "its pickle has the opcode FROZENSET"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_pickle_takes_no_more_time_and_memory_than_its_size(case, tmp_path):
    data, says = BOMBS[case]
    file = unpacked(tmp_path, "cifar-10-batches-py/test_batch of 2010", data)
    tracemalloc.start()
    with pytest.raises(SourceError, match=says) as error:
        open_source(file.parent)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()
    assert len(str(error.value)) < 1000


def test_a_pickle_may_have_the_most_opcodes(monkeypatch):
    data = b"\x80\x02]."
    monkeypatch.setattr(pickles, "_MOST_OPCODES", 3)
    assert pickles.load(data, ()) == []
    monkeypatch.setattr(pickles, "_MOST_OPCODES", 2)
    with pytest.raises(SourceError, match="more than 2 opcodes"):
        pickles.load(data, ())


def test_a_state_is_set_on_nothing_of_this_process(tmp_path):
    evil = b"\x80\x02}(" + DATA + b"c_codecs\nencode\nN}X\x0c\0\0\0__defaults__Ns\x86bu."
    file = unpacked(tmp_path, "cifar-10-batches-py/test_batch of 2010", evil)
    with pytest.raises(SourceError, match="a Name in place of a Call"):
        open_source(file.parent)


def test_test_images_are_not_larger_than_cifars(tmp_path):
    file = unpacked(tmp_path, "cifar-10-batches-py/test_batch of 2010")
    os.truncate(file, 1 << 40)
    with pytest.raises(SourceError, match="1,099,511,627,776 bytes are too many for CIFAR's test images"):
        open_source(file)


def test_test_images_in_an_archive_are_not_larger_than_cifars(tmp_path, monkeypatch):
    archive = packed(tmp_path, "cifar-10-batches-bin/test_batch.bin")
    monkeypatch.setattr(cifar, "_LARGEST", len(binary()) - 1)
    with pytest.raises(SourceError, match=r"cifar\.tar: 18,438 bytes are too many for CIFAR's test images"):
        open_source(archive)


def test_a_file_called_test_is_cifar_only_beside_its_meta_or_in_its_folder(tmp_path):
    file = unpacked(tmp_path, "cifar-100-python/test")
    (file.parent / "meta").unlink()
    assert_is_cifar(open_source(file))
    other = tmp_path / "val"
    (other / "cat").mkdir(parents=True)
    (other / "cat" / "a.png").write_bytes(b"")
    shutil.copy(file, other / "test")
    assert open_source(other).classes == ("cat",)
    (other / "meta").touch()
    assert_is_cifar(open_source(other))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (binary()[:-1], "no whole number of records of 3073 bytes"),
        (b"", "no whole number"),
        (bytes([10]) + bytes(3072), "image 0 has the label 10, which is none of 10 classes"),
    ],
)
def test_a_damaged_binary_file_is_named(data, says, tmp_path):
    file = unpacked(tmp_path, "cifar-10-batches-bin/test_batch.bin", data)
    with pytest.raises(SourceError, match=says):
        open_source(file.parent)


@pytest.mark.parametrize(
    ("mode", "says"), [("w:gz", "Compressed"), ("w:", "test_batch.bin has only [0-9,]+ of 18,438 bytes")]
)
def test_an_archive_cut_short_is_named(tmp_path, mode, says):
    archive = packed(tmp_path, "cifar-10-batches-bin/test_batch.bin", mode=mode)
    os.truncate(archive, 10_000)
    with pytest.raises(SourceError, match=rf"cifar\.tar: damaged, or cut short \(.*{says}"):
        open_source(archive)


def test_an_archive_without_the_test_images_is_named(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"x")
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "data_batch_1", arcname="cifar-10-batches-py/data_batch_1")
    with pytest.raises(SourceError, match="there is no cifar-10-batches-py/test_batch in it"):
        open_source(tmp_path / "cifar.tar.gz")


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path):
    file = unpacked(tmp_path, "cifar-10-batches-bin/test_batch.bin")
    source = open_source(file.parent)
    file.write_bytes(binary() + binary())
    with pytest.raises(SourceError, match="has changed"):
        source.reader.read(source.items[0])
