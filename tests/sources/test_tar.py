"""Tar archives as sources: the same rows as from the folder, and nothing a crafted archive could do."""

import bz2
import gzip
import io
import os
import pickle
import random
import shutil
import tarfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from imagenet_cp.build.plan import build
from imagenet_cp.errors import SourceError
from imagenet_cp.sources import open_source, tar_members
from imagenet_cp.sources.gzip_stream import GzipStream
from imagenet_cp.sources.tar_members import members

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def jpeg(colour=(200, 10, 10), size=(40, 40)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


def pack(path, members, **options):
    """Write a tar of names and bytes, or of whole TarInfos without any."""
    with tarfile.open(path, "w", **options) as archive:
        for name, data in members:
            if isinstance(name, tarfile.TarInfo):
                archive.addfile(name, io.BytesIO(data))
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, linkname="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, linkname, size
    return info


@pytest.fixture
def flat(tmp_path, photographs):
    """Four images named as in ImageNet's validation set: their folder and their names."""
    folder = tmp_path / "flat"
    folder.mkdir()
    for number, path in zip((3, 1, 236, 4), photographs.values(), strict=True):
        with Image.open(path) as image:
            image.convert("RGB").save(folder / f"ILSVRC2012_val_{number:08d}.JPEG")
    return folder


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("inside", ["", "./", "val/", "./data/val/"])
def test_the_flat_archive_gives_what_its_folder_gives(tmp_path, flat, form, inside):
    names = sorted(os.listdir(flat), reverse=True)
    path = pack(
        tmp_path / "ILSVRC2012_img_val.tar",
        [(f"{inside}{name}", (flat / name).read_bytes()) for name in names],
        format=FORMATS[form],
    )
    source, folder = open_source(path), open_source(flat)
    assert source.classes == folder.classes and source.contents == folder.contents
    reader = pickle.loads(pickle.dumps(source.reader))
    assert [reader.read(item) for item in source.items] == [folder.reader.read(item) for item in folder.items]


def test_class_folders_in_an_archive_follow_the_folders_rules(tmp_path, class_folder):
    path = tmp_path / "val.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(class_folder, "val")
        archive.addfile(special("val/animal/._astronaut.png", tarfile.REGTYPE))
        archive.addfile(special("val/animal/notes.txt", tarfile.REGTYPE))
    source, folder = open_source(path), open_source(class_folder)
    assert source.classes == folder.classes and source.contents == folder.contents
    assert [source.reader.read(i) for i in source.items] == [folder.reader.read(i) for i in folder.items]


def test_wnid_folders_in_an_archive_give_imagenets_labels(tmp_path):
    members = [("n01443537/ILSVRC2012_val_00000236.JPEG", jpeg()), ("n15075141/other.JPEG", jpeg())]
    source = open_source(pack(tmp_path / "val.tar", members))
    assert len(source.classes) == 1000
    assert [(i.image_id, i.label) for i in source.items] == [("ILSVRC2012_val_00000236", 1), ("other", 999)]


def test_a_build_from_the_archive_is_that_from_the_folder(tmp_path, flat):
    path = tmp_path / "val.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(flat, "")
    configs = ["gaussian_noise_3", "brightness_1"]
    build("imagenet_c", open_source(flat), tmp_path / "a", configs, workers_count=1)
    build("imagenet_c", open_source(path), tmp_path / "b", configs, workers_count=1)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a" / "data").rglob("*.parquet"))
    assert len(files) == 2
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_long_names_and_names_that_are_no_utf8(tmp_path, form):
    long = "long" * 60
    members = [(f"cat/{long}.png", b"one"), ("dög/café.png", b"two")]
    source = open_source(pack(tmp_path / "val.tar", members, format=FORMATS[form]))
    assert source.classes == ("cat", "dög")
    assert {i.image_id: source.reader.read(i) for i in source.items} == {long: b"one", "café": b"two"}
    path = pack(tmp_path / "bytes.tar", [("cat/\udcff.png", b"")], format=FORMATS["gnu"])
    with pytest.raises(SourceError, match="rename it"):
        open_source(path)


@pytest.mark.parametrize("kind", [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("form", FORMATS)
def test_a_link_or_folder_has_no_data_whatever_its_size(tmp_path, kind, form):
    path = tmp_path / "val.tar"
    picture = special("cat/a.png", tarfile.REGTYPE, size=7).tobuf(FORMATS[form]) + b"picture".ljust(
        512, b"\0"
    )
    path.write_bytes(special("cat/", kind, "dog", size=700).tobuf(FORMATS[form]) + picture + bytes(1024))
    with open(path, "rb") as file:
        *_, last = members(file, path.stat().st_size, "val.tar")
    assert last == ("cat/a.png", 1024, 7, "")
    if kind == tarfile.DIRTYPE:
        source = open_source(path)
        assert source.reader.read(source.items[0]) == b"picture"


def test_images_with_other_endings_are_counted_in_a_notice(tmp_path, capsys):
    open_source(pack(tmp_path / "val.tar", [("cat/a.png", b""), ("cat/b.heic", b""), ("cat/._b.heic", b"")]))
    assert (
        "val.tar: 1 files that look like images are not listed, such as cat/b.heic" in capsys.readouterr().err
    )


def with_size(path, field, offset=124):
    """Write another size, or another field, into the first header of a tar, with the checksum that fits."""
    data = bytearray(path.read_bytes())
    data[offset : offset + len(field)] = field
    data[148:156] = b" " * 8
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
    path.write_bytes(data)
    return path


def test_sizes_in_binary_are_understood(tmp_path):
    path = pack(tmp_path / "val.tar", [("cat/a.png", b"picture")])
    source = open_source(with_size(path, b"\x80" + (7).to_bytes(11, "big")))
    assert source.reader.read(source.items[0]) == b"picture"
    with pytest.raises(SourceError, match="damaged at byte 0: a member without a size; fetch it again"):
        open_source(with_size(path, b"0000000008\0 "))


def test_hidden_folders_are_passed_over(tmp_path):
    path = pack(
        tmp_path / "val.tar", [(".git/a.png", b""), ("cat/._a/a.png", b""), ("cat/a.png", b"picture")]
    )
    assert [item.location for item in open_source(path).items] == [f"{path}#cat/a.png@1536+7"]


def test_headers_without_a_file_are_passed_over(tmp_path):
    """A global header, a long link and a volume label."""
    heads = [
        (special(name, kind, size=5), b"12345") for name, kind in (("g", b"g"), ("K", b"K"), ("V", b"V"))
    ]
    path = pack(tmp_path / "val.tar", [*heads, ("cat/a.png", b"picture")])
    assert [(i.image_id, open_source(path).reader.read(i)) for i in open_source(path).items] == [
        ("a", b"picture")
    ]


def test_files_of_other_kinds_are_files_and_names_with_a_slash_at_the_end_folders(tmp_path):
    """Before ustar a folder was known by its name alone."""
    heads = [
        (special(name, tarfile.AREGTYPE, size=1), b"x")
        for name in ("cat/", "cat/a.png", "dog/", "dog/b.png", "dog/d.png/")
    ]
    path = pack(tmp_path / "val.tar", [*heads, (special("dog/c.png", tarfile.CONTTYPE, size=1), b"y")])
    source = open_source(path)
    assert [item.image_id for item in source.items] == ["a", "b", "c"]
    assert [source.reader.read(item) for item in source.items] == [b"x", b"x", b"y"]


def test_a_name_may_have_4096_characters(tmp_path, monkeypatch):
    """Its extended header has one byte more."""
    name = f"cat/{'a' * 4088}.png"
    path = pack(tmp_path / "val.tar", [(name, b"picture")], format=tarfile.GNU_FORMAT)
    monkeypatch.setattr(tar_members, "_LONGEST", 4096)
    with pytest.raises(
        SourceError, match="a header of 4,097 bytes at byte 0 is too long; pack the archive anew"
    ):
        open_source(path)
    monkeypatch.setattr(tar_members, "_LONGEST", 4097)
    source = open_source(path)
    assert len(name) == 4096 and source.items[0].image_id == "a" * 4088


def test_a_name_may_fill_its_field(tmp_path):
    name = f"cat/{'a' * 92}.png"
    source = open_source(pack(tmp_path / "val.tar", [(name, b"picture")], format=tarfile.USTAR_FORMAT))
    assert len(name) == 100 and source.items[0].location == f"{tmp_path / 'val.tar'}#{name}@512+7"


def test_a_name_has_a_prefix_in_headers_of_ustar_only(tmp_path):
    """GNU keeps the time of the last access there; a checksum of bytes such as these has six digits."""
    name = f"val/{'é' * 75}/{'é' * 40}.png"
    path = pack(tmp_path / "val.tar", [(name, b"picture")], format=tarfile.USTAR_FORMAT)
    assert open_source(path).items[0].location == f"{path}#{name}@512+7"
    path = pack(tmp_path / "gnu.tar", [("cat/a.png", b"picture")], format=tarfile.GNU_FORMAT)
    source = open_source(with_size(path, b"14371275573\0", offset=345))
    assert source.items[0].location == f"{path}#cat/a.png@512+7"


def test_one_reader_serves_many_threads(tmp_path):
    members = [(f"cat/{n}.png", f"picture {n}".encode() * n) for n in range(200)]
    source = open_source(pack(tmp_path / "val.tar", members))
    with ThreadPoolExecutor(8) as pool:
        read = dict(
            zip((i.image_id for i in source.items), pool.map(source.reader.read, source.items), strict=True)
        )
    assert read == {str(n): f"picture {n}".encode() * n for n in range(200)}


def test_an_archive_that_changes_is_named_and_its_stamp_changes(tmp_path):
    path = pack(tmp_path / "val.tar", [("cat/a.png", b"one")])
    source = open_source(path)
    pack(path, [("cat/b.png", b"x"), ("cat/a.png", b"one")])
    with pytest.raises(SourceError, match=r"val\.tar#cat/a\.png: has changed"):
        source.reader.read(source.items[0])
    assert open_source(path).stamp != source.stamp
    path.unlink()
    with pytest.raises(SourceError, match=r"val\.tar#cat/a\.png: cannot be read"):
        source.reader.read(source.items[0])


def test_a_compressed_archive_is_read_in_any_order_and_by_many_threads(tmp_path):
    generator = random.Random(0)
    data = {f"{n:03d}": generator.randbytes(generator.randrange(40_000)) for n in range(200)}
    plain = pack(tmp_path / "val.tar", [(f"cat/{name}.png", one) for name, one in data.items()])
    # Members of one gzip file may follow one another, and zeros pad it.
    whole = plain.read_bytes()
    (tmp_path / "val.tgz").write_bytes(
        gzip.compress(whole[:3_000_000], 1) + gzip.compress(whole[3_000_000:], 1) + bytes(512)
    )
    source = open_source(tmp_path / "val.tgz")
    assert source.contents == open_source(plain).contents
    items = list(source.items)
    generator.shuffle(items)
    reader = pickle.loads(pickle.dumps(source.reader))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(reader.read, items)) == [data[item.image_id] for item in items]
    with pytest.raises(SourceError, match=r"cat/199\.png: cut short; fetch the archive again"):
        reader.read(source.items[-1]._replace(location=f"{tmp_path}/val.tgz#cat/199.png@512+{len(whole)}"))
    os.truncate(tmp_path / "val.tgz", 100)
    with pytest.raises(SourceError, match=r"cat/.*png: has changed"):
        reader.read(items[0])


GOOD = ("cat/a.jpg", b"")
HOSTILE = {
    "absolute": ([("/etc/cron.d/a.jpg", b"")], "'/etc/cron.d/a.jpg' has a name that leads out"),
    "parent": ([GOOD, ("cat/../../../a.jpg", b"")], "'cat/../../../a.jpg' has a name that leads out"),
    "parent, no image": ([GOOD, ("../.bashrc", b"")], "'../.bashrc' has a name that leads out"),
    "symlink": ([(special("cat/a.jpg", tarfile.SYMTYPE, "/etc/passwd"), b"")], "a symbolic link"),
    "hard link": ([GOOD, (special("cat/b.jpg", tarfile.LNKTYPE, "cat/a.jpg"), b"")], "a hard link"),
    "device": ([(special("cat/a.jpg", tarfile.BLKTYPE), b"")], "a block device"),
    "terminal": ([(special("cat/tty", tarfile.CHRTYPE), b"")], "'cat/tty' is a character device"),
    "pipe": ([(special("cat/a.jpg", tarfile.FIFOTYPE), b"")], "a pipe"),
    "unknown": ([(special("cat/a.jpg", b"Z"), b"")], "unknown type b'Z'"),
    "sparse": ([(special("cat/a.jpg", tarfile.GNUTYPE_SPARSE), b"")], "'cat/a.jpg' is a sparse file"),
    "newline": ([("cat/a\nb.jpg", b"")], "rename it"),
    "newline in a folder": ([("cat\n/a.jpg", b"")], "'cat\\n' holds characters that cannot be stored"),
    "twice": ([GOOD, ("cat/a.png", b"")], "two images have the id 'cat/a'"),
    "depths": ([GOOD, ("b.jpg", b"")], "cat/a.jpg and b.jpg are not in folders side by side"),
    "depths the other way": ([("b.jpg", b""), GOOD], "b.jpg and cat/a.jpg are not in folders side by side"),
    "deeper": ([GOOD, ("x/dog/b.jpg", b"")], "cat/a.jpg and x/dog/b.jpg are not in folders side by side"),
    "deeper, the other way": ([("x/dog/b.jpg", b""), GOOD], "x/dog/b.jpg and cat/a.jpg are not in folders"),
    "mixed": ([GOOD, ("n01443537/b.jpg", b"")], "'cat'"),
    "one label": ([("holiday.jpg", b""), ("ILSVRC2012_val_00000001.jpg", b"")], "as 1 of 2 files are"),
    "nothing": ([("README", b"hello"), ("cat/.hidden.jpg", b""), (".cat/a.jpg", b"")], "no image in it"),
    "dots": ([("./.", b"")], "no image in it"),
    "long name": (
        [("cat/" + "a" * 5000 + ".jpg", b"")],
        f"'cat/{'a' * 96}'... has a name of 5,008 characters",
    ),
    "long header": ([("cat/" + "a" * (2 << 20), b"")], "bytes at byte 0 is too long"),
}


@pytest.mark.parametrize("form", ["gnu", "pax"])
@pytest.mark.parametrize("case", HOSTILE)
def test_what_has_no_place_in_an_archive_of_photographs_is_named(tmp_path, case, form):
    members, says = HOSTILE[case]
    path = pack(tmp_path / "val.tar", members, format=FORMATS[form])
    with pytest.raises(SourceError) as error:
        open_source(path)
    assert str(path) in str(error.value) and says in str(error.value)
    assert len(str(error.value)) < 1000
    assert os.listdir(tmp_path) == ["val.tar"]


def test_a_sparse_file_in_the_pax_manner_is_named(tmp_path):
    info = tarfile.TarInfo("cat/a.jpg")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    path = pack(tmp_path / "val.tar", [(info, b"")], format=tarfile.PAX_FORMAT)
    with pytest.raises(SourceError, match="sparse"):
        open_source(path)


def test_damaged_pax_headers_are_named(tmp_path):
    for record in (b"0 path=cat/b.jpg\n", b"99 path=cat/b.jpg\n", b"x", b"9 nothing\n", b"15 size=-50000\n"):
        header = special("x", tarfile.XHDTYPE, size=len(record))
        path = tmp_path / "val.tar"
        with open(path, "wb") as file:
            file.write(header.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0"))
            file.write(special("cat/a.jpg", tarfile.REGTYPE).tobuf() + bytes(1024))
        with pytest.raises(SourceError, match="damaged at byte"):
            open_source(path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda data: data[:1000],
            "cut short: 1,000 bytes, but its member at byte 0 ends at 1,536; fetch it",
        ),
        (lambda data: data[:300], "not a tar archive"),
        (lambda data: data[:1536], "cut short after 1,536 bytes"),
        (lambda data: data[:1600], "cut short after 1,600 bytes"),
        (lambda data: data[:1536] + b"garbage" * 200, "damaged at byte 1,536"),
        (lambda data: b"", "not a tar archive"),
        (lambda data: b"PK\3\4" + bytes(2000), "not a tar archive"),
        (lambda data: gzip.compress(data[:1600]), "cut short after 1,600 bytes"),
        (lambda data: gzip.compress(data)[:60], "cut short"),
        (lambda data: gzip.compress(data)[:40] + b"\xff" * 40, "damaged"),
        (lambda data: gzip.compress(b"hello"), "cut short"),
        (lambda data: bz2.compress(data), "compressed with bzip2"),
        (lambda data: b"\x28\xb5\x2f\xfd" + data, "compressed with zstd"),
        (lambda data: data[:124] + b"\xff" * 12 + data[136:], "not a tar archive"),
        (lambda data: data[:148] + b"unwanted" + data[156:], "not a tar archive"),
    ],
)
def test_spoilt_archives_are_named(tmp_path, spoil, says):
    path = pack(tmp_path / "val.tar", [("cat/a.jpg", b"x" * 1024)])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SourceError) as error:
        open_source(path)
    assert str(path) in str(error.value) and says in str(error.value)


def test_a_size_of_terabytes_takes_no_memory(tmp_path):
    info = special("cat/a.jpg", tarfile.REGTYPE, size=1 << 42)
    path = tmp_path / "val.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(SourceError, match="cut short"):
        open_source(path)
    os.truncate(path, (1 << 42) + 2048)
    source = open_source(path)
    with pytest.raises(SourceError, match="too many for an image"):
        source.reader.read(source.items[0])


def test_many_members_that_are_no_images_take_no_memory(tmp_path):
    path = tmp_path / "val.tar"
    header = special("cat/notes.txt", tarfile.REGTYPE).tobuf()
    with open(path, "wb") as file:
        for _ in range(10):
            file.write(header * 2000)
        file.write(special("cat/a.jpg", tarfile.REGTYPE).tobuf() + bytes(1024))
    tracemalloc.start()
    assert len(open_source(path).items) == 1
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_the_command_takes_an_archive(tmp_path, flat, monkeypatch):
    path = tmp_path / "val.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(flat, "")
    shutil.rmtree(flat)
    monkeypatch.setenv("IMAGENET_CP_SOURCE", str(path))
    assert open_source().name == str(path) and len(open_source().items) == 4


def test_an_inflated_file_is_read_from_its_beginning(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"12345"))
    stream = GzipStream(tmp_path / "a.gz")
    assert (stream.read(2), stream.read(9), stream.seek(1), stream.read(1)) == (b"12", b"345", 1, b"2")
