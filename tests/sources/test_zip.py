"""Zip archives as sources: damaged members, false sizes and links are named; test_layouts.py has their layouts."""

import stat
import tracemalloc
import zipfile

import pytest

from imagenet_cp.errors import SourceError
from imagenet_cp.sources import open_source
from imagenet_cp.sources.zip import open_zip, read_member


def test_a_damaged_member_of_the_zip_is_named(tmp_path):
    path = tmp_path / "val.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/a.jpg", bytes(range(256)))
    data = bytearray(path.read_bytes())
    place = data.find(b"cat/a.jpg") + 60
    data[place : place + 40] = bytes(40)
    path.write_bytes(data)
    source = open_source(path)
    with pytest.raises(SourceError, match=r"a\.jpg: cannot be read"):
        source.reader.read(source.items[0])


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_of_the_zip_takes_no_more_memory_than_its_size(tmp_path, way):
    """A member of 64 MB, of which the archive says that it has 100 bytes."""
    path = tmp_path / "val.zip"
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr("cat/a.jpg", bytes(64 << 20))
    data = path.read_bytes()
    path.write_bytes(data.replace((64 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    source = open_source(path)
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"a\.jpg: (cannot be read|compressed in a way)"):
        source.reader.read(source.items[0])
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_member_larger_than_any_image_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"a")
        archive.getinfo("a.png").file_size = 2**30 + 1
        with pytest.raises(
            SourceError, match=r"a\.zip#a\.png: 1,073,741,825 bytes are too many for an image"
        ):
            read_member(archive, "a.png")
        archive.getinfo("a.png").file_size = 1


def test_folders_among_the_members_are_passed_over(tmp_path):
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        for name in ("a.jpg/", "cat/", "cat\\a.jpg", "dog/", "dog/b.jpg"):
            archive.writestr(name, name.removesuffix("/"))
    source = open_source(tmp_path / "val.zip")
    assert [source.reader.read(item) for item in source.items] == [b"cat\\a.jpg", b"dog/b.jpg"]


def test_a_link_in_a_zip_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        for name, kind in (("cat/a.jpg", stat.S_IFREG), ("cat/b.jpg", stat.S_IFLNK)):
            member = zipfile.ZipInfo(name)
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, b"/etc/passwd")
    with pytest.raises(SourceError, match=r"member 'cat/b\.jpg' is a symbolic link"):
        open_source(tmp_path / "val.zip")


def test_a_damaged_list_of_members_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        archive.writestr("cat/a.jpg", b"")
    data = (tmp_path / "val.zip").read_bytes()
    (tmp_path / "val.zip").write_bytes(data.replace(b"PK\1\2", b"PK\0\0"))
    for opened in (open_source, open_zip):
        with pytest.raises(SourceError, match=r"val\.zip: damaged, or cut short \(.*\); fetch it again"):
            opened(tmp_path / "val.zip")


def test_an_archive_with_encrypted_images_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
        archive.writestr("notes.txt", b"")
        archive.writestr("cat/a.jpg", b"")
    data = bytearray((tmp_path / "val.zip").read_bytes())
    first = data.find(b"PK\1\2")
    data[first + 8] |= 1
    (tmp_path / "val.zip").write_bytes(data)
    assert len(open_source(tmp_path / "val.zip").items) == 1
    data[data.find(b"PK\1\2", first + 1) + 8] |= 1
    (tmp_path / "val.zip").write_bytes(data)
    with pytest.raises(SourceError, match=r"val\.zip: is encrypted; unpack it and name the folder"):
        open_source(tmp_path / "val.zip")


def test_an_archive_that_changes_is_named(tmp_path):
    for content in (b"one", b"three"):
        with zipfile.ZipFile(tmp_path / "val.zip", "w") as archive:
            archive.writestr("cat/a.jpg", content)
        if content == b"one":
            source = open_source(tmp_path / "val.zip")
    with pytest.raises(SourceError, match=r"val\.zip#cat/a\.jpg: has changed since it was listed"):
        source.reader.read(source.items[0])
